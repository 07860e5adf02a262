"""Attach: put a manifest that has a subject, and keep the fallback index where the registry does not do it.

distribution-spec, "Pushing Manifests with Subject". Fallback indexes are written by read, change, write
(``rewriting.py``).
"""

from __future__ import annotations

import json
from contextlib import suppress

from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import Cause, MalformedError, NotFoundError, UnavailableError
from gatekeeper.core.manifest import OCI_INDEX, ImageIndex, ImageManifest, Manifest
from gatekeeper.ports import Rewrite
from gatekeeper.registry.asking import Asking
from gatekeeper.registry.capability import Learned
from gatekeeper.registry.manifests import delete_manifest, put
from gatekeeper.registry.referrers import api_lists
from gatekeeper.registry.rewriting import rewrite

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


def detach(asking: Asking, path: str, subject: Digest, digest: Digest) -> None:
    """Take a referrer out of the fallback index, where there is one, and delete it.

    Raises NotOfferedError where the registry deletes no manifest, ConflictError, UnavailableError.
    """

    def left_out(current: Manifest | None) -> Rewrite | None:
        index = _index_at(asking, path, subject, current) if current is not None else None
        entries = _entries(index)
        kept = [entry for entry in entries if entry.get("digest") != str(digest)]
        return None if len(kept) == len(entries) else Rewrite(_rewritten(index, kept), OCI_INDEX)

    rewrite(asking, path, subject.tag_form, left_out)
    with suppress(NotFoundError):
        delete_manifest(asking, path, digest)


def enter(asking: Asking, path: str, subject: Digest, entry: Entry) -> None:
    """Add an entry to the subject's fallback index unless it is there, until it is seen there."""

    def added(current: Manifest | None) -> Rewrite | None:
        index = _index_at(asking, path, subject, current) if current is not None else None
        entries = _entries(index)
        if any(known.get("digest") == entry["digest"] for known in entries):
            return None
        return Rewrite(_rewritten(index, [*entries, entry]), OCI_INDEX)

    rewrite(asking, path, subject.tag_form, added)


def _index_at(asking: Asking, path: str, subject: Digest, current: Manifest) -> ImageIndex:
    if not isinstance(current, ImageIndex):
        raise UnavailableError(
            f"{asking.host}/{path}:{subject.tag_form}: an image lies where the referrers index belongs; nothing is "
            "written over it",
            cause=Cause.MALFORMED,
            reason_code="fallback-tag-occupied",
        )
    return current


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
