"""Verdicts: everything that one judgement writes, in one transaction."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Connection, insert, select, update

from gatekeeper.core.canonical import to_plain
from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import NotFoundError
from gatekeeper.core.lifecycle import IntentKind
from gatekeeper.core.verdict import State, Verdict
from gatekeeper.database import audit, tables
from gatekeeper.database.brakes import WINDOW
from gatekeeper.database.claims import fenced
from gatekeeper.database.columns import canonical_text
from gatekeeper.database.components import connect_documents
from gatekeeper.database.connection import Link, touch
from gatekeeper.database.images import keep_images
from gatekeeper.database.intents import add_intent
from gatekeeper.database.planned import apply_plans
from gatekeeper.database.policies import change_accepted
from gatekeeper.database.sightings import keep_sightings
from gatekeeper.database.upsert import insert_missing, upsert
from gatekeeper.database.waivers import record_uses
from gatekeeper.ports import Judgement, Lease

_TIMES = ("decided_at", "recheck_at")


class Verdicts:
    """The writing part of ``ports.VerifyStore``."""

    _link: Link

    def record(self, lease: Lease | None, judgement: Judgement, *, now: datetime) -> None:
        """Evidence, verdict, SBOMs, cases, intents, outbox and audit rows in one transaction, fenced by the lease.

        A verdict that says the same as the one before renews its times only. Raises ConflictError when the lease was
        lost.
        """
        with self._link.writing(serial=True) as connection:
            row = _subject(connection, judgement) if lease is None else fenced(connection, lease)
            _keep_evidence(connection, judgement, now)
            keep_sightings(connection, judgement.evidence, now)
            keep_images(connection, judgement)
            known = connect_documents(connection, row, judgement.evidence)
            verdict_id = _keep_verdict(connection, row, judgement, now)
            _announce_deadline(connection, row, judgement.verdict, now)
            _keep_passes(connection, row.repository_id, judgement.verdict, now)
            record_uses(connection, row.id, judgement.verdict, now=now)
            again = _earlier(apply_plans(connection, row, judgement, now), judgement.plan_again_at)
            for draft in judgement.anchors:
                add_intent(connection, draft, now=now)
            if judgement.turned is not None and change_accepted(connection):
                # Accepted while it was being judged: planned again at once, now as something that may be done.
                judgement, again = dataclasses.replace(judgement, turned=None), now
            room = _attest(connection, judgement, now)
            _complete(connection, row, judgement, verdict_id, known, _earlier(again, room))
            touch(connection)


def _earlier(one: datetime | None, other: datetime | None) -> datetime | None:
    return min((moment for moment in (one, other) if moment is not None), default=None)


def _attest(connection: Connection, judgement: Judgement, now: datetime) -> datetime | None:
    """Records the attestation; or says when there is room for it again, above the cap. Taking away is never capped."""
    draft = judgement.attestation
    if draft is None:
        return None
    if draft.annotations:
        intent = tables.intent
        of_the_hour = select(intent.c.created_at).where(
            intent.c.kind == str(IntentKind.ATTEST), intent.c.created_at > now - WINDOW
        )
        newest = connection.execute(
            of_the_hour.order_by(intent.c.created_at.desc()).limit(judgement.attestations_per_hour)
        ).all()
        if len(newest) >= judgement.attestations_per_hour:
            return (newest[-1].created_at if newest else now) + WINDOW
    add_intent(connection, draft, now=now)
    return None


def _subject(connection: Connection, judgement: Judgement) -> Any:
    subject = tables.subject
    row = connection.execute(
        select(subject).where(subject.c.id == judgement.subject_id).with_for_update()
    ).first()
    if row is None:
        raise NotFoundError(f"there is no subject {judgement.subject_id}", reason_code="subject-unknown")
    return row


def _keep_evidence(connection: Connection, judgement: Judgement, now: datetime) -> None:
    evidence = tables.evidence
    digest = judgement.verdict.evidence
    if connection.execute(select(evidence.c.digest).where(evidence.c.digest == digest)).first() is None:
        body = canonical_text(judgement.evidence)
        insert_missing(connection, evidence, [{"digest": digest, "gathered_at": now, "body": body}])


def _keep_verdict(connection: Connection, subject: Any, judgement: Judgement, now: datetime) -> int:
    """The id of the subject's newest verdict."""
    verdict, table = judgement.verdict, tables.verdict
    content = _content(verdict)
    times: dict[str, Any] = {
        "decided_at": verdict.decided_at,
        "recheck_at": verdict.recheck_at,
        "next_deadline": min(verdict.recheck_at, judgement.evidence_due),
        "body": canonical_text(verdict),
    }
    if subject.verdict_id is not None:
        same = connection.execute(
            update(table).where(table.c.id == subject.verdict_id, table.c.content == content).values(times)
        )
        if same.rowcount:
            return int(subject.verdict_id)
    verdict_id: int = connection.execute(
        insert(table)
        .values(
            subject_id=subject.id,
            state=str(verdict.state),
            reason_code=verdict.reason_code,
            scope=verdict.scope,
            policy_revision=verdict.policy_revision,
            evidence=verdict.evidence,
            trust=verdict.trust,
            evaluator=verdict.evaluator,
            first_decided_at=verdict.decided_at,
            content=content,
            **times,
        )
        .returning(table.c.id)
    ).scalar_one()
    audit.add(
        connection,
        actor=audit.DAEMON,
        action="verdict-recorded",
        subject=f"{verdict.subject.repository}@{verdict.subject.digest}",
        reason=verdict.reason_code,
        detail={
            "state": str(verdict.state),
            "before": subject.state or "unjudged",
            "scope": verdict.scope,
            "policy": verdict.policy_revision,
            "evidence": str(verdict.evidence),
        },
        now=now,
    )
    return verdict_id


def _content(verdict: Verdict) -> Digest:
    plain = cast("dict[str, Any]", to_plain(verdict))
    kept = {name: value for name, value in plain.items() if name not in _TIMES}
    return Digest.of(json.dumps(kept, sort_keys=True, separators=(",", ":")).encode())


def _announce_deadline(connection: Connection, subject: Any, verdict: Verdict, now: datetime) -> None:
    """Once for each deadline of a passing image: people are told before it strikes."""
    if verdict.state is not State.PASSED or verdict.fails_at in (None, subject.fails_at):
        return
    first = verdict.failing_later[0]
    audit.add(
        connection,
        actor=audit.DAEMON,
        action="verdict-will-fail",
        subject=f"{verdict.subject.repository}@{verdict.subject.digest}",
        reason=first.reason_code,
        detail={
            "fails_at": f"{verdict.fails_at:%Y-%m-%dT%H:%M:%SZ}",
            "rule": first.rule,
            "message": first.message,
        },
        now=now,
    )


def _keep_passes(connection: Connection, repository_id: int, verdict: Verdict, now: datetime) -> None:
    """Which tags it passes at: where a later rollback of the tag may go."""
    rows = [
        {"repository_id": repository_id, "tag": tag, "digest": verdict.subject.digest, "at": now}
        for tag in sorted(verdict.subject.tags)
        if verdict.state_at(tag) is State.PASSED
    ]
    upsert(connection, tables.passed_tag, rows, key=("repository_id", "tag", "digest"))


def _complete(
    connection: Connection,
    row: Any,
    judgement: Judgement,
    verdict_id: int,
    known: Mapping[str, Any],
    again: datetime | None,
) -> None:
    """The subject's own row. An event that came in during the judgement leaves it due."""
    subject, verdict = tables.subject, judgement.verdict
    undetermined = verdict.state is State.INDETERMINATE or any(
        verdict.state_at(tag) is State.INDETERMINATE for tag in verdict.subject.tags
    )
    values: dict[str, Any] = {
        "verdict_id": verdict_id,
        "state": str(verdict.state),
        "policy_revision": verdict.policy_revision,
        "turned": judgement.turned,
        **known,
        "judged_change": judgement.change,
        "failed_by_change": judgement.failed_by_change,
        "failed_by_feed_at": judgement.failed_by_feed_at,
        "fails_at": verdict.fails_at,
        "undetermined_since": (row.undetermined_since or verdict.decided_at) if undetermined else None,
        "lease_until": None,
        "error": None,
        "dropped": None,
    }
    if row.marks == row.claimed_marks:
        due = [verdict.recheck_at, judgement.evidence_due]
        values |= {
            "next_due": min([*due, again] if again is not None else due),
            "evidence_due": judgement.evidence_due,
            "marked_at": None,
            "priority": 0,
        }
    connection.execute(update(subject).where(subject.c.id == row.id).values(values))
