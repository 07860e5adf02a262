"""Threads per registry: bounded, independent, drained."""

import logging
from threading import Event

import pytest

from gatekeeper.core.errors import ConflictError
from gatekeeper.engine.local import InlineEngine, LocalEngine
from gatekeeper.ports.engine import Engine


def test_a_stalled_registry_never_blocks_another() -> None:
    engine = LocalEngine(workers_per_registry=2)
    stalled, done = Event(), Event()
    for _ in range(engine.free("slow")):
        engine.submit("slow", lambda: assert_set(stalled))
    assert engine.free("slow") == 0
    engine.submit("fast", done.set)
    assert done.wait(30)
    stalled.set()
    assert engine.drain(30)


def assert_set(event: Event) -> None:
    assert event.wait(30)


def test_no_more_than_the_workers_run_at_once() -> None:
    engine = LocalEngine(workers_per_registry=2)
    running, go, finished = [], Event(), Event()

    def work() -> None:
        running.append(1)
        assert_set(go)
        if len(running) == 6:
            finished.set()

    for _ in range(6):
        engine.submit("one", work)
    go.set()
    assert finished.wait(30)
    assert engine.drain(30)
    assert len(running) == 6


def test_draining_waits_for_what_runs_and_takes_nothing_more() -> None:
    engine = LocalEngine(workers_per_registry=1)
    started, go, later = Event(), Event(), Event()

    def work() -> None:
        started.set()
        assert_set(go)

    engine.submit("one", work)
    assert started.wait(30)
    engine.submit("one", later.set)
    assert engine.drain(0.01) is False
    assert engine.free("one") == 0
    engine.submit("one", later.set)
    go.set()
    assert engine.drain(30)
    assert not later.is_set()


@pytest.mark.parametrize("engine", [InlineEngine(), LocalEngine(1)])
def test_an_internal_error_gets_an_incident_and_ends_nothing_else(
    engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    done = Event()

    def defect() -> None:
        raise ZeroDivisionError

    def lost() -> None:
        raise ConflictError("the lease was lost", reason_code="lease-lost")

    with caplog.at_level(logging.INFO):
        engine.submit("one", defect)
        engine.submit("one", lost)
        engine.submit("one", done.set)
        assert done.wait(30)
        assert engine.drain(30)
    assert "internal error, incident" in caplog.text
    assert "lease was lost" in caplog.text


def test_a_registry_that_runs_dry_is_refilled_at_once() -> None:
    engine = LocalEngine(workers_per_registry=1)
    asked = Event()
    engine.when_idle(lambda registry: asked.set() if registry == "one" else None)
    engine.submit("one", lambda: None)
    assert asked.wait(30)
    assert engine.drain(30)
