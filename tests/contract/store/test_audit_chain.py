"""The audit chain: append-only, and whoever tampers with it is found."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from gatekeeper.cli.audit_chain import verify_chain
from gatekeeper.core.errors import UnavailableError
from gatekeeper.database import Database, tables
from tests.contract.store.samples import NOW, quarantined

DROP = {
    "sqlite": ("DROP TRIGGER audit_refuses_UPDATE", "DROP TRIGGER audit_refuses_DELETE"),
    "postgresql": (
        "DROP TRIGGER audit_refuses_change ON audit",
        "DROP TRIGGER audit_refuses_truncate ON audit",
    ),
}


def _append(store: Database, count: int = 1, *, name: str = "x") -> None:
    for number in range(count):
        store.append(
            actor="alice",
            action="hold-on",
            subject=name,
            reason=f"number {number} \0 \N{SNOWMAN}",
            detail={"nul": "\0", "lone": "\ud800", "key \0": "value"},
            now=NOW,
        )


def _run(store: Database, *statements: str) -> None:
    with store._link.writing() as connection:
        for statement in statements:
            connection.execute(text(statement))


def _tamper(store: Database, *statements: str) -> str | None:
    """What a database owner can do, and what is found of it."""
    _run(store, *DROP[store._link.engine.dialect.name], *statements)
    return store.broken_at()


def _change(store: Database, seq: int, column: str, value: str) -> str | None:
    assert _tamper(store) is None
    with store._link.writing() as connection:
        connection.execute(tables.audit.update().where(tables.audit.c.seq == seq).values({column: value}))
    return store.broken_at()


def test_an_empty_chain_is_whole(store: Database) -> None:
    assert store.broken_at() is None
    assert str(store.head()) == "0:" + 64 * "0"


def test_each_row_carries_the_hash_of_the_one_before(store: Database) -> None:
    _append(store, 3)
    rows = store.rows(after=0, limit=10)
    assert [row.seq for row in rows] == [1, 2, 3]
    assert [row.prev_hash for row in rows] == ["0" * 64, rows[0].hash, rows[1].hash]
    assert str(store.head()) == f"3:{rows[2].hash}"
    assert [row.seq for row in store.rows(after=1, limit=1)] == [2]
    assert store.broken_at() is None


def test_writers_at_the_same_time_make_one_chain(store: Database, other: Database) -> None:
    writers = [
        threading.Thread(target=_append, args=(database, 15), kwargs={"name": str(number)})
        for number, database in enumerate((store, other, store, other))
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert store.head().seq == 60
    assert store.broken_at() is None


@pytest.mark.parametrize("statement", ["UPDATE audit SET reason = 'x'", "DELETE FROM audit WHERE seq = 1"])
def test_the_database_refuses_change(store: Database, statement: str) -> None:
    _append(store)
    with pytest.raises((UnavailableError, DBAPIError), match="append-only"):
        _run(store, statement)
    assert store.broken_at() is None


def test_the_database_refuses_to_empty_it_at_once(store: Database) -> None:
    _append(store)
    with pytest.raises((UnavailableError, DBAPIError), match="append-only"):
        _run(store, "DELETE FROM audit" if store._link.sqlite else "TRUNCATE audit")


@pytest.mark.parametrize("column", ["actor", "action", "subject", "reason", "detail", "hash", "prev_hash"])
def test_a_changed_row_is_found(store: Database, column: str) -> None:
    _append(store, 3)
    value = '{"nul":"y"}' if column == "detail" else "0" * 64
    found = _change(store, 2, column, value)
    assert found is not None
    assert "row 2" in found


def test_a_changed_time_is_found(store: Database) -> None:
    _append(store, 3)
    assert "row 3 was changed" in (_tamper(store, "UPDATE audit SET at = at + 1 WHERE seq = 3") or "")


@pytest.mark.parametrize("detail", ["not json", "[1]", '"text"', '{"nul": 1}'])
def test_a_detail_that_cannot_be_read_is_found(store: Database, detail: str) -> None:
    _append(store, 3)
    assert "row 2 was changed" in (_change(store, 2, "detail", detail) or "")


def test_a_missing_row_is_found(store: Database) -> None:
    _append(store, 3)
    assert "row 2 is missing" in (_tamper(store, "DELETE FROM audit WHERE seq = 2") or "")


def test_a_missing_beginning_is_found(store: Database) -> None:
    _append(store, 3)
    assert "row 1 is missing" in (_tamper(store, "DELETE FROM audit WHERE seq < 3") or "")


def test_rows_that_changed_places_are_found(store: Database) -> None:
    _append(store, 3)
    found = _tamper(
        store,
        "UPDATE audit SET seq = 99 WHERE seq = 1",
        "UPDATE audit SET seq = 1 WHERE seq = 2",
        "UPDATE audit SET seq = 2 WHERE seq = 99",
    )
    assert found is not None
    assert "row 1" in found


def test_a_row_from_before_the_beginning_is_found(store: Database) -> None:
    _append(store, 2)
    insert = (
        "INSERT INTO audit (seq, at, actor, action, subject, reason, detail, prev_hash, hash)"
        " SELECT 0, at, actor, action, subject, reason, detail, prev_hash, hash FROM audit WHERE seq = 1"
    )
    assert _tamper(store, insert) is not None


def test_truncation_and_rewriting_need_a_head_that_was_noted_outside(store: Database) -> None:
    _append(store, 3)
    noted = str(store.head())
    _append(store, 2)
    assert verify_chain(store, noted)["state"] == "passed"
    assert _tamper(store, "DELETE FROM audit WHERE seq >= 3") is None
    assert verify_chain(store, None)["state"] == "passed"
    assert verify_chain(store, noted)["reason_code"] == "audit-chain-truncated"
    _append(store, 3, name="rewritten")
    assert store.broken_at() is None
    assert verify_chain(store, noted)["reason_code"] == "audit-chain-rewritten"


def test_what_happened_is_told_by_the_chain(store: Database) -> None:
    subject, case_id = quarantined(store)
    said = [(row.actor, row.action, row.subject) for row in store.rows(after=0, limit=10)]
    assert said == [
        ("gatekeeper", "verdict-recorded", f"{subject.repository}@{subject.digest}"),
        ("gatekeeper", "case-opened", f"case {case_id}"),
        ("gatekeeper", "intent-planned", f"intent {store.case(case_id).intents[0].id}"),
    ]
