"""ERASE: delete by digest manifests that we wrote, and nothing that a tag of anybody else still needs."""

from __future__ import annotations

from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import MalformedError, NotFoundError, NotOfferedError, UnavailableError
from gatekeeper.core.lifecycle import IntentState
from gatekeeper.core.reference import Repository
from gatekeeper.ports import Registry
from gatekeeper.workflow import drafts
from gatekeeper.workflow.work import Step, Work, pointed_at


def step(work: Work) -> Step:
    """Planned -> confirmed. What is gone already is gone; what a tag needs, or the registry keeps, is told."""
    repository = work.draft.repository
    doomed = [Digest.parse(one) for one in work.draft.annotations[drafts.ERASES].split()]
    named, needed = _tagged(work.source, repository, doomed, deep=work.draft.target is not None)
    kept = [digest for digest in doomed if digest in needed]
    deleted = 0
    try:
        for digest in (*named, *(digest for digest in doomed if digest not in needed)):
            work.guard()
            try:
                work.source.delete_manifest(work.path, digest)
            except NotFoundError:
                continue
            deleted += 1
    except NotOfferedError:
        note = f"the registry deletes no manifest, so what we wrote stays in {repository} without a tag"
        return Step(IntentState.CONFIRMED, note)
    note = f"{deleted} manifests deleted in {repository}"
    if kept:
        note += f"; {len(kept)} stay, because tags that are not ours show them"
    return Step(IntentState.CONFIRMED, note)


def members(registry: Registry, path: str, root: Digest) -> tuple[Digest, ...]:
    """A digest with everything that belongs to it, in the order of deletion: what hangs on it, itself, its children.

    Itself alone when what belongs to it is junk; nothing when it is not there.
    """
    try:
        return tuple(manifest.digest for manifest in reversed(registry.closure(path, root)))
    except NotFoundError:
        pass
    except MalformedError:
        pass
    except UnavailableError as error:
        if not error.cause.blames_content:
            raise
    return (root,) if there(registry, path, root) else ()


def there(registry: Registry, path: str, digest: Digest) -> bool:
    """True when the registry has this manifest."""
    try:
        registry.manifest(path, digest)
    except NotFoundError:
        return False
    except MalformedError:
        return True
    return True


def _tagged(
    registry: Registry, repository: Repository, doomed: list[Digest], *, deep: bool
) -> tuple[tuple[Digest, ...], frozenset[Digest]]:
    """(what the doomed ones' own signature and fallback tags show, what all other tags need)."""
    forms = tuple(digest.tag_form for digest in doomed)
    named: list[Digest] = []
    shown: set[Digest] = set()
    try:
        tags = registry.tags(repository.path)
    except NotFoundError:
        return (), frozenset()
    for tag in tags:
        pointed = pointed_at(registry, repository.path, tag)
        if pointed is None:
            continue
        if tag.startswith(forms):
            named.append(pointed)
        else:
            shown.add(pointed)
    needed = set(shown)
    for digest in shown if deep else ():
        needed.update(members(registry, repository.path, digest))
    return tuple(digest for digest in named if digest not in needed), frozenset(needed)
