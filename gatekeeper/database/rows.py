"""Rows to values and back, for the values that several nouns of this room read."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, Row, Select, bindparam, false, or_, select, true

from gatekeeper.core.canonical import from_plain
from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import MalformedError
from gatekeeper.core.lifecycle import Case, CaseState, Intent, IntentDraft, IntentState
from gatekeeper.core.policy import Action, matches_any
from gatekeeper.core.reference import Repository
from gatekeeper.core.waiver import Waiver
from gatekeeper.database import tables
from gatekeeper.database.upsert import insert_missing
from gatekeeper.ports import Page

T = TypeVar("T")
FIRST_INTERVAL = timedelta(minutes=1)
_FETCHED = 100
# Asked for each subject that is judged, so built once.
_REPOSITORY = select(tables.repository.c.id, tables.repository.c.registry_id).where(
    tables.repository.c.name == bindparam("repository")
)
_NEWEST_CASE = (
    select(tables.case)
    .where(
        tables.case.c.repository_id == bindparam("repository_id"), tables.case.c.digest == bindparam("digest")
    )
    .order_by(tables.case.c.id.desc())
    .limit(1)
)


def read_body(kind: type[T], body: str) -> T:
    """A value from its canonical JSON."""
    return from_plain(kind, json.loads(body))


def repository_named(name: str) -> Repository:
    """``host/path`` as we wrote it ourselves."""
    host, _, path = name.partition("/")
    return Repository(host, path)


def ensure_repository(connection: Connection, repository: Repository, now: datetime) -> Row[int, int]:
    """The repository's row (id, registry_id), added as due now when there is none."""
    known = repository_row(connection, repository)
    if known is not None:
        return known
    insert_missing(connection, tables.registry, [{"host": repository.registry}])
    registry_id = connection.execute(
        select(tables.registry.c.id).where(tables.registry.c.host == repository.registry)
    ).scalar_one()
    insert_missing(connection, tables.repository, [new_repository(repository, registry_id, now)])
    added = repository_row(connection, repository)
    assert added is not None
    return added


def new_repository(repository: Repository, registry_id: int, now: datetime) -> dict[str, Any]:
    """The columns of a repository that nobody has looked at yet."""
    return {
        "registry_id": registry_id,
        "path": repository.path,
        "name": str(repository),
        "added_at": now,
        "interval": FIRST_INTERVAL,
        "next_due": now,
    }


def repository_row(connection: Connection, repository: Repository) -> Row[int, int] | None:
    """The repository's row (id, registry_id), if it is known."""
    return connection.execute(_REPOSITORY, {"repository": str(repository)}).first()


def case_of(row: Any, repository: Repository) -> Case:
    """A row of ``case``."""
    return Case(
        id=row.name,
        repository=repository,
        digest=row.digest,
        tags=row.tags,
        state=CaseState(row.state),
        action=Action(row.action),
        reason_code=row.reason_code,
        why_proposed=row.why_proposed,
        fingerprints=frozenset(row.fingerprints),
        opened_at=row.opened_at,
        updated_at=row.updated_at,
    )


def intent_of(row: Any) -> Intent:
    """A row of ``intent``."""
    return Intent(
        id=row.id,
        draft=read_body(IntentDraft, row.body),
        state=IntentState(row.state),
        note=row.note,
        attempts=row.attempts,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def waiver_of(row: Any) -> Waiver:
    """A row of ``waiver``."""
    return Waiver(
        id=row.id,
        rule=row.rule,
        fingerprints=frozenset(row.fingerprints),
        digest=row.digest,
        repository_glob=row.repository_glob,
        reason=row.reason,
        owner=row.owner,
        approver=row.approver,
        expires_at=row.expires_at,
        added_at=row.added_at,
        revoked_at=row.revoked_at,
    )


def newest_case_row(connection: Connection, repository_id: int, digest: Digest) -> Row[Any] | None:
    """The newest case of a digest in a repository."""
    return connection.execute(_NEWEST_CASE, {"repository_id": repository_id, "digest": digest}).first()


def acted_on(row: Any) -> bool:
    """True while the registry shows what we put in place of a case's digest."""
    return row.state == CaseState.OPEN or (row.state == CaseState.KEPT and row.why_proposed is None)


def like_any(column: ColumnElement[str], globs: tuple[str, ...]) -> ColumnElement[bool]:
    """A condition that lets through at least what one of the globs matches; the caller sorts out the rest."""
    if not globs:
        return false()
    if "**" in globs:
        return true()
    patterns = []
    for glob in globs:
        literal = glob.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        patterns.append(column.like(literal.replace("*", "%").replace("?", "_"), escape="\\"))
    return or_(*patterns)


def newest_first(
    connection: Connection,
    statement: Select[Any],
    key: ColumnElement[int],
    globs: tuple[str, ...],
    page: Page,
) -> tuple[list[tuple[Row[Any], Repository]], str | None]:
    """A page of rows whose ``repository`` one of the globs matches, and the cursor of the next page.

    ``statement`` selects ``key`` as id. Raises MalformedError for a cursor that is none of ours.
    """
    found: list[tuple[Row[Any], Repository]] = []
    below = _cursor(page)
    fetched = max(page.limit + 1, _FETCHED)
    while True:
        chunk = statement if below is None else statement.where(key < below)
        rows = connection.execute(chunk.order_by(key.desc()).limit(fetched)).all()
        for row in rows:
            repository = repository_named(row.repository)
            if not matching(globs, repository):
                continue
            if len(found) == page.limit:
                return found, str(found[-1][0].id) if found else None
            found.append((row, repository))
        if len(rows) < fetched:
            return found, None
        below = rows[-1].id


def _cursor(page: Page) -> int | None:
    if page.after is None:
        return None
    if not (page.after.isascii() and page.after.isdigit() and len(page.after) <= 18):
        raise MalformedError(
            "the cursor `after` is none that this listing gave", reason_code="cursor-malformed"
        )
    return int(page.after)


def matching(globs: tuple[str, ...], repository: Repository) -> bool:
    """True when one of the globs matches."""
    return matches_any(globs, str(repository))
