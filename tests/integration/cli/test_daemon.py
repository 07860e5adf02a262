"""``gatekeeper run`` as its own process: starts, judges, reloads, ends; the command line beside it and against it."""

from __future__ import annotations

import json
import os
import re
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.cli import main
from gatekeeper.demo.images import image
from gatekeeper.demo.registry import EmbeddedRegistry

POLICY = """\
[policies.p]
rules = ["{rule}"]
[[scopes]]
name = "all"
repositories = ["**"]
policy = "p"
"""
CONFIG = """\
[[registries]]
host = "{host}"
plain_http = true
[server]
listen = "127.0.0.1:0"
public_url = "https://gate.example.com"
[polling]
interval = "1s"
min_interval = "1s"
[engine]
tick = "100ms"
drain = "5s"
"""


@dataclass(slots=True)
class Process:
    """A daemon and what it has logged."""

    running: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def read(self) -> None:
        assert self.running.stderr is not None
        for line in self.running.stderr:
            with self.changed:
                self.lines.append(line.rstrip())
                self.changed.notify_all()
        with self.changed:
            self.lines.append("(ended)")
            self.changed.notify_all()

    def said(self, pattern: str) -> re.Match[str]:
        """Waits until a line matches."""

        def found() -> re.Match[str] | None:
            return next((match for line in self.lines if (match := re.search(pattern, line))), None)

        with self.changed:
            self.changed.wait_for(lambda: found() or "(ended)" in self.lines, timeout=60)
            match = found()
        assert match is not None, "\n".join(self.lines)
        return match


@pytest.fixture
def registry() -> Iterator[EmbeddedRegistry]:
    with EmbeddedRegistry() as started:
        yield started


@pytest.fixture
def config(tmp_path: Path, registry: EmbeddedRegistry) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(CONFIG.format(host=registry.host))
    (tmp_path / "policy.toml").write_text(POLICY.format(rule="user-root"))
    return path


@pytest.fixture
def daemon(config: Path) -> Iterator[Process]:
    command = [sys.executable, "-m", "gatekeeper", "run", "--migrate", "--config", str(config)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as running:
        process = Process(running)
        reader = threading.Thread(target=process.read, daemon=True)
        reader.start()
        try:
            yield process
        finally:
            if running.poll() is None:
                os.kill(running.pid, signal.SIGKILL)
            reader.join(30)


@pytest.fixture
def typed(config: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, Any]]:
    def run(*arguments: str) -> tuple[int, Any]:
        capsys.readouterr()
        code = main([*arguments, "--output", "json"])
        return code, json.loads(capsys.readouterr().out)

    return run


def test_the_whole_life_of_a_daemon(
    daemon: Process,
    registry: EmbeddedRegistry,
    config: Path,
    typed: Callable[..., tuple[int, Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    url = daemon.said(r"listening on (http://127\.0\.0\.1:\d+)")[1]
    first = config.parent / "gatekeeper-first-token"
    assert stat.S_IMODE(first.stat().st_mode) == 0o600
    good = image({"a": "1"}, user="1000").store_in(registry.store, "app/web", "1.0")
    image({"a": "2"}, user="0").store_in(registry.store, "app/bad", "1.0")
    web, bad = f"{registry.host}/app/web:1.0", f"{registry.host}/app/bad:1.0"
    local = ("--config", str(config))

    code, here = typed("status", web, "--wait", "60s", *local)
    assert (code, here["state"], here["digest"]) == (0, "passed", good)
    assert typed("status", bad, "--wait", "60s", *local)[0] == 1

    code, made = typed("token", "create", "ci", "--scope", "read", *local)
    assert code == 0
    monkeypatch.setenv("GATEKEEPER_TOKEN", made["text"])
    code, there = typed("status", f"{registry.host}/app/web@{good}", "--server", url)
    assert (code, there["verdict"]) == (0, here["verdict"])
    assert typed("hold", "on", "--reason", "not mine", "--server", url)[0] == 6
    assert typed("token", "revoke", made["token"]["id"], *local)[0] == 0

    (config.parent / "policy.toml").write_text(POLICY.format(rule="user-rot"))
    daemon.running.send_signal(signal.SIGHUP)
    daemon.said(r"not reloaded: .*did you mean 'user-root'")
    (config.parent / "policy.toml").write_text(POLICY.format(rule="tag-latest"))
    daemon.running.send_signal(signal.SIGHUP)
    daemon.said(r"reloaded; changed: policy")
    assert typed("status", bad, "--wait", "60s", *local)[0] == 0, (
        "under the new policy nobody asks for the user"
    )

    daemon.running.send_signal(signal.SIGTERM)
    assert daemon.running.wait(60) == 0
    code, chain = typed("audit", "verify", *local)
    assert (code, chain["state"]) == (0, "passed")
    noted = daemon.said(r"audit head (\d+:[0-9a-f]{64})")[1]
    assert typed("audit", "verify", "--expect", noted, *local)[0] == 0


def test_an_empty_database_is_refused_with_the_command_to_type(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "--config", str(config)]) == 3
    assert "gatekeeper migrate" in capsys.readouterr().err
    assert main(["migrate", "--config", str(config)]) == 0
    assert main(["migrate", "--config", str(config)]) == 0


def test_check_needs_no_database(
    config: Path, registry: EmbeddedRegistry, typed: Callable[..., tuple[int, Any]]
) -> None:
    image({"a": "2"}, user="0").store_in(registry.store, "app/bad", "1.0")
    code, found = typed("check", f"{registry.host}/app/bad:1.0", "--config", str(config))
    assert (code, found["answer"]["state"], found["answer"]["reason_code"]) == (1, "failed", "user-root")
    assert found["rules"][0]["rule"] == "user-root"
    assert list(config.parent.glob("*.db")) == []
    assert {request.method for request in registry.requests} <= {"GET", "HEAD"}


def test_brakes_and_cases_work_while_the_policy_is_broken(
    config: Path, typed: Callable[..., tuple[int, Any]]
) -> None:
    assert main(["migrate", "--config", str(config)]) == 0
    (config.parent / "policy.toml").write_text("nonsense")
    code, brakes = typed("hold", "on", "--reason", "stop everything", "--config", str(config))
    assert (code, brakes["hold"]["reason"]) == (0, "stop everything")
    assert brakes["hold"]["actor"].startswith("local:")
    assert typed("quarantine", "list", "--config", str(config)) == (0, {"items": [], "next": None})
    assert typed("breaker", "close", "--reason", "not open", "--config", str(config))[0] == 1
