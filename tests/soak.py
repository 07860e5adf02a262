"""The daemon killed again and again at random moments (``python3 dev.py soak [--kills 200] [--seed N]``).

Real processes, real ``kill -9``, the real command line. Before each start somebody pushes; the daemon then gets as far
as it gets. In the end one daemon is left alone until it has nothing to do, and the world must be as if it had never
died: every failing image in quarantine with all its parts, every passing one at its tag, no intent open, the audit
trail whole.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from gatekeeper.core.lifecycle import CaseState
from gatekeeper.core.manifest import parse_manifest
from gatekeeper.core.subject import SubjectKind, classify
from gatekeeper.database import Database
from gatekeeper.demo.images import image, index
from gatekeeper.demo.registry import EmbeddedRegistry
from gatekeeper.ports import Page

CONFIG = """\
version = 1
policy = "policy.toml"
[[registries]]
host = "{host}"
plain_http = true
[database]
path = "gatekeeper.db"
[server]
listen = "127.0.0.1:0"
[polling]
interval = "1s"
min_interval = "1s"
max_interval = "2s"
catalog_interval = "1s"
[engine]
lease = "1s"
tick = "1s"
drain = "20s"
[caps]
per_run = 100000
per_repository = 100000
per_hour = 100000
"""
POLICY = """\
version = 1
[policies.default]
rules = ["user-root"]
[defaults]
mode = "enforce"
[[scopes]]
name = "all"
repositories = ["{host}/app/**"]
policy = "default"
action = "quarantine"
empty_tags = true
"""
QUIET_SECONDS = 180.0


class SoakError(Exception):
    """What must hold does not."""


@dataclass(slots=True)
class Soak:
    """One registry, one database, many deaths."""

    directory: Path
    registry: EmbeddedRegistry
    chance: random.Random
    pushed: dict[tuple[str, str], tuple[str, bool]] = field(default_factory=dict)
    """(path, tag) -> (digest, whether it may stay)"""

    def prepare(self) -> None:
        """Writes the two files."""
        for name, text in (("config.toml", CONFIG), ("policy.toml", POLICY)):
            (self.directory / name).write_text(text.format(host=self.registry.host), encoding="utf-8")

    def push(self) -> None:
        """A few images for two platforms, good and bad, at new and old tags."""
        for _ in range(self.chance.randint(1, 4)):
            path, tag = f"app/n{self.chance.randint(0, 4)}", f"1.{self.chance.randint(0, 5)}"
            good = self.chance.random() < 0.5
            files = {"n": str(self.chance.random())}
            both = [image(files), image(files, user="1000" if good else "0", platform="linux/arm64")]
            digest = index(both).store_in(self.registry.store, path, tag)
            self.pushed[path, tag] = (digest, good)

    def start(self) -> subprocess.Popen[bytes]:
        """A daemon, as a person starts one."""
        with (self.directory / "daemon.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "gatekeeper", "run", "--migrate", "-c", "config.toml"],
                cwd=self.directory,
                env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
                stdout=log,
                stderr=log,
            )

    def kill_soon(self) -> None:
        """Lets a daemon live for a random while and kills it."""
        daemon = self.start()
        try:
            daemon.wait(self.chance.uniform(1.0, 5.0))
        except subprocess.TimeoutExpired:
            daemon.kill()
            daemon.wait()
            return
        raise SoakError(f"the daemon ended by itself with {daemon.returncode}: {self._log()}")

    def settle(self) -> None:
        """One daemon is left alone until nothing is wrong any more, then told to stop."""
        daemon = self.start()
        try:
            deadline = time.monotonic() + QUIET_SECONDS
            while (wrong := self.wrong()) and time.monotonic() < deadline and daemon.poll() is None:
                time.sleep(0.5)
            daemon.send_signal(signal.SIGTERM)
            code = daemon.wait(60)
        finally:
            daemon.kill()
            daemon.wait()
        if wrong:
            raise SoakError("; ".join(wrong[:10]) + f"\n{self._log()}")
        if code != 0:
            raise SoakError(f"SIGTERM ended the daemon with {code}: {self._log()}")

    def wrong(self) -> list[str]:
        """Everything that is not as it must be in the end."""
        found = [self._tag_is_wrong(path, tag) for path, tag in sorted(self.pushed)]
        database = Database.open(f"sqlite:///{self.directory / 'gatekeeper.db'}")
        try:
            found += [f"open: {intent.draft.kind} {intent.draft.tag}" for intent in database.open_intents()]
            found.append(database.broken_at())
            cases, _ = database.cases(
                states=frozenset({CaseState.OPEN}), repositories=("**",), page=Page(limit=100_000)
            )
            for case in cases:
                kept = self.registry.store.manifest(f"quarantine/{case.repository.path}", str(case.digest))
                found.append(None if kept else f"{case.repository}@{case.digest} is in no quarantine")
                for child in kept.children if kept else ():
                    there = self.registry.store.manifest(f"quarantine/{case.repository.path}", child)
                    found.append(None if there else f"child {child} is in no quarantine")
        finally:
            database.close()
        return [what for what in found if what is not None]

    def _tag_is_wrong(self, path: str, tag: str) -> str | None:
        digest, good = self.pushed[path, tag]
        shown = self.registry.store.manifest(path, tag)
        if shown is None:
            return f"{path}:{tag} is gone"
        if good:
            return None if shown.digest == digest else f"{path}:{tag} passed and shows {shown.digest}"
        manifest = parse_manifest(shown.raw, content_type=shown.media_type, expected=None)
        return (
            None if classify(manifest) is SubjectKind.TOMBSTONE else f"{path}:{tag} failed and is still there"
        )

    def _log(self) -> str:
        return (self.directory / "daemon.log").read_text(encoding="utf-8", errors="replace")[-3000:]


def soak(kills: int, seed: int, say: Callable[[str], None]) -> None:
    """Raises SoakError when something was lost. ``say`` is told the progress."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gatekeeper-soak-")))
        registry = stack.enter_context(EmbeddedRegistry())
        run = Soak(directory, registry, random.Random(seed))
        run.prepare()
        for number in range(kills):
            run.push()
            run.kill_soon()
            say(f"killed {number + 1} of {kills}")
        run.settle()


def main(arguments: list[str] | None = None) -> int:
    """Prints how often the daemon was killed, and the seed to repeat it."""
    parser = argparse.ArgumentParser(prog="dev.py soak", description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    given = parser.parse_args(arguments)
    sys.stdout.write(f"{given.kills} kills, seed {given.seed}\n")
    try:
        soak(given.kills, given.seed, lambda text: print(text, flush=True))  # noqa: T201 - a command
    except SoakError as error:
        sys.stderr.write(f"lost something: {error}\n")
        return 1
    sys.stdout.write("nothing was lost\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
