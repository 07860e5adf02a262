"""Bundles: what was signed on one side, and nothing else, comes out on the other."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gatekeeper.core.errors import DeniedError, MalformedError
from gatekeeper.core.feed import FeedKind
from gatekeeper.ports.feeds import BundledFeed
from gatekeeper.ports.vulnerabilities import FeedFact, FeedRecord, FeedSpec
from gatekeeper.signatures.sealing import open_seal, seal
from gatekeeper.signatures.signing import SigningKey
from gatekeeper.vulnerabilities.feeds.bundle import is_bundle, line_of, pack, unpack

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
KEY, OTHER = SigningKey.generate("ours.pub"), SigningKey.generate("other.pub")
RECORD = b'{"id": "GHSA-1",\n "modified": "2026-05-01T00:00:00Z"}'
FACT = FeedFact("CVE-2026-1", score=0.5, at=NOW)
OSV = FeedSpec("osv-pypi", FeedKind.OSV, "PyPI", "https://osv.example/PyPI/all.zip")
SCORES = FeedSpec("epss", FeedKind.EPSS, "", "epss.csv.gz")


def by(key: SigningKey) -> Callable[[bytes, str], bytes]:
    return lambda statement, predicate: seal(key, statement, predicate)


def trusting(*keys: SigningKey) -> Callable[[bytes], bytes]:
    return lambda envelope: open_seal(envelope, [key.public for key in keys])


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    path = tmp_path / "feeds.tar"
    folder = tmp_path / "packing"
    folder.mkdir()
    feeds = [
        BundledFeed(OSV, NOW, iter([line_of(RECORD)])),
        BundledFeed(SCORES, NOW, iter([line_of(FACT), line_of(FACT)])),
    ]
    pack(path, feeds, folder, created=NOW, seal=by(KEY))
    return path


def test_what_goes_in_comes_out(bundle: Path, tmp_path: Path) -> None:
    assert is_bundle(bundle)
    osv, scores = unpack(bundle, tmp_path, opened=trusting(OTHER, KEY))
    assert (osv.spec, osv.fetched_at, osv.content.kind) == (OSV, NOW, FeedKind.OSV)
    (record,) = osv.content.records()
    assert isinstance(record, FeedRecord)
    assert record.advisory.id == "GHSA-1"
    assert list(scores.content.records()) == [FACT, FACT]


@pytest.mark.parametrize("keys", [(), (OTHER,)])
def test_nobody_trusted_signed_it(bundle: Path, tmp_path: Path, keys: tuple[SigningKey, ...]) -> None:
    with pytest.raises(DeniedError, match="none of the trusted keys"):
        unpack(bundle, tmp_path, opened=trusting(*keys))


def repacked(bundle: Path, change: Callable[[dict[str, bytes]], None]) -> Path:
    """The same bundle with other members."""
    with tarfile.open(bundle) as archive:
        members = {one.name: archive.extractfile(one) for one in archive.getmembers()}
        content = {name: stream.read() for name, stream in members.items() if stream is not None}
    change(content)
    with tarfile.open(bundle, "w") as archive:
        for name, raw in content.items():
            member = tarfile.TarInfo(name)
            member.size = len(raw)
            archive.addfile(member, io.BytesIO(raw))
    return bundle


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (
            lambda members: members.update({"osv-pypi.jsonl.gz": members["epss.jsonl.gz"]}),
            "not what was signed",
        ),
        (lambda members: members.pop("epss.jsonl.gz"), "epss.jsonl.gz is missing"),
        (lambda members: members.update({"../evil": b"x"}), "nobody signed that"),
        (lambda members: members.update({"feeds.dsse.json": b"{}"}), "signature cannot be read"),
        (lambda members: members.clear(), "first member"),
    ],
)
def test_a_changed_bundle_is_refused_as_a_whole(
    bundle: Path, tmp_path: Path, change: Callable[[dict[str, bytes]], None], why: str
) -> None:
    with pytest.raises(MalformedError, match=why):
        unpack(repacked(bundle, change), tmp_path, opened=trusting(KEY))


@pytest.mark.parametrize(
    "statement", [b"{}", b"null", b'{"subject":[],"predicateType":"x","predicate":{"feeds":[]}}']
)
def test_a_signed_statement_of_something_else_is_no_bundle(
    bundle: Path, tmp_path: Path, statement: bytes
) -> None:
    def change(members: dict[str, bytes]) -> None:
        members["feeds.dsse.json"] = seal(KEY, statement, "x")

    with pytest.raises(MalformedError, match="statement"):
        unpack(repacked(bundle, change), tmp_path, opened=trusting(KEY))


def test_what_is_no_tar_file(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"feeds.dsse.json\0 and nothing else")
    assert is_bundle(path)
    assert not is_bundle(tmp_path / "missing")
    with pytest.raises(MalformedError, match="bundle cannot be used"):
        unpack(path, tmp_path, opened=trusting(KEY))
