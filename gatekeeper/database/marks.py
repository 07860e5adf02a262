"""Making subjects due: events count up ``marks``, so that one that arrives during a judgement is not lost by it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, case, func, literal, update

from gatekeeper.core.digest import Digest
from gatekeeper.database import tables
from gatekeeper.database.upsert import insert_missing

T = TypeVar("T")
_CHUNK = 500


def chunks(items: Iterable[T]) -> Iterator[Sequence[T]]:
    """Slices that fit into one IN list."""
    listed = list(items)
    for start in range(0, len(listed), _CHUNK):
        yield listed[start : start + _CHUNK]


def mark(
    connection: Connection,
    *conditions: ColumnElement[bool],
    now: datetime,
    new_evidence: bool = False,
    revive: bool = False,
) -> int:
    """Makes subjects due at once; returns how many. ``new_evidence``: their referrers are asked again too.

    ``revive``: also those that were dropped before.
    """
    subject = tables.subject
    # Inside an expression a value has no column to take its type from.
    moment = literal(now, subject.c.next_due.type)
    values: dict[str, Any] = {
        "next_due": case((subject.c.next_due <= moment, subject.c.next_due), else_=moment),
        "marked_at": func.coalesce(subject.c.marked_at, moment),
        "marks": subject.c.marks + 1,
    }
    if new_evidence:
        values["evidence_due"] = now
    if revive:
        values["dropped"] = None
    statement = update(subject).where(*conditions).values(values)
    if not revive:
        statement = statement.where(subject.c.dropped.is_(None))
    return connection.execute(statement).rowcount


def mark_digests(
    connection: Connection,
    repository_id: int,
    digests: Iterable[Digest],
    *,
    now: datetime,
    new_evidence: bool = False,
    revive: bool = False,
) -> None:
    """``mark`` for known subjects of one repository."""
    subject = tables.subject
    for chunk in chunks(sorted(digests)):
        mark(
            connection,
            subject.c.repository_id == repository_id,
            subject.c.digest.in_(chunk),
            now=now,
            new_evidence=new_evidence,
            revive=revive,
        )


def add_subjects(
    connection: Connection,
    repository: Any,
    digests: Iterable[Digest],
    *,
    now: datetime,
    priority: int = 0,
) -> None:
    """Inserts unknown subjects, due now. ``repository`` is a row with id and registry_id."""
    insert_missing(
        connection,
        tables.subject,
        [
            {
                "registry_id": repository.registry_id,
                "repository_id": repository.id,
                "digest": digest,
                "first_seen": now,
                "next_due": now,
                "marked_at": now,
                "marks": 1,
                "priority": priority,
            }
            for digest in sorted(digests)
        ],
    )


def drop(connection: Connection, *conditions: ColumnElement[bool], why: str) -> None:
    """They turned out to be no subjects: never due, never answered for."""
    connection.execute(
        update(tables.subject)
        .where(*conditions)
        .values(dropped=why, next_due=None, marked_at=None, lease_until=None, state=None)
    )
