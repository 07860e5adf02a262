"""SBOMs that syft really makes of images with real package databases, in every format it writes."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.cli import main
from gatekeeper.core.component import OperatingSystem, SbomDocument, coverage_of
from gatekeeper.demo.registry import EmbeddedRegistry
from gatekeeper.sbom.reader import Reader
from tests.fakes.package_databases import (
    ALPINE_RELEASE,
    APK_INSTALLED,
    DEBIAN_RELEASE,
    DPKG_STATUS,
    RHEL_RELEASE,
    layer,
    rpm_database,
    rpm_header,
)
from tests.integration.sbom.conftest import Show, layered
from tests.judges.tools import find

pytestmark = [pytest.mark.judge("syft"), pytest.mark.timeout(300)]

FORMATS = {
    "cyclonedx-json": "cyclonedx-json",
    "cyclonedx-json@1.2": "cyclonedx-json",
    "cyclonedx-json@1.4": "cyclonedx-json",
    "cyclonedx-json@1.6": "cyclonedx-json",
    "cyclonedx-xml": "cyclonedx-xml",
    "spdx-json": "spdx-json",
    "spdx-json@2.2": "spdx-json",
    "spdx-tag-value": "spdx-tag-value",
    "spdx-tag-value@2.2": "spdx-tag-value",
    "syft-json": "syft-json",
}
PYTHON: dict[str, str | bytes] = {
    "usr/lib/python3/dist-packages/requests-2.31.0.dist-info/METADATA": (
        "Metadata-Version: 2.1\nName: requests\nVersion: 2.31.0\nLicense: Apache 2.0\n"
    ),
    "usr/lib/python3/dist-packages/requests-2.31.0.dist-info/RECORD": "requests/__init__.py,,\n",
    "usr/lib/node_modules/left-pad/package.json": '{"name":"left-pad","version":"1.3.0","license":"WTFPL"}',
}
BASH = rpm_header(
    name="bash", version="5.1.8", release="9.el9", license="GPLv3+", arch="x86_64",
    sourcerpm="bash-5.1.8-9.el9.src.rpm",
)  # fmt: skip
IMAGES: dict[str, list[dict[str, str | bytes]]] = {
    "alpine": [{"etc/os-release": ALPINE_RELEASE, "lib/apk/db/installed": APK_INSTALLED}, PYTHON],
    "debian": [{"etc/os-release": DEBIAN_RELEASE, "var/lib/dpkg/status": DPKG_STATUS}, PYTHON],
    "rhel": [{"etc/os-release": RHEL_RELEASE, "var/lib/rpm/rpmdb.sqlite": rpm_database(BASH)}, PYTHON],
}
SYSTEMS = {"alpine": ("alpine", "3.20.1"), "debian": ("debian", "12"), "rhel": ("rhel", "9.4")}


@pytest.fixture(scope="module")
def registry() -> Iterator[EmbeddedRegistry]:
    with EmbeddedRegistry() as made:
        for name, layers in IMAGES.items():
            layered(*(layer(files) for files in layers)).store_in(made.store, name, "1")
        yield made


@pytest.fixture(scope="module")
def made(registry: EmbeddedRegistry, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Path]]:
    """Image -> format -> file; one run of syft for each image."""
    syft = find("syft")
    folder = tmp_path_factory.mktemp("syft")
    environment = {
        **os.environ,
        "SYFT_REGISTRY_INSECURE_USE_HTTP": "true",
        "SYFT_CHECK_FOR_APP_UPDATE": "false",
        "HOME": str(folder),
    }
    files: dict[str, dict[str, Path]] = {}
    for name in IMAGES:
        files[name] = {format_: folder / f"{name}-{format_}" for format_ in FORMATS}
        outputs = [word for format_, path in files[name].items() for word in ("-o", f"{format_}={path}")]
        subprocess.run(
            [syft, "scan", f"registry:{registry.host}/{name}:1", "--quiet", *outputs],
            env=environment,
            check=True,
            timeout=240,
        )
    return files


def packages(document: SbomDocument) -> set[tuple[str, str, str]]:
    """What a reader of any format must find: name, purl and, where it is another, the source package."""
    return {
        (
            one.name,
            str(one.package_url),
            one.source.name if one.source and one.source.name != one.name else "",
        )
        for one in document.components
        if one.package_url is not None
    }


@pytest.mark.parametrize("name", IMAGES)
@pytest.mark.parametrize("format_", FORMATS)
def test_every_format_says_the_same(made: dict[str, dict[str, Path]], name: str, format_: str) -> None:
    document = Reader().read(made[name][format_].read_bytes())
    reference = Reader().read(made[name]["syft-json"].read_bytes())
    assert document.format == FORMATS[format_]
    assert document.unreadable == 0
    assert packages(document) == packages(reference)
    assert document.operating_system is not None
    assert (document.operating_system.id, document.operating_system.version_id) == SYSTEMS[name]
    coverage = coverage_of(document)
    assert coverage.identified == len(packages(reference))
    assert any("syft" in tool for tool in document.tools)


@pytest.mark.parametrize("name", IMAGES)
def test_our_own_reader_of_layers_finds_the_same_packages_of_the_operating_system(
    registry: EmbeddedRegistry, show: Show, made: dict[str, dict[str, Path]], name: str
) -> None:
    reference = Reader().read(made[name]["syft-json"].read_bytes())
    wanted = {
        (one.name, one.version, one.source.name if one.source and one.source.name != one.name else "")
        for one in reference.components
        if one.package_url is not None and one.package_url.type in ("apk", "deb", "rpm")
    }
    code, answer = show(f"{registry.host}/{name}:1", "--plain-http", "--os-only")
    assert code == 0
    found = {
        (
            one["name"],
            one["version"],
            one["source"]["name"] if one["source"] and one["source"]["name"] != one["name"] else "",
        )
        for one in answer["components"]
    }
    assert found == wanted
    assert {one["purl"] for one in answer["components"]} == {
        str(one.package_url)
        for one in reference.components
        if one.package_url is not None and one.package_url.type in ("apk", "deb", "rpm")
    }


def test_what_is_shown_of_a_debian_image(made: dict[str, dict[str, Path]], show: Show) -> None:
    code, answer = show(str(made["debian"]["cyclonedx-json"]))
    assert (code, answer["state"]) == (0, "read")
    assert answer["operating_system"]["name"] == "Debian GNU/Linux 12 (bookworm)"
    found: dict[str, Any] = {one["name"]: one for one in answer["components"]}
    assert found["libstdc++6"]["source"] == {"name": "gcc-12", "version": "12.2.0-14"}
    assert found["libc6"]["package_url"]["qualifiers"]["upstream"] == "glibc"
    assert found["requests"]["licence"] == "Apache-2.0"
    assert found["left-pad"]["licence"] == "WTFPL"
    assert answer["coverage"]["ecosystems"] == {"deb": 3, "npm": 1, "pypi": 1}


@pytest.mark.parametrize("output", ["cyclonedx", "spdx"])
@pytest.mark.parametrize("name", IMAGES)
def test_what_we_emit_says_the_same_again(
    made: dict[str, dict[str, Path]], capsys: pytest.CaptureFixture[str], name: str, output: str
) -> None:
    source = made[name]["syft-json"]
    assert main(["sbom", "show", str(source), "--output", output]) == 0
    emitted = capsys.readouterr().out.encode()
    document, reference = Reader().read(emitted), Reader().read(source.read_bytes())
    assert packages(document) == packages(reference)
    system = document.operating_system
    assert system is not None
    assert isinstance(system, OperatingSystem)
    assert (system.id, system.version_id) == SYSTEMS[name]
    assert json.loads(emitted)
