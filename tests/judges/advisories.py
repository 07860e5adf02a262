"""A made-up set of OSV advisories and an SBOM, the same for every scanner, and how grype and osv-scanner are given it.

Versions are ordinary ones of each ecosystem, so that a difference between scanners is one of judgement, not of
spelling; the records are sorted, because grype's database holds constraints and no events.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import tarfile
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.judges import tools

ECOSYSTEMS = ("npm", "PyPI", "Go", "crates.io", "RubyGems", "Maven", "Debian:12", "Alpine:v3.20")
_TYPES = {
    "npm": "npm",
    "PyPI": "pypi",
    "Go": "golang",
    "crates.io": "cargo",
    "RubyGems": "gem",
    "Maven": "maven",
}
_SECONDS = 300

Record = dict[str, Any]


def records(count: int, *, seed: int = 7) -> list[Record]:
    """``count`` advisories; every package has a few."""
    chance = random.Random(seed)
    made = []
    for number in range(count):
        ecosystem = ECOSYSTEMS[number % len(ECOSYSTEMS)]
        package = chance.randrange(max(1, count // (3 * len(ECOSYSTEMS))))
        first, second = sorted(chance.sample(range(1, 60), 2))
        events: list[dict[str, str]] = [{"introduced": chance.choice(["0", _version(ecosystem, first)])}]
        match chance.randrange(8):
            case 0:
                events.append({"last_affected": _version(ecosystem, second)})
            case 1:
                pass
            case 2:
                events += [
                    {"fixed": _version(ecosystem, second)},
                    {"introduced": _version(ecosystem, second + 3)},
                    {"fixed": _version(ecosystem, second + 9)},
                ]
            case _:
                events.append({"fixed": _version(ecosystem, second)})
        kind = "SEMVER" if ecosystem in ("npm", "Go", "crates.io") else "ECOSYSTEM"
        affected: Record = {
            "package": {"ecosystem": ecosystem, "name": _name(ecosystem, package)},
            "ranges": [{"type": kind, "events": events}],
        }
        if chance.randrange(5) == 0:
            affected["versions"] = [_version(ecosystem, chance.randrange(1, 60))]
        made.append(
            {
                "schema_version": "1.6.0",
                "id": f"TEST-2024-{number}",
                "modified": "2024-01-01T00:00:00Z",
                "published": "2024-01-01T00:00:00Z",
                "aliases": [f"CVE-2024-{number}"],
                "summary": f"Something is wrong in package {package}",
                "affected": [affected],
            }
        )
    return made


def sbom(components: int, advisories: int, *, seed: int = 11) -> bytes:
    """CycloneDX as syft writes it for a Debian image; Alpine's packages name their own distribution."""
    chance = random.Random(seed)
    packages = max(1, advisories // (3 * len(ECOSYSTEMS)))
    listed = []
    for number in range(components):
        ecosystem = ECOSYSTEMS[number % (len(ECOSYSTEMS) - 1)]
        name = _name(ecosystem, chance.randrange(packages * 2))
        version = _version(ecosystem, chance.randrange(1, 75))
        listed.append(
            {
                "bom-ref": f"c{number}",
                "type": "library",
                "name": name,
                "version": version,
                "purl": _purl(ecosystem, name, version),
            }
        )
    system = {"bom-ref": "os", "type": "operating-system", "name": "debian", "version": "12"}
    properties = [
        {"name": "syft:distro:id", "value": "debian"},
        {"name": "syft:distro:versionID", "value": "12"},
    ]
    return json.dumps(
        {
            "bomFormat": "CycloneDX",
            "specVersion": "1.6",
            "version": 1,
            "metadata": {"component": {"bom-ref": "image", "type": "container", "name": "app"}},
            "components": [{**system, "properties": properties}, *listed],
        }
    ).encode()


def _name(ecosystem: str, package: int) -> str:
    match ecosystem:
        case "Go":
            return f"example.com/team/mod{package}"
        case "Maven":
            return f"com.example:lib{package}"
        case _:
            return f"pkg{package}"


def _version(ecosystem: str, number: int) -> str:
    major, minor = divmod(number, 10)
    match ecosystem:
        case "Debian:12":
            return f"{major}.{minor}.0-{1 + number % 3}+deb12u1"
        case "Alpine:v3.20":
            return f"{major}.{minor}.0-r{number % 4}"
        case "PyPI" if number % 7 == 3:
            return f"{major}.{minor}rc1"
        case "npm" if number % 9 == 4:
            return f"{major}.{minor}.0-beta.2"
        case _:
            return f"{major}.{minor}.0"


def _purl(ecosystem: str, name: str, version: str) -> str:
    escaped = version.replace("+", "%2B")
    match ecosystem:
        case "Debian:12":
            return f"pkg:deb/debian/{name}@{escaped}?arch=amd64&distro=debian-12"
        case "Alpine:v3.20":
            return f"pkg:apk/alpine/{name}@{version}?distro=alpine-3.20.1"
        case "Maven":
            return f"pkg:maven/{name.replace(':', '/')}@{version}"
        case "Go":
            return f"pkg:golang/{name}@v{version}"
        case _:
            return f"pkg:{_TYPES[ecosystem]}/{name}@{version}"


def write_feed(folder: Path, made: Sequence[Record]) -> Path:
    """One zip with a file for each record."""
    path = folder / "all.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for record in made:
            archive.writestr(f"{record['id']}.json", json.dumps(record))
    return path


class Grype:
    """grype with a database of these advisories and nothing else."""

    def __init__(self, folder: Path, made: Sequence[Record]) -> None:
        self.program, self._folder = tools.find("grype"), folder
        database = folder / "database"
        database.mkdir(parents=True)
        subprocess.run(
            [tools.find("grype-database"), database],
            input="\n".join(map(json.dumps, made)).encode(),
            check=True,
            timeout=_SECONDS,
        )
        packed = folder / "database.tar.gz"
        with tarfile.open(packed, "w:gz", compresslevel=1) as archive:
            archive.add(database / "vulnerability.db", "vulnerability.db")
        self.environment: dict[str, str] = {
            **os.environ,
            "GRYPE_DB_CACHE_DIR": str(folder / "cache"),
            "GRYPE_DB_AUTO_UPDATE": "false",
            "GRYPE_DB_VALIDATE_AGE": "false",
            "GRYPE_CHECK_FOR_APP_UPDATE": "false",
        }
        subprocess.run(
            [self.program, "db", "import", packed],
            env=self.environment,
            check=True,
            capture_output=True,
            timeout=_SECONDS,
        )

    def command(self, document: Path) -> list[str]:
        """What finds the vulnerabilities of an SBOM, as JSON."""
        return [str(self.program), f"sbom:{document}", "--quiet", "--output", "json"]

    def found(self, document: Path) -> set[tuple[str, str]]:
        """(purl, advisory) of every match."""
        done = subprocess.run(
            self.command(document), env=self.environment, capture_output=True, check=True, timeout=_SECONDS
        )
        matches = json.loads(done.stdout)["matches"]
        return {(match["artifact"]["purl"], match["vulnerability"]["id"]) for match in matches}


class OsvScanner:
    """osv-scanner without a network, with these advisories as its database."""

    def __init__(self, folder: Path, made: Sequence[Record]) -> None:
        self.program, self._folder = tools.find("osv-scanner"), folder
        by_base: dict[str, list[Record]] = {}
        for record in made:
            base = record["affected"][0]["package"]["ecosystem"].partition(":")[0]
            by_base.setdefault(base, []).append(record)
        for base, listed in by_base.items():
            place = folder / "osv-scanner" / base
            place.mkdir(parents=True)
            write_feed(place, listed)
        self.environment: dict[str, str] = {
            **os.environ,
            "OSV_SCANNER_LOCAL_DB_CACHE_DIRECTORY": str(folder),
        }

    def command(self, document: Path) -> list[str]:
        """What finds the vulnerabilities of an SBOM, as JSON. Its exit code is 1 when there are any."""
        return [
            str(self.program),
            "scan",
            "source",
            "--offline-vulnerabilities",
            "--offline",
            "--format",
            "json",
            "-L",
            str(document),
        ]

    def found(self, document: Path) -> set[tuple[str, str, str, str]]:
        """(ecosystem, name, version, advisory) of every match."""
        done = subprocess.run(
            self.command(document), env=self.environment, capture_output=True, check=False, timeout=_SECONDS
        )
        assert done.returncode in (0, 1), done.stderr.decode(errors="replace")[-2000:]
        return {
            (
                item["package"]["ecosystem"].partition(":")[0],
                item["package"]["name"],
                item["package"]["version"],
                vulnerability["id"],
            )
            for result in json.loads(done.stdout)["results"]
            for item in result["packages"]
            for vulnerability in item.get("vulnerabilities", ())
        }
