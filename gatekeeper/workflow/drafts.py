"""Intent drafts: everything that is needed to finish an action after a crash, written down before it begins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from gatekeeper.core.digest import Digest
from gatekeeper.core.lifecycle import IntentDraft, IntentKind
from gatekeeper.core.plan import Act
from gatekeeper.core.policy import ScopedPolicy
from gatekeeper.core.reference import Reference, Repository
from gatekeeper.core.tombstone import case_annotations
from gatekeeper.core.verdict import Verdict
from gatekeeper.ports import OurTag
from gatekeeper.workflow.names import anchor_tag, derived_nonce, quarantine_tag
from gatekeeper.workflow.workroom import DAEMON

RESTORES = "io.gatekeeper.restores"
"""Draft annotation: the nonce of the intent that a RESTORE undoes and whose tags an UNHOLD takes away."""

STATEMENT = "io.gatekeeper.statement"
"""Draft annotation: the in-toto statement that an ATTEST signs; absent when it only takes away."""

ORDERED = "io.gatekeeper.ordered"
"""Draft annotation: a person ordered it (``decommission``), so it is done whatever the policy says of the place."""

ERASES = "io.gatekeeper.erases"
"""Draft annotation: the digests that an ERASE deletes, in this order, with spaces between them."""

WHO_CAN_RELEASE = "a reviewer: a token with scope review, or the command line beside the database"


def enforcing(
    act: Act,
    verdict: Verdict,
    scoped: ScopedPolicy,
    tag: str,
    *,
    nonce: str,
    opened_at: datetime,
    review: str,
) -> IntentDraft:
    """The intent that replaces a failing tag. Its ``case_id`` is filled in by the store.

    ``review``: where a person decides about it, written on the tombstone.
    """
    subject = verdict.subject
    quarantines = act.kind is IntentKind.QUARANTINE
    rolls_back = act.kind is IntentKind.ROLLBACK
    return IntentDraft(
        kind=act.kind,
        repository=subject.repository,
        digest=subject.digest,
        tag=tag,
        expected=subject.digest,
        replacement=act.replacement,
        target=scoped.scope.quarantine_of(subject.repository) if quarantines else None,
        target_tag=None if rolls_back else quarantine_tag(tag, subject.digest),
        nonce=nonce,
        case_id=None,
        actor=DAEMON,
        reason=verdict.reason_at(tag),
        annotations=case_annotations(
            verdict.reason_at(tag),
            (finding.fingerprint for finding in verdict.counting_at(tag)),
            opened_at=opened_at,
            who_can_release=WHO_CAN_RELEASE,
            review=review,
        ),
    )


def anchor(repository: Repository, digest: Digest, tag: str, *, nonce: str) -> IntentDraft:
    """Holds a digest that passed at this tag."""
    return IntentDraft(
        kind=IntentKind.ANCHOR,
        repository=repository,
        digest=digest,
        tag=tag,
        expected=None,
        replacement=None,
        target=None,
        target_tag=anchor_tag(tag, digest),
        nonce=nonce,
        case_id=None,
        actor=DAEMON,
        reason="passed",
    )


def restore(done: IntentDraft, shown: Digest, *, actor: str, reason: str) -> IntentDraft:
    """Undoes a carried out intent. ``shown`` is what that intent put at the tag: the tag must be absent or show it."""
    return IntentDraft(
        kind=IntentKind.RESTORE,
        repository=done.repository,
        digest=done.digest,
        tag=done.tag,
        expected=shown,
        replacement=done.digest,
        target=done.target,
        target_tag=None,
        nonce=derived_nonce(done.nonce, "restore"),
        case_id=done.case_id,
        actor=actor,
        reason=reason,
        annotations={RESTORES: done.nonce},
    )


def unhold(held: IntentDraft, nonce: str, *, reason: str) -> IntentDraft:
    """Takes away everything that the intent with this nonce holds."""
    return IntentDraft(
        kind=IntentKind.UNHOLD,
        repository=held.repository,
        digest=held.digest,
        tag=None,
        expected=None,
        replacement=None,
        target=held.target,
        target_tag=None,
        nonce=derived_nonce(nonce, "unhold"),
        case_id=held.case_id,
        actor=DAEMON,
        reason=reason,
        annotations={RESTORES: nonce},
    )


def unanchor(added: IntentDraft, tag: str, digest: Digest) -> IntentDraft:
    """Takes away one anchor that fell out of the last N, because of the anchor ``added``."""
    return IntentDraft(
        kind=IntentKind.UNHOLD,
        repository=added.repository,
        digest=digest,
        tag=None,
        expected=None,
        replacement=None,
        target=None,
        target_tag=tag,
        nonce=derived_nonce(added.nonce, f"unanchor {tag}"),
        case_id=None,
        actor=DAEMON,
        reason="anchor-superseded",
    )


def promotion(
    source: Repository,
    digest: Digest,
    target: Reference,
    pointed: Digest | None,
    *,
    nonce: str,
    actor: str,
    reason: str,
) -> IntentDraft:
    """Copies a passed digest. ``pointed``: what the target tag showed when the promotion was planned."""
    return IntentDraft(
        kind=IntentKind.PROMOTE,
        repository=source,
        digest=digest,
        tag=None,
        expected=pointed,
        replacement=digest,
        target=target.repository,
        target_tag=target.tag,
        nonce=nonce,
        case_id=None,
        actor=actor,
        reason=reason,
    )


def attestation(
    repository: Repository, digest: Digest, statement: bytes | None, *, nonce: str, reason: str
) -> IntentDraft:
    """Hangs a signed statement on the digest; without one, takes away what we hung there."""
    return IntentDraft(
        kind=IntentKind.ATTEST,
        repository=repository,
        digest=digest,
        tag=None,
        expected=None,
        replacement=None,
        target=None,
        target_tag=None,
        nonce=nonce,
        case_id=None,
        actor=DAEMON,
        reason=reason,
        annotations={} if statement is None else {STATEMENT: statement.decode()},
    )


def ordered_unhold(tag: OurTag, nonce: str, *, own: str, actor: str, reason: str) -> IntentDraft:
    """Takes away everything that the intent with this nonce holds, because a person ordered it."""
    return _ordered(IntentKind.UNHOLD, tag.repository, tag.digest, own, actor, reason, {RESTORES: nonce})


def withdrawal(repository: Repository, digest: Digest, *, own: str, actor: str, reason: str) -> IntentDraft:
    """Takes away every attestation of ours on the digest, because a person ordered it."""
    return _ordered(IntentKind.ATTEST, repository, digest, own, actor, reason, {})


def erasure(
    repository: Repository, digests: Sequence[Digest], *, copies: bool, own: str, actor: str, reason: str
) -> IntentDraft:
    """Deletes manifests of ours by digest, in this order, because a person ordered it.

    ``copies``: images are among them, which what others tagged here may need too; else our own records alone.
    """
    erases = {ERASES: " ".join(str(digest) for digest in digests)}
    target = repository if copies else None
    return _ordered(IntentKind.ERASE, repository, digests[0], own, actor, reason, erases, target=target)


def _ordered(
    kind: IntentKind,
    repository: Repository,
    digest: Digest,
    nonce: str,
    actor: str,
    reason: str,
    annotations: Mapping[str, str],
    *,
    target: Repository | None = None,
) -> IntentDraft:
    return IntentDraft(
        kind=kind,
        repository=repository,
        digest=digest,
        tag=None,
        expected=None,
        replacement=None,
        target=target,
        target_tag=None,
        nonce=nonce,
        case_id=None,
        actor=actor,
        reason=reason,
        annotations={ORDERED: "decommission", **annotations},
    )
