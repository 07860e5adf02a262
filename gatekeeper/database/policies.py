"""Policy revisions: what another one makes due, where it begins to act, and whether what it turned is accepted."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, func, or_, select, true, update

from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import ConflictError, NotFoundError
from gatekeeper.core.evidence import Evidence
from gatekeeper.core.reach import Reach
from gatekeeper.core.verdict import EVALUATOR, State, Verdict
from gatekeeper.database import audit, tables
from gatekeeper.database.columns import canonical_text
from gatekeeper.database.connection import Link, touch
from gatekeeper.database.marks import chunks, mark
from gatekeeper.database.rows import case_of, read_body, repository_named
from gatekeeper.database.upsert import upsert
from gatekeeper.ports import JudgedSubject, PolicyChange

_CURRENT = select(tables.policy).where(tables.policy.c.current).limit(1)


class Policies:
    """``ports.PolicyStore``."""

    _link: Link

    def mark_policy(
        self,
        revision: str,
        *,
        now: datetime,
        reach: Reach | None = None,
        text: str | None = None,
        evaluator: int = EVALUATOR,
    ) -> int:
        """Marks every subject due that was judged under another revision or by another version; returns how many.

        Where ``reach`` acts and the one before did not, a baseline is drawn: what was first seen before is proposed.
        """
        subject, policy = tables.subject, tables.policy
        with self._link.writing(serial=True) as connection:
            before = connection.execute(select(policy).where(policy.c.current)).first()
            if before is not None and before.reach is not None and reach is not None:
                _draw_baseline(connection, read_body(Reach, before.reach), reach, now)
            connection.execute(update(policy).where(policy.c.current).values(current=False))
            row = {
                "revision": revision,
                "loaded_at": now,
                "current": True,
                "reach": None if reach is None else canonical_text(reach),
                "evaluator": evaluator,
                "body": text,
            }
            another_version = before is not None and before.evaluator not in (None, evaluator)
            if before is None or before.revision != revision or another_version:
                # What was accepted of an earlier life of this revision says nothing of what it turns now.
                row |= {"accepted_at": None, "accepted_by": None, "accepted_reason": None}
            upsert(connection, policy, [row], key=("revision",))
            stale = subject.c.policy_revision != revision
            if another_version:
                stale = subject.c.policy_revision.is_not(None)
            marked = mark(connection, stale, now=now)
            if marked:
                touch(connection)
            return marked

    def policy_change(self, *, hosts: Collection[str] | None, now: datetime) -> PolicyChange | None:
        """What the policy in force turned from passed to failed; None before any policy was loaded."""
        with self._link.reading() as connection:
            row = _current(connection)
            return None if row is None else _change(connection, row, hosts, now)

    def reach(self) -> Reach | None:
        """Where the policy in force acts; None before any policy."""
        with self._link.reading() as connection:
            row = _current(connection)
        return None if row is None or row.reach is None else read_body(Reach, row.reach)

    def judged_subjects(self, *, after: int, limit: int) -> Sequence[JudgedSubject]:
        """Everything with a verdict, by rising id above ``after``."""
        subject, verdict, evidence = tables.subject, tables.verdict, tables.evidence
        repository, case = tables.repository, tables.case
        statement = (
            select(
                subject.c.id,
                subject.c.digest,
                subject.c.first_seen,
                subject.c.repository_id,
                subject.c.case_id,
                repository.c.name,
                repository.c.baseline_at,
                verdict.c.body,
                evidence.c.body.label("evidence"),
            )
            .join(repository, repository.c.id == subject.c.repository_id)
            .join(verdict, verdict.c.id == subject.c.verdict_id)
            .join(evidence, evidence.c.digest == verdict.c.evidence)
            .where(subject.c.dropped.is_(None), subject.c.id > after)
            .order_by(subject.c.id)
            .limit(limit)
        )
        with self._link.reading() as connection:
            rows = connection.execute(statement).all()
            tags = _tags_of(connection, rows)
            named = [row.case_id for row in rows if row.case_id is not None]
            cases = {row.id: row for row in connection.execute(select(case).where(case.c.id.in_(named)))}
        return [
            JudgedSubject(
                id=row.id,
                repository=repository_named(row.name),
                digest=row.digest,
                tags=tuple(sorted(tags.get((row.repository_id, row.digest), ()))),
                first_seen=row.first_seen,
                existing=row.baseline_at is not None and row.first_seen < row.baseline_at,
                verdict=read_body(Verdict, row.body),
                evidence=read_body(Evidence, row.evidence),
                case=case_of(cases[row.case_id], repository_named(row.name))
                if row.case_id in cases
                else None,
            )
            for row in rows
        ]

    def accept_change(self, revision: str, *, actor: str, reason: str, now: datetime) -> int:
        """What this revision turned may be acted on from now on; returns how many digests that are.

        NotFoundError for a revision that is not in force, ConflictError when it is accepted already.
        """
        policy, subject = tables.policy, tables.subject
        with self._link.writing(serial=True) as connection:
            row = _current(connection)
            if row is None or row.revision != revision:
                raise NotFoundError(
                    f"{revision} is not the policy in force"
                    + ("" if row is None else f": that is {row.revision}"),
                    reason_code="policy-not-in-force",
                )
            if row.accepted_at is not None:
                raise ConflictError(
                    f"what {revision} changed was accepted already, by {row.accepted_by}",
                    reason_code="policy-change-accepted",
                )
            connection.execute(
                update(policy)
                .where(policy.c.revision == revision)
                .values(accepted_at=now, accepted_by=actor, accepted_reason=reason)
            )
            turned = mark(connection, subject.c.turned == revision, now=now)
            connection.execute(update(subject).where(subject.c.turned == revision).values(turned=None))
            audit.add(
                connection,
                actor=actor,
                action="policy-accepted",
                subject=f"policy {revision}",
                reason=reason,
                detail={"turned": str(turned)},
                now=now,
            )
            touch(connection)
            return turned


def change_accepted(connection: Connection) -> bool:
    """True when what the policy in force turns into failed may be acted on."""
    row = _current(connection)
    return row is not None and row.accepted_at is not None


def _current(connection: Connection) -> Row[Any] | None:
    return connection.execute(_CURRENT).first()


def _tags_of(connection: Connection, rows: Sequence[Any]) -> Mapping[tuple[int, Digest], list[str]]:
    tag = tables.tag
    found: dict[tuple[int, Digest], list[str]] = {}
    statement = select(tag.c.repository_id, tag.c.digest, tag.c.name).where(
        tag.c.repository_id.in_({row.repository_id for row in rows}),
        tag.c.digest.in_({row.digest for row in rows}),
    )
    for row in connection.execute(statement):
        found.setdefault((row.repository_id, row.digest), []).append(row.name)
    return found


def _draw_baseline(connection: Connection, before: Reach, after: Reach, now: datetime) -> None:
    table = tables.repository
    rows = connection.execute(select(table.c.id, table.c.name)).all()
    begun = [row.id for row in rows if after.acts_on(row.name) and not before.acts_on(row.name)]
    for chunk in chunks(begun):
        connection.execute(update(table).where(table.c.id.in_(chunk)).values(baseline_at=now))
    if begun:
        audit.add(
            connection,
            actor=audit.DAEMON,
            action="baseline-drawn",
            subject="policy",
            reason="enforcement begins",
            detail={"repositories": str(len(begun))},
            now=now,
        )


def _change(connection: Connection, row: Any, hosts: Collection[str] | None, now: datetime) -> PolicyChange:
    subject = tables.subject

    def count(condition: ColumnElement[bool]) -> int:
        statement = select(func.count()).select_from(subject).where(subject.c.dropped.is_(None), condition)
        return int(connection.execute(statement).scalar_one())

    turned = count(and_(subject.c.turned == row.revision, subject.c.state == str(State.FAILED)))
    if turned == 0:
        return _said(row, 0, 0)
    registry = tables.registry
    asked = select(registry.c.id).where(true() if hosts is None else registry.c.host.in_(sorted(hosts)))
    waits = and_(
        subject.c.registry_id.in_(asked),
        subject.c.marked_at.is_not(None),
        subject.c.next_due <= now,
        subject.c.state == str(State.PASSED),
    )
    open_still = and_(subject.c.turned == row.revision, subject.c.state != str(State.FAILED))
    return _said(row, turned, count(or_(waits, open_still)))


def _said(row: Any, turned: int, waiting: int) -> PolicyChange:
    return PolicyChange(
        revision=row.revision,
        loaded_at=row.loaded_at,
        turned=turned,
        waiting=waiting,
        accepted_at=row.accepted_at,
        accepted_by=row.accepted_by,
        accepted_reason=row.accepted_reason,
    )
