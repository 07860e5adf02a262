"""Feeds from their sources: over HTTP by entity tag and record by record, from files, as artifacts of a registry."""

from __future__ import annotations

import dataclasses
import json
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import NotFoundError
from gatekeeper.core.feed import FeedKind, FeedSource
from gatekeeper.core.manifest import OCI_EMPTY, OCI_MANIFEST
from gatekeeper.signatures.signing import signature_layer, tagged
from gatekeeper.workflow import feeds
from gatekeeper.workflow.feeds import FeedOutcome
from tests.integration.feeds.conftest import Source
from tests.integration.workflow.world import ALICE, MALLORY, World, a_world

HOUR = timedelta(hours=1)


def record(name: str, modified: str = "2026-05-01T00:00:00Z", **more: Any) -> dict[str, Any]:
    package = {"ecosystem": "PyPI", "name": "requests"}
    return {"id": name, "modified": modified, "affected": [{"package": package, "versions": ["1.0"]}], **more}


def publish(source: Source, *records: dict[str, Any]) -> None:
    """As osv.dev does: the whole as a zip, each record, and the list of changes, newest first."""
    path = source.put("PyPI/all.zip", b"")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for found in records:
            archive.writestr(f"{found['id']}.json", json.dumps(found))
            source.put(f"PyPI/{found['id']}.json", json.dumps(found, indent=2))
    listed = sorted(((found["modified"], found["id"]) for found in records), reverse=True)
    source.put("PyPI/modified_id.csv", "".join(f"{at},{name}\n" for at, name in listed))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    folder = tmp_path / "world"
    folder.mkdir()
    with a_world(folder) as made:
        yield made


def configured(world: World, kind: FeedKind, url: str, **more: Any) -> FeedSource:
    """A fresh process in whose configuration this source stands."""
    source = FeedSource("fed", kind, "PyPI" if kind is FeedKind.OSV else "", url, HOUR, **more)
    supply = dataclasses.replace(world.app.room.supply, sources=lambda: (source,))
    world.app = dataclasses.replace(world.app, room=dataclasses.replace(world.app.room, supply=supply))
    return source


def fetched(world: World) -> FeedOutcome:
    (outcome,) = feeds.update(world.app.room)
    return outcome


def names(world: World) -> set[str]:
    rows = world.app.room.store.feed_records("fed", after=0, limit=100)
    return {json.loads(row.content)["id"] for row in rows if isinstance(row.content, bytes)}


def test_an_osv_dump_is_fetched_whole_once_and_then_record_by_record(world: World, source: Source) -> None:
    publish(source, record("A"), record("B"))
    configured(world, FeedKind.OSV, f"{source.url}/PyPI/all.zip")
    assert fetched(world).state == "published"
    assert names(world) == {"A", "B"}
    assert fetched(world).state == "unchanged"
    source.asked.clear()
    publish(
        source,
        record("A"),
        record("B", "2026-05-02T00:00:00Z", withdrawn="2026-05-02T00:00:00Z"),
        record("C", "2026-05-03T00:00:00Z"),
    )
    outcome = fetched(world)
    assert outcome.published is not None
    assert (outcome.published.added, outcome.published.removed) == (2, 1)
    assert names(world) == {"A", "B", "C"}
    assert sorted(source.asked) == ["/PyPI/B.json", "/PyPI/C.json", "/PyPI/modified_id.csv"]


def test_any_other_file_is_fetched_again_only_when_it_changed(world: World, source: Source) -> None:
    source.put("kev.json", json.dumps({"vulnerabilities": [{"cveID": "CVE-1", "dateAdded": "2026-01-01"}]}))
    configured(world, FeedKind.KEV, f"{source.url}/kev.json")
    assert fetched(world).state == "published"
    before = world.app.room.store.feed("fed").fetched_at
    world.clock.advance(HOUR)
    assert fetched(world).state == "unchanged"
    after = world.app.room.store.feed("fed").fetched_at
    assert before is not None
    assert after == before + HOUR
    assert source.asked == ["/kev.json"]


def test_a_source_that_fails_says_so_and_leaves_the_feed_as_it_is(world: World, source: Source) -> None:
    publish(source, record("A"))
    configured(world, FeedKind.OSV, f"{source.url}/PyPI/all.zip")
    fetched(world)
    source.put("PyPI/modified_id.csv", "2026-06-01T00:00:00Z,GONE\n")
    outcome = fetched(world)
    assert (outcome.state, outcome.reason_code) == ("failed", "feed-not-there")
    row = world.app.room.store.feed("fed")
    assert row.error is not None
    assert "answered 404" in row.error
    assert names(world) == {"A"}
    assert row.next_due is not None
    assert row.next_due <= world.clock.now() + HOUR


@pytest.mark.parametrize(("breaking", "state"), [(2, "published"), (5, "failed")])
def test_a_download_that_breaks_off_goes_on_where_it_was(
    world: World, source: Source, breaking: int, state: str
) -> None:
    scores = "".join(f"CVE-2026-{number},0.5,0.5\n" for number in range(1, 1001))
    source.put("scores.csv", f"cve,epss,percentile\n{scores}")
    configured(world, FeedKind.EPSS, f"{source.url}/scores.csv")
    source.breaking = breaking
    assert fetched(world).state == state
    assert len(source.ranges) == min(breaking, 4)
    assert len(set(source.ranges)) == len(source.ranges)
    if state == "published":
        assert world.app.room.store.feed("fed").records == 1000


def test_after_an_import_from_a_file_the_source_is_fetched_whole_again(
    world: World, source: Source, tmp_path: Path
) -> None:
    publish(source, record("A"), record("B"))
    configured(world, FeedKind.OSV, f"{source.url}/PyPI/all.zip")
    fetched(world)
    path = tmp_path / "fewer.json"
    path.write_text(json.dumps([record("A")]))
    room = world.app.room
    feeds.import_file(room, path, name="fed", kind=None, as_of=None, told=feeds.silent)
    assert names(world) == {"A"}
    assert fetched(world).state == "published"
    assert names(world) == {"A", "B"}


def test_what_is_no_feed_is_told_by_its_address(world: World, source: Source) -> None:
    source.put("kev.json", "<html>log in</html>")
    configured(world, FeedKind.KEV, f"{source.url}/kev.json")
    (outcome,) = feeds.update(world.app.room)
    assert (outcome.state, outcome.reason_code) == ("failed", "feed-malformed")
    assert outcome.message.startswith(f"{source.url}/kev.json is no feed")


def test_the_daemon_fetches_what_is_due(world: World, source: Source) -> None:
    publish(source, record("A"))
    configured(world, FeedKind.OSV, f"{source.url}/PyPI/all.zip")
    world.rounds(1)
    assert names(world) == {"A"}
    publish(source, record("A"), record("B", "2026-05-03T00:00:00Z"))
    world.rounds(1)
    assert names(world) == {"A"}, "not due yet"
    world.rounds(1, every=HOUR)
    assert names(world) == {"A", "B"}


def test_a_file_url(world: World, tmp_path: Path) -> None:
    path = tmp_path / "records.json"
    path.write_text(json.dumps([record("A")]))
    configured(world, FeedKind.OSV, path.as_uri())
    assert [fetched(world).state, fetched(world).state] == ["published", "unchanged"]
    path.write_text("no feed")
    assert fetched(world).reason_code == "feed-malformed"
    with pytest.raises(NotFoundError, match="is configured"):
        feeds.update(world.app.room, ("unknown",))


def artifact(world: World, tag: str, content: bytes) -> Digest:
    """As ``oras push`` makes it."""
    store = world.registry.store
    for blob in (content, b"{}"):
        store.put_blob("feeds/osv", blob)
    manifest = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "artifactType": "application/vnd.osv+zip",
        "config": {"mediaType": OCI_EMPTY, "digest": str(Digest.of(b"{}")), "size": 2},
        "layers": [{"mediaType": "application/zip", "digest": str(Digest.of(content)), "size": len(content)}],
    }
    raw = json.dumps(manifest).encode()
    store.put_manifest("feeds/osv", raw, OCI_MANIFEST, tags=(tag,))
    return Digest.of(raw)


def test_an_artifact_is_believed_by_its_digest_or_by_its_signature(world: World) -> None:
    digest = artifact(world, "1", json.dumps([record("A")]).encode())
    where = f"oci:{world.registry.host}/feeds/osv"
    configured(world, FeedKind.OSV, f"{where}@{digest}")
    assert [fetched(world).state, fetched(world).state] == ["published", "unchanged"]

    later = artifact(world, "1", json.dumps([record("A"), record("B")]).encode())
    configured(world, FeedKind.OSV, f"{where}:1", signers=("alice",))
    assert fetched(world).reason_code == "feed-not-signed"
    for key, state in ((MALLORY, "failed"), (ALICE, "published")):
        name = f"{world.registry.host}/feeds/osv"
        signature = tagged(later, [signature_layer(key, name, later)])
        for blob in signature.blobs:
            world.registry.store.put_blob("feeds/osv", blob)
        world.registry.store.put_manifest(
            "feeds/osv", signature.manifest, OCI_MANIFEST, tags=(signature.tag or "",)
        )
        assert fetched(world).state == state
    assert names(world) == {"A", "B"}
    configured(world, FeedKind.OSV, f"{where}:1", signers=("nobody",))
    artifact(world, "1", b"other")
    assert fetched(world).reason_code == "signer-unknown"
