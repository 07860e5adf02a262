"""Changing what many writers write: read a tag, change the manifest, write it, and see that the change lasted.

No registry has to offer compare-and-swap on tags, so another writer's change, or ours, can be lost. The tag is read
back until the change is seen to have stayed; it is made anew each time from what lies there then.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import Cause, ConflictError, MalformedError, NotFoundError, UnavailableError
from gatekeeper.core.manifest import Manifest
from gatekeeper.ports import Rewrite
from gatekeeper.registry.asking import Asking
from gatekeeper.registry.lists import list_tags
from gatekeeper.registry.manifests import manifest_at, put

_ROUNDS = 16
_FIRST_WAIT = 0.02
_LONGEST_WAIT = 1.0
_SETTLE = 2
"""Which of the growing waits lies between two looks at what we wrote."""
_SEEN_ENOUGH = 2


def rewrite(
    asking: Asking, path: str, tag: str, change: Callable[[Manifest | None], Rewrite | None]
) -> Manifest | None:
    """Applies ``change`` until it finds nothing left to do; returns what the tag shows then, None for no such tag.

    Raises ConflictError when other writers were faster every time, UnavailableError, and what ``change`` raises.
    """
    with asking.writing_tag(path, tag):
        return _rewrite(asking, path, tag, change)


def _rewrite(
    asking: Asking, path: str, tag: str, change: Callable[[Manifest | None], Rewrite | None]
) -> Manifest | None:
    # Another writer may be between its read and its write when we read back: what we wrote is believed only when it
    # is still there a moment after it was seen first.
    seen_after_writing = 0
    written = False
    for turn in range(_ROUNDS):
        try:
            current = _read(asking, path, tag)
        except _TornError:
            asking.sleep(_wait(turn))
            continue
        wanted = change(current)
        if wanted is None:
            seen_after_writing += 1
            if not written or seen_after_writing == _SEEN_ENOUGH:
                return current
            asking.sleep(_wait(_SETTLE))
            continue
        seen_after_writing = 0
        replacing = None if current is None else current.digest
        try:
            put(
                asking,
                path,
                wanted.raw,
                wanted.media_type,
                tag,
                replacing=replacing,
                creating=current is None,
            )
            written = True
        except ConflictError:
            _refuse_unmoved(asking, path, tag, replacing)
        asking.sleep(_wait(turn))
    raise ConflictError(
        f"{asking.host}/{path}:{tag}: other writers replaced it {_ROUNDS} times",
        reason_code="tag-contended",
    )


def _refuse_unmoved(asking: Asking, path: str, tag: str, seen: Digest | None) -> None:
    """Harbor answers 412 for its own policies and quotas too: when nobody moved the tag, it was no lost race.

    Raises UnavailableError then.
    """
    try:
        now = _read(asking, path, tag)
    except _TornError:
        return
    if (None if now is None else now.digest) == seen:
        raise UnavailableError(
            f"{asking.host}/{path}:{tag}: the registry answered 412 to a write although the tag has not moved",
            cause=Cause.FORBIDDEN,
        )


class _TornError(Exception):
    """The tag was read while somebody wrote it: Distribution then answers 500, or 404 for a tag that exists."""


def _wait(turn: int) -> float:
    longest: float = min(_LONGEST_WAIT, _FIRST_WAIT * 2**turn)
    return longest * (0.25 + random.random() * 0.75)  # noqa: S311 - spreads writers, guards nothing


def _read(asking: Asking, path: str, tag: str) -> Manifest | None:
    try:
        return manifest_at(asking, path, tag)
    except NotFoundError as error:
        if _listed(asking, path, tag):
            raise _TornError from error
        return None
    except UnavailableError as error:
        if error.cause is Cause.SERVER_ERROR:
            raise _TornError from error
        raise
    except MalformedError as error:
        raise UnavailableError(
            f"{asking.host}/{path}:{tag}: what lies there cannot be read, so nothing is written over it",
            cause=Cause.MALFORMED,
        ) from error


def _listed(asking: Asking, path: str, tag: str) -> bool:
    try:
        return tag in list_tags(asking, path)
    except NotFoundError:
        return False
