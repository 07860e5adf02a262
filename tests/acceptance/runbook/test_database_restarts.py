"""PostgreSQL is stopped and started again under a working daemon: every face says so meanwhile, and nothing is lost."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from tests.acceptance.runbook.house import House, RegistryOnFiles
from tests.judges.servers import postgres, scratch

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def readiness(address: str) -> tuple[int, list[str]]:
    try:
        with urlopen(f"{address}/readyz", timeout=30) as answered:
            return answered.status, json.load(answered)["missing"]
    except HTTPError as refused:
        return refused.code, json.load(refused)["missing"]


def test_reads_answer_4_and_work_resumes_by_itself(tmp_path: Path) -> None:
    with postgres() as server, server.database() as url, scratch() as folder:
        registry = RegistryOnFiles(folder)
        registry.start()
        try:
            house = House(registry, server, url, tmp_path / "house")
            assert house.run("migrate").code == 0
            good = house.push("good", "1.0")
            with house.daemon() as program:
                house.judged(program, "good:1.0", 0)
                address = house.site.server(program)
                secret = tmp_path / "token"
                secret.touch(mode=0o600)
                secret.write_text(house.json("token", "create", "pipeline", "--scope", "read")["text"])
                remote = ("--server", address, "--token-file", str(secret))
                assert house.site.ask("status", house.name("good:1.0"), *remote).code == 0
                with server.away():
                    for more in ((), remote):
                        answered = house.site.ask("status", house.name(f"good@{good.digest}"), *more)
                        assert answered.code == 4, answered
                        assert answered.json["reason_code"] == "database-unavailable"
                    assert house.site.ask("explain", house.name(f"good@{good.digest}")).code == 4
                    house.until(program, lambda: readiness(address)[0] == 503)
                    assert readiness(address)[1] == ["database-unavailable"]
                    with urlopen(f"{address}/metrics", timeout=30) as answered_metrics:
                        assert b"gatekeeper_database_up 0.0" in answered_metrics.read()
                    doctor = house.site.ask("doctor")
                    assert doctor.code == 5
                    assert "unreachable" in {line["health"] for line in doctor.json["items"]}
                    bad = house.push("bad", "1.0", user="0")
                    house.until(program, lambda: program.said().count("tick failed") > 3)
                    assert house.shown("shop/bad", "1.0") == bad.digest
                house.gone_from_tag(program, "bad", "1.0", bad.digest)
                assert house.status(f"good@{good.digest}").code == 0
                house.until(program, lambda: readiness(address) == (200, []))
            house.whole()
        finally:
            registry.stop()
