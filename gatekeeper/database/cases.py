"""Cases: what people review, and what they decide."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from gatekeeper.core.errors import ConflictError, NotFoundError
from gatekeeper.core.lifecycle import Case, CaseState, IntentDraft
from gatekeeper.core.verdict import Verdict
from gatekeeper.core.waiver import Waiver
from gatekeeper.database import audit, tables
from gatekeeper.database.connection import Link, touch
from gatekeeper.database.intents import add_intent, intent_subject
from gatekeeper.database.marks import add_subjects, mark_digests
from gatekeeper.database.pointing import case_subject, close_case
from gatekeeper.database.rows import (
    case_of,
    ensure_repository,
    intent_of,
    like_any,
    newest_first,
    read_body,
    repository_named,
)
from gatekeeper.database.waivers import insert_waiver
from gatekeeper.ports import CaseRow, Page


class Cases:
    """``ports.ReviewStore``."""

    _link: Link

    def cases(
        self, *, states: frozenset[CaseState], repositories: tuple[str, ...], page: Page
    ) -> tuple[Sequence[Case], str | None]:
        """Cases, newest first, and the cursor of the next page. MalformedError for a foreign cursor."""
        case, repository = tables.case, tables.repository
        statement = (
            select(case, repository.c.name.label("repository"))
            .join(repository, repository.c.id == case.c.repository_id)
            .where(
                case.c.state.in_(sorted(str(state) for state in states)),
                like_any(repository.c.name, repositories),
            )
        )
        with self._link.reading() as connection:
            found, cursor = newest_first(connection, statement, case.c.id, repositories, page)
        return [case_of(row, where) for row, where in found], cursor

    def case(self, case_id: str) -> CaseRow:
        """NotFoundError when there is none."""
        intent, verdict, subject = tables.intent, tables.verdict, tables.subject
        with self._link.reading() as connection:
            row = _named(connection, case_id)
            body = connection.execute(
                select(verdict.c.body)
                .join(subject, subject.c.verdict_id == verdict.c.id)
                .where(subject.c.repository_id == row.repository_id, subject.c.digest == row.digest)
            ).scalar()
            intents = tuple(
                intent_of(found)
                for found in connection.execute(
                    select(intent).where(intent.c.case_id == row.id).order_by(intent.c.id)
                )
            )
            history = audit.about(
                connection, [case_subject(row.name), *(intent_subject(found.id) for found in intents)]
            )
        return CaseRow(
            case=case_of(row, repository_named(row.repository)),
            verdict=None if body is None else read_body(Verdict, body),
            intents=intents,
            history=history,
        )

    def review(
        self,
        case: Case,
        state: CaseState,
        *,
        actor: str,
        reason: str,
        waiver: Waiver | None,
        intents: Sequence[IntentDraft],
        now: datetime,
    ) -> Case:
        """Decides a case in one transaction; ConflictError when it is no longer in ``case.state``."""
        with self._link.writing(serial=True) as connection:
            row = _named(connection, case.id)
            if row.state != case.state:
                raise ConflictError(
                    f"case {case.id} is {row.state} by now: somebody was faster", reason_code="case-decided"
                )
            close_case(connection, row, state, actor=actor, reason=reason, now=now)
            if waiver is not None:
                insert_waiver(connection, waiver, now=now, case_id=row.id)
            for draft in intents:
                add_intent(connection, draft, now=now)
            mark_digests(connection, row.repository_id, (row.digest,), now=now)
            decided = _named(connection, case.id)
            touch(connection)
        return case_of(decided, case.repository)

    def add_case(
        self, case: Case, intents: Sequence[IntentDraft], *, actor: str, reason: str, now: datetime
    ) -> None:
        """A case found in the registry alone (recovery). Nothing happens when it is known."""
        table, subject = tables.case, tables.subject
        with self._link.writing(serial=True) as connection:
            if connection.execute(select(table.c.id).where(table.c.name == case.id)).first() is not None:
                return
            repository = ensure_repository(connection, case.repository, now)
            case_id = connection.execute(
                insert(table)
                .values(
                    name=case.id,
                    repository_id=repository.id,
                    digest=case.digest,
                    tags=case.tags,
                    state=str(case.state),
                    action=str(case.action),
                    reason_code=case.reason_code,
                    why_proposed=case.why_proposed,
                    fingerprints=tuple(sorted(case.fingerprints)),
                    opened_at=case.opened_at,
                    updated_at=case.updated_at,
                )
                .returning(table.c.id)
            ).scalar_one()
            add_subjects(connection, repository, (case.digest,), now=now)
            connection.execute(
                update(subject)
                .where(subject.c.repository_id == repository.id, subject.c.digest == case.digest)
                .values(case_id=case_id)
            )
            audit.add(
                connection,
                actor=actor,
                action="case-opened",
                subject=case_subject(case.id),
                reason=reason,
                detail={
                    "repository": str(case.repository),
                    "digest": str(case.digest),
                    "tags": " ".join(case.tags),
                    "source": "registry",
                },
                now=now,
            )
            for draft in intents:
                add_intent(connection, draft, now=now)
            touch(connection)


def _named(connection: Connection, name: str) -> Any:
    case, repository = tables.case, tables.repository
    row = connection.execute(
        select(case, repository.c.name.label("repository"))
        .join(repository, repository.c.id == case.c.repository_id)
        .where(case.c.name == name)
    ).first()
    if row is None:
        raise NotFoundError(f"there is no case {name}", reason_code="case-unknown")
    return row
