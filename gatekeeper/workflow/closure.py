"""Holding and copying everything that belongs to a digest: children, root, referrers. Before any tag is touched."""

from __future__ import annotations

from dataclasses import dataclass

from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import Cause, MalformedError, NotFoundError, UnavailableError
from gatekeeper.core.manifest import ImageIndex, Manifest
from gatekeeper.core.reference import Repository
from gatekeeper.ports import OurTag
from gatekeeper.workflow.names import hold_tag
from gatekeeper.workflow.work import Work


@dataclass(frozen=True, slots=True)
class Closure:
    """What belongs to a digest: root first, then children and referrers, each once, checked by digest."""

    manifests: tuple[Manifest, ...]
    incomplete: str | None = None
    """Why only root and children are here: what hangs on them is malformed or over a cap, and cannot be copied."""


def read_closure(work: Work) -> Closure:
    """Reads it all. Junk hung on an image must not keep it from being replaced: then its referrers are left out.

    Neither must a part that was listed and never pushed; a part is missing when two attempts in a row miss it.
    """
    root = work.draft.digest
    try:
        manifests = work.source.closure(work.path, root)
    except NotFoundError as error:
        said = f"{error.reason_code}: {error.message}"
        if work.intent.note != said:
            raise
        return Closure(_tree(work, root), said)
    except MalformedError as error:
        return Closure(_tree(work, root), f"{error.reason_code}: {error.message}")
    except UnavailableError as error:
        if not error.cause.blames_content:
            raise
        return Closure(_tree(work, root), f"{error.reason_code}: {error.message}")
    first = [manifest for manifest in manifests if manifest.digest == root]
    rest = {manifest.digest: manifest for manifest in manifests if manifest.digest != root}
    return Closure((*first[:1], *rest.values()))


def _tree(work: Work, root: Digest) -> tuple[Manifest, ...]:
    """The root and what it lists, as far as it can be read."""
    found: dict[Digest, Manifest] = {root: work.source.manifest(work.path, root)}
    waiting = [found[root]]
    while waiting and len(found) < work.room.limits.children:
        manifest = waiting.pop()
        for child in manifest.manifests if isinstance(manifest, ImageIndex) else ():
            if child.digest in found:
                continue
            try:
                found[child.digest] = work.source.manifest(work.path, child.digest)
            except (MalformedError, NotFoundError):
                continue
            waiting.append(found[child.digest])
    return tuple(found.values())


def hold_closure(
    work: Work, repository: Repository, closure: tuple[Manifest, ...], *, root: bool = True
) -> int:
    """Tags every manifest of the closure in ``repository``: registries collect what has no tag. Returns how many.

    A repetition after a crash uses the names that were recorded before it.
    """
    recorded = work.room.store.tags_of(work.draft.nonce)
    by_digest = {
        tag.digest: tag for tag in recorded if tag.repository == repository and _is_hold(work, tag.tag)
    }
    held: list[tuple[OurTag, Manifest]] = []
    following = len(by_digest) + (0 if root else 1)
    for manifest in closure if root else closure[1:]:
        tag = by_digest.get(manifest.digest)
        if tag is None:
            tag = OurTag(repository, hold_tag(work.draft.nonce, following), manifest.digest)
            following += 1
        held.append((tag, manifest))
    put_tags(work, held)
    return len(held)


def _is_hold(work: Work, tag: str) -> bool:
    return tag.startswith(hold_tag(work.draft.nonce, 0)[:-1])


def put_tags(work: Work, tagged: list[tuple[OurTag, Manifest]]) -> None:
    """Records our tags, then writes those that are not there yet, and reads each back."""
    work.room.store.add_tags(work.lease, [tag for tag, _ in tagged], now=work.room.clock.now())
    for tag, manifest in tagged:
        put_and_read_back(work, tag, manifest.raw, manifest.media_type)


def put_and_read_back(work: Work, tag: OurTag, raw: bytes, media_type: str) -> None:
    """Writes one of our own tags. Raises UnavailableError when the registry then shows something else."""
    registry = work.registry_of(tag.repository)
    path = tag.repository.path
    work.guard()
    registry.put_manifest(path, raw, media_type, tag=tag.tag)
    shown = registry.resolve(path, tag.tag).digest
    if shown != tag.digest:
        raise UnavailableError(
            f"{tag.repository}:{tag.tag} was written as {tag.digest} and reads back as {shown}",
            cause=Cause.PROTOCOL,
            reason_code="read-back-differs",
        )


def copy_to(work: Work, target: Repository) -> tuple[Digest, ...]:
    """Copies the closure; the registry port reads every manifest back by digest. Returns the digests."""
    copied = work.source.copy_closure(
        work.path, work.draft.digest, work.registry_of(target), target.path, before_write=work.guard
    )
    return copied.manifests
