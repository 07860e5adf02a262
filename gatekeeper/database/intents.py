"""Intents: the write-ahead journal of registry writes, and the tags that they leave beside the judged one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, bindparam, delete, insert, select, update

from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import ConflictError, NotFoundError
from gatekeeper.core.lifecycle import (
    ENFORCING,
    CaseState,
    Intent,
    IntentDraft,
    IntentKind,
    IntentState,
)
from gatekeeper.core.reference import Repository
from gatekeeper.core.tombstone import tombstone
from gatekeeper.database import audit, tables
from gatekeeper.database.claims import fenced
from gatekeeper.database.columns import canonical_text
from gatekeeper.database.connection import Link, touch
from gatekeeper.database.marks import mark_digests
from gatekeeper.database.pointing import busy_tags, close_case, point
from gatekeeper.database.rows import acted_on, ensure_repository, intent_of, repository_named
from gatekeeper.database.subjects import HELD
from gatekeeper.database.upsert import upsert
from gatekeeper.ports import Lease, OurTag

_OURS = select(tables.our_tag.c.name, tables.our_tag.c.digest).where(
    tables.our_tag.c.repository == bindparam("repository")
)


def add_intent(
    connection: Connection, draft: IntentDraft, *, now: datetime, counted: bool = False
) -> tuple[int, bool]:
    """(id, whether it is new). A nonce that is known already is not added again. The transaction must be serial.

    Raises ConflictError when another open intent writes the same tag.
    """
    intent = tables.intent
    known = connection.execute(select(intent.c.id).where(intent.c.nonce == draft.nonce)).scalar()
    if known is not None:
        return known, False
    repository = ensure_repository(connection, draft.repository, now)
    writes_tag = draft.tag is not None and draft.kind is not IntentKind.ANCHOR
    if writes_tag and busy_tags(connection, repository.id, (draft.tag or "",)):
        raise ConflictError(
            f"another intent for {draft.repository}:{draft.tag} is under way", reason_code="intent-under-way"
        )
    replaces = draft.kind in ENFORCING
    intent_id = connection.execute(
        insert(intent)
        .values(
            registry_id=repository.registry_id,
            repository_id=repository.id,
            case_id=_case_id(connection, draft.case_id),
            kind=str(draft.kind),
            digest=draft.digest,
            tag=draft.tag,
            nonce=draft.nonce,
            shown=shown_by(draft) if replaces else None,
            replaces=replaces,
            buries=replaces and draft.replacement is None,
            counted=counted,
            state=str(IntentState.PLANNED),
            note="",
            created_at=now,
            updated_at=now,
            body=canonical_text(draft),
            next_due=now,
        )
        .returning(intent.c.id)
    ).scalar_one()
    _tell(connection, intent_id, draft, IntentState.PLANNED, draft.reason, now)
    return intent_id, True


def shown_by(draft: IntentDraft) -> Digest:
    """What the tag of an enforcing draft shows once it was carried out."""
    return draft.replacement if draft.replacement is not None else Digest.of(tombstone(draft))


def _case_id(connection: Connection, name: str | None) -> int | None:
    if name is None:
        return None
    return connection.execute(select(tables.case.c.id).where(tables.case.c.name == name)).scalar()


def intent_subject(intent_id: int) -> str:
    """How the audit trail names an intent."""
    return f"intent {intent_id}"


def _tell(
    connection: Connection, intent_id: int, draft: IntentDraft, state: IntentState, why: str, now: datetime
) -> None:
    detail = {
        "kind": str(draft.kind),
        "repository": str(draft.repository),
        "digest": str(draft.digest),
        "tag": draft.tag,
        "target": None if draft.target is None else str(draft.target),
        "target_tag": draft.target_tag,
        "case": draft.case_id,
    }
    audit.add(
        connection,
        actor=draft.actor,
        action=f"intent-{state}",
        subject=intent_subject(intent_id),
        reason=why,
        detail={name: value for name, value in detail.items() if value is not None},
        now=now,
    )


class Intents:
    """``ports.IntentStore`` but for the claims."""

    _link: Link

    def intent(self, lease: Lease) -> Intent:
        """The claimed intent. ConflictError when the lease was lost."""
        with self._link.reading() as connection:
            return intent_of(fenced(connection, lease))

    def intent_by_id(self, intent_id: int) -> Intent:
        """NotFoundError when there is none."""
        with self._link.reading() as connection:
            row = _row(connection, intent_id)
        if row is None:
            raise NotFoundError(f"there is no intent {intent_id}", reason_code="intent-unknown")
        return intent_of(row)

    def open_intents(self, *, repository: Repository | None = None) -> tuple[Intent, ...]:
        """Everything unfinished, oldest first."""
        intent, table = tables.intent, tables.repository
        statement = select(intent).where(intent.c.next_due.is_not(None)).order_by(intent.c.id)
        if repository is not None:
            statement = statement.join(table, table.c.id == intent.c.repository_id).where(
                table.c.name == str(repository)
            )
        with self._link.reading() as connection:
            return tuple(intent_of(row) for row in connection.execute(statement))

    def add_intents(self, drafts: Sequence[IntentDraft], *, now: datetime) -> tuple[int, ...]:
        """Records intents that come from no verdict, all or none; returns their ids, those of known nonces too."""
        with self._link.writing(serial=True) as connection:
            ids = tuple(add_intent(connection, draft, now=now)[0] for draft in drafts)
            touch(connection)
            return ids

    def add_tags(self, lease: Lease, tags: Sequence[OurTag], *, now: datetime) -> None:  # noqa: ARG002 - the port's
        """Records tags before they are written. A tag belongs to the intent that recorded it last."""
        with self._link.writing() as connection:
            fenced(connection, lease)
            rows = {
                (str(tag.repository), tag.tag): {
                    "repository": str(tag.repository),
                    "name": tag.tag,
                    "digest": tag.digest,
                    "intent_id": lease.id,
                }
                for tag in tags
            }
            upsert(connection, tables.our_tag, list(rows.values()), key=("repository", "name"))

    def drop_tags(self, lease: Lease, tags: Sequence[OurTag], *, now: datetime) -> None:  # noqa: ARG002 - the port's
        """Forgets tags that were taken away; one that was recorded anew for another digest stays."""
        our_tag = tables.our_tag
        with self._link.writing() as connection:
            fenced(connection, lease)
            for tag in tags:
                connection.execute(
                    delete(our_tag).where(
                        our_tag.c.repository == str(tag.repository),
                        our_tag.c.name == tag.tag,
                        our_tag.c.digest == tag.digest,
                    )
                )

    def tags_of(self, nonce: str) -> tuple[OurTag, ...]:
        """What the intent with this nonce recorded and nobody dropped, in the order of recording."""
        our_tag, intent = tables.our_tag, tables.intent
        statement = (
            select(our_tag)
            .join(intent, intent.c.id == our_tag.c.intent_id)
            .where(intent.c.nonce == nonce)
            .order_by(our_tag.c.id)
        )
        with self._link.reading() as connection:
            return tuple(
                OurTag(repository_named(row.repository), row.name, row.digest)
                for row in connection.execute(statement)
            )

    def tags_at(self, host: str) -> tuple[tuple[str, OurTag], ...]:
        """(nonce of the intent that recorded it, tag) of everything in this registry that nobody dropped."""
        our_tag, intent = tables.our_tag, tables.intent
        statement = (
            select(our_tag, intent.c.nonce)
            .join(intent, intent.c.id == our_tag.c.intent_id)
            .where(our_tag.c.repository.startswith(f"{host}/", autoescape=True))
            .order_by(our_tag.c.id)
        )
        with self._link.reading() as connection:
            return tuple(
                (row.nonce, OurTag(repository_named(row.repository), row.name, row.digest))
                for row in connection.execute(statement)
            )

    def intents_at(self, host: str, kinds: frozenset[IntentKind]) -> tuple[Intent, ...]:
        """Every intent of these kinds about this registry's repositories, oldest first."""
        intent, table = tables.intent, tables.repository
        statement = (
            select(intent)
            .join(table, table.c.id == intent.c.repository_id)
            .where(
                table.c.name.startswith(f"{host}/", autoescape=True),
                intent.c.kind.in_(sorted(str(kind) for kind in kinds)),
            )
            .order_by(intent.c.id)
        )
        with self._link.reading() as connection:
            return tuple(intent_of(row) for row in connection.execute(statement))

    def ours(self, repository: Repository) -> Mapping[str, Digest]:
        """Every tag that we wrote here, with what it must point at."""
        with self._link.reading() as connection:
            rows = connection.execute(_OURS, {"repository": str(repository)})
            return {row.name: row.digest for row in rows}

    def anchors(self, repository: Repository, tag: str) -> tuple[tuple[str, Digest], ...]:
        """(anchor tag, digest) kept for this tag, the one that passed there last first."""
        our_tag, intent, passed = tables.our_tag, tables.intent, tables.passed_tag
        statement = (
            select(our_tag.c.name, our_tag.c.digest)
            .join(intent, intent.c.id == our_tag.c.intent_id)
            .outerjoin(
                passed,
                and_(
                    passed.c.repository_id == intent.c.repository_id,
                    passed.c.tag == tag,
                    passed.c.digest == our_tag.c.digest,
                ),
            )
            .where(
                our_tag.c.repository == str(repository),
                intent.c.tag == tag,
                intent.c.kind == str(IntentKind.ANCHOR),
                intent.c.state.in_([str(state) for state in HELD]),
            )
            .order_by(passed.c.at.is_(None), passed.c.at.desc(), intent.c.id.desc())
        )
        with self._link.reading() as connection:
            return tuple((row.name, row.digest) for row in connection.execute(statement))

    def newest_attestation(self, repository: Repository, digest: Digest) -> Intent | None:
        """The ATTEST intent that was recorded last for this digest here, whatever its state."""
        intent, table = tables.intent, tables.repository
        statement = (
            select(intent)
            .join(table, table.c.id == intent.c.repository_id)
            .where(
                table.c.name == str(repository),
                intent.c.digest == digest,
                intent.c.kind == str(IntentKind.ATTEST),
            )
            .order_by(intent.c.id.desc())
            .limit(1)
        )
        with self._link.reading() as connection:
            row = connection.execute(statement).first()
        return None if row is None else intent_of(row)

    def observe_own(
        self,
        repository: Repository,
        tag: str,
        *,
        before: Digest | None,
        after: Digest | None,
        now: datetime,
    ) -> None:
        """What we made of a tag that others write too, without making anything due; only while it was ``before``."""
        table, known = tables.repository, tables.tag
        with self._link.writing(serial=True) as connection:
            row = connection.execute(select(table.c.id).where(table.c.name == str(repository))).first()
            if row is None:
                return
            here = and_(known.c.repository_id == row.id, known.c.name == tag)
            if connection.execute(select(known.c.digest).where(here)).scalar() != before:
                return
            if after is None:
                connection.execute(delete(known).where(here))
                return
            values = {"digest": after, "missing": False}
            if connection.execute(update(known).where(here).values(values)).rowcount == 0:
                connection.execute(insert(known).values(repository_id=row.id, name=tag, since=now, **values))

    def raw_manifest(self, digest: Digest) -> bytes | None:
        """A manifest we kept when it was judged."""
        image = tables.image
        with self._link.reading() as connection:
            return connection.execute(select(image.c.raw).where(image.c.digest == digest)).scalar()

    def advance(
        self, lease: Lease, state: IntentState, *, note: str, now: datetime, retry_at: datetime | None = None
    ) -> Intent:
        """Moves an intent on with what follows from it, fenced. ``retry_at`` gives the lease back until then.

        Raises ConflictError when the lease was lost or the state cannot follow.
        """
        intent = tables.intent
        with self._link.writing(serial=True) as connection:
            row = fenced(connection, lease)
            before = IntentState(row.state)
            if not before.may_become(state):
                raise ConflictError(
                    f"intent {lease.id} is {before} and cannot become {state}", reason_code="intent-state"
                )
            values: dict[str, Any] = {"state": str(state), "note": note, "updated_at": now, "error": None}
            if not state.open:
                values.update(next_due=None, lease_until=None)
            elif retry_at is not None:
                attempts = row.attempts + 1 if state is before else 0
                values.update(next_due=retry_at, lease_until=None, attempts=attempts)
            elif state is not before:
                values.update(attempts=0)
            connection.execute(update(intent).where(intent.c.id == lease.id).values(values))
            after = _row(connection, lease.id)
            assert after is not None
            moved_on = intent_of(after)
            if state is not before:
                _tell(connection, lease.id, moved_on.draft, state, note, now)
                _follow(connection, after, state, now)
            touch(connection)
            return moved_on


def _row(connection: Connection, intent_id: int) -> Row[Any] | None:
    return connection.execute(select(tables.intent).where(tables.intent.c.id == intent_id)).first()


def _follow(connection: Connection, row: Any, state: IntentState, now: datetime) -> None:
    """What an intent's new state means for tags, cases and subjects."""
    if row.kind == IntentKind.RESTORE and state is IntentState.CONFIRMED:
        point(connection, row.repository_id, {row.tag: row.digest}, now=now)
        mark_digests(connection, row.repository_id, (row.digest,), now=now)
    elif row.replaces and state is IntentState.CONFIRMED:
        point(connection, row.repository_id, {row.tag: row.shown}, now=now)
        mark_digests(connection, row.repository_id, (row.shown,), now=now)
    elif row.replaces and not state.open:
        _leave_case(connection, row, now)


def _leave_case(connection: Connection, row: Any, now: datetime) -> None:
    """Nothing was done at this tag: it leaves the case, and a case without tags is closed."""
    case = tables.case
    found = connection.execute(select(case).where(case.c.id == row.case_id)).first()
    if found is None or not acted_on(found):
        return
    tags = tuple(tag for tag in found.tags if tag != row.tag)
    if not tags:
        close_case(
            connection, found, CaseState.SUPERSEDED, actor=audit.DAEMON, reason=f"intent-{row.state}", now=now
        )
        return
    connection.execute(update(case).where(case.c.id == found.id).values(tags=tags, updated_at=now))
