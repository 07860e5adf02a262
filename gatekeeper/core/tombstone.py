"""Tombstones and case records: what we leave in a registry, so that it tells the truth without our database.

Both are OCI image manifests with our artifact type, the empty descriptor as configuration and only layer: no runtime
can run them. Their bytes are a pure function of the intent's draft, so a replay after a crash writes the same digest.

What is read back is a pusher's word like anything else in a registry: a person confirms before a case is rebuilt.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from gatekeeper.core.canonical import to_plain
from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import MalformedError
from gatekeeper.core.image_config import read_time
from gatekeeper.core.lifecycle import IntentDraft, IntentKind
from gatekeeper.core.manifest import OCI_EMPTY, OCI_MANIFEST, ImageManifest, Manifest
from gatekeeper.core.policy import Action
from gatekeeper.core.reference import Repository, parse_repository, parse_tag
from gatekeeper.core.subject import (
    CASE_RECORD_TYPE,
    EMPTY_DIGEST,
    EMPTY_JSON,
    TOMBSTONE_TYPE,
    SubjectKind,
    classify,
)

PREFIX = "io.gatekeeper."
ORIGINAL_DIGEST = PREFIX + "original-digest"
ORIGINAL_TAG = PREFIX + "original-tag"
REPOSITORY = PREFIX + "repository"
CASE = PREFIX + "case"
NONCE = PREFIX + "nonce"
REASON = PREFIX + "reason"
ACTION = PREFIX + "action"
OPENED_AT = PREFIX + "opened-at"
FINGERPRINTS = PREFIX + "fingerprints"
WHO_CAN_RELEASE = PREFIX + "who-can-release"
REVIEW = PREFIX + "review"
REASON_CODE = PREFIX + "reason-code"
REPLACEMENT = PREFIX + "replacement"
TARGET = PREFIX + "target"
TARGET_TAG = PREFIX + "target-tag"

_LONGEST_REASON = 2000
_LONGEST_ANNOTATION = 256 * 1024
_ENFORCING_ACTIONS = {
    IntentKind.QUARANTINE: Action.QUARANTINE,
    IntentKind.RETAG: Action.RETAG,
    IntentKind.ROLLBACK: Action.ROLLBACK,
}


@dataclass(frozen=True, slots=True)
class TombstoneFacts:
    """What a tombstone or case record says: enough to rebuild the open case it belongs to."""

    repository: Repository
    digest: Digest
    """The judged digest that the tag had."""
    tag: str | None
    case_id: str | None
    nonce: str
    action: Action | None
    """None for an intent that is no enforcement."""
    reason: str
    reason_code: str
    opened_at: datetime | None
    fingerprints: frozenset[str]
    replacement: Digest | None
    """What the tag was pointed at; None: a tombstone."""
    target: Repository | None
    target_tag: str | None
    who_can_release: str
    review: str
    """Where to review it, or empty."""


def case_annotations(
    reason_code: str,
    fingerprints: Iterable[str],
    *,
    opened_at: datetime,
    who_can_release: str,
    review: str = "",
) -> Mapping[str, str]:
    """What a draft's ``annotations`` must carry so that the case can be rebuilt from the registry alone."""
    return {
        REASON_CODE: reason_code,
        OPENED_AT: str(to_plain(opened_at)),
        FINGERPRINTS: ",".join(sorted(fingerprints)),
        WHO_CAN_RELEASE: who_can_release,
        REVIEW: review,
    }


def tombstone(draft: IntentDraft) -> bytes:
    """The manifest that is put at the draft's tag in place of the judged digest."""
    return _manifest(draft, TOMBSTONE_TYPE)


def case_record(draft: IntentDraft) -> bytes:
    """The manifest that is kept beside the quarantined image, tombstone or not."""
    return _manifest(draft, CASE_RECORD_TYPE)


def read_tombstone(manifest: Manifest) -> TombstoneFacts | None:
    """What a tombstone says; None when the manifest is none, or says nothing that can be read."""
    return _read(manifest, SubjectKind.TOMBSTONE)


def read_case_record(manifest: Manifest) -> TombstoneFacts | None:
    """What a case record says; None when the manifest is none, or says nothing that can be read."""
    return _read(manifest, SubjectKind.CASE_RECORD)


def _manifest(draft: IntentDraft, artifact_type: str) -> bytes:
    empty = {"mediaType": OCI_EMPTY, "digest": str(EMPTY_DIGEST), "size": len(EMPTY_JSON)}
    content = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "artifactType": artifact_type,
        "config": empty,
        "layers": [empty],
        "annotations": _annotations(draft),
    }
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def _annotations(draft: IntentDraft) -> dict[str, str]:
    action = _ENFORCING_ACTIONS.get(draft.kind)
    own = {
        ORIGINAL_DIGEST: str(draft.digest),
        REPOSITORY: str(draft.repository),
        NONCE: draft.nonce,
        REASON: draft.reason[:_LONGEST_REASON].encode("utf-8", "replace").decode(),
        ORIGINAL_TAG: draft.tag,
        CASE: draft.case_id,
        ACTION: str(action) if action is not None else None,
        REPLACEMENT: str(draft.replacement) if draft.replacement is not None else None,
        TARGET: str(draft.target) if draft.target is not None else None,
        TARGET_TAG: draft.target_tag,
    }
    return {**draft.annotations, **{key: value for key, value in own.items() if value is not None}}


def _read(manifest: Manifest, kind: SubjectKind) -> TombstoneFacts | None:
    if not isinstance(manifest, ImageManifest) or classify(manifest) is not kind:
        return None
    said = {key: value[:_LONGEST_ANNOTATION] for key, value in manifest.annotations.items()}
    try:
        return TombstoneFacts(
            repository=parse_repository(said.get(REPOSITORY, "")),
            digest=Digest.parse(said.get(ORIGINAL_DIGEST, "")),
            tag=parse_tag(said[ORIGINAL_TAG]) if ORIGINAL_TAG in said else None,
            case_id=said.get(CASE),
            nonce=said.get(NONCE, ""),
            action=Action(said[ACTION]) if ACTION in said else None,
            reason=said.get(REASON, ""),
            reason_code=said.get(REASON_CODE) or said.get(REASON, ""),
            opened_at=read_time(said.get(OPENED_AT)),
            fingerprints=frozenset(filter(None, said.get(FINGERPRINTS, "").split(","))),
            replacement=Digest.parse(said[REPLACEMENT]) if REPLACEMENT in said else None,
            target=parse_repository(said[TARGET]) if TARGET in said else None,
            target_tag=parse_tag(said[TARGET_TAG]) if TARGET_TAG in said else None,
            who_can_release=said.get(WHO_CAN_RELEASE, ""),
            review=said.get(REVIEW, ""),
        )
    except (MalformedError, ValueError):
        return None
