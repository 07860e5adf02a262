"""What a judgement planned, applied to cases and intents inside its transaction; the caps are checked once more."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, insert, select, update

from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import ConflictError
from gatekeeper.core.lifecycle import CaseState
from gatekeeper.core.plan import STANDING, Act, Plan, Propose, ProposeRelease, Supersede
from gatekeeper.database import audit, tables
from gatekeeper.database.brakes import budget_of, open_breaker
from gatekeeper.database.intents import add_intent
from gatekeeper.database.pointing import busy_tags, case_subject, close_case
from gatekeeper.database.rows import acted_on, newest_case_row
from gatekeeper.ports import Judgement, TagPlan

TRY_AGAIN = timedelta(seconds=30)
"""When a plan could not be carried out because another intent has the tag, it is made again after this."""


@dataclass(frozen=True, slots=True)
class _Applying:
    """One judgement being applied."""

    connection: Connection
    subject: Any
    """The subject's row."""
    judgement: Judgement
    now: datetime

    def newest(self) -> Any:
        """The subject's newest case, as this transaction sees it."""
        return newest_case_row(self.connection, self.subject.repository_id, self.subject.digest)

    def fingerprints(self, tags: Sequence[str]) -> frozenset[str]:
        """What a person is shown of these tags."""
        verdict = self.judgement.verdict
        return frozenset(finding.fingerprint for tag in tags for finding in verdict.counting_at(tag))


def apply_plans(connection: Connection, subject: Any, judgement: Judgement, now: datetime) -> datetime | None:
    """Applies every plan; returns when to plan again because something had to wait, or None."""
    applying = _Applying(connection, subject, judgement, now)
    proposals: list[tuple[str, Propose]] = []
    again = None
    for tag_plan in judgement.plans:
        planned = _checked(applying, tag_plan)
        match planned:
            case Propose():
                if planned.trips_breaker is not None:
                    open_breaker(connection, planned.trips_breaker, now=now)
                proposals.append((tag_plan.tag, planned))
            case Act():
                if not _act(applying, tag_plan, planned):
                    again = now + TRY_AGAIN
            case ProposeRelease(case_id):
                _propose_release(applying, case_id)
            case Supersede(case_id, why):
                _supersede(applying, case_id, why)
    if proposals:
        _propose(applying, proposals)
    return again


def _checked(applying: _Applying, tag_plan: TagPlan) -> Plan | None:
    """The plan, or what it becomes now that nobody else spends the caps; None while the hold is on."""
    planned, judgement = tag_plan.plan, applying.judgement
    if not isinstance(planned, Act) or judgement.caps is None:
        return planned
    budget = budget_of(
        applying.connection,
        applying.subject.repository_id,
        judgement.caps,
        run_started=judgement.run_started,
        now=applying.now,
    )
    if budget.hold is not None:
        return None
    if budget.recovery is not None:
        return Propose(planned.action, "database-behind")
    if budget.breaker is not None:
        return Propose(planned.action, "breaker-open")
    exhausted = budget.exhausted
    if exhausted is not None:
        return Propose(planned.action, f"cap-{exhausted.replace('_', '-')}", trips_breaker=exhausted)
    return planned


def _act(applying: _Applying, tag_plan: TagPlan, planned: Act) -> bool:
    """Opens or extends the case and records its intents; False when another intent is still at this tag."""
    connection, subject, now = applying.connection, applying.subject, applying.now
    if busy_tags(connection, subject.repository_id, (tag_plan.tag,)):
        return False
    row = applying.newest()
    shown = applying.fingerprints((tag_plan.tag,))
    verdict = applying.judgement.verdict
    values: dict[str, Any] = {
        "state": str(CaseState.OPEN),
        "action": str(planned.action),
        "reason_code": verdict.reason_at(tag_plan.tag),
        "why_proposed": None,
        "release_proposed_at": None,
        "updated_at": now,
    }
    if row is not None and acted_on(row):
        values |= _merged(row, (tag_plan.tag,), shown)
    else:
        values |= {"tags": (tag_plan.tag,), "fingerprints": tuple(sorted(shown))}
        if row is not None and row.state != CaseState.PROPOSED:
            row = None
    name = _write_case(applying, row, values, action="case-opened", reason=str(values["reason_code"]))
    for draft in tag_plan.intents:
        intent_id, new = add_intent(
            connection, dataclasses.replace(draft, case_id=name), now=now, counted=True
        )
        if new:
            _take_over_tags(connection, intent_id)
    return True


def _merged(row: Any, tags: Sequence[str], shown: frozenset[str]) -> dict[str, Any]:
    return {
        "tags": tuple(sorted({*row.tags, *tags})),
        "fingerprints": tuple(sorted({*row.fingerprints, *shown})),
    }


def _take_over_tags(connection: Connection, intent_id: int) -> None:
    """What an earlier intent of the same case holds for the same tag is let go with this one."""
    intent, our_tag = tables.intent, tables.our_tag
    mine = connection.execute(select(intent).where(intent.c.id == intent_id)).one()
    earlier = select(intent.c.id).where(
        intent.c.case_id == mine.case_id,
        intent.c.tag == mine.tag,
        intent.c.replaces,
        intent.c.id != intent_id,
    )
    connection.execute(update(our_tag).where(our_tag.c.intent_id.in_(earlier)).values(intent_id=intent_id))


def _propose(applying: _Applying, proposals: Sequence[tuple[str, Propose]]) -> None:
    """One proposed case for all of a judgement's proposals. A case that was acted on is left to its reviewer."""
    row = applying.newest()
    if row is not None and acted_on(row):
        return
    if row is not None and row.state != CaseState.PROPOSED:
        row = None
    planned_tags = [tag for tag, _ in proposals]
    still_there = set(applying.judgement.verdict.subject.tags)
    tags = sorted({*planned_tags, *(set(row.tags) & still_there if row is not None else ())})
    shown = set(applying.fingerprints(tags))
    tag, first = proposals[0]
    if row is not None and first.why == row.why_proposed and first.why in STANDING:
        # What was decided stands, also while some of it is not found.
        shown |= set(row.fingerprints)
    values: dict[str, Any] = {
        "tags": tuple(tags),
        "state": str(CaseState.PROPOSED),
        "action": str(first.action),
        "reason_code": applying.judgement.verdict.reason_at(tag),
        "why_proposed": first.why,
        "fingerprints": tuple(sorted(shown)),
    }
    if row is not None and all(getattr(row, name) == value for name, value in values.items()):
        return
    _write_case(
        applying, row, {**values, "updated_at": applying.now}, action="case-proposed", reason=first.why
    )


def _write_case(applying: _Applying, row: Any, values: dict[str, Any], *, action: str, reason: str) -> str:
    """Updates the case of ``row``, or adds one; returns its name."""
    connection, subject, case = applying.connection, applying.subject, tables.case
    if row is None:
        name = _new_name(connection, subject, applying.now)
        case_id = connection.execute(
            insert(case)
            .values(
                name=name,
                repository_id=subject.repository_id,
                digest=subject.digest,
                opened_at=applying.now,
                **values,
            )
            .returning(case.c.id)
        ).scalar_one()
        connection.execute(
            update(tables.subject).where(tables.subject.c.id == subject.id).values(case_id=case_id)
        )
    else:
        name = row.name
        connection.execute(update(case).where(case.c.id == row.id).values(values))
    subject_of_verdict = applying.judgement.verdict.subject
    audit.add(
        connection,
        actor=audit.DAEMON,
        action=action,
        subject=case_subject(name),
        reason=reason,
        detail={
            "repository": str(subject_of_verdict.repository),
            "digest": str(subject.digest),
            "tags": " ".join(values["tags"]),
            "reason_code": str(values["reason_code"]),
            "evidence": str(applying.judgement.verdict.evidence),
        },
        now=applying.now,
    )
    return name


def _new_name(connection: Connection, subject: Any, now: datetime) -> str:
    """Twelve hexadecimal digits; the same again when the same transaction is repeated after a crash."""
    case = tables.case
    for number in range(100):
        key = f"{subject.repository_id} {subject.digest} {now.isoformat()} {number}"
        name = Digest.of(key.encode()).short
        if connection.execute(select(case.c.id).where(case.c.name == name)).first() is None:
            return name
    raise ConflictError("no free case name was found", reason_code="case-name")


def _propose_release(applying: _Applying, name: str) -> None:
    """The quarantined digest passes now: said once, decided by a person."""
    case = tables.case
    row = applying.connection.execute(select(case).where(case.c.name == name)).first()
    if row is None or not acted_on(row) or row.release_proposed_at is not None:
        return
    applying.connection.execute(
        update(case)
        .where(case.c.id == row.id)
        .values(release_proposed_at=applying.now, updated_at=applying.now)
    )
    audit.add(
        applying.connection,
        actor=audit.DAEMON,
        action="case-proposed",
        subject=case_subject(name),
        reason="release-passes-now",
        detail={
            "repository": str(applying.judgement.verdict.subject.repository),
            "digest": str(row.digest),
            "evidence": str(applying.judgement.verdict.evidence),
        },
        now=applying.now,
    )


def _supersede(applying: _Applying, name: str, why: str) -> None:
    case = tables.case
    row = applying.connection.execute(select(case).where(case.c.name == name)).first()
    if row is not None and row.state == CaseState.PROPOSED:
        close_case(
            applying.connection, row, CaseState.SUPERSEDED, actor=audit.DAEMON, reason=why, now=applying.now
        )
