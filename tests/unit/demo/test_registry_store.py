"""The embedded registry's store: atomic steps, honest dumps, nothing lost on disk."""

from __future__ import annotations

from pathlib import Path
from threading import Thread

import pytest

from gatekeeper.demo.images import image, index, referrer
from gatekeeper.demo.oci_registry.manifests import read
from gatekeeper.demo.oci_registry.store import Store

_APP = image({"a": "1"})
_OTHER = image({"a": "2"})


@pytest.fixture(params=["memory", "disk"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return Store(tmp_path if request.param == "disk" else None)


def test_nothing_is_known_of_the_unknown(store: Store) -> None:
    assert store.tags("a") == {}
    assert (store.tag("a", "1"), store.manifest("a", "1"), store.blob("a", "sha256:0")) == (None, None, None)
    assert store.referrers("a", "sha256:0") == []
    assert not store.delete_tag("a", "1")
    assert not store.delete_manifest("a", "sha256:0")
    assert not store.delete_blob("a", "sha256:0")
    assert not store.mount_blob("a", "b", "sha256:0")
    assert store.collect_untagged("a") == []
    assert (store.dump(), store.repositories(), store.exists("a")) == ({}, [], False)


def test_dump_tells_everything_and_compares(store: Store) -> None:
    _APP.store_in(store, "z", "2", "1")
    _APP.store_in(store, "a")
    again = Store()
    _APP.store_in(again, "a")
    _APP.store_in(again, "z", "1")
    assert store.dump() != again.dump()
    again.set_tag("z", "2", _APP.digest)
    assert store.dump() == again.dump()
    assert list(store.dump()) == ["a", "z"]
    assert store.dump()["z"]["manifests"][_APP.digest] == {
        "mediaType": _APP.media_type,
        "size": len(_APP.raw),
        "content": _APP.digest,
    }


def test_a_lie_shows_in_the_dump(store: Store) -> None:
    store.put_manifest("a", b"not what it says", _APP.media_type, digest=_APP.digest, tags=["1"])
    store.put_blob("a", b"nor this", _APP.pieces[0].digest)
    found = store.dump()["a"]
    assert found["manifests"][_APP.digest]["content"] != _APP.digest
    assert store.blob("a", _APP.pieces[0].digest) == b"nor this"


def test_a_tag_may_point_at_nothing(store: Store) -> None:
    store.set_tag("a", "1", _APP.digest)
    assert store.tag("a", "1") == _APP.digest
    assert store.manifest("a", "1") is None


def test_content_goes_with_its_last_repository(tmp_path: Path) -> None:
    store = Store(tmp_path)
    digest = store.put_blob("a", b"x")
    assert store.mount_blob(None, "b", digest)
    path = tmp_path / "blobs" / "sha256" / digest.removeprefix("sha256:")
    store.delete_blob("a", digest)
    assert path.exists()
    store.delete_blob("b", digest)
    assert not path.exists()


def test_collection_may_spare_children(store: Store) -> None:
    nested = index([index([_APP])])
    nested.store_in(store, "a", "1")
    sbom = referrer(_APP, "text/plain", b"x")
    sbom.store_in(store, "a")
    assert store.collect_untagged("a", spare_children=True) == [sbom.digest]
    assert store.referrers("a", _APP.digest) == []
    assert store.manifest("a", _APP.digest) is not None


def test_forgetting_spares_what_another_index_lists(tmp_path: Path) -> None:
    for directory in (None, tmp_path):
        store = Store(directory, forgets_untagged=True)
        one, two = index([_APP]), index([_APP, _OTHER])
        one.store_in(store, "a", "1")
        two.store_in(store, "a", "2")
        store.delete_tag("a", "1")
        assert set(store.dump()["a"]["manifests"]) == {_APP.digest, _OTHER.digest, two.digest}
        store.delete_tag("a", "2")
        assert store.dump()["a"]["manifests"] == {}


def test_the_directory_is_read_back_in_order(tmp_path: Path) -> None:
    store = Store(tmp_path)
    _APP.store_in(store, "deep/name", "1")
    referrer(_APP, "text/plain", b"x").store_in(store, "deep/name")
    _OTHER.store_in(store, "deep", "1", "sha256-x.sig")
    store.delete_tag("deep", "1")
    # What a kill leaves between writing and renaming is not taken for a record.
    (tmp_path / "repositories" / "deep" / "_tags" / "~half").write_text("junk")
    again = Store(tmp_path)
    assert again.dump() == store.dump()
    assert len(again.referrers("deep/name", _APP.digest)) == 1


def test_steps_are_atomic() -> None:
    store = Store()
    _APP.store_in(store, "a")
    _OTHER.store_in(store, "a")

    def move(digest: str) -> None:
        for _ in range(300):
            store.set_tag("a", "1", digest)
            assert store.manifest("a", "1") is not None
            store.dump()

    threads = [Thread(target=move, args=(digest,)) for digest in (_APP.digest, _OTHER.digest)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.tag("a", "1") in (_APP.digest, _OTHER.digest)


@pytest.mark.parametrize(
    "raw", [b"", b"[]", b"\xff", b'{"a":' * 90_000, b'{"config":1,"layers":{},"manifests":[1],"subject":[]}']
)
def test_reading_nonsense_finds_nothing(raw: bytes) -> None:
    found = read(raw, "application/x", "sha256:0")
    assert (found.subject, found.children, found.blobs, found.artifact_type) == (None, (), (), "")
