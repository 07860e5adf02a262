"""Attach: put a manifest that has a subject, and keep the fallback index where the registry does not do it.

distribution-spec, "Pushing Manifests with Subject". Fallback indexes are written by read, change, write: without
compare-and-swap another writer's entry can be lost, so the index is read back and the change repeated.
"""

from __future__ import annotations

import json
import random
from contextlib import suppress

from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import Cause, ConflictError, MalformedError, NotFoundError, UnavailableError
from gatekeeper.core.manifest import OCI_INDEX, ImageIndex, ImageManifest, Manifest
from gatekeeper.registry.asking import Asking
from gatekeeper.registry.capability import Learned
from gatekeeper.registry.lists import list_tags
from gatekeeper.registry.manifests import manifest_at, put
from gatekeeper.registry.referrers import api_lists

_ROUNDS = 16
_FIRST_WAIT = 0.02
_LONGEST_WAIT = 1.0
_SETTLE = 2
"""Which of the growing waits lies between two looks at what we wrote."""
_SEEN_ENOUGH = 2

Entry = dict[str, object]


def attach(asking: Asking, path: str, manifest: Manifest, *, learned: Learned) -> None:
    """Put it by digest and make it findable: by the registry itself, else by the fallback index.

    Raises MalformedError without a subject, ConflictError when the fallback index could not be kept,
    UnavailableError.
    """
    if manifest.subject is None:
        raise MalformedError("a manifest to attach needs a subject", reason_code="subject-missing")
    subject = manifest.subject.digest
    answer = put(
        asking, path, manifest.raw, manifest.media_type, str(manifest.digest), digest=manifest.digest
    )
    if answer.headers.get("OCI-Subject") == str(subject):
        learned.referrers_answered()
        return
    # Some registries keep referrers without saying so here; where the API lists ours, a tag would only be litter.
    if not api_lists(asking, path, subject, manifest.digest, learned=learned):
        enter(asking, path, subject, _entry(manifest))


def enter(asking: Asking, path: str, subject: Digest, entry: Entry) -> None:
    """Add an entry to the subject's fallback index unless it is there, until it is seen there."""
    with asking.writing_tag(path, subject.tag_form):
        _enter(asking, path, subject.tag_form, entry)


def _enter(asking: Asking, path: str, tag: str, entry: Entry) -> None:
    # Another writer may be between its read and its write when we read back: what we wrote is believed only when it
    # is still there a moment after it was seen first.
    seen_after_writing = 0
    written = False
    for turn in range(_ROUNDS):
        try:
            index, current = _read(asking, path, tag)
        except _TornError:
            asking.sleep(_wait(turn))
            continue
        entries = _entries(index)
        if any(known.get("digest") == entry["digest"] for known in entries):
            seen_after_writing += 1
            if not written or seen_after_writing == _SEEN_ENOUGH:
                return
            asking.sleep(_wait(_SETTLE))
            continue
        seen_after_writing = 0
        raw = _rewritten(index, [*entries, entry])
        with suppress(ConflictError):
            put(asking, path, raw, OCI_INDEX, tag, replacing=current, creating=current is None)
            written = True
        asking.sleep(_wait(turn))
    raise ConflictError(
        f"{asking.host}/{path}:{tag}: other writers replaced the referrers index {_ROUNDS} times",
        reason_code="fallback-index-contended",
    )


class _TornError(Exception):
    """The tag was read while somebody wrote it: Distribution then answers 500, or 404 for a tag that exists."""


def _wait(turn: int) -> float:
    longest: float = min(_LONGEST_WAIT, _FIRST_WAIT * 2**turn)
    return longest * (0.25 + random.random() * 0.75)  # noqa: S311 - spreads writers, guards nothing


def _read(asking: Asking, path: str, tag: str) -> tuple[ImageIndex | None, Digest | None]:
    try:
        found = manifest_at(asking, path, tag)
    except NotFoundError as error:
        if _listed(asking, path, tag):
            raise _TornError from error
        return None, None
    except UnavailableError as error:
        if error.cause is Cause.SERVER_ERROR:
            raise _TornError from error
        raise
    except MalformedError as error:
        raise UnavailableError(
            f"{asking.host}/{path}:{tag}: the referrers index cannot be read, so nothing is written over it",
            cause=Cause.MALFORMED,
        ) from error
    if not isinstance(found, ImageIndex):
        raise UnavailableError(
            f"{asking.host}/{path}:{tag}: an image lies where the referrers index belongs; nothing is written over it",
            cause=Cause.MALFORMED,
            reason_code="fallback-tag-occupied",
        )
    return found, found.digest


def _listed(asking: Asking, path: str, tag: str) -> bool:
    try:
        return tag in list_tags(asking, path)
    except NotFoundError:
        return False


def _entries(index: ImageIndex | None) -> list[Entry]:
    """As written, so that members we do not know survive."""
    if index is None:
        return []
    written: list[Entry] = json.loads(index.raw)["manifests"]
    return written


def _rewritten(index: ImageIndex | None, entries: list[Entry]) -> bytes:
    members: dict[str, object] = (
        {"schemaVersion": 2, "mediaType": OCI_INDEX} if index is None else json.loads(index.raw)
    )
    members["mediaType"] = OCI_INDEX
    members["manifests"] = entries
    return json.dumps(members, separators=(",", ":")).encode()


def _entry(manifest: Manifest) -> Entry:
    entry: Entry = {
        "mediaType": manifest.media_type,
        "digest": str(manifest.digest),
        "size": len(manifest.raw),
    }
    artifact_type = (
        manifest.effective_artifact_type if isinstance(manifest, ImageManifest) else manifest.artifact_type
    )
    if artifact_type:
        entry["artifactType"] = artifact_type
    if manifest.annotations:
        entry["annotations"] = dict(manifest.annotations)
    return entry
