"""``gatekeeper run`` as a process, asked by the command line, on registries and databases of other people."""

from __future__ import annotations

import json
import os
import signal
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from gatekeeper.demo.story_files import Stage
from tests.acceptance.real.site import Site

pytestmark = pytest.mark.slow
PAIRS = [
    ("embedded", "sqlite"),
    ("debian", "postgres"),
    ("distribution3", "sqlite"),
    ("referrers", "postgres"),
]
paired = pytest.mark.parametrize(("registry", "database_lines"), PAIRS, indirect=True)


@paired
def test_pipelines_and_people_get_their_answers(stage: Stage) -> None:
    site = Site(stage)
    assert site.run("config", "check").code == 0
    assert site.run("run").code == 3, "a daemon must refuse a database that was never migrated"
    assert site.run("migrate").code == 0
    good = site.push("good", "1.0", signed=True)
    root = site.push("root", "1.0", signed=True, user="0")
    unsigned = site.push("unsigned", "1.0", signed=False)

    with site.daemon() as program:
        passed = site.ask("status", site.name("good:1.0"), "--wait", "60s")
        assert (passed.code, passed.json["state"]) == (0, "passed"), passed
        assert passed.json["subject"] == f"{site.name('good')}@{good.digest}"
        failed = site.ask("status", site.name("root:1.0"), "--wait", "60s")
        assert (failed.code, failed.json["reason_code"]) == (1, "user-root"), failed
        late = site.ask("status", site.name("unsigned:1.0"), "--wait", "60s")
        assert (late.code, late.json["reason_code"]) == (1, "signature-missing"), late
        assert late.json["subject"].endswith(unsigned.digest)

        assert site.run("status", site.name("none:1.0")).code == 5
        elsewhere = site.ask("status", f"{stage.host}/elsewhere/app:1.0")
        assert (elsewhere.code, elsewhere.json["reason_code"]) == (4, "scope-missing")
        assert site.run("status", "registry.example.com/app:1.0").code == 4
        assert site.run("status", "UPPER/case").code == 2

        target = f"{stage.host}/release/{stage.project}"
        assert site.run("promote", site.name("good:1.0"), f"{target}/good:1.0", "--reason", "test").code == 0
        assert site.shown(f"release/{stage.project}/good", "1.0") == good.digest
        refused = site.run("promote", site.name("root:1.0"), f"{target}/root:1.0", "--reason", "test")
        assert refused.code == 1, refused
        assert site.shown(f"release/{stage.project}/root", "1.0") is None

        program.until(lambda: site.shown(f"{stage.project}/root", "1.0") != root.digest or None)
        assert site.shown(f"quarantine/{stage.project}/root", f"1.0--{root.digest[7:19]}") == root.digest
        cases = site.ask("quarantine", "list").json["items"]
        by_digest = {case["digest"]: case["id"] for case in cases}
        assert set(by_digest) == {root.digest, unsigned.digest}
        restored = site.run("quarantine", "restore", by_digest[root.digest], "--reason", "wrong moment")
        assert restored.code == 0, restored
        again = site.run("quarantine", "restore", by_digest[root.digest], "--reason", "second reviewer")
        assert again.code == 1, again
        program.until(lambda: site.shown(f"{stage.project}/root", "1.0") == root.digest or None)

        verified = site.run("audit", "verify")
        assert verified.code == 0, verified
        program.running.send_signal(signal.SIGTERM)
        assert program.running.wait(30) == 0
        assert "audit head" in program.said().splitlines()[-1], program.said()


@paired
def test_a_killed_daemon_is_finished_by_the_next(stage: Stage) -> None:
    """It dies by SIGKILL as soon as one of several actions is seen in the registry."""
    site = Site(stage)
    assert site.run("migrate").code == 0
    names = ("one", "two", "three", "four")
    digests = {name: site.push(name, "1.0", signed=True, user="0").digest for name in names}

    def moved() -> list[str]:
        return [name for name in names if site.shown(f"{stage.project}/{name}", "1.0") != digests[name]]

    with site.daemon("first") as program:
        program.until(lambda: moved() or None)
        os.kill(program.pid, signal.SIGKILL)
        program.running.wait()
    with site.daemon("second") as program:
        program.until(lambda: len(moved()) == len(names) or None)
        for name in names:
            kept = f"quarantine/{stage.project}/{name}"
            assert site.shown(kept, f"1.0--{digests[name][7:19]}") == digests[name]
            answered = site.ask("status", site.name(f"{name}:1.0"), "--wait", "30s")
            assert (answered.code, answered.json["state"]) == (1, "quarantined"), answered
    assert len(site.ask("quarantine", "list").json["items"]) == len(names)
    assert site.run("audit", "verify").code == 0


@pytest.mark.parametrize(("registry", "database_lines"), [("embedded", "sqlite")], indirect=True)
def test_the_first_token_makes_one_token_and_nothing_else(stage: Stage) -> None:
    site = Site(stage)
    assert site.run("migrate").code == 0
    site.push("good", "1.0", signed=True)
    first = stage.directory / "gatekeeper-first-token"
    with site.daemon() as program:
        url = site.server(program)
        assert first.stat().st_mode & 0o777 == 0o600
        asked = ("status", site.name("good:1.0"), "--wait", "60s", "--server", url, "--token-file")
        assert site.run(*asked, str(first)).code == 6
        made = _make_token(url, first.read_text().strip())
        named = stage.directory / "pipeline-token"
        named.touch(mode=0o600)
        named.write_text(made)
        answered = site.ask(*asked, str(named))
        assert (answered.code, answered.json["state"]) == (0, "passed"), answered
        with pytest.raises(HTTPError, match="401"):
            _make_token(url, first.read_text().strip())
        without = site.run("status", site.name("good:1.0"), "--server", url)
        assert (without.code, "GATEKEEPER_TOKEN" in without.err) == (3, True), without


def _make_token(url: str, token: str) -> str:
    body = {"name": "pipeline", "scopes": ["read"], "repositories": ["**"]}
    request = Request(
        f"{url}/v1/tokens",
        json.dumps(body).encode(),
        {"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
    )
    with urlopen(request, timeout=30) as answered:
        return str(json.load(answered)["text"])
