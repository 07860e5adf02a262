"""What an auditor asks: which policy and which evidence was it, and who decided."""

from __future__ import annotations

import csv
import io
import itertools
import json
from pathlib import Path

import pytest

from gatekeeper.cli.audit_export import Format, written
from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import ConflictError, MalformedError, NotFoundError
from gatekeeper.core.lifecycle import Decision
from gatekeeper.workflow.audit_report import asked_about, report
from tests.integration.workflow.world import World


@pytest.fixture
def lived(world: World) -> World:
    """One image quarantined and released, one that passed."""
    world.push("app/bad", "1.0", user="0")
    world.good("app/good", "1.0")
    world.rounds(2)
    world.app.review(world.case().id, Decision.RELEASE, actor="local:0/root", reason="=cmd|' /C calc'!A0")
    world.rounds(1)
    return world


def test_each_verdict_comes_with_the_policy_and_evidence_of_its_moment(lived: World) -> None:
    store = lived.app.room.store
    verdicts = [
        told
        for told in report(store, asked_about(store, None), full=True)
        if told.row.action == "verdict-recorded"
    ]
    assert len(verdicts) >= 2
    for told in verdicts:
        for kept, named in ((told.policy, "policy"), (told.evidence, "evidence")):
            canonical = json.dumps(kept, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
            assert str(Digest.of(canonical)) == told.row.detail[named]


def test_a_later_policy_does_not_change_what_was_true(lived: World) -> None:
    store = lived.app.room.store
    before = [told.plain for told in report(store, asked_about(store, None), full=True)]
    lived.scope(empty_tags=False)
    lived.rounds(1)
    after = [told.plain for told in report(store, asked_about(store, None), full=True)]
    assert after[: len(before)] == before


def test_a_tag_asks_for_everything_it_ever_showed(lived: World) -> None:
    store = lived.app.room.store
    bad = lived.repository("app/bad")
    by_tag = [told.row.action for told in report(store, asked_about(store, f"{bad}:1.0"), full=False)]
    assert {"verdict-recorded", "case-opened", "case-released", "intent-confirmed"} <= set(by_tag)
    whole = [told.row.seq for told in report(store, asked_about(store, str(bad)), full=False)]
    assert len(whole) >= len(by_tag)
    good = [
        told.row.seq
        for told in report(store, asked_about(store, f"{lived.repository('app/good')}"), full=False)
    ]
    assert not set(whole) & set(good)
    with pytest.raises(NotFoundError, match="never seen"):
        asked_about(store, f"{bad}:9.9")


def test_a_glob_asks_for_repositories(lived: World) -> None:
    store = lived.app.room.store
    bad = str(lived.repository("app/bad"))
    host = bad.partition("/")[0]
    told = [one.row for one in report(store, asked_about(store, f"{host}/app/b*"), full=False)]
    assert {"verdict-recorded", "case-opened", "case-released", "intent-confirmed"} <= {
        row.action for row in told
    }
    assert not [row for row in told if "app/good" in row.subject]
    assert list(report(store, asked_about(store, f"{host}/other/**"), full=False)) == []
    for wrong in (f"{host}/app/*:1.0", f"{host}/app/*@sha256:{'0' * 64}", "**", "*"):
        with pytest.raises(MalformedError, match="glob"):
            asked_about(store, wrong)


def test_local_use_is_marked_unauthenticated(lived: World) -> None:
    store = lived.app.room.store
    (released,) = [
        told
        for told in report(store, asked_about(store, None), full=False)
        if told.row.action == "case-released"
    ]
    assert (released.row.actor, released.authenticated) == ("local:0/root", False)


def test_a_spreadsheet_runs_nothing_that_people_wrote(
    lived: World, capsys: pytest.CaptureFixture[str]
) -> None:
    store = lived.app.room.store
    count = written(report(store, asked_about(store, None), full=False), Format.CSV, None)
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert len(rows) == count
    (released,) = [row for row in rows if row["action"] == "case-released"]
    assert released["reason"] == "'=cmd|' /C calc'!A0"
    assert (released["authenticated"], released["tags"]) == ("false", "1.0")
    judged = next(row for row in rows if row["action"] == "verdict-recorded")
    assert judged["subject"] == f"{judged['repository']}@{judged['digest']}"
    assert not any(cell.startswith(("=", "+", "@")) for row in rows for cell in row.values())


def test_an_export_never_overwrites(lived: World, tmp_path: Path) -> None:
    store = lived.app.room.store
    file = tmp_path / "audit.jsonl"
    count = written(report(store, asked_about(store, None), full=True), Format.JSONL, file)
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert len(lines) == count
    assert [line["seq"] for line in lines] == list(range(1, count + 1))
    assert all(line["prev_hash"] == before["hash"] for before, line in itertools.pairwise(lines))
    with pytest.raises(ConflictError, match="exists"):
        written(report(store, asked_about(store, None), full=True), Format.JSONL, file)
