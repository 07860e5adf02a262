"""Upgrade, loss, backup, the auditor's question and taking Gatekeeper out: what the database has to survive."""

from __future__ import annotations

import ast
import csv
import json
from functools import partial
from pathlib import Path

import pytest

from gatekeeper.database import migrate
from tests.acceptance.runbook.house import House
from tests.acceptance.runbook.script import commands, played, situations

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def test_an_upgrade(house: House) -> None:
    """Hold, stop, migrate, start, look, let go: verdicts, cases and brakes are as they were."""
    good = house.push("web", "1.0")
    bad = house.push("bad", "1.0", user="0")
    house.start()
    house.judged(house.program, "web:1.0", 0)
    house.gone_from_tag(house.program, "bad", "1.0", bad.digest)
    (before,) = house.until(house.program, lambda: house.cases("open"))
    with played(house, "Upgrade") as script:
        script.type("gatekeeper hold on")
        script.type("systemctl stop")
        migrate.downgrade(house.database, "0001")
        script.type("pg_dump")
        refused = house.run("run")
        assert (refused.code, "gatekeeper migrate" in refused.err) == (3, True), refused
        script.type("gatekeeper config check")
        script.type("gatekeeper migrate")
        (after,) = house.cases("open")
        assert after["id"] == before["id"]
        script.type("systemctl start")
        house.judged(house.program, f"web@{good.digest}", 0)
        script.type("gatekeeper status", DIGEST=good.digest)
        late = house.push("late", "1.0", user="0")
        house.judged(house.program, "late:1.0", 1, reason_code="user-root")
        assert house.shown("shop/late", "1.0") == late.digest, "the hold outlived the upgrade"
        script.type("gatekeeper hold off")
    house.gone_from_tag(house.program, "late", "1.0", late.digest)
    assert house.run("quarantine", "restore", before["id"], "--reason", "still ours").code == 0
    house.back_at_tag(house.program, "bad", "1.0", bad.digest)
    house.whole()


def test_a_lost_database(house: House) -> None:
    """It starts in propose, offers to recover, and a case that was recovered can be released."""
    bad = house.push("bad", "1.0", user="0")
    house.start()
    house.gone_from_tag(house.program, "bad", "1.0", bad.digest)
    (lost,) = house.until(house.program, lambda: house.cases("open"))
    with played(house, "Database lost") as script:
        script.type("systemctl stop")
        house.lose_the_database()
        script.type("createdb")
        script.type("gatekeeper migrate")
        script.type("systemctl start")
        house.until(house.program, lambda: "gatekeeper quarantine recover" in house.program.said())
        late = house.push("late", "1.0", user="0")
        proposed = house.until(house.program, lambda: house.cases("proposed"))
        assert {case["why_proposed"] for case in proposed} == {"database-behind"}
        assert house.shown("shop/late", "1.0") == late.digest
        assert "recovery" in script.type("gatekeeper hold show").out
        assert "database-behind" in script.type("gatekeeper quarantine list").out
        assert lost["id"] in script.type("gatekeeper quarantine recover").out
        script.type("gatekeeper quarantine recover --accept")
    house.gone_from_tag(house.program, "late", "1.0", late.digest)
    assert house.run("quarantine", "release", lost["id"], "--reason", "fine").code == 0
    house.back_at_tag(house.program, "bad", "1.0", bad.digest)
    house.whole()


def test_a_backup_that_is_older_than_the_registry(house: House) -> None:
    """What happened since the dump is found in the registry; an action that was under way then waits for a person."""
    first = house.push("first", "1.0", user="0")
    house.start()
    house.gone_from_tag(house.program, "first", "1.0", first.digest)
    house.until(house.program, lambda: house.cases("open"))
    house.stop()
    second = house.push("second", "1.0", user="0")
    house.registry.restart(readonly=True)
    house.start()
    cases = house.until(
        house.program, lambda: [one for one in house.cases("open") if one["digest"] == second.digest]
    )
    under_way = cases[0]["id"]
    with played(house, "PostgreSQL") as restore, played(house, "Database older than the registry") as look:
        restore.type("pg_dump")
        restore.type("gatekeeper audit head")
        head = noted(house)
        house.registry.restart()
        house.gone_from_tag(house.program, "second", "1.0", second.digest)
        third = house.push("third", "1.0", user="0")
        house.gone_from_tag(house.program, "third", "1.0", third.digest)
        house.until(house.program, lambda: len(house.cases("open")) == 3)
        restore.type("systemctl stop")
        restore.type("dropdb")
        restore.type("createdb")
        restore.type("pg_restore")
        restore.type("gatekeeper migrate")
        restore.type("gatekeeper audit verify", HEAD=head)
        restore.type("systemctl start")
        assert len(house.cases("open")) == 2
        house.until(house.program, lambda: "gatekeeper quarantine recover" in house.program.said())
        assert "third" in look.type("gatekeeper quarantine recover").out
        house.push("fourth", "1.0", user="0")
        house.until(house.program, lambda: house.cases("proposed"))
        assert intents(house, under_way) == {"planned"}
        look.type("gatekeeper quarantine show", CASE=under_way)
        look.type("gatekeeper quarantine recover --accept")
    cases = house.until(
        house.program, lambda: ((open_ := house.cases("open")) and len(open_) == 4 and open_) or None
    )
    assert {first.digest, second.digest, third.digest} < {case["digest"] for case in cases}
    for case in cases:
        house.until(house.program, partial(carried_out, house, case["id"]))
        assert house.run("quarantine", "restore", case["id"], "--reason", "back").code == 0
    for name, built in (("first", first), ("second", second), ("third", third)):
        house.back_at_tag(house.program, name, "1.0", built.digest)
    house.whole()


def test_backup_and_restore_of_sqlite(sqlite_house: House) -> None:
    """While the daemon runs; both forms are whole databases."""
    house = sqlite_house
    good = house.push("good", "1.0")
    first = house.push("first", "1.0", user="0")
    house.start()
    house.judged(house.program, "good:1.0", 0)
    house.gone_from_tag(house.program, "first", "1.0", first.digest)
    house.until(house.program, lambda: house.cases("open"))
    with played(house, "SQLite") as script:
        script.type("sqlite3")
        script.type("sqlite3")
        script.type("gatekeeper audit head")
        second = house.push("second", "1.0", user="0")
        house.gone_from_tag(house.program, "second", "1.0", second.digest)
        script.type("systemctl stop")
        script.type("rm -f")
        script.type("cp ")
        script.type("gatekeeper migrate")
        script.type("gatekeeper audit verify", HEAD=noted(house))
        script.type("systemctl start")
    house.until(house.program, lambda: "gatekeeper quarantine recover" in house.program.said())
    assert house.status(f"good@{good.digest}").code == 0
    accept = ("quarantine", "recover", "--accept", "--reason", "restored last night's backup")
    assert house.run(*accept).code == 0
    assert {case["digest"] for case in house.cases("open")} == {first.digest, second.digest}
    for case in house.cases("open"):
        assert house.run("quarantine", "restore", case["id"], "--reason", "back").code == 0
    house.back_at_tag(house.program, "first", "1.0", first.digest)
    house.back_at_tag(house.program, "second", "1.0", second.digest)
    house.stop()
    small = house.directory / "backup" / "gatekeeper-small.db"
    assert migrate.current(f"sqlite:///{small}") == migrate.head()
    house.whole()


def test_a_case_whose_content_the_registry_collected(house: House) -> None:
    """The source registry lost the image; the quarantine copy brings it back."""
    bad = house.push("bad", "1.0", user="0")
    house.start()
    house.gone_from_tag(house.program, "bad", "1.0", bad.digest)
    (case,) = house.until(house.program, lambda: house.cases("open"))
    house.until(house.program, lambda: intents(house, case["id"]) == {"confirmed"})
    house.registry.collect_garbage("shop/bad", bad.digest)
    with house.client() as client:
        assert client.manifest("shop/bad", bad.digest) is None
    assert house.run("quarantine", "release", case["id"], "--reason", "needed after all").code == 0
    house.back_at_tag(house.program, "bad", "1.0", bad.digest)
    with house.client() as client:
        assert client.manifest("shop/bad", bad.digest) is not None
    house.whole()


def test_an_auditors_question(house: House) -> None:
    """Why was this image out of the way on that day, who let it back, and can the answer be trusted?"""
    bad = house.push("legacy", "1.0", user="0")
    house.start()
    house.gone_from_tag(house.program, "legacy", "1.0", bad.digest)
    (case,) = house.until(house.program, lambda: house.cases("open"))
    head = audit_head(house)
    release = ("quarantine", "release", case["id"], "--reason", "=ticket 4711", "--expires", "7d")
    assert house.run(*release).code == 0
    house.back_at_tag(house.program, "legacy", "1.0", bad.digest)
    house.judged(house.program, "legacy:1.0", 0, reason_code="passed-with-waiver")
    with played(house, "Auditor's question") as script:
        told = script.type("gatekeeper audit list", DIGEST=bad.digest).out
        assert all(action in told for action in ("verdict-recorded", "case-opened", "waiver-used"))
        assert "=ticket 4711" in script.type("gatekeeper quarantine show", CASE=case["id"]).out
        script.type("gatekeeper explain", DIGEST=bad.digest)
        script.type("gatekeeper audit export", DIGEST=bad.digest)
        script.type("gatekeeper audit export")
        script.type("gatekeeper audit verify", HEAD=head)
    rows = [
        json.loads(line) for line in (house.directory / "backup" / "legacy.jsonl").read_text().splitlines()
    ]
    judged = next(row for row in rows if row["action"] == "verdict-recorded")
    assert judged["policy"]["scopes"][0]["name"] == "all"
    assert judged["evidence"]["root"]["digest"] == bad.digest
    with (house.directory / "backup" / "audit.csv").open(newline="") as stream:
        (released,) = [row for row in csv.DictReader(stream) if row["action"] == "case-released"]
    assert (released["reason"], released["authenticated"]) == ("'=ticket 4711", "false")
    assert released["actor"].startswith("local:")
    explained = house.json("explain", f"{house.name('legacy')}@{bad.digest}")
    (rule,) = [rule for rule in explained["rules"] if rule["rule"] == "user-root"]
    assert rule["findings"][0]["waived_by"].startswith("release-")
    seq, _, link = head.partition(":")
    assert house.run("audit", "verify", "--expect", f"{seq}:{'0' * len(link)}").code == 1


def test_taking_gatekeeper_out(house: House) -> None:
    """Look, observe, stop, decommission: pullers see what was pushed, and nothing of ours is left."""
    pushed = {name: house.push(name, "1.0", user="0") for name in ("one", "two")}
    house.start()
    for name, built in pushed.items():
        house.gone_from_tag(house.program, name, "1.0", built.digest)
    house.until(house.program, lambda: len(house.cases("open")) == 2)
    for case in house.cases("open"):
        house.until(house.program, partial(carried_out, house, case["id"]))
    with played(house, "Taking Gatekeeper out") as script:
        looked = script.type("gatekeeper decommission")
        assert all(house.name(name) in looked.out for name in pushed)
        for name, built in pushed.items():
            assert house.shown(f"shop/{name}", "1.0") != built.digest, "a dry run writes nothing"
        house.policy(mode="observe")
        script.type("systemctl reload")
        script.type("systemctl stop")
        script.type("gatekeeper decommission")
    assert house.cases("open") == []
    for name, built in pushed.items():
        assert house.shown(f"shop/{name}", "1.0") == built.digest
        with house.client() as client:
            left = set(client.tags(f"shop/{name}")) - {f"sha256-{built.digest[7:]}.sig"}
            assert left == {"1.0"}, "its own signature stays"
            assert client.manifest(f"quarantine/shop/{name}", built.digest) is None
    house.whole()


def test_every_situation_of_the_document_is_played() -> None:
    """A situation that nobody plays would be a promise."""
    here = Path(__file__).parent
    words = {
        node.value
        for file in here.glob("test_*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    found = situations()
    assert len(found) == 12
    assert [title for title in found if title not in words or not commands(title)] == []


def intents(house: House, case: str) -> set[str]:
    """The states of what is done for a case."""
    return {intent["state"] for intent in house.json("quarantine", "show", case)["intents"]}


def carried_out(house: House, case: str) -> bool:
    """Nothing is under way for a case."""
    return intents(house, case) == {"confirmed"}


def audit_head(house: House) -> str:
    """SEQ:HASH of now."""
    return str(house.json("audit", "head")["head"])


def noted(house: House) -> str:
    """SEQ:HASH as it was kept beside the backup."""
    written = (house.directory / "backup" / "gatekeeper.head").read_text()
    return written.split()[-1]
