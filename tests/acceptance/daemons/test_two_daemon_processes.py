"""Two daemon processes on one PostgreSQL and one registry: the work is shared, never doubled, and never lost."""

from __future__ import annotations

import os
import signal
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Event

import psycopg
import pytest

from gatekeeper.core.lifecycle import CaseState, IntentState
from gatekeeper.database import Database
from gatekeeper.demo.registry import EmbeddedRegistry, Match
from gatekeeper.demo.registry_faults import Stall
from gatekeeper.ports import Page
from tests.acceptance.real.site import Site
from tests.judges.servers import Program

pytestmark = pytest.mark.slow
CASE_RECORD = Match("PUT", "/manifests/gatekeeper-case-", times=1)


def tag_writes(registry: EmbeddedRegistry) -> Counter[str]:
    """How often a daemon has put something at each tag."""
    return Counter(
        request.path
        for request in registry.requests
        if request.method == "PUT"
        and request.headers.get("user-agent", "").startswith("gatekeeper")
        and "/manifests/" in request.path
        and "/manifests/sha256:" not in request.path
    )


def rounds(registry: EmbeddedRegistry, path: str) -> int:
    return sum(request.path == f"/v2/{path}/tags/list" for request in registry.requests)


def told(database: Database) -> Counter[tuple[str, str]]:
    """How often each action was recorded about each subject."""
    return Counter((row.action, row.subject) for row in database.rows(after=0, limit=100_000))


def judged(program: Program) -> bool:
    return " passed (" in program.said() or " failed (" in program.said()


def test_work_is_shared_and_nothing_is_done_twice(
    site: Site, registry: EmbeddedRegistry, database: Database
) -> None:
    digests: dict[str, str] = {}
    with site.daemon("first") as first, site.daemon("second") as second:
        for number in range(8):
            digests[f"bad{number}"] = site.push(f"bad{number}", "1.0", signed=True, user="0").digest
        for number in range(40):
            site.push(f"good{number}", "1.0", signed=True)
            if judged(first) and judged(second):
                break
        shown = {name: f"shop/{name}" for name in digests}
        first.until(
            lambda: all(site.shown(path, "1.0") != digests[name] for name, path in shown.items()) or None
        )
        first.until(lambda: not database.open_intents() or None)
        assert judged(first)
        assert judged(second)
        for program in (first, second):
            program.running.send_signal(signal.SIGTERM)
            assert program.running.wait(30) == 0
            assert " error " not in program.said()

    assert {path: count for path, count in tag_writes(registry).items() if count > 1} == {}
    cases, _ = database.cases(states=frozenset(CaseState), repositories=("**",), page=Page())
    assert {case.repository.path for case in cases} == set(shown.values())
    assert {case.state for case in cases} == {CaseState.OPEN}
    intents = [intent for case in cases for intent in database.case(case.id).intents]
    assert len(intents) == len(digests)
    assert {intent.state for intent in intents} == {IntentState.CONFIRMED}
    steps = {key: count for key, count in told(database).items() if key[0].startswith(("intent-", "case-"))}
    assert set(steps.values()) == {1}
    for name, digest in digests.items():
        assert registry.store.tag(f"quarantine/shop/{name}", f"1.0--{digest[7:19]}") == digest
    assert database.broken_at() is None


def lease_until(url: str) -> datetime:
    """Until when the only open intent is reserved."""
    with psycopg.connect(url.replace("postgresql+psycopg", "postgresql", 1)) as connection:
        row = connection.execute("SELECT lease_until FROM intent WHERE next_due IS NOT NULL").fetchone()
    assert row is not None
    return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=row[0])


def test_the_work_of_a_killed_daemon_is_taken_up_after_its_lease_and_not_before(
    site: Site, registry: EmbeddedRegistry, database: Database, postgres_url: str
) -> None:
    stall = Stall(Event())
    registry.faults.add(CASE_RECORD, stall)
    bad = site.push("bad", "1.0", signed=True, user="0")
    with site.daemon("first") as first:
        first.until(lambda: stall.arrived.is_set() or None)
        with site.daemon("second") as second:
            # More rounds than a lease has seconds: the first is slow, but alive, and keeps its work.
            before = rounds(registry, "shop/bad")
            second.until(lambda: rounds(registry, "shop/bad") > before + 6 or None)
            assert registry.store.tag("shop/bad", "1.0") == bad.digest
            assert len([path for path in tag_writes(registry) if "gatekeeper-case-" in path]) == 1
            assert tag_writes(registry).most_common(1)[0][1] == 1

            os.kill(first.pid, signal.SIGKILL)
            first.running.wait()
            free = lease_until(postgres_url)
            second.until(lambda: registry.store.tag("shop/bad", "1.0") != bad.digest or None)
            second.until(lambda: not database.open_intents() or None)
    rows = [row for row in database.rows(after=0, limit=100_000) if row.action.startswith("intent-")]
    assert [row.action for row in rows] == [
        "intent-planned",
        "intent-copied",
        "intent-written",
        "intent-confirmed",
    ]
    assert rows[1].at >= free
    stall.release.set()


@pytest.mark.parametrize("by", ["database", "server"])
def test_of_two_reviewers_the_second_is_refused(site: Site, database: Database, by: str) -> None:
    names = ("one", "two", "three")
    for name in names:
        site.push(name, "1.0", signed=True, user="0")
    decisions = ("release", "restore")
    with site.daemon("first") as first, site.daemon("second") as second:
        first.until(lambda: site.ask("quarantine", "list").json["items"][2:] or None)
        first.until(lambda: not database.open_intents() or None)
        token = site.ask("token", "create", "rita", "--scope", "review").json["text"]
        secret = site.stage.directory / "rita"
        secret.touch(mode=0o600)
        secret.write_text(token)
        servers = [
            ("--server", site.server(program), "--token-file", str(secret)) if by == "server" else ()
            for program in (first, second)
        ]
        for case in site.ask("quarantine", "list").json["items"]:
            with ThreadPoolExecutor(2) as pool:
                answers = list(
                    pool.map(
                        lambda decision, where, case_id=case["id"]: site.run(
                            "quarantine", decision, case_id, "--reason", "looked at it", *where
                        ),
                        decisions,
                        servers,
                    )
                )
            assert sorted(answer.code for answer in answers) == [0, 1], answers
            (refused,) = (answer for answer in answers if answer.code == 1)
            assert case["id"] in refused.err
            (state,) = {database.case(case["id"]).case.state}
            assert state in (CaseState.RELEASED, CaseState.RESTORED)
            reviewed = [key for key in told(database) if key == (f"case-{state}", f"case:{case['id']}")]
            assert len(reviewed) <= 1
        first.until(lambda: not database.open_intents() or None)
    assert database.broken_at() is None
