"""How one daemon process stops, reloads, and works on while a registry hangs."""

from __future__ import annotations

import signal
from threading import Event

import pytest

from gatekeeper.database import Database
from gatekeeper.demo.images import image
from gatekeeper.demo.registry import EmbeddedRegistry, Match
from gatekeeper.demo.registry_faults import Stall
from gatekeeper.demo.registry_push import push
from tests.acceptance.real.site import Site

pytestmark = pytest.mark.slow
CASE_RECORD = Match("PUT", "/manifests/gatekeeper-case-", times=1)


def drain_for(site: Site, seconds: int) -> None:
    config = site.stage.config
    config.write_text(config.read_text().replace('drain = "10s"', f'drain = "{seconds}s"'))


def test_sigterm_lets_work_under_way_end(site: Site, registry: EmbeddedRegistry, database: Database) -> None:
    drain_for(site, 60)
    stall = Stall(Event())
    registry.faults.add(CASE_RECORD, stall)
    bad = site.push("bad", "1.0", signed=True, user="0")
    with site.daemon() as program:
        program.until(lambda: stall.arrived.is_set() or None)
        program.running.send_signal(signal.SIGTERM)
        asked = len(registry.requests)
        stall.release.set()
        assert program.running.wait(60) == 0
        assert "still under way" not in program.said()
    assert len(registry.requests) > asked
    assert registry.store.tag("shop/bad", "1.0") != bad.digest
    assert database.open_intents() == ()


def test_sigterm_ends_at_the_deadline_and_the_next_daemon_finishes(
    site: Site, registry: EmbeddedRegistry, database: Database
) -> None:
    drain_for(site, 1)
    stall = Stall(Event())
    registry.faults.add(CASE_RECORD, stall)
    bad = site.push("bad", "1.0", signed=True, user="0")
    with site.daemon("first") as first:
        first.until(lambda: stall.arrived.is_set() or None)
        first.running.send_signal(signal.SIGTERM)
        assert first.running.wait(30) == 0
        assert "work was still under way at the deadline" in first.said()
    assert len(database.open_intents()) == 1
    assert registry.store.tag("shop/bad", "1.0") == bad.digest
    with site.daemon("second") as second:
        second.until(lambda: registry.store.tag("shop/bad", "1.0") != bad.digest or None)
    stall.release.set()


def test_a_bad_reload_keeps_the_old_policy_at_work(site: Site, registry: EmbeddedRegistry) -> None:
    policy = site.stage.directory / "policy.toml"
    good_text = policy.read_text()
    with site.daemon() as program:
        policy.write_text(good_text.replace("user-root", "user-rot"))
        program.running.send_signal(signal.SIGHUP)
        program.saying("not reloaded: ")
        bad = site.push("bad", "1.0", signed=True, user="0")
        program.until(lambda: registry.store.tag("shop/bad", "1.0") != bad.digest or None)

        policy.write_text(good_text.replace(', "user-root"', ""))
        program.running.send_signal(signal.SIGHUP)
        program.saying("reloaded; changed: policy")
        root = site.push("root", "1.0", signed=True, user="0")
        answered = site.ask("status", site.name("root:1.0"), "--wait", "60s")
        assert (answered.code, answered.json["digest"]) == (0, root.digest), answered


def test_a_registry_that_hangs_blocks_no_other(site: Site, registry: EmbeddedRegistry) -> None:
    """It hangs from the first request on: catalog, lists and manifests; the other one is new to the daemon."""
    drain_for(site, 1)
    with EmbeddedRegistry() as hanging:
        config, policy = site.stage.config, site.stage.directory / "policy.toml"
        text = config.read_text()
        first = f'[[registries]]\nhost = "{hanging.host}"\nrepositories = ["shop/**"]\nplain_http = true\n\n'
        config.write_text(text.replace("[[registries]]", first + "[[registries]]", 1))
        other = f'repositories = ["{hanging.host}/shop/**", '
        policy.write_text(policy.read_text().replace("repositories = [", other, 1))
        push(hanging.url, "shop/slow", image({"a": "b"}, user="0"), ["1.0"])
        stall = Stall(Event())
        hanging.faults.add(Match(), stall)
        with site.daemon() as program:
            program.until(lambda: stall.arrived.is_set() or None)
            bad = site.push("bad", "1.0", signed=True, user="0")
            program.until(lambda: registry.store.tag("shop/bad", "1.0") != bad.digest or None)
            late = site.push("late", "1.0", signed=True, user="0")
            program.until(lambda: registry.store.tag("shop/late", "1.0") != late.digest or None)

            program.running.send_signal(signal.SIGTERM)
            assert program.running.wait(30) == 0
        stall.release.set()
