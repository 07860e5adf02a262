"""What tags point at, and what follows for cases when one is moved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from gatekeeper.core.digest import Digest
from gatekeeper.core.lifecycle import CaseState, IntentKind
from gatekeeper.database import audit, tables
from gatekeeper.database.marks import chunks
from gatekeeper.database.rows import acted_on
from gatekeeper.database.upsert import upsert

_TAGS_AT = select(tables.tag.c.name).where(
    tables.tag.c.repository_id == bindparam("repository_id"), tables.tag.c.digest == bindparam("digest")
)


def point(connection: Connection, repository_id: int, moved: Mapping[str, Digest], *, now: datetime) -> None:
    """Records where tags point now. The transaction must be a serial one."""
    if not moved:
        return
    _observe(connection, repository_id, moved.items(), now)
    upsert(
        connection,
        tables.tag,
        [
            {"repository_id": repository_id, "name": tag, "digest": digest, "since": now, "missing": False}
            for tag, digest in sorted(moved.items())
        ],
        key=("repository_id", "name"),
    )
    _follow(connection, repository_id, moved, now)


def remove(connection: Connection, repository_id: int, gone: Iterable[str], *, now: datetime) -> None:
    """Records that tags are gone. The transaction must be a serial one."""
    names = sorted(gone)
    if not names:
        return
    tag = tables.tag
    _observe(connection, repository_id, ((name, None) for name in names), now)
    for chunk in chunks(names):
        connection.execute(delete(tag).where(tag.c.repository_id == repository_id, tag.c.name.in_(chunk)))
    _follow(connection, repository_id, {}, now)


def tags_at(connection: Connection, repository_id: int, digest: Digest) -> tuple[str, ...]:
    """The tags that point at a digest, sorted."""
    found = connection.execute(_TAGS_AT, {"repository_id": repository_id, "digest": digest})
    return tuple(sorted(found.scalars()))


def _observe(
    connection: Connection, repository_id: int, seen: Iterable[tuple[str, Digest | None]], now: datetime
) -> None:
    connection.execute(
        insert(tables.observation),
        [
            {"repository_id": repository_id, "tag": tag, "digest": digest, "at": now}
            for tag, digest in sorted(seen, key=lambda pair: pair[0])
        ],
    )


def _follow(connection: Connection, repository_id: int, moved: Mapping[str, Digest], now: datetime) -> None:
    case = tables.case
    waiting = (CaseState.PROPOSED, CaseState.OPEN, CaseState.KEPT)
    rows = connection.execute(
        select(case).where(case.c.repository_id == repository_id, case.c.state.in_(waiting))
    ).all()
    for row in rows:
        if row.state == CaseState.PROPOSED:
            _supersede_if_moved(connection, row, now)
        elif acted_on(row):
            _leave_to_next_judgement(connection, row, moved, now)


def _supersede_if_moved(connection: Connection, row: Any, now: datetime) -> None:
    """A proposal about tags that all show something else has lost its reason."""
    if set(row.tags) & set(tags_at(connection, row.repository_id, row.digest)):
        return
    close_case(connection, row, CaseState.SUPERSEDED, actor=audit.DAEMON, reason="tag-moved", now=now)


def _leave_to_next_judgement(
    connection: Connection, row: Any, moved: Mapping[str, Digest], now: datetime
) -> None:
    """Somebody pushed the quarantined digest over our tombstone: the tag leaves the case, to be acted on again."""
    returned = {tag for tag in row.tags if moved.get(tag) == row.digest}
    returned -= set(busy_tags(connection, row.repository_id, returned))
    if returned:
        kept = tuple(tag for tag in row.tags if tag not in returned)
        connection.execute(
            update(tables.case).where(tables.case.c.id == row.id).values(tags=kept, updated_at=now)
        )


def busy_tags(connection: Connection, repository_id: int, tags: Iterable[str]) -> tuple[str, ...]:
    """Those of the tags that an open intent is about to write."""
    intent = tables.intent
    found = connection.execute(
        select(intent.c.tag).where(
            intent.c.repository_id == repository_id,
            intent.c.tag.in_(sorted(tags)),
            intent.c.next_due.is_not(None),
            intent.c.kind != IntentKind.ANCHOR,
        )
    )
    return tuple(found.scalars())


def close_case(
    connection: Connection, row: Any, state: CaseState, *, actor: str, reason: str, now: datetime
) -> None:
    """A case reaches another state, with its audit row."""
    connection.execute(
        update(tables.case).where(tables.case.c.id == row.id).values(state=str(state), updated_at=now)
    )
    audit.add(
        connection,
        actor=actor,
        action=f"case-{state}",
        subject=case_subject(row.name),
        reason=reason,
        detail={
            "repository": _name_of(connection, row.repository_id),
            "digest": str(row.digest),
            "tags": " ".join(row.tags),
        },
        now=now,
    )


def _name_of(connection: Connection, repository_id: int) -> str:
    repository = tables.repository
    name: str = connection.execute(
        select(repository.c.name).where(repository.c.id == repository_id)
    ).scalar_one()
    return name


def case_subject(name: str) -> str:
    """How the audit trail names a case."""
    return f"case {name}"
