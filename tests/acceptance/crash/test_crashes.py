"""kill -9 at every point of every action: a new process on the same database and registry ends as if nothing had been.

A crash is ``os._exit`` in a child process at a numbered point; the points are found by wrapping the registry's writes
and the store's commits. Registry dumps and what the store records are compared whole.
"""

from __future__ import annotations

import json
import multiprocessing
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.core.canonical import Plain, to_plain
from gatekeeper.core.digest import Digest
from gatekeeper.core.lifecycle import CaseState
from gatekeeper.core.manifest import OCI_MANIFEST, Descriptor
from gatekeeper.core.reference import Repository
from gatekeeper.demo.images import image, index
from gatekeeper.demo.registry import Behaviour, Dump, EmbeddedRegistry
from gatekeeper.ports import Page
from gatekeeper.signatures.signing import SigningKey, signature_bundle, signature_layer, tagged
from tests.acceptance.crash.child import Errand, run
from tests.acceptance.crash.points import COMMITS, CRASHED, REGISTRY_WRITES

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
KEY = SigningKey.generate("alice.pub")
SHARDS = 6
NEVER_NEEDED = {"attach", "release", "drop_subject", "put_blob"}
"""Points of the fallback index, of errors and of artifacts: no crash here loses anything that these stories write."""


@dataclass(frozen=True, slots=True)
class Story:
    """What people push between the processes, and what the processes do."""

    action: str
    behaviour: Behaviour
    errands: tuple[str, ...]


STORIES = {
    "quarantine": Story("quarantine", Behaviour(), ("push-good", "rounds", "push-bad", "rounds", "release")),
    "retag": Story("retag", Behaviour.docker_registry_2(), ("push-bad", "rounds", "release")),
    "rollback": Story("rollback", Behaviour(), ("push-good", "rounds", "push-better", "rounds", "push-best", "rounds",
                                                "push-bad", "rounds", "release")),
    "promote": Story("report", Behaviour(), ("push-good", "rounds", "promote")),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ending:
    """Everything that must be the same."""

    registry: Dump
    recorded: Plain


@dataclass(slots=True)
class Run:
    """One story on its own registry and database."""

    story: Story
    registry: EmbeddedRegistry
    directory: Path
    passed: list[str]

    def play(self, crash_at: int | None) -> Ending:
        """The story to its end; whoever dies at ``crash_at`` is followed by a new process."""
        for number, errand in enumerate(self.story.errands):
            at = NOON + timedelta(minutes=30 * number)
            if errand.startswith("push-"):
                self._push(errand.removeprefix("push-"))
                continue
            left = None if crash_at is None else crash_at - len(self.passed)
            if left is not None and left > 0 and self._process(errand, at, left) == CRASHED:
                self.passed.append("crash")
                crash_at = None
                assert self._process(errand, at, None) == 0
            elif left is None or left <= 0:
                assert self._process(errand, at, None) == 0
        return Ending(self.registry.dump(), _recorded(self.directory / "gatekeeper.db", self.registry.host))

    def _process(self, what: str, at: datetime, crash_at: int | None) -> int | None:
        report = self.directory / "report.json"
        errand = Errand(
            host=self.registry.host,
            database=f"sqlite:///{self.directory / 'gatekeeper.db'}",
            key_pem=KEY.public.spki_pem,
            action=self.story.action,
            what=what,
            at=at,
            report=str(report),
            crash_at=crash_at,
        )
        process = multiprocessing.get_context("forkserver").Process(target=run, args=(errand,))
        process.start()
        process.join()
        if process.exitcode == 0:
            self.passed += json.loads(report.read_text(encoding="utf-8"))
        return process.exitcode

    def _push(self, name: str) -> None:
        path = "app/good" if name == "good" and self.story.action == "report" else "app/web"
        both = [
            image({"name": name}, user="0" if name == "bad" else "1000"),
            image({"n": name}, platform="linux/arm64"),
        ]
        digest = Digest.parse(index(both).store_in(self.registry.store, path, "1.0"))
        self._attach(path, digest)

    def _attach(self, path: str, digest: Digest) -> None:
        store = self.registry.store
        stored = store.manifest(path, str(digest))
        assert stored is not None
        subject = Descriptor(stored.media_type, digest, len(stored.raw))
        signed = tagged(digest, [signature_layer(KEY, f"{self.registry.host}/{path}", digest)])
        for attachment in (signed, signature_bundle(KEY, subject, created=NOON)):
            for blob in attachment.blobs:
                store.put_blob(path, blob)
            tags = (attachment.tag,) if attachment.tag is not None else ()
            store.put_manifest(path, attachment.manifest, OCI_MANIFEST, tags=tags)


def _recorded(database: Path, host: str) -> Plain:
    """Cases, intents, our tags, verdicts: everything but times of attempts and the length of the audit trail."""
    from gatekeeper.database import Database

    store = Database.open(f"sqlite:///{database}")
    try:
        cases, _ = store.cases(states=frozenset(CaseState), repositories=("**",), page=Page())
        rows, _ = store.images(repositories=("**",), state=None, page=Page())
        assert store.broken_at() is None
        return [
            [to_plain(replace(case, updated_at=NOON)) for case in cases],
            [
                [to_plain(intent.draft), str(intent.state), intent.note]
                for case in cases
                for intent in store.case(case.id).intents
            ],
            [[str(row.digest), list(row.tags), str(row.verdict and row.verdict.state)] for row in rows],
            [to_plain(store.ours(Repository(host, path))) for path in ("app/web", "quarantine/app/web")],
            [to_plain(store.anchors(Repository(host, "app/web"), "1.0"))],
        ]
    finally:
        store.close()


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from gatekeeper.database import Database

    path = tmp_path_factory.mktemp("empty") / "gatekeeper.db"
    Database.open(f"sqlite:///{path}").close()
    return path


@pytest.fixture(scope="session", autouse=True)
def warm_forkserver() -> None:
    multiprocessing.get_context("forkserver").set_forkserver_preload(["tests.acceptance.crash.child"])


def play(
    story: Story, directory: Path, empty: Path, crash_at: int | None, port: int
) -> tuple[Ending, list[str]]:
    """``port``: tombstones name their registry, so two runs are the same only at the same address."""
    directory.mkdir()
    shutil.copy(empty, directory / "gatekeeper.db")
    with EmbeddedRegistry(story.behaviour, port=port) as registry:
        played = Run(story, registry, directory, [])
        ending = played.play(crash_at)
        assert registry.internal_errors == ()
    return ending, played.passed


@pytest.fixture(scope="session")
def port() -> int:
    with EmbeddedRegistry() as registry:
        return int(registry.host.rpartition(":")[2])


def shards(name: str) -> Iterator[Any]:
    for shard in range(SHARDS):
        yield pytest.param(name, shard, id=f"{name}-{shard}")


@pytest.mark.slow
@pytest.mark.parametrize(("name", "shard"), [case for name in STORIES for case in shards(name)])
def test_a_crash_anywhere_ends_where_no_crash_does(
    name: str, shard: int, tmp_path: Path, empty_database: Path, port: int
) -> None:
    story = STORIES[name]
    expected, points = play(story, tmp_path / "uncrashed", empty_database, None, port)
    assert len(points) > 20
    for number in range(shard + 1, len(points) + 1, SHARDS):
        ending, passed = play(story, tmp_path / str(number), empty_database, number, port)
        assert "crash" in passed, f"point {number} ({points[number - 1]}) was never hit"
        assert ending == expected, f"after a crash at point {number}: {points[number - 1]}"
        shutil.rmtree(tmp_path / str(number))


def test_every_write_and_every_commit_is_a_point_of_some_story(
    tmp_path: Path, empty_database: Path, port: int
) -> None:
    reached: set[str] = set()
    for name, story in STORIES.items():
        _, points = play(story, tmp_path / name, empty_database, None, port)
        reached |= {point.rpartition(".")[2] for point in points}
    assert reached | NEVER_NEEDED >= REGISTRY_WRITES | COMMITS
