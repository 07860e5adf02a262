"""The registry port, reading: the same on every registry."""

from __future__ import annotations

import pytest

from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import Cause, NotFoundError, UnavailableError
from gatekeeper.core.manifest import DOCKER_LIST, DOCKER_MANIFEST, OCI_INDEX, ImageIndex, ImageManifest
from gatekeeper.demo import images
from gatekeeper.demo.images import Flavour
from gatekeeper.ports import Offered
from tests.contract.registry.conftest import Site

FILES = {"etc/motd": b"hello"}
ABSENT = Digest("sha256", "0" * 64)


def test_ping_is_answered(site: Site) -> None:
    site.client.ping()


def test_a_pushed_tag_is_resolved_to_its_digest(site: Site, path: str) -> None:
    image = images.image(FILES)
    site.push(path, image, "v1")
    resolved = site.client.resolve(path, "v1")
    assert str(resolved.digest) == image.digest
    assert resolved.media_type == image.media_type
    assert not resolved.unchanged


@pytest.mark.parametrize("flavour", list(Flavour))
def test_an_index_is_resolved_to_itself_and_never_to_a_child(site: Site, path: str, flavour: Flavour) -> None:
    children = [images.image(FILES, platform=f"linux/{name}", flavour=flavour) for name in ("amd64", "arm64")]
    index = images.index(children, flavour=flavour)
    site.push(path, index, "multi")
    assert str(site.client.resolve(path, "multi").digest) == index.digest
    opened = site.client.manifest(path, Digest.parse(index.digest))
    assert isinstance(opened, ImageIndex)
    assert opened.media_type == (DOCKER_LIST if flavour is Flavour.DOCKER else OCI_INDEX)
    assert [str(child.digest) for child in opened.manifests] == [child.digest for child in children]


def test_a_docker_image_is_read_with_its_own_type(site: Site, path: str) -> None:
    image = images.image(FILES, flavour=Flavour.DOCKER)
    site.push(path, image, "v1")
    opened = site.client.manifest_at(path, "v1")
    assert opened.media_type == DOCKER_MANIFEST
    assert opened.raw == image.raw


def test_an_unchanged_tag_is_said_to_be_unchanged(site: Site, path: str) -> None:
    image = images.image(FILES)
    site.push(path, image, "v1")
    known = site.client.resolve(path, "v1").digest
    again = site.client.resolve(path, "v1", known=known)
    assert again.unchanged
    assert again.digest == known


def test_a_moved_tag_is_seen_whatever_was_known(site: Site, path: str) -> None:
    first, second = images.image(FILES), images.image({"etc/motd": b"changed"})
    site.push(path, first, "v1")
    known = site.client.resolve(path, "v1").digest
    site.push(path, second, "v1")
    moved = site.client.resolve(path, "v1", known=known)
    assert not moved.unchanged
    assert str(moved.digest) == second.digest


def test_every_tag_is_listed_sorted(site: Site, path: str) -> None:
    names = [f"v{number}" for number in range(7)] + ["latest"]
    site.push(path, images.image(FILES), *names)
    assert site.client.tags(path) == tuple(sorted(names))


def test_an_unknown_repository_is_not_found(site: Site, path: str) -> None:
    with pytest.raises(NotFoundError):
        site.client.tags(path)


def test_an_unknown_tag_is_not_found(site: Site, path: str) -> None:
    site.push(path, images.image(FILES), "v1")
    with pytest.raises(NotFoundError):
        site.client.resolve(path, "v2")


def test_an_unknown_digest_is_not_found(site: Site, path: str) -> None:
    site.push(path, images.image(FILES), "v1")
    with pytest.raises(NotFoundError):
        site.client.manifest(path, ABSENT)


def test_the_catalog_names_the_repository(site: Site, path: str) -> None:
    site.push(path, images.image(FILES), "v1")
    assert path in set(site.client.repositories())
    assert site.client.capabilities().catalog is Offered.YES


def test_a_blob_is_read_whole(site: Site, path: str) -> None:
    image = images.image(FILES)
    site.push(path, image, "v1")
    opened = site.client.manifest_at(path, "v1")
    assert isinstance(opened, ImageManifest)
    content = site.client.blob(path, opened.config, cap=4096)
    assert opened.config.digest.matches(content)


def test_a_blob_over_the_cap_is_not_read(site: Site, path: str) -> None:
    site.push(path, images.image(FILES), "v1")
    opened = site.client.manifest_at(path, "v1")
    assert isinstance(opened, ImageManifest)
    with pytest.raises(UnavailableError) as caught:
        site.client.blob(path, opened.config, cap=opened.config.size - 1)
    assert caught.value.cause is Cause.OVER_CAP


def test_an_absent_blob_is_not_found(site: Site, path: str) -> None:
    site.push(path, images.image(FILES), "v1")
    opened = site.client.manifest_at(path, "v1")
    assert isinstance(opened, ImageManifest)
    from dataclasses import replace

    with pytest.raises(NotFoundError):
        site.client.blob(path, replace(opened.config, digest=ABSENT), cap=4096)
