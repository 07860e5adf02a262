"""The registry port, what hangs on a digest, and copies of it: the same on every registry."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import UnavailableError
from gatekeeper.core.manifest import Manifest, parse_manifest
from gatekeeper.demo import images
from gatekeeper.demo.images import Built
from gatekeeper.registry.client import OciRegistry
from tests.contract.registry.conftest import Site

FILES = {"etc/motd": b"hello"}
SBOM = "application/vnd.cyclonedx+json"


def parsed(built: Built) -> Manifest:
    return parse_manifest(built.raw, content_type=None, expected=Digest.parse(built.digest))


def attach(client: OciRegistry, path: str, built: Built) -> None:
    for piece in built.pieces:
        client.put_blob(path, piece.content)
    client.attach(path, parsed(built))


def found(client: OciRegistry, path: str, subject: Built) -> set[str]:
    referrers = client.referrers(path, Digest.parse(subject.digest))
    assert referrers.gap is None
    digests = [str(item.descriptor.digest) for item in referrers.items]
    assert len(digests) == len(set(digests))
    return set(digests)


def test_nothing_hangs_on_a_new_image(site: Site, path: str) -> None:
    image = images.image(FILES)
    site.push(path, image, "v1")
    assert found(site.client, path, image) == set()


def test_an_attached_manifest_is_found(site: Site, path: str) -> None:
    image = images.image(FILES)
    site.push(path, image, "v1")
    sbom = images.referrer(image, SBOM, b"{}", annotations={"who": "me"})
    attach(site.client, path, sbom)
    referrers = site.client.referrers(path, Digest.parse(image.digest))
    (item,) = referrers.items
    assert str(item.descriptor.digest) == sbom.digest
    # Not what the list says of it: some registries list the config's type as artifactType.
    opened = site.client.manifest(path, item.descriptor.digest)
    assert opened.raw == sbom.raw
    assert opened.artifact_type == SBOM


def test_attaching_twice_counts_once(site: Site, path: str) -> None:
    image = images.image(FILES)
    site.push(path, image, "v1")
    sbom = images.referrer(image, SBOM, b"{}")
    attach(site.client, path, sbom)
    attach(site.client, path, sbom)
    assert found(site.client, path, image) == {sbom.digest}


def test_attaching_by_many_at_once_loses_none(site: Site, path: str) -> None:
    image = images.image(FILES)
    site.push(path, image, "v1")
    many = [images.referrer(image, SBOM, b"%d" % number) for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda built: attach(site.client, path, built), many))
    assert found(site.client, path, image) == {built.digest for built in many}


def test_attaching_by_several_programs_at_once_loses_none(site: Site, path: str) -> None:
    image = images.image(FILES)
    site.push(path, image, "v1")
    many = [images.referrer(image, SBOM, b"%d" % number) for number in range(4)]
    clients = [OciRegistry(site.client.settings) for _ in many]
    with ThreadPoolExecutor(len(many)) as pool:
        list(pool.map(lambda pair: attach(pair[0], path, pair[1]), zip(clients, many, strict=True)))
    for client in clients:
        client.close()
    assert found(site.client, path, image) == {built.digest for built in many}


def test_cosign_tags_are_found_and_handed_over_by_digest(site: Site, path: str) -> None:
    image = images.image(FILES)
    tag = image.digest.replace(":", "-")
    signature = images.artifact([images.Piece(b"{}", "application/vnd.dev.cosign.simplesigning.v1+json")])
    site.push(path, image, "v1")
    site.push(path, signature, f"{tag}.sig")
    (item,) = site.client.referrers(path, Digest.parse(image.digest)).items
    assert item.tag == f"{tag}.sig"
    assert str(item.descriptor.digest) == signature.digest
    assert site.client.manifest(path, item.descriptor.digest).raw == signature.raw


def test_a_known_tag_list_answers_which_cosign_tags_exist(site: Site, path: str) -> None:
    image = images.image(FILES)
    tag = image.digest.replace(":", "-")
    site.push(path, image, "v1")
    site.push(path, images.artifact([images.Piece(b"{}", "text/plain")]), f"{tag}.att")
    none = site.client.referrers(path, Digest.parse(image.digest), tags=frozenset({"v1"}))
    assert none.items == ()
    assert none.gap is None


def test_a_hand_written_fallback_index_is_read_too(site: Site, path: str) -> None:
    image = images.image(FILES)
    sbom = images.referrer(image, SBOM, b"{}")
    index, tag = images.fallback_index([sbom])
    site.push(path, image, "v1")
    site.push(path, sbom)
    site.push(path, index, tag)
    assert found(site.client, path, image) == {sbom.digest}


def test_an_image_at_the_fallback_tag_is_no_index_and_no_error(site: Site, path: str) -> None:
    image = images.image(FILES)
    site.push(path, image, "v1", image.digest.replace(":", "-"))
    assert found(site.client, path, image) == set()


def test_nothing_is_written_over_an_image_at_the_fallback_tag(site: Site, path: str) -> None:
    image = images.image(FILES)
    tag = image.digest.replace(":", "-")
    site.push(path, image, "v1", tag)
    sbom = images.referrer(image, SBOM, b"{}")
    if site.referrers:
        attach(site.client, path, sbom)
        assert found(site.client, path, image) == {sbom.digest}
    else:
        with pytest.raises(UnavailableError) as caught:
            attach(site.client, path, sbom)
        assert caught.value.reason_code == "fallback-tag-occupied"
    assert str(site.client.resolve(path, tag).digest) == image.digest


def _tree() -> tuple[Built, Built, Built, Built]:
    """An index of two images; an SBOM on the index; a signature on the SBOM; a cosign signature on the first child."""
    children = [images.image(FILES, platform=f"linux/{name}") for name in ("amd64", "arm64")]
    index = images.index(children)
    sbom = images.referrer(index, SBOM, b"{}")
    on_sbom = images.referrer(sbom, "application/vnd.example.signature", b"signed")
    cosign = images.artifact([images.Piece(b"payload", "application/vnd.dev.cosign.simplesigning.v1+json")])
    return index, sbom, on_sbom, cosign


def _pushed_tree(site: Site, path: str) -> tuple[Built, list[str], str]:
    index, sbom, on_sbom, cosign = _tree()
    cosign_tag = index.children[0].digest.replace(":", "-") + ".sig"
    site.push(path, index, "v1")
    site.push(path, cosign, cosign_tag)
    attach(site.client, path, sbom)
    attach(site.client, path, on_sbom)
    everything = [child.digest for child in index.children]
    return index, [*everything, index.digest, sbom.digest, on_sbom.digest, cosign.digest], cosign_tag


def test_the_closure_holds_children_referrers_and_theirs(site: Site, path: str) -> None:
    index, everything, _ = _pushed_tree(site, path)
    order = [str(manifest.digest) for manifest in site.client.closure(path, Digest.parse(index.digest))]
    assert sorted(order) == sorted(everything)
    for child in index.children:
        assert order.index(child.digest) < order.index(index.digest)


def test_a_closure_is_copied_within_the_registry(site: Site, path: str, other_path: str) -> None:
    index, everything, cosign_tag = _pushed_tree(site, path)
    copied = site.client.copy_closure(path, Digest.parse(index.digest), site.client, other_path)
    assert sorted(map(str, copied.manifests)) == sorted(everything)
    again = site.client.closure(other_path, Digest.parse(index.digest))
    assert sorted(str(manifest.digest) for manifest in again) == sorted(everything)
    assert cosign_tag in site.client.tags(other_path)


def test_a_closure_is_copied_to_another_registry_and_back(
    site: Site, path: str, other_path: str, elsewhere: OciRegistry
) -> None:
    index, everything, _ = _pushed_tree(site, path)
    root = Digest.parse(index.digest)
    site.client.copy_closure(path, root, elsewhere, path)
    assert sorted(str(manifest.digest) for manifest in elsewhere.closure(path, root)) == sorted(everything)
    elsewhere.copy_closure(path, root, site.client, other_path)
    assert sorted(str(one.digest) for one in site.client.closure(other_path, root)) == sorted(everything)


def test_a_copy_without_any_tag_is_read_and_copied_on(site: Site, path: str, other_path: str) -> None:
    image = images.image(FILES)
    root = Digest.parse(image.digest)
    site.push(path, image, "v1")
    site.client.copy_closure(path, root, site.client, other_path)
    assert found(site.client, other_path, image) == set()
    assert [str(manifest.digest) for manifest in site.client.closure(other_path, root)] == [image.digest]
    site.client.copy_closure(other_path, root, site.client, f"{other_path}-on")


def test_copying_twice_changes_nothing(site: Site, path: str, other_path: str) -> None:
    index, _, _ = _pushed_tree(site, path)
    root = Digest.parse(index.digest)
    first = site.client.copy_closure(path, root, site.client, other_path)
    tags = site.client.tags(other_path)
    assert site.client.copy_closure(path, root, site.client, other_path) == first
    assert site.client.tags(other_path) == tags
