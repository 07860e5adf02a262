"""Reading CycloneDX: decoding alone, and everything with purls parsed, beside the format's own Python library.

The documents are made up: as many components as a large image has, with the fields that syft and Trivy write.
Nothing is cached between rounds; purls are parsed anew every time, ours and theirs.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from benchmarks.figures import Report, Target, interleaved, middle


@dataclass(frozen=True, slots=True)
class Sizes:
    components: tuple[int, ...] = (1_000, 5_000)
    rounds: int = 7


QUICK = Sizes(components=(200,), rounds=2)
DECODING, READING = 100, 30
_LICENCES = ("MIT", "Apache-2.0", "GPL-2.0-or-later", "BSD-3-Clause", "LGPL-2.1-only", "ISC")


def measure(sizes: Sizes) -> Iterator[Report]:
    from cyclonedx.model.bom import Bom
    from packageurl import PackageURL

    from gatekeeper.core.package_url import parse_purl
    from gatekeeper.sbom import cyclonedx, licences
    from gatekeeper.sbom.reader import Reader

    for count in sizes.components:
        content = document(count)
        plain = json.loads(content)
        purls = [one["purl"] for one in plain["components"]]
        reader = Reader()

        def read(content: bytes = content, reader: Reader = reader) -> object:
            licences.parse.cache_clear()
            licences.single.cache_clear()
            return reader.read(content)

        ways: dict[str, Callable[[], object]] = {
            "decoded (typed)": lambda content=content: cyclonedx.decoded(content),  # type: ignore[misc]
            "read, purls parsed": read,
            "cyclonedx-python-lib": lambda content=content: Bom.from_json(json.loads(content)),  # type: ignore[attr-defined, misc]
            "purls alone": lambda purls=purls: [parse_purl(purl) for purl in purls],  # type: ignore[misc]
            "purls, packageurl-python": lambda purls=purls: [PackageURL.from_string(purl) for purl in purls],  # type: ignore[misc]
        }
        taken = interleaved(sizes.rounds + 1, {name: _timed(way) for name, way in ways.items()})
        # The first round loads what every way needs once.
        seconds = {name: middle(values[1:]) for name, values in taken.items()}
        library = seconds["cyclonedx-python-lib"]
        report = Report(
            f"sboms: CycloneDX JSON, {count:,} components, {len(content) / 1e6:.1f} MB",
            ("way", "ms", "x cyclonedx-python-lib"),
        )
        for name, spent in seconds.items():
            shown = "" if name.startswith("purls") else f"{library / spent:.0f}"
            report.row(name, spent * 1000, shown)
        report.targets += [
            Target("decoding", library / seconds["decoded (typed)"], DECODING),
            Target("reading, purls parsed, nothing cached", library / seconds["read, purls parsed"], READING),
        ]
        report.notes.append(
            f"purls alone are {seconds['purls, packageurl-python'] / seconds['purls alone']:.1f}x packageurl-python"
        )
        yield report


def _timed(way: Callable[[], object]) -> Callable[[], float]:
    def run() -> float:
        started = time.perf_counter()
        way()
        return time.perf_counter() - started

    return run


def document(count: int) -> bytes:
    """A CycloneDX document of an image with packages of Debian, npm, PyPI and Maven."""
    chosen = random.Random(count)
    return json.dumps(
        {
            "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
            "bomFormat": "CycloneDX",
            "specVersion": "1.6",
            "serialNumber": "urn:uuid:3e671687-395b-41f5-a30f-a58921a69b79",
            "version": 1,
            "metadata": {
                "timestamp": "2026-03-01T12:00:00Z",
                "tools": {"components": [{"type": "application", "name": "syft", "version": "1.44.0"}]},
                "component": {"type": "container", "name": "registry.example/app", "version": "sha256:ab"},
            },
            "components": [_component(number, chosen) for number in range(count)],
        }
    ).encode()


def _component(number: int, chosen: random.Random) -> dict[str, object]:
    version = f"{chosen.randrange(9)}.{chosen.randrange(40)}.{chosen.randrange(20)}"
    name = f"package-{number}"
    purl, kind = chosen.choice(
        (
            (
                f"pkg:deb/debian/{name}@{version}-1%2Bdeb12u2?arch=amd64&distro=debian-12&upstream=source-{number}",
                "deb",
            ),
            (f"pkg:npm/%40scope/{name}@{version}", "npm"),
            (f"pkg:pypi/{name}@{version}", "python"),
            (f"pkg:maven/org.example.team/{name}@{version}", "java-archive"),
        )
    )
    return {
        "bom-ref": f"{purl}&package-id={number:016x}" if "?" in purl else f"{purl}?package-id={number:016x}",
        "type": "library",
        "name": name,
        "version": version,
        "cpe": f"cpe:2.3:a:{name}:{name}:{version}:*:*:*:*:*:*:*",
        "purl": purl,
        "licenses": [{"license": {"id": chosen.choice(_LICENCES)}}],
        "properties": [
            {"name": "syft:package:foundBy", "value": f"{kind}-cataloger"},
            {"name": "syft:package:type", "value": kind},
            {"name": "syft:location:0:layerID", "value": "sha256:" + "ab" * 32},
            {"name": "syft:location:0:path", "value": f"/usr/lib/{kind}/{name}"},
        ],
    }
