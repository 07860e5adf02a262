"""The read side: what is recorded about digests and tags. ``status`` is one query."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from sqlalchemy import Select, bindparam, func, select, true

from gatekeeper.core.digest import Digest
from gatekeeper.core.evidence import Evidence
from gatekeeper.core.reference import Repository
from gatekeeper.core.verdict import Verdict
from gatekeeper.database import tables
from gatekeeper.database.connection import Link
from gatekeeper.database.reevaluation import stale
from gatekeeper.database.rows import (
    case_of,
    like_any,
    newest_first,
    read_body,
)
from gatekeeper.ports import Page, StatusRow

_CASE_COLUMNS = tuple((column.name, f"case_{column.name}") for column in tables.case.c)


class Status:
    """``ports.StatusStore``."""

    _link: Link

    def status(self, repository: Repository, digest: Digest, *, now: datetime) -> StatusRow | None:  # noqa: ARG002
        """One query. None for a digest never seen in this repository."""
        with self._link.reading() as connection:
            row = connection.execute(_ONE, {"repository": str(repository), "digest": digest}).first()
        return None if row is None else _status_row(row, repository)

    def evidence(self, digest: Digest) -> Evidence | None:
        """The evidence that a verdict rests on; None when it is not kept."""
        table = tables.evidence
        with self._link.reading() as connection:
            body = connection.execute(select(table.c.body).where(table.c.digest == digest)).scalar()
        return None if body is None else read_body(Evidence, body)

    def observed(self, repository: Repository, tag: str) -> tuple[tuple[Digest, datetime], ...]:
        """What the tag pointed at, newest first."""
        observation, table = tables.observation, tables.repository
        statement = (
            select(observation.c.digest, observation.c.at)
            .join(table, table.c.id == observation.c.repository_id)
            .where(
                table.c.name == str(repository),
                observation.c.tag == tag,
                observation.c.digest.is_not(None),
            )
            .order_by(observation.c.id.desc())
        )
        with self._link.reading() as connection:
            return tuple((row.digest, row.at) for row in connection.execute(statement))

    def tombstoned(self, repository: Repository, tag: str, pointed: Digest) -> Digest | None:
        """The original digest, when ``pointed`` is a tombstone that we wrote at this tag: ours for ever.

        What a tag was rolled back to is an image of its own, and answers for itself.
        """
        intent, table = tables.intent, tables.repository
        statement = (
            select(intent.c.digest)
            .join(table, table.c.id == intent.c.repository_id)
            .where(
                table.c.name == str(repository),
                intent.c.tag == tag,
                intent.c.shown == pointed,
                intent.c.buries,
            )
            .order_by(intent.c.id.desc())
            .limit(1)
        )
        with self._link.reading() as connection:
            return connection.execute(statement).scalar()

    def images(
        self, *, repositories: tuple[str, ...], state: str | None, page: Page
    ) -> tuple[Sequence[StatusRow], str | None]:
        """Subjects with their newest verdict, newest first. MalformedError for a foreign cursor."""
        subject, repository = tables.subject, tables.repository
        statement = _rows().where(
            like_any(repository.c.name, repositories),
            true() if state is None else subject.c.state == state,
        )
        with self._link.reading() as connection:
            found, cursor = newest_first(connection, statement, subject.c.id, repositories, page)
        return [_status_row(row, where) for row, where in found], cursor

    def change_counter(self) -> int:
        """Rises with every write that could change an answer."""
        with self._link.reading() as connection:
            return int(connection.execute(_CHANGES).scalar_one())

    def counts(self) -> Mapping[str, int]:
        """Rows by noun and state: ``subjects.passed``, ``cases.open``, ``intents.planned``, ``repositories`` …"""
        subject, case, intent = tables.subject, tables.case, tables.intent
        counted: dict[str, int] = {}
        with self._link.reading() as connection:
            for noun, table in (("subjects", subject), ("cases", case), ("intents", intent)):
                state = table.c.state
                statement = select(state, func.count()).group_by(state)
                if table is subject:
                    statement = statement.where(subject.c.dropped.is_(None))
                for name, count in connection.execute(statement):
                    counted[f"{noun}.{name or 'unjudged'}"] = count
            for noun, table in (("repositories", tables.repository), ("audit_rows", tables.audit)):
                counted[noun] = connection.execute(select(func.count()).select_from(table)).scalar_one()
        return counted


def _rows() -> Select[Any]:
    """Everything a ``StatusRow`` needs, tags included."""
    subject, verdict, case = tables.subject, tables.verdict, tables.case
    repository, tag = tables.repository, tables.tag
    tags = (
        select(func.aggregate_strings(tag.c.name, " "))
        .where(tag.c.repository_id == subject.c.repository_id, tag.c.digest == subject.c.digest)
        .scalar_subquery()
    )
    return (
        select(
            subject.c.id,
            subject.c.digest,
            subject.c.first_seen,
            subject.c.marked_at,
            stale().label("stale"),
            repository.c.name.label("repository"),
            verdict.c.body,
            tags.label("tags"),
            *(case.c[name].label(label) for name, label in _CASE_COLUMNS),
        )
        .join(repository, repository.c.id == subject.c.repository_id)
        .outerjoin(verdict, verdict.c.id == subject.c.verdict_id)
        .outerjoin(case, case.c.id == subject.c.case_id)
        .where(subject.c.dropped.is_(None))
    )


def _status_row(row: Any, repository: Repository) -> StatusRow:
    tags = tuple(sorted(row.tags.split(" "))) if row.tags else ()
    due = row.marked_at is not None or bool(row.stale)
    case = None
    if row.case_id is not None:
        columns = {name: getattr(row, label) for name, label in _CASE_COLUMNS}
        case = case_of(SimpleNamespace(**columns), repository)
    changing = (row.body, due, row.case_id, row.case_state, str(row.case_updated_at), tags)
    return StatusRow(
        repository=repository,
        digest=row.digest,
        tags=tags,
        first_seen=row.first_seen,
        due=due,
        verdict=None if row.body is None else read_body(Verdict, row.body),
        case=case,
        version=Digest.of(repr(changing).encode()).encoded[:32],
    )


_ONE = _rows().where(
    tables.repository.c.name == bindparam("repository"), tables.subject.c.digest == bindparam("digest")
)
_CHANGES = select(tables.counter.c.value).where(tables.counter.c.name == "change")
