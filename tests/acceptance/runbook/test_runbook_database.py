"""Upgrade, loss, backup, the auditor's question and taking Gatekeeper out: what the database has to survive."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from gatekeeper.database import migrate
from tests.acceptance.runbook.house import House

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def program(name: str) -> str:
    """A client of PostgreSQL: it comes with the server."""
    found = shutil.which(name)
    assert found is not None, f"{name} comes with postgresql-client"
    return found


def libpq(url: str) -> str:
    return url.replace("postgresql+psycopg", "postgresql", 1)


def test_an_upgrade(house: House) -> None:
    """Hold, stop, migrate, start, look, let go: verdicts, cases and brakes are as they were."""
    good = house.push("good", "1.0")
    bad = house.push("bad", "1.0", user="0")
    with house.daemon() as daemon:
        house.judged(daemon, "good:1.0", 0)
        house.gone_from_tag(daemon, "bad", "1.0", bad.digest)
        house.until(daemon, lambda: house.cases("open"))
        assert house.run("hold", "on", "--reason", "upgrade").code == 0
    (before,) = house.cases("open")
    migrate.downgrade(house.database, "0001")
    refused = house.run("run")
    assert (refused.code, "gatekeeper migrate" in refused.err) == (3, True), refused
    assert house.run("migrate").code == 0
    (after,) = house.cases("open")
    assert after["id"] == before["id"]
    with house.daemon() as daemon:
        late = house.push("late", "1.0", user="0")
        house.judged(daemon, f"good@{good.digest}", 0)
        house.judged(daemon, "late:1.0", 1, reason_code="user-root")
        assert house.shown("shop/late", "1.0") == late.digest, "the hold outlived the upgrade"
        assert house.run("hold", "off", "--reason", "upgraded").code == 0
        house.gone_from_tag(daemon, "late", "1.0", late.digest)
        assert house.run("quarantine", "restore", before["id"], "--reason", "still ours").code == 0
        house.back_at_tag(daemon, "bad", "1.0", bad.digest)
    house.whole()


def test_a_lost_database(house: House) -> None:
    """It starts in propose, offers to recover, and a case that was recovered can be released."""
    bad = house.push("bad", "1.0", user="0")
    with house.daemon() as daemon:
        house.gone_from_tag(daemon, "bad", "1.0", bad.digest)
        (lost,) = house.until(daemon, lambda: house.cases("open"))
    house.lose_the_database()
    assert house.run("migrate").code == 0
    with house.daemon() as daemon:
        house.until(daemon, lambda: "gatekeeper quarantine recover" in daemon.said())
        late = house.push("late", "1.0", user="0")
        proposed = house.until(daemon, lambda: house.cases("proposed"))
        assert {case["why_proposed"] for case in proposed} == {"database-behind"}
        assert house.shown("shop/late", "1.0") == late.digest
        assert "recovery" in {brake["name"] for brake in house.json("hold", "show")["brakes"]}
        offered = house.json("quarantine", "recover")
        assert [(case["id"], case["known"]) for case in offered["cases"]] == [(lost["id"], False)]
        accept = ("quarantine", "recover", "--accept", "--reason", "the disk died")
        assert house.run(*accept).code == 0
        house.gone_from_tag(daemon, "late", "1.0", late.digest)
        assert house.run("quarantine", "release", lost["id"], "--reason", "fine").code == 0
        house.back_at_tag(daemon, "bad", "1.0", bad.digest)
    house.whole()


def test_a_backup_that_is_older_than_the_registry(house: House) -> None:
    """``pg_dump``, more happens, ``pg_restore``: what happened since is found in the registry."""
    first = house.push("first", "1.0", user="0")
    with house.daemon() as daemon:
        house.gone_from_tag(daemon, "first", "1.0", first.digest)
        house.until(daemon, lambda: house.cases("open"))
    dump = house.directory / "gatekeeper.dump"
    backup = [program("pg_dump"), "--format=custom", "--file", str(dump), libpq(house.database)]
    subprocess.run(backup, check=True, timeout=120)
    second = house.push("second", "1.0", user="0")
    with house.daemon() as daemon:
        house.gone_from_tag(daemon, "second", "1.0", second.digest)
        house.until(daemon, lambda: len(house.cases("open")) == 2)
    house.lose_the_database()
    restore = [program("pg_restore"), "--no-owner", "--dbname", libpq(house.database), str(dump)]
    subprocess.run(restore, check=True, timeout=120)
    assert len(house.cases("open")) == 1
    with house.daemon() as daemon:
        house.until(daemon, lambda: "gatekeeper quarantine recover" in daemon.said())
        accept = ("quarantine", "recover", "--accept", "--reason", "restored last night's backup")
        assert house.run(*accept).code == 0
        assert {case["digest"] for case in house.cases("open")} == {first.digest, second.digest}
        for case in house.cases("open"):
            assert house.run("quarantine", "restore", case["id"], "--reason", "back").code == 0
        house.back_at_tag(daemon, "first", "1.0", first.digest)
        house.back_at_tag(daemon, "second", "1.0", second.digest)
    house.whole()


def test_a_case_whose_content_the_registry_collected(house: House) -> None:
    """The source registry lost the image; the quarantine copy brings it back."""
    bad = house.push("bad", "1.0", user="0")
    with house.daemon() as daemon:
        house.gone_from_tag(daemon, "bad", "1.0", bad.digest)
        (case,) = house.until(daemon, lambda: house.cases("open"))
        house.until(daemon, lambda: confirmed(house, case["id"]))
        house.registry.collect_garbage("shop/bad", bad.digest)
        with house.client() as client:
            assert client.manifest("shop/bad", bad.digest) is None
        assert house.run("quarantine", "release", case["id"], "--reason", "needed after all").code == 0
        house.back_at_tag(daemon, "bad", "1.0", bad.digest)
    with house.client() as client:
        assert client.manifest("shop/bad", bad.digest) is not None
    house.whole()


def confirmed(house: House, case: str) -> bool:
    intents = house.json("quarantine", "show", case)["intents"]
    return {intent["state"] for intent in intents} == {"confirmed"}


def test_an_auditors_question(house: House) -> None:
    """Why was this image out of the way on that day, who let it back, and can the answer be trusted?"""
    bad = house.push("bad", "1.0", user="0")
    with house.daemon() as daemon:
        house.gone_from_tag(daemon, "bad", "1.0", bad.digest)
        (case,) = house.until(daemon, lambda: house.cases("open"))
        head = house.json("audit", "head")["head"]
        release = ("quarantine", "release", case["id"], "--reason", "ticket 4711", "--expires", "7d")
        assert house.run(*release).code == 0
        house.back_at_tag(daemon, "bad", "1.0", bad.digest)
        house.judged(daemon, "bad:1.0", 0, reason_code="passed-with-waiver")
    history = house.json("quarantine", "show", case["id"])["history"]
    opened = next(row for row in history if row["action"] == "case-opened")
    released = next(row for row in history if row["action"] == "case-released")
    assert (opened["actor"], opened["reason"]) == ("gatekeeper", "user-root")
    assert opened["detail"]["evidence"].startswith("sha256:")
    assert released["actor"].startswith("local:")
    assert released["reason"] == "ticket 4711"
    explained = house.json("explain", f"{house.name('bad')}@{bad.digest}")
    (rule,) = [rule for rule in explained["rules"] if rule["rule"] == "user-root"]
    assert rule["findings"][0]["waived_by"].startswith("release-")
    told = house.json("audit", "list", "--image", f"{house.name('bad')}@{bad.digest}")["items"]
    assert {"verdict-recorded", "case-opened", "waiver-used"} <= {row["action"] for row in told}
    assert house.run("audit", "verify", "--expect", head).code == 0
    seq, _, link = head.partition(":")
    assert house.run("audit", "verify", "--expect", f"{seq}:{'0' * len(link)}").code == 1


def test_taking_gatekeeper_out(house: House) -> None:
    """Observe, restore every case, wait until the tags are back, stop: pullers see what was pushed."""
    pushed = {name: house.push(name, "1.0", user="0") for name in ("one", "two")}
    with house.daemon() as daemon:
        for name, built in pushed.items():
            house.gone_from_tag(daemon, name, "1.0", built.digest)
        house.until(daemon, lambda: len(house.cases("open")) == 2)
        house.policy(mode="propose")
        house.reload(daemon)
        for case in house.cases("open"):
            assert house.run("quarantine", "restore", case["id"], "--reason", "we take it out").code == 0
        for name, built in pushed.items():
            house.back_at_tag(daemon, name, "1.0", built.digest)
        assert house.cases("open") == []
    for name, built in pushed.items():
        assert house.shown(f"shop/{name}", "1.0") == built.digest
    house.whole()
