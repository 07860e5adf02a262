"""The registry port, writing: the same on every registry."""

from __future__ import annotations

import pytest

from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import MalformedError, NotFoundError, NotOfferedError, UnavailableError
from gatekeeper.core.manifest import OCI_MANIFEST
from gatekeeper.demo import images
from gatekeeper.ports import Offered
from tests.contract.registry.conftest import Site

FILES = {"etc/motd": b"hello"}


def test_a_blob_is_uploaded_and_read_back(site: Site, path: str) -> None:
    descriptor = site.client.put_blob(path, b"some content")
    assert descriptor.media_type == "application/octet-stream"
    assert site.client.blob(path, descriptor, cap=100) == b"some content"


def test_a_blob_is_uploaded_once(site: Site, path: str) -> None:
    assert site.client.put_blob(path, b"twice") == site.client.put_blob(path, b"twice")


def test_an_empty_blob_is_a_blob(site: Site, path: str) -> None:
    descriptor = site.client.put_blob(path, b"")
    assert site.client.blob(path, descriptor, cap=10) == b""


def test_a_manifest_is_put_byte_for_byte(site: Site, path: str) -> None:
    image = images.image(FILES)
    for piece in image.pieces:
        site.client.put_blob(path, piece.content)
    odd = b"  " + image.raw.replace(b",", b",\n ") + b"\n"
    digest = site.client.put_manifest(path, odd, OCI_MANIFEST, tag="odd")
    assert digest == Digest.of(odd)
    assert site.client.manifest_at(path, "odd").raw == odd
    assert site.client.resolve(path, "odd").digest == digest


def test_a_manifest_is_put_by_digest_alone(site: Site, path: str) -> None:
    image = images.image(FILES)
    for piece in image.pieces:
        site.client.put_blob(path, piece.content)
    digest = site.client.put_manifest(path, image.raw, image.media_type, tag=None)
    assert site.client.manifest(path, digest).raw == image.raw


def test_a_tag_is_repointed(site: Site, path: str) -> None:
    first, second = images.image(FILES), images.image({"etc/motd": b"second"})
    site.push(path, first, "v1", "keep")
    site.push(path, second, "v2")
    site.client.put_manifest(path, second.raw, second.media_type, tag="v1")
    assert str(site.client.resolve(path, "v1").digest) == second.digest
    assert str(site.client.resolve(path, "keep").digest) == first.digest


def test_a_push_of_something_that_is_no_manifest_is_refused(site: Site, path: str) -> None:
    if site.kind == "referrers":
        # go-containerregistry's registry takes anything as a manifest; then it is the reading that refuses.
        site.client.put_manifest(path, b"not a manifest", OCI_MANIFEST, tag="v1")
        with pytest.raises(MalformedError):
            site.client.manifest_at(path, "v1")
        return
    with pytest.raises(UnavailableError) as caught:
        site.client.put_manifest(path, b"not a manifest", OCI_MANIFEST, tag="v1")
    assert caught.value.reason_code == "registry-refused-content"


def test_delete_of_a_tag_takes_that_tag_alone_or_is_not_offered(site: Site, path: str) -> None:
    image = images.image(FILES)
    site.push(path, image, "a", "b")
    if site.tag_delete:
        site.client.delete_tag(path, "a")
        assert site.client.tags(path) == ("b",)
        assert site.client.capabilities().tag_delete is Offered.YES
    else:
        with pytest.raises(NotOfferedError):
            site.client.delete_tag(path, "a")
        assert site.client.tags(path) == ("a", "b")
        assert site.client.capabilities().tag_delete is Offered.NO
    assert str(site.client.resolve(path, "b").digest) == image.digest


def test_delete_of_a_digest_takes_every_tag_on_it(site: Site, path: str) -> None:
    kept, gone = images.image(FILES), images.image({"etc/motd": b"gone"})
    site.push(path, kept, "kept")
    site.push(path, gone, "a", "b")
    site.client.delete_manifest(path, Digest.parse(gone.digest))
    with pytest.raises(NotFoundError):
        site.client.manifest(path, Digest.parse(gone.digest))
    assert str(site.client.resolve(path, "kept").digest) == kept.digest
    assert site.client.capabilities().digest_delete is Offered.YES


def test_deleting_what_is_not_there_says_so(site: Site, path: str) -> None:
    site.push(path, images.image(FILES), "v1")
    with pytest.raises(NotFoundError):
        site.client.delete_manifest(path, Digest("sha256", "0" * 64))
