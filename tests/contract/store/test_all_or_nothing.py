"""A transaction that is interrupted before its end leaves every table as it was."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from sqlalchemy import select

from gatekeeper.core.lifecycle import CaseState, Hold, IntentState
from gatekeeper.database import Database, tables
from gatekeeper.ports import WorkKind
from tests.contract.store.samples import (
    APP,
    HOUR,
    MINUTE,
    NOW,
    a_round,
    act,
    claim_one,
    digest,
    draft,
    due,
    failed,
    judgement,
    quarantined,
    watch,
)
from tests.contract.store.test_brakes_and_tokens import TOKEN

ONE = digest("one")
Write = Callable[[], object]


class _CrashError(Exception):
    pass


def _crash(*_: object) -> None:
    raise _CrashError


def _everything(store: Database) -> Mapping[str, list[Any]]:
    with store._link.reading() as connection:
        return {
            name: sorted(map(repr, connection.execute(select(table)).all()))
            for name, table in tables.metadata.tables.items()
        }


def _round(store: Database) -> Write:
    quarantined(store)
    lease = claim_one(store, WorkKind.REPOSITORY, now=NOW + HOUR)
    seen = a_round({"v2": ONE}, gone=["v1"], touched=[digest("image at v1")])
    return lambda: store.record_round(lease, seen, now=NOW)


def _judgement(store: Database) -> Write:
    watch(store, {"v1": ONE})
    lease, subject = due(store)
    return lambda: store.record(
        lease, judgement(subject, failed(subject), {"v1": act(subject, "v1")}), now=NOW
    )


def _review(store: Database) -> Write:
    subject, case_id = quarantined(store)
    case = store.case(case_id).case
    more = (draft(subject, "v9"),)
    return lambda: store.review(
        case, CaseState.RELEASED, actor="a", reason="r", waiver=None, intents=more, now=NOW + MINUTE
    )


def _confirmation(store: Database) -> Write:
    quarantined(store)
    lease = claim_one(store, WorkKind.INTENT)
    return lambda: store.advance(lease, IntentState.CONFIRMED, note="done", now=NOW + MINUTE)


def _recovered_case(store: Database) -> Write:
    _, case_id = quarantined(store)
    row = store.case(case_id)
    store.review(
        row.case, CaseState.RESTORED, actor="a", reason="r", waiver=None, intents=(), now=NOW + MINUTE
    )
    found = type(row.case)(
        "rebuilt", APP, ONE, ("v5",), CaseState.OPEN, row.case.action, "x", None, frozenset(), NOW, NOW
    )
    return lambda: store.add_case(found, [], actor="a", reason="r", now=NOW)


def _policy(store: Database) -> Write:
    lease, subject = _judged(store)
    store.record(lease, judgement(subject, failed(subject)), now=NOW)
    return lambda: store.mark_policy("another", now=NOW)


def _judged(store: Database) -> Any:
    watch(store, {"v1": ONE})
    return due(store)


def _hold(store: Database) -> Write:
    return lambda: store.set_hold(Hold("a", "r", NOW), actor="a", reason="r", now=NOW)


def _token(store: Database) -> Write:
    return lambda: store.add_token(TOKEN, b"hash", actor="alice")


def _asked(store: Database) -> Write:
    return lambda: store.mark_due(APP, ONE, tag="v1", priority=100, now=NOW)


WRITES = {
    "repositories": _round,
    "verdicts": _judgement,
    "cases": _review,
    "intents": _confirmation,
    "policies": _policy,
    "brakes": _hold,
    "tokens": _token,
}


@pytest.mark.parametrize(
    ("module", "prepare"), [*WRITES.items(), ("cases", _recovered_case), ("subjects", _asked)]
)
def test_an_interrupted_write_leaves_nothing(
    store: Database, module: str, prepare: Callable[[Database], Write], monkeypatch: pytest.MonkeyPatch
) -> None:
    write = prepare(store)
    before = _everything(store)
    with monkeypatch.context() as patched:
        patched.setattr(f"gatekeeper.database.{module}.touch", _crash)
        with pytest.raises(_CrashError):
            write()
    assert _everything(store) == before
    write()
    assert _everything(store) != before
    assert store.broken_at() is None
