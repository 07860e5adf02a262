"""``trust impact KEY``: which images rest on a key, and what becomes of them when it is retired or compromised.

Judged from recorded evidence by the same ``decide``; nothing is written, nobody is asked.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import datetime

from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import NotFoundError
from gatekeeper.core.policy import Policy
from gatekeeper.core.reference import Repository
from gatekeeper.core.sighting import verified_candidates
from gatekeeper.core.signer import ManagedKey
from gatekeeper.core.verdict import State
from gatekeeper.ports import JudgedSubject
from gatekeeper.workflow.preview import all_judged, judged_again
from gatekeeper.workflow.workroom import Workroom

SHORTEST_PREFIX = 8


@dataclass(frozen=True, slots=True)
class AffectedImage:
    """One image with a signature or attestation by the key."""

    repository: Repository
    digest: Digest
    tags: tuple[str, ...]
    signed_before: datetime | None
    """When we first recorded the oldest of them."""
    proven_before: datetime | None
    """When a log or timestamp authority proves the oldest to have existed; None: nobody proves it."""
    now: State
    if_retired: State
    if_compromised: State
    reason_if_retired: str
    reason_if_compromised: str


@dataclass(frozen=True, slots=True)
class KeyImpact:
    """What rests on one key."""

    key_id: str
    source: str
    """Where the policy names it."""
    signers: tuple[str, ...]
    at: datetime
    """The moment from which it is retired or compromised here."""
    judged: int
    """Images that are known at all."""
    failing_if_retired: int
    """Images that pass now and would not any more."""
    failing_if_compromised: int
    images: tuple[AffectedImage, ...]


def trust_impact(room: Workroom, named: str, *, at: datetime) -> KeyImpact:
    """``named``: a key's id or the beginning of it, or where the policy names it (its file).

    Raises NotFoundError ``key-unknown`` when that is no key of the policy, or several.
    """
    policy = room.policy()
    key, signers = _key_named(policy, named)
    retired = _with_window(policy, key.id, retired_at=at)
    compromised = _with_window(policy, key.id, compromised_at=at)
    judged = 0
    images = []
    for subject in all_judged(room):
        judged += 1
        image = _affected(room, subject, key.id, retired, compromised)
        if image is not None:
            images.append(image)
    return KeyImpact(
        key_id=key.id,
        source=key.key.source,
        signers=signers,
        at=at,
        judged=judged,
        failing_if_retired=sum(_lost(image.now, image.if_retired) for image in images),
        failing_if_compromised=sum(_lost(image.now, image.if_compromised) for image in images),
        images=tuple(sorted(images, key=lambda image: (str(image.repository), image.digest))),
    )


def _key_named(policy: Policy, named: str) -> tuple[ManagedKey, tuple[str, ...]]:
    keys = {key.id: key for signer in policy.signers.values() for key in signer.keys}
    found = {
        key_id
        for key_id, key in keys.items()
        if named in (key_id, key.key.source)
        or (len(named) >= SHORTEST_PREFIX and key_id.startswith(named.lower()))
    }
    if len(found) != 1:
        known = ", ".join(f"{key.key.source} ({key_id[:12]})" for key_id, key in sorted(keys.items()))
        why = "several keys of the policy begin so" if found else "the policy names no such key"
        raise NotFoundError(f"{named[:200]}: {why}; it names {known or 'none'}", reason_code="key-unknown")
    (key_id,) = found
    signers = [
        name
        for name, signer in sorted(policy.signers.items())
        if any(key.id == key_id for key in signer.keys)
    ]
    return keys[key_id], tuple(signers)


def _with_window(policy: Policy, key_id: str, **window: datetime) -> Policy:
    def changed(key: ManagedKey) -> ManagedKey:
        if key.id != key_id:
            return key
        if "retired_at" in window:
            return dataclasses.replace(key, retired_at=window["retired_at"])
        return dataclasses.replace(key, compromised_at=window["compromised_at"])

    signers = {
        name: dataclasses.replace(signer, keys=tuple(changed(key) for key in signer.keys))
        for name, signer in policy.signers.items()
    }
    return dataclasses.replace(policy, signers=signers)


def _affected(
    room: Workroom, subject: JudgedSubject, key_id: str, retired: Policy, compromised: Policy
) -> AffectedImage | None:
    signed = [item for item in verified_candidates(subject.evidence) if key_id in item.key_ids]
    scoped = room.policy().resolve(subject.repository)
    if not signed or scoped is None:
        return None
    now = room.clock.now()
    verdicts = [
        judged_again(room, subject, found, now)
        for found in (scoped, retired.resolve(subject.repository), compromised.resolve(subject.repository))
        if found is not None
    ]
    return AffectedImage(
        repository=subject.repository,
        digest=subject.digest,
        tags=subject.tags,
        signed_before=min((item.first_seen for item in signed if item.first_seen), default=None),
        proven_before=min((item.proven_at for item in signed if item.proven_at), default=None),
        now=verdicts[0].state,
        if_retired=verdicts[1].state,
        if_compromised=verdicts[2].state,
        reason_if_retired=verdicts[1].reason_code,
        reason_if_compromised=verdicts[2].reason_code,
    )


def _lost(now: State, then: State) -> bool:
    return now is State.PASSED and then is not State.PASSED
