"""``GET /v1/status``: what is answered, from memory or not, and how long one may wait for it."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta

import pytest

from gatekeeper.core.canonical import to_plain
from gatekeeper.core.policy import Policy
from gatekeeper.workflow import status as workflow_status
from tests.integration.web.site import Reply, Site, eventually

LONG = 300.0


@pytest.fixture
def started() -> Future[None]:
    return Future()


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch, started: Future[None]) -> list[int]:
    """Every look of a wait at the database; the first one is announced."""
    found: list[int] = []
    look = workflow_status._look_up

    def counted(*arguments: object) -> object:
        found.append(threading.get_ident())
        answer = look(*arguments)  # type: ignore[arg-type]
        if len(found) == 2 and not started.done():
            started.set_result(None)
        return answer

    monkeypatch.setattr(workflow_status, "_look_up", counted)
    return found


def test_the_answer_is_the_one_of_the_command_line(site: Site) -> None:
    name = site.passed("app/web")
    reply = site.status(name)
    assert (reply.status, reply.headers["content-type"]) == (200, "application/json")
    assert reply.json == to_plain(site.world.status(name))
    assert (reply.json["state"], reply.json["exit_code"]) == ("passed", 0)


def test_an_etag_is_good_until_the_answer_changes(site: Site) -> None:
    name = site.passed("app/web")
    first = site.status(name)
    etag = first.headers["etag"]
    for known in (etag, f"W/{etag}", f'"else", {etag}'):
        again = site.status(name, known=known)
        assert (again.status, again.raw, again.headers["etag"]) == (304, b"", etag)
    assert site.status(name, known='"else"').raw == first.raw
    site.world.push("app/web", "1.0", user="0")
    site.world.rounds(1)
    moved = eventually(lambda: site.status(name, known=etag), lambda reply: reply.status == 200)
    assert moved.headers["etag"] != etag


def test_a_tag_is_resolved_at_every_asking_with_one_head(site: Site) -> None:
    name = site.passed("app/web")
    site.world.registry.clear_requests()
    for _ in range(3):
        assert site.status("app/web:1.0").json["digest"] == name.partition("@")[2]
    assert site.world.methods()["HEAD"] == 3
    unsigned = site.world.push("app/web", "1.0")
    assert site.status("app/web:1.0").json["digest"] == str(unsigned)


def test_a_warm_answer_asks_nobody(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    name = site.passed("app/web")
    token = site.token()
    first = eventually(lambda: site.status(name, token=token), lambda reply: reply.status == 200)
    asked: list[str] = []
    store = type(site.world.app.room.store)

    def count(method: str) -> None:
        ask = getattr(store, method)

        def counted(*arguments: object, **named: object) -> object:
            asked.append(method)
            return ask(*arguments, **named)

        monkeypatch.setattr(store, method, counted)

    count("status")
    count("token")

    def quiet() -> bool:
        asked.clear()
        assert site.status(name, token=token).raw == first.raw
        return asked == []

    assert eventually(quiet, bool)
    assert site.status(name, token="gk_other").status == 401, "a warm answer is for who has asked for it"


def test_another_policy_is_in_force_at_once(site: Site) -> None:
    name = site.passed("app/web")
    assert site.status(name).json["state"] == "passed"
    site.world.policy = Policy({}, {}, ())
    assert site.status(name).json["reason_code"] == "scope-missing"


def test_a_verdict_that_is_due_again_is_not_served_from_memory(site: Site) -> None:
    name = site.passed("app/web")
    answer = site.status(name).json
    assert answer["state"] == "passed"
    site.world.clock.advance(timedelta(days=400))
    assert site.status(name, token=site.token()).json["reason_code"] == "verdict-due"


def test_a_wait_ends_as_soon_as_there_is_a_verdict(
    site: Site, started: Future[None], looks: list[int]
) -> None:
    digest = site.world.good("app/web", "1.0")
    site.world.registry.clear_requests()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(lambda: site.status("app/web:1.0", wait=LONG))
        started.result(60)
        heads = site.world.methods()["HEAD"]
        assert heads == 1, "a wait resolves the tag once"
        site.world.rounds(1)
        reply = waiting.result(60)
    assert (reply.json["state"], reply.json["digest"]) == ("passed", str(digest))
    assert looks


def test_a_wait_goes_on_while_evidence_may_still_arrive(
    site: Site, started: Future[None], looks: list[int]
) -> None:
    digest = site.world.push("app/web", "1.0")
    site.world.rounds(1)
    assert site.status("app/web:1.0").json["reason_code"] == "settling"
    looks.clear()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(lambda: site.status("app/web:1.0", wait=LONG))
        started.result(60)
        assert not waiting.done()
        site.world.sign("app/web", digest)
        site.world.rounds(1)
        assert waiting.result(60).json["state"] == "passed"


@pytest.mark.parametrize(
    ("image", "reason_code"),
    [("quarantine/x:1", "quarantine-repository"), ("app/web:1.0", "scope-missing")],
)
def test_a_wait_for_what_no_scope_covers_ends_at_once(site: Site, image: str, reason_code: str) -> None:
    if reason_code == "scope-missing":
        site.world.policy = Policy({}, {}, ())
    reply = site.status(image, wait=LONG)
    assert (reply.json["state"], reply.json["reason_code"]) == ("not-covered", reason_code)
    assert reply.json["exit_code"] == 4


def test_a_wait_that_runs_out_is_answered_with_what_there_is(site: Site) -> None:
    site.world.good("app/web", "1.0")
    reply = site.status("app/web:1.0", wait=0.2)
    assert (reply.status, reply.json["state"], reply.json["exit_code"]) == (200, "waiting", 4)


def test_many_waits_hold_no_threads(site: Site) -> None:
    site.world.good("app/web", "1.0")
    threads = []
    barrier = threading.Barrier(41)

    def wait() -> Reply:
        barrier.wait(60)
        return site.status("app/web:1.0", wait=LONG)

    with ThreadPoolExecutor(40) as pool:
        replies = [pool.submit(wait) for _ in range(40)]
        barrier.wait(60)
        threads.append(site.get("/v1/images").status)
        site.world.rounds(1)
        states = {reply.result(60).json["state"] for reply in replies}
    assert threads == [200]
    assert states == {"passed"}
