"""The server beside its surroundings: a stalled registry, its own end, a bad certificate, a taken address."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest
from fastapi import FastAPI

from gatekeeper.core.errors import ConfigurationError
from gatekeeper.demo.oci_registry.faults import Match
from gatekeeper.demo.registry_faults import Stall
from gatekeeper.web.server import Server, ServerSettings
from gatekeeper.web.threads import DATABASE
from tests.fakes.certificates import Authority
from tests.integration.web.site import Site, eventually, serving
from tests.integration.workflow.world import a_world


def test_a_stalled_registry_keeps_nobody_else_waiting(site: Site) -> None:
    name = site.passed("app/web")
    release = Event()
    stall = Stall(release)
    injected = site.world.registry.faults.add(Match("HEAD"), stall)
    asked = DATABASE + 8
    with ThreadPoolExecutor(asked) as pool:
        stalled = [pool.submit(lambda: site.status("app/web:1.0")) for _ in range(asked)]
        try:
            assert stall.arrived.wait(60)
            assert site.get("/v1/images").status == 200
            assert site.get("/v1/quarantine", site.token()).status == 200
            assert site.get("/readyz", "").status == 200
        finally:
            release.set()
        assert {reply.result(60).status for reply in stalled} <= {200, 503}
    assert injected.hits
    assert site.status(name).status == 200


def test_who_waits_is_answered_when_the_server_ends(tmp_path: Path) -> None:
    with a_world(tmp_path) as world, ThreadPoolExecutor(1) as pool:
        world.good("app/web", "1.0")
        with serving(world) as site:
            waiting = pool.submit(lambda: site.status("app/web:1.0", wait=300))
            eventually(lambda: world.methods().get("GET", 0), bool)
            eventually(lambda: site.get("/v1/images").json["items"], bool)
        reply = waiting.result(60)
    assert (reply.status, reply.json["exit_code"]) == (200, 4)
    assert reply.json["state"] in ("unknown", "waiting")


def test_a_certificate_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    good = Authority(tmp_path).issue("daemon")
    bad = tmp_path / "bad.pem"
    bad.write_text("nonsense")
    for certificate, key in ((bad, bad), (good, bad), (tmp_path / "none.pem", good)):
        server = Server(FastAPI(), ServerSettings(port=0, tls_certificate=certificate, tls_key=key))
        with pytest.raises(ConfigurationError, match=r"server\.tls_certificate") as caught:
            server.start()
        assert caught.value.reason_code == "tls-unusable"
        server.stop()


def test_an_address_that_is_taken_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        server = Server(FastAPI(), ServerSettings(port=taken.getsockname()[1]))
        with pytest.raises(ConfigurationError) as caught:
            server.start()
        assert caught.value.reason_code == "listen-failed"
