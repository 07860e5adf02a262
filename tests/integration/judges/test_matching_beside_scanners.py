"""The same advisories and the same SBOM, given to grype, to osv-scanner and to us: every difference is explained."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.cli import main
from tests.judges import advisories
from tests.judges.advisories import Grype, OsvScanner, Record

pytestmark = pytest.mark.slow
COUNT, COMPONENTS = 2_000, 600


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path


def ours(folder: Path, feed: Path, document: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    capsys.readouterr()
    main(["match", str(document), "--feed", str(feed), "--output", "json"])
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    return answer


def world(folder: Path, records: list[Record], document: bytes) -> tuple[Path, Path]:
    path = folder / "sbom.cdx.json"
    path.write_bytes(document)
    return advisories.write_feed(folder, records), path


def by_purl(answer: dict[str, Any]) -> set[tuple[str, str]]:
    return {(match["purl"], name) for match in answer["matches"] for name in match["advisories"]}


def by_package(answer: dict[str, Any]) -> set[tuple[str, str, str, str]]:
    return {
        (
            match["package"]["ecosystem"].partition(":")[0],
            match["package"]["name"],
            match["package"]["version"].removeprefix("v"),
            name,
        )
        for match in answer["matches"]
        for name in match["advisories"]
    }


@pytest.mark.judge("grype")
def test_grype_finds_the_same(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    records = advisories.records(COUNT)
    feed, document = world(folder, records, advisories.sbom(COMPONENTS, COUNT))
    grype = Grype(folder / "grype", records)
    found = ours(folder, feed, document, capsys)
    assert found["gaps"] == []
    assert len(found["matches"]) > 100
    assert by_purl(found) == grype.found(document)


@pytest.mark.judge("osv-scanner")
def test_osv_scanner_finds_the_same(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    records = advisories.records(COUNT)
    feed, document = world(folder, records, advisories.sbom(COMPONENTS, COUNT))
    scanner = OsvScanner(folder / "osv", records)
    found = ours(folder, feed, document, capsys)
    theirs = {
        (base, name, version.removeprefix("v"), found)
        for base, name, version, found in scanner.found(document)
    }
    assert by_package(found) == theirs


def one(*purls: str) -> bytes:
    components = [{"type": "library", "name": purl.rpartition("/")[2], "purl": purl} for purl in purls]
    for component in components:
        name, _, version = component["name"].partition("@")
        component.update(name=name, version=version.partition("?")[0])
    document = {"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "components": components}
    return json.dumps(document).encode()


def record(ecosystem: str, name: str, **affected: Any) -> Record:
    return {
        "schema_version": "1.6.0",
        "id": "TEST-1",
        "modified": "2024-01-01T00:00:00Z",
        "published": "2024-01-01T00:00:00Z",
        "affected": [{"package": {"ecosystem": ecosystem, "name": name}, **affected}],
    }


def ecosystem_range(*events: dict[str, str], kind: str = "ECOSYSTEM") -> dict[str, Any]:
    return {"type": kind, "events": list(events)}


@pytest.mark.judge("osv-scanner")
@pytest.mark.parametrize(
    ("what", "purl", "we_find", "they_find"),
    [
        # "Limits" of the schema are not evaluated by osv-scanner.
        (
            record("PyPI", "a", ranges=[ecosystem_range({"introduced": "0"}, {"limit": "2"})]),
            "pkg:pypi/a@3.0",
            False,
            True,
        ),
        # A range of commits ends its evaluation, so that ranges after it are not read.
        (
            record(
                "PyPI",
                "a",
                ranges=[
                    {
                        "type": "GIT",
                        "repo": "https://example.com/a",
                        "events": [
                            {"introduced": "0"},
                            {"fixed": "6879efc2c1596d11a6a6ad296f80063b558d5e0f"},
                        ],
                    },
                    ecosystem_range({"introduced": "0"}, {"fixed": "2"}),
                ],
            ),
            "pkg:pypi/a@1.0",
            True,
            False,
        ),
        # PyPI's 1.0 and 1.0.0 are one release: a list that names the one names the other.
        (record("PyPI", "a", versions=["1.0.0"]), "pkg:pypi/a@1.0", True, False),
        # Composer fills up to four numbers; PHP's version_compare, which osv-scanner follows, does not.
        (
            record("Packagist", "a/a", ranges=[ecosystem_range({"introduced": "1.0.0"}, {"fixed": "2"})]),
            "pkg:composer/a/a@1.0",
            True,
            False,
        ),
    ],
)
def test_where_osv_scanner_differs(
    what: Record,
    purl: str,
    we_find: bool,
    they_find: bool,
    folder: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    feed, document = world(folder, [what], one(purl))
    scanner = OsvScanner(folder / "osv", [what])
    assert bool(ours(folder, feed, document, capsys)["matches"]) is we_find
    assert bool(scanner.found(document)) is they_find
