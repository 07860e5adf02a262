"""Opening a manifest and what it lists, far enough to say what it is."""

from __future__ import annotations

from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import MalformedError, NotFoundError, UnavailableError
from gatekeeper.core.manifest import DEEPEST_INDEX, ImageIndex, Manifest
from gatekeeper.core.subject import SubjectKind, classify, says_manifest, to_open
from gatekeeper.ports import Registry

_MOST = 128


def kind_of(registry: Registry, path: str, manifest: Manifest) -> SubjectKind:
    """What a manifest is. Children of an index are opened until one of them is an image.

    A child that cannot be opened counts as an image: junk is judged. Raises UnavailableError for an outage.
    """
    if not isinstance(manifest, ImageIndex):
        return classify(manifest)
    opened: dict[Digest, Manifest] = {}
    if _holds_image(registry, path, manifest, opened, DEEPEST_INDEX):
        return SubjectKind.INDEX
    return classify(manifest, opened)


def _holds_image(
    registry: Registry, path: str, index: ImageIndex, opened: dict[Digest, Manifest], levels: int
) -> bool:
    for descriptor in to_open(index)[:_MOST]:
        try:
            child = registry.manifest(path, descriptor.digest)
        except NotFoundError:
            if says_manifest(descriptor):
                return True
            continue
        except MalformedError as error:
            if says_manifest(descriptor) or error.reason_code != "manifest-media-type-unsupported":
                return True
            continue
        except UnavailableError as error:
            if error.cause.blames_content:
                return True
            raise
        opened[child.digest] = child
        if isinstance(child, ImageIndex):
            if levels <= 1 or _holds_image(registry, path, child, opened, levels - 1):
                return True
        elif classify(child) is SubjectKind.IMAGE:
            return True
    return False
