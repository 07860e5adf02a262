"""Old rows move into a file, and the chain can still be verified from its first row."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from gatekeeper.cli.audit_chain import verify_chain
from gatekeeper.core.errors import ConflictError, MalformedError, UnavailableError
from gatekeeper.database import Database
from gatekeeper.ports import AuditQuestion, AuditRow
from gatekeeper.workflow.audit_report import Archived, archive, read_archive
from tests.contract.store.samples import NOW

DAY = timedelta(days=1)


def _fill(store: Database, days: int, *, first: int = 0) -> None:
    for day in range(first, first + days):
        store.append(
            actor="rita",
            action="hold-on",
            subject="hold",
            reason=f"day {day} \N{SNOWMAN}",
            detail={"d": str(day)},
            now=NOW + day * DAY,
        )


def _archive(store: Database, file: Path, before: int) -> Archived:
    now = NOW + 100 * DAY
    return archive(store, file, before=NOW + before * DAY, actor="local:0/root", reason="yearly", now=now)


def test_what_is_archived_leaves_and_the_rest_still_verifies(store: Database, tmp_path: Path) -> None:
    _fill(store, 10)
    noted = f"4:{store.rows(after=3, limit=1)[0].hash}"
    whole = store.rows(after=0, limit=100)
    done = _archive(store, tmp_path / "one.jsonl", 6)
    assert (done.rows, done.head.seq) == (6, 6)
    assert list(read_archive(tmp_path / "one.jsonl")) == whole[:6]
    left = store.rows(after=0, limit=100)
    assert [row.seq for row in left] == [7, 8, 9, 10, 11]
    assert (left[-1].action, left[-1].detail["head"]) == ("audit-archived", str(done.head))

    assert store.broken_at() is None
    assert verify_chain(store, None)["message"].startswith("5 rows")
    assert verify_chain(store, noted)["reason_code"] == "audit-row-archived"
    together = verify_chain(store, noted, [read_archive(tmp_path / "one.jsonl")])
    assert (together["state"], together["message"].split()[0]) == ("passed", "11")

    _fill(store, 3, first=20)
    _archive(store, tmp_path / "two.jsonl", 21)
    both = [read_archive(tmp_path / name) for name in ("one.jsonl", "two.jsonl")]
    assert verify_chain(store, noted, both)["state"] == "passed"
    assert verify_chain(store, None, [read_archive(tmp_path / "two.jsonl")])["state"] == "failed"


def test_only_what_was_archived_can_be_deleted(store: Database, tmp_path: Path) -> None:
    _fill(store, 5)
    _archive(store, tmp_path / "one.jsonl", 3)
    for statement in ("DELETE FROM audit WHERE seq = 4", "UPDATE audit SET reason = 'x' WHERE seq = 4"):
        with (
            pytest.raises((UnavailableError, DBAPIError), match="append-only"),
            store._link.writing() as connection,
        ):
            connection.execute(text(statement))
    assert store.broken_at() is None


def test_a_checkpoint_that_no_row_tells_of_is_found(store: Database) -> None:
    _fill(store, 5)
    third = store.rows(after=2, limit=1)[0]
    with store._link.writing() as connection:
        connection.execute(
            text("INSERT INTO audit_checkpoint VALUES (3, :hash, 0, 'sha256:' || :hash)"),
            {"hash": third.hash},
        )
        connection.execute(text("DELETE FROM audit WHERE seq <= 3"))
    assert "no row tells" in (store.broken_at() or "")


def _changed(rows: list[AuditRow], number: int) -> list[AuditRow]:
    row = rows[number]
    changed = AuditRow(
        row.seq,
        row.at,
        "somebody else",
        row.action,
        row.subject,
        row.reason,
        row.detail,
        row.prev_hash,
        row.hash,
    )
    return [*rows[:number], changed, *rows[number + 1 :]]


def test_an_archive_that_was_changed_is_found(store: Database, tmp_path: Path) -> None:
    _fill(store, 10)
    _archive(store, tmp_path / "one.jsonl", 6)
    rows = list(read_archive(tmp_path / "one.jsonl"))
    for wrong in (_changed(rows, 2), rows[1:], rows[:-1], [*rows[:2], *rows[3:]], rows[::-1]):
        assert verify_chain(store, None, [wrong])["reason_code"] == "audit-archive-broken"
    (tmp_path / "junk.jsonl").write_text('{"seq": 1}\n')
    with pytest.raises(MalformedError, match=r"junk\.jsonl:1: is no row"):
        verify_chain(store, None, [read_archive(tmp_path / "junk.jsonl")])


def test_nothing_is_lost_when_it_cannot_be_archived(store: Database, tmp_path: Path) -> None:
    _fill(store, 3)
    (tmp_path / "there").write_text("precious")
    with pytest.raises(ConflictError, match="exists"):
        _archive(store, tmp_path / "there", 2)
    assert (tmp_path / "there").read_text() == "precious"
    with pytest.raises(ConflictError, match="no row is older"):
        _archive(store, tmp_path / "new", 0)
    assert not (tmp_path / "new").exists()
    assert len(store.rows(after=0, limit=10)) == 3
    # The newest row always stays: the next one must have something to follow.
    assert _archive(store, tmp_path / "all", 99).rows == 2


def test_a_question_finds_who_what_and_when(store: Database) -> None:
    _fill(store, 4)
    store.append(
        actor="token:1/pipeline",
        action="intent-planned",
        subject="intent 9",
        reason="r",
        detail={"repository": "reg.example.com/a_b", "digest": "sha256:" + "a" * 64},
        now=NOW,
    )
    store.append(
        actor="gatekeeper",
        action="verdict-recorded",
        subject="reg.example.com/a_b@sha256:" + "b" * 64,
        reason="r",
        detail={},
        now=NOW,
    )

    def seqs(**asked: object) -> list[int]:
        return [row.seq for row in store.audit_rows(AuditQuestion(**asked), after=0, limit=10)]  # type: ignore[arg-type]

    assert seqs(since=NOW + DAY, until=NOW + 3 * DAY) == [2, 3]
    assert seqs(actors=("token:*/pipeline", "nobody")) == [5]
    assert seqs(repository="reg.example.com/a_b") == [5, 6]
    assert seqs(repository="reg.example.com/aXb") == []
    assert [row.seq for row in store.audit_rows(AuditQuestion(actors=("rita",)), after=1, limit=2)] == [2, 3]
