"""Feeds are recognised by their content and read as streams; what is hostile becomes a typed refusal."""

from __future__ import annotations

import contextlib
import gzip
import json
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gatekeeper.core.errors import MalformedError, UnavailableError
from gatekeeper.core.feed import FeedKind
from gatekeeper.ports.vulnerabilities import FeedFact, FeedProblem, FeedRecord
from gatekeeper.vulnerabilities.feeds.archive import count_members, members
from gatekeeper.vulnerabilities.feeds.contents import Content, open_feed

KEV = {
    "title": "CISA Catalog",
    "vulnerabilities": [
        {"cveID": "CVE-2021-44228", "dateAdded": "2021-12-10"},
        {"cveID": "CVE-2021-1", "dateAdded": "soon"},
        {"cveID": "GHSA-1", "dateAdded": "2021-12-10"},
        7,
    ],
}
EPSS = "#model_version:v2025.03.14\ncve,epss,percentile\nCVE-2021-44228,0.97,0.99\nbad\n"
PRODUCTS = {
    "schema_version": "1.2.0",
    "result": [
        {
            "name": "debian",
            "releases": [{"name": "12", "eolFrom": "2026-06-10"}, {"name": "7", "isEol": True}, {"name": 3}],
        }
    ],
}
CYCLES = [{"cycle": "3.20", "eol": "2026-04-01"}, {"cycle": 3, "eol": False}, {"cycle": "2", "eol": True}]


def osv(name: str, ecosystem: str = "PyPI") -> dict[str, Any]:
    return {
        "id": name,
        "modified": "2026-05-01T00:00:00Z",
        "affected": [{"package": {"ecosystem": ecosystem, "name": "requests"}, "versions": ["1.0"]}],
    }


def written(path: Path, content: bytes | str | object) -> Path:
    raw = content if isinstance(content, bytes) else content.encode() if isinstance(content, str) else None
    path.write_bytes(json.dumps(content).encode() if raw is None else raw)
    return path


def zipped(path: Path, *records: dict[str, Any], **more: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for record in records:
            archive.writestr(f"{record['id']}.json", json.dumps(record))
        for name, content in more.items():
            archive.writestr(f"{name}.json", content)
    return path


def ids(content: Content) -> list[str]:
    return [entry.advisory.id for entry in content.records() if isinstance(entry, FeedRecord)]


def problems(content: Content) -> int:
    return sum(isinstance(entry, FeedProblem) for entry in content.records())


def test_osv_records_in_every_wrapping(tmp_path: Path) -> None:
    one, two = osv("GHSA-1"), osv("GHSA-2")
    folder = tmp_path / "folder"
    (folder / "deep").mkdir(parents=True)
    written(folder / "GHSA-1.json", one)
    written(folder / "deep" / "GHSA-2.json", two)
    written(folder / "README.txt", "no feed")
    wrapped = {
        "zip": zipped(tmp_path / "strange.name", one, two),
        "list": written(tmp_path / "list", [one, two]),
        "lines": written(tmp_path / "lines", f"{json.dumps(one)}\n\n{json.dumps(two)}\n"),
        "gzip": written(
            tmp_path / "lines.gz", gzip.compress(f"{json.dumps(one)}\n{json.dumps(two)}".encode())
        ),
        "api": written(tmp_path / "api", {"vulns": [one, two]}),
        "folder": folder,
    }
    found = {name: open_feed(path) for name, path in wrapped.items()}
    for name, content in found.items():
        assert sorted(ids(content)) == ["GHSA-1", "GHSA-2"], name
        assert (content.kind, content.ecosystem) == (FeedKind.OSV, "PyPI"), name
    assert found["zip"].total == 2
    assert len({content.sha256 for content in found.values()}) == len(found)
    alone = open_feed(written(tmp_path / "alone", json.dumps(one, indent=2)))
    assert ids(alone) == ["GHSA-1"]


def test_several_ecosystems_are_none(tmp_path: Path) -> None:
    content = open_feed(
        zipped(tmp_path / "all.zip", osv("GHSA-1"), osv("GHSA-2", "npm"), osv("X", "Debian:12"))
    )
    assert content.ecosystem == ""
    assert open_feed(zipped(tmp_path / "deb.zip", osv("X", "Debian:12"))).ecosystem == "Debian"


def test_a_bad_record_is_set_aside_alone(tmp_path: Path) -> None:
    bomb = json.dumps(osv("BOMB") | {"details": "x" * (17 * 1024 * 1024)}).encode()
    content = open_feed(zipped(tmp_path / "all.zip", osv("GHSA-1"), bad=b"{", bomb=bomb))
    assert ids(content) == ["GHSA-1"]
    assert problems(content) == 2


def test_exploits(tmp_path: Path) -> None:
    content = open_feed(written(tmp_path / "kev.json", KEV))
    assert content.kind is FeedKind.KEV
    facts = [entry for entry in content.records() if isinstance(entry, FeedFact)]
    assert facts == [FeedFact("CVE-2021-44228", at=datetime(2021, 12, 10, tzinfo=UTC))]
    assert problems(content) == 3


@pytest.mark.parametrize("packed", [False, True])
def test_scores(tmp_path: Path, packed: bool) -> None:
    raw = EPSS.encode()
    content = open_feed(written(tmp_path / "epss", gzip.compress(raw) if packed else raw))
    assert content.kind is FeedKind.EPSS
    assert list(content.records()) == [
        FeedFact("CVE-2021-44228", score=0.97),
        FeedProblem("line 4", "entry-malformed", "bad"),
    ]


def test_ends_of_releases(tmp_path: Path) -> None:
    content = open_feed(written(tmp_path / "full.json", PRODUCTS))
    assert content.kind is FeedKind.END_OF_LIFE
    facts = {entry.name: entry.at for entry in content.records() if isinstance(entry, FeedFact)}
    assert facts == {
        "debian:12": datetime(2026, 6, 10, tzinfo=UTC),
        "debian:7": datetime(1970, 1, 1, tzinfo=UTC),
    }
    assert problems(content) == 1
    cycles = open_feed(written(tmp_path / "alpine.json", CYCLES))
    assert {entry.name: entry.at for entry in cycles.records() if isinstance(entry, FeedFact)} == {
        "alpine:3.20": datetime(2026, 4, 1, tzinfo=UTC),
        "alpine:3": None,
        "alpine:2": datetime(1970, 1, 1, tzinfo=UTC),
    }


@pytest.mark.parametrize(
    "content", [b"", b"hello", b"{}", b'{"a": 1}', b"[1]", b'["x"]', b"\x1f\x8bno", b"PK\x05\x06"]
)
def test_what_is_no_feed_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(MalformedError):
        list(open_feed(written(tmp_path / "x", content)).records())


def test_another_kind_than_asked_for_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MalformedError, match="kind kev, not osv"):
        open_feed(written(tmp_path / "kev.json", KEV), kind=FeedKind.OSV)
    with pytest.raises(UnavailableError):
        open_feed(tmp_path / "missing")
    (tmp_path / "empty").mkdir()
    with pytest.raises(MalformedError, match="holds no feed"):
        open_feed(tmp_path / "empty")


@given(data=st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_broken_in_a_zip_is_a_typed_refusal(tmp_path: Path, data: st.DataObject) -> None:
    whole = zipped(tmp_path / "all.zip", osv("GHSA-1"), osv("GHSA-2")).read_bytes()
    raw = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    broken = written(tmp_path / "broken.zip", bytes(raw[: data.draw(st.integers(1, len(raw)))]))
    with contextlib.suppress(MalformedError, UnavailableError):
        list(open_feed(broken).records())


@given(
    raw=st.binary(max_size=400),
    start=st.sampled_from([b"", b"{", b"[", b'{"vulnerabilities":[', b"cve,epss\n", b"\x1f\x8b"]),
)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_bytes_there_are_the_refusal_is_typed(tmp_path: Path, raw: bytes, start: bytes) -> None:
    with contextlib.suppress(MalformedError, UnavailableError):
        list(open_feed(written(tmp_path / "x", start + raw)).records())


@given(st.lists(st.tuples(st.text("abc/", min_size=1, max_size=6), st.binary(max_size=50)), max_size=6))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_members_are_those_that_zipfile_reads(tmp_path: Path, files: list[tuple[str, bytes]]) -> None:
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number, (name, content) in enumerate(files):
            kind = zipfile.ZIP_DEFLATED if number % 2 else zipfile.ZIP_STORED
            archive.writestr(f"{number}{name}", content, kind)
    with zipfile.ZipFile(path) as archive:
        wanted = [(one.filename, archive.read(one)) for one in archive.infolist() if not one.is_dir()]
    assert [(member.name, member.content) for member in members(path, cap=100)] == wanted
    assert count_members(path) == len(files)


def test_members_of_a_zip64(tmp_path: Path) -> None:
    path = tmp_path / "big.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(70_000):
            archive.writestr(zipfile.ZipInfo(f"{number}"), b"")
    assert count_members(path) == 70_000
    assert sum(1 for _ in members(path, cap=1)) == 70_000
