"""Subjects: made due, claimed for verification, and what is known about each beforehand."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, bindparam, exists, func, or_, select, update

from gatekeeper.core.digest import Digest
from gatekeeper.core.evidence import Evidence
from gatekeeper.core.lifecycle import Case, IntentKind, IntentState
from gatekeeper.core.reference import Repository
from gatekeeper.core.verdict import State, Verdict
from gatekeeper.core.waiver import Waiver
from gatekeeper.database import tables
from gatekeeper.database.claims import fenced
from gatekeeper.database.connection import Link, touch
from gatekeeper.database.marks import add_subjects, drop, mark, mark_digests
from gatekeeper.database.pointing import point, tags_at
from gatekeeper.database.policies import change_accepted
from gatekeeper.database.rows import (
    acted_on,
    case_of,
    ensure_repository,
    matching,
    newest_case_row,
    read_body,
    repository_named,
    repository_row,
    waiver_of,
)
from gatekeeper.ports import DueSubject, Lease, Predecessor, RecordedVerdict

HELD = (IntentState.WRITTEN, IntentState.CONFIRMED)
"""States of an anchor intent whose anchor tag was read back."""
_PREDECESSORS = 8
"""How many earlier digests of a tag are offered: those before were pulled away from it long ago."""

# Asked for each subject that is judged, so built once.
_WHERE = (
    select(tables.repository.c.name, tables.repository.c.baseline_at, tables.registry.c.doubted_at)
    .join(tables.registry, tables.registry.c.id == tables.repository.c.registry_id)
    .where(tables.repository.c.id == bindparam("repository_id"))
)
_RECORDED = (
    select(tables.verdict.c.body, tables.evidence.c.body.label("evidence"))
    .join(tables.evidence, tables.evidence.c.digest == tables.verdict.c.evidence)
    .where(tables.verdict.c.id == bindparam("verdict_id"))
)
# A release names the digest that was judged; any other waiver may name a platform child of it.
_WAIVERS = (
    select(tables.waiver)
    .where(or_(tables.waiver.c.case_id.is_(None), tables.waiver.c.digest == bindparam("digest")))
    .order_by(tables.waiver.c.id)
)


class Subjects:
    """What ``verify`` is given, and what makes it run."""

    _link: Link

    def mark_due(
        self, repository: Repository, digest: Digest, *, tag: str | None, priority: int, now: datetime
    ) -> None:
        """Makes one subject due now; creates it if unknown. ``tag``: it was just seen to point at the digest.

        A subject that is due or being judged already only gains priority: asking does not judge it twice.
        """
        subject = tables.subject
        with self._link.writing(serial=True) as connection:
            row = ensure_repository(connection, repository, now)
            here = and_(subject.c.repository_id == row.id, subject.c.digest == digest)
            add_subjects(connection, row, (digest,), now=now, priority=priority)
            idle = and_(
                subject.c.marked_at.is_(None),
                or_(subject.c.lease_until.is_(None), subject.c.lease_until <= now),
            )
            mark(connection, here, or_(idle, subject.c.dropped.is_not(None)), now=now, revive=True)
            connection.execute(
                update(subject).where(here, subject.c.priority < priority).values(priority=priority)
            )
            if tag is not None and tag not in tags_at(connection, row.id, digest):
                point(connection, row.id, {tag: digest}, now=now)
                mark_digests(connection, row.id, (digest,), now=now)
            touch(connection)

    def due_subject(self, lease: Lease) -> DueSubject:
        """The claimed row. ConflictError when the lease was lost.

        Its tags are those that point at it and those that its open case replaced: they show our tombstone, and the
        digest is what they stand for.
        """
        with self._link.reading() as connection:
            row = fenced(connection, lease)
            where = connection.execute(_WHERE, {"repository_id": row.repository_id}).one()
            tags = {*tags_at(connection, row.repository_id, row.digest), *_replaced_tags(connection, row)}
            return DueSubject(
                id=row.id,
                repository=repository_named(where.name),
                digest=row.digest,
                tags=tuple(sorted(tags)),
                first_seen=row.first_seen,
                previous=_previous(connection, row.verdict_id),
                undetermined_since=row.undetermined_since,
                evidence_due=row.evidence_due,
                existing=where.baseline_at is not None and row.first_seen < where.baseline_at,
                turned=row.turned,
                doubted=where.doubted_at is not None,
                change_accepted=change_accepted(connection),
                failed_by_feed_at=row.failed_by_feed_at,
            )

    def drop_subject(self, lease: Lease, *, why: str, now: datetime) -> None:  # noqa: ARG002 - the port's
        """It turned out not to be a subject (evidence, tombstone, other artifact)."""
        with self._link.writing() as connection:
            fenced(connection, lease)
            drop(connection, tables.subject.c.id == lease.id, why=why)
            touch(connection)

    def waivers(self, repository: Repository, digest: Digest) -> tuple[Waiver, ...]:
        """Every waiver and release that could concern it, expired ones too (``decide`` checks the time)."""
        with self._link.reading() as connection:
            rows = connection.execute(_WAIVERS, {"digest": digest}).all()
        return tuple(waiver_of(row) for row in rows if matching((row.repository_glob,), repository))

    def newest_case(self, repository: Repository, digest: Digest) -> Case | None:
        """The newest case of this digest in this repository."""
        with self._link.reading() as connection:
            known = repository_row(connection, repository)
            row = None if known is None else newest_case_row(connection, known.id, digest)
        return None if row is None else case_of(row, repository)

    def predecessors(self, repository: Repository, tag: str, digest: Digest) -> tuple[Predecessor, ...]:
        """Other digests that passed at this tag and pass now, the last that passed there first.

        One that was last judged under another policy than the one in force does not count as passing.
        """
        passed, subject, table = tables.passed_tag, tables.subject, tables.repository
        current = select(tables.policy.c.revision).where(tables.policy.c.current).limit(1).scalar_subquery()
        statement = (
            select(passed.c.digest, _anchored().label("anchored"))
            .join(table, table.c.id == passed.c.repository_id)
            .join(
                subject,
                and_(subject.c.repository_id == passed.c.repository_id, subject.c.digest == passed.c.digest),
            )
            .where(
                table.c.name == str(repository),
                passed.c.tag == tag,
                passed.c.digest != digest,
                subject.c.state == str(State.PASSED),
                subject.c.policy_revision == func.coalesce(current, subject.c.policy_revision),
            )
            .order_by(passed.c.at.desc())
            .limit(_PREDECESSORS)
        )
        with self._link.reading() as connection:
            return tuple(Predecessor(row.digest, bool(row.anchored)) for row in connection.execute(statement))


def _anchored() -> Any:
    """True when an anchor tag of ours holds the digest for this tag."""
    passed, intent = tables.passed_tag, tables.intent
    return exists().where(
        intent.c.repository_id == passed.c.repository_id,
        intent.c.tag == passed.c.tag,
        intent.c.digest == passed.c.digest,
        intent.c.kind == str(IntentKind.ANCHOR),
        intent.c.state.in_([str(state) for state in HELD]),
        tables.our_tag.c.intent_id == intent.c.id,
    )


def _replaced_tags(connection: Connection, row: Any) -> tuple[str, ...]:
    """Tags of the open case that show what we put there, or nothing."""
    case = newest_case_row(connection, row.repository_id, row.digest)
    if case is None or not acted_on(case):
        return ()
    tag, intent = tables.tag, tables.intent
    pointing = {
        found.name: found.digest
        for found in connection.execute(
            select(tag.c.name, tag.c.digest).where(
                tag.c.repository_id == row.repository_id, tag.c.name.in_(case.tags)
            )
        )
    }
    shown = {
        (found.tag, found.shown)
        for found in connection.execute(
            select(intent.c.tag, intent.c.shown).where(intent.c.case_id == case.id, intent.c.replaces)
        )
    }
    return tuple(name for name in case.tags if name not in pointing or (name, pointing[name]) in shown)


def _previous(connection: Connection, verdict_id: int | None) -> RecordedVerdict | None:
    if verdict_id is None:
        return None
    row = connection.execute(_RECORDED, {"verdict_id": verdict_id}).one()
    return RecordedVerdict(verdict_id, read_body(Verdict, row.body), read_body(Evidence, row.evidence))
