"""One soak: daemons that live for a random while, people who go on meanwhile, and the last daemon, left alone."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from gatekeeper.config.reload import load_configuration
from gatekeeper.demo.registry import EmbeddedRegistry
from gatekeeper.demo.registry_push import PushClient
from gatekeeper.signatures.signing import SigningKey
from gatekeeper.wiring import build
from tests.acceptance.real.databases import SQLITE, postgres_lines
from tests.soak.check import Check
from tests.soak.people import People

QUIET_SECONDS = 240.0
STOP_SECONDS = 60.0
_CONFIG = """\
version = 1
policy = "policy.toml"

[[registries]]
host = "{host}"
plain_http = true

[database]
{database}

[server]
listen = "127.0.0.1:0"

[polling]
interval = "1s"
min_interval = "500ms"
max_interval = "1s"
catalog_interval = "1s"

[engine]
tick = "100ms"
lease = "1s"
drain = "20s"

[caps]
per_run = 1000000
per_repository = 1000000
per_hour = 1000000
"""
_POLICY = """\
version = 1

[signers.release]
keys = [{{ file = "release.pub" }}]

[policies.default]
rules = [{{ rule = "signature-missing", signers = ["release"] }}, "user-root"]

[defaults]
mode = "enforce"
settle = "2s"
empty_tags = true

[[scopes]]
name = "apps"
repositories = ["{host}/app/**"]
policy = "default"
action = "quarantine"

[[scopes]]
name = "tools"
repositories = ["{host}/tool/**"]
policy = "default"
action = "retag"

[[scopes]]
name = "services"
repositories = ["{host}/service/**"]
policy = "default"
action = "rollback"
anchors = 2
"""


LEFT_BEHIND = "holds nothing any more"


class SoakError(Exception):
    """What must hold does not."""


@dataclass(slots=True)
class Soak:
    """One registry, one database, many deaths."""

    directory: Path
    registry: EmbeddedRegistry
    chance: random.Random
    people: People
    check: Check
    kills: int = 0
    left_behind: set[str] = field(default_factory=set)
    """Tags of ours whose case is closed."""

    def kill_soon(self) -> None:
        """Lets a daemon live for a random while, goes on pushing meanwhile, and kills it."""
        daemon = self._start()
        try:
            end = time.monotonic() + self.chance.uniform(0.3, 4.0)
            while (left := end - time.monotonic()) > 0:
                self.people.act()
                try:
                    daemon.wait(min(left, self.chance.uniform(0.0, 0.4)))
                except subprocess.TimeoutExpired:
                    continue
                raise SoakError(f"a daemon ended by itself with {daemon.returncode}: {self._log()}")
        finally:
            daemon.kill()
            daemon.wait()
        self.kills += 1

    def settle(self) -> None:
        """One daemon is left alone until nothing is wrong any more, then told to stop."""
        before = len(self._log_text())
        daemon = self._start()
        try:
            deadline = time.monotonic() + QUIET_SECONDS
            wrong = ["the daemon has not started"]
            while wrong and time.monotonic() < deadline and daemon.poll() is None:
                time.sleep(0.5)
                started = "listening on" in self._log_text()[before:]
                wrong = self.check.wrong() if started else wrong
            daemon.send_signal(signal.SIGTERM)
            code = daemon.wait(STOP_SECONDS)
        finally:
            daemon.kill()
            daemon.wait()
        wrong += self.check.wrong()
        # A tag of ours that outlives its case wastes a name and loses nothing: counted and told, see operations.md.
        self.left_behind = {what for what in wrong if what.endswith(LEFT_BEHIND)}
        wrong = [what for what in wrong if what not in self.left_behind]
        if wrong:
            raise SoakError("\n".join([f"{len(wrong)} things are wrong:", *wrong[:20], self._log()]))
        if code != 0:
            raise SoakError(f"SIGTERM ended the daemon with {code}: {self._log()}")
        found = re.findall(r"(?m)^.* error .*$|^Traceback.*$", self._log_text())
        if found:
            raise SoakError("\n".join(["the daemons logged errors:", *found[:10], self._log()]))

    def _start(self) -> subprocess.Popen[bytes]:
        """A daemon, as a person starts one."""
        with (self.directory / "daemon.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "gatekeeper", "run", "--migrate", "--config", "config.toml"],
                cwd=self.directory,
                env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def _log_text(self) -> str:
        log = self.directory / "daemon.log"
        return log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""

    def _log(self) -> str:
        return "\n" + self._log_text()[-4000:]


@contextmanager
def prepared(seed: int, *, database_url: str | None = None) -> Iterator[Soak]:
    """A registry, a migrated database and the two files; nothing runs yet."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gatekeeper-soak-")))
        registry = stack.enter_context(EmbeddedRegistry())
        key = SigningKey.generate()
        database = SQLITE if database_url is None else postgres_lines(database_url, directory)
        facts = {"host": registry.host, "database": "\n".join(database)}
        (directory / "release.pub").write_text(key.public.spki_pem)
        for name, text in (("config.toml", _CONFIG), ("policy.toml", _POLICY)):
            (directory / name).write_text(text.format(**facts))
        configuration = load_configuration(directory / "config.toml")
        _migrate(directory)
        application = build(configuration.settings, lambda: configuration.policy)
        stack.callback(application.close)
        client = stack.enter_context(PushClient(registry.url))
        chance = random.Random(seed)
        people = People(client, registry.host, application, key, chance)
        yield Soak(directory, registry, chance, people, Check(registry, application, people))


def soak(
    kills: int,
    seed: int,
    say: Callable[[str], None],
    *,
    database_url: str | None = None,
    minutes: float = 30.0,
) -> Soak:
    """Raises SoakError when something was lost. ``say`` is told the progress."""
    deadline = time.monotonic() + minutes * 60
    with prepared(seed, database_url=database_url) as run:
        while run.kills < kills and time.monotonic() < deadline:
            run.kill_soon()
            if run.kills % 10 == 0 or run.kills == kills:
                say(f"killed {run.kills} of {kills}")
        say("leaving the last daemon alone")
        run.settle()
        return run


def _migrate(directory: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gatekeeper", "migrate", "--config", "config.toml"],
        cwd=directory,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise SoakError(f"migrate ended with {done.returncode}: {done.stderr}")
