"""The walk through a closure: order and bounds."""

from __future__ import annotations

import pytest

from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import Cause, UnavailableError
from gatekeeper.core.evidence import Unavailable
from gatekeeper.core.manifest import Descriptor, Manifest, parse_manifest
from gatekeeper.demo import images
from gatekeeper.demo.images import Built
from gatekeeper.ports import FoundReferrer, Referrers
from gatekeeper.registry.closure import Walk
from gatekeeper.registry.settings import ReadCaps


class Shelf:
    """Manifests by digest, and what hangs on them."""

    def __init__(self) -> None:
        self.manifests: dict[Digest, Manifest] = {}
        self.hanging: dict[Digest, list[FoundReferrer]] = {}
        self.gap: Unavailable | None = None

    def put(self, built: Built, *, on: Built | None = None, tag: str | None = None) -> Digest:
        for child in built.children:
            self.put(child)
        manifest = parse_manifest(built.raw, content_type=None, expected=None)
        self.manifests[manifest.digest] = manifest
        if on is not None:
            listed = Descriptor(manifest.media_type, manifest.digest, len(manifest.raw))
            self.hanging.setdefault(Digest.parse(on.digest), []).append(FoundReferrer(listed, ("x",), tag))
        return manifest.digest

    def walk(self, caps: ReadCaps | None = None) -> Walk:
        return Walk(
            lambda digest: self.manifests[digest],
            lambda digest: Referrers(tuple(self.hanging.get(digest, ())), self.gap),
            caps or ReadCaps(),
        )


def test_children_come_before_their_index_and_referrers_after_their_subject() -> None:
    shelf = Shelf()
    inner = images.index([images.image({"a": b"1"})])
    index = images.index([inner, images.image({"a": b"2"})])
    root = shelf.put(index)
    sbom = images.referrer(index, "text/plain", b"sbom")
    signature = images.referrer(sbom, "text/plain", b"signature")
    shelf.put(sbom, on=index)
    shelf.put(signature, on=sbom, tag="sha256-x.sig")
    order = [str(member.manifest.digest) for member in shelf.walk().run(root)]
    children = [inner.children[0].digest, inner.digest, index.children[1].digest]
    assert order == [*children, index.digest, sbom.digest, signature.digest]


def test_what_is_reached_twice_is_there_once() -> None:
    shelf = Shelf()
    image = images.image({"a": b"1"})
    index = images.index([image, image])
    root = shelf.put(index)
    shelf.put(image, on=index)
    assert len(shelf.walk().run(root)) == 2


def test_a_tag_scheme_is_remembered() -> None:
    shelf = Shelf()
    image = images.image({"a": b"1"})
    root = shelf.put(image)
    shelf.put(images.referrer(image, "text/plain", b"s"), on=image, tag="sha256-x.sig")
    assert [member.tag for member in shelf.walk().run(root)] == [None, "sha256-x.sig"]


def test_an_unknown_part_makes_the_whole_unknown() -> None:
    shelf = Shelf()
    root = shelf.put(images.image({"a": b"1"}))
    shelf.gap = Unavailable("referrers API", Cause.TIMEOUT, "slow")
    with pytest.raises(UnavailableError) as caught:
        shelf.walk().run(root)
    assert caught.value.cause is Cause.TIMEOUT


@pytest.mark.parametrize("caps", [ReadCaps(closure=5), ReadCaps(closure_depth=5)])
def test_it_is_bounded(caps: ReadCaps) -> None:
    shelf = Shelf()
    last = images.image({"a": b"1"})
    root = shelf.put(last)
    for number in range(7):
        following = images.referrer(last, "text/plain", b"%d" % number)
        shelf.put(following, on=last)
        last = following
    with pytest.raises(UnavailableError) as caught:
        shelf.walk(caps).run(root)
    assert caught.value.cause is Cause.OVER_CAP
