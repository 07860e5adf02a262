"""kill -9 at every point of every action: a new process on the same database and registry ends as if nothing had been.

A crash is ``os._exit`` in a child process at a numbered point; the points are found by wrapping the registry's writes
and the store's commits. Registry dumps and what the store records are compared whole.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest

from gatekeeper.core.canonical import Plain, to_plain
from gatekeeper.core.digest import Digest
from gatekeeper.core.lifecycle import CaseState
from gatekeeper.core.manifest import OCI_MANIFEST, Descriptor
from gatekeeper.core.reference import Repository
from gatekeeper.database import Database
from gatekeeper.database.migrate import upgrade
from gatekeeper.demo.images import image, index
from gatekeeper.demo.registry import Behaviour, Dump, EmbeddedRegistry
from gatekeeper.ports import Attachment, Page
from gatekeeper.signatures.signing import SigningKey, signature_bundle, signature_layer, tagged
from tests.acceptance.crash.child import Errand, run
from tests.acceptance.crash.points import COMMITS, CRASHED, REGISTRY_WRITES

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
KEY = SigningKey.generate("alice.pub")
ATTESTING_KEY = SigningKey.generate("vsa.pub")
NEVER_NEEDED = {"release", "drop_subject", "put_blob"}
"""Points of errors and of artifacts: no crash here loses anything that these stories write."""


@dataclass(frozen=True, slots=True)
class Story:
    """What people push between the processes, and what the processes do."""

    action: str
    behaviour: Behaviour
    errands: tuple[str, ...]
    attests: bool = False
    """Verdicts are attached; each ``rounds`` runs under another policy, so that the one before is superseded."""
    form: str = "both"
    """Which of cosign's forms people sign with: ``legacy``, ``bundle`` or ``both``."""


STORIES = {
    "quarantine": Story("quarantine", Behaviour(), ("push-good", "rounds", "push-bad", "rounds", "release")),
    "retag": Story("retag", Behaviour.docker_registry_2(), ("push-bad", "rounds", "release")),
    "rollback": Story("rollback", Behaviour(), ("push-good", "rounds", "push-better", "rounds", "push-best", "rounds",
                                                "push-bad", "rounds", "release")),
    "superseded": Story("quarantine", Behaviour(), ("push-bad", "judge", "push-good", "rounds")),
    "attest": Story("report", Behaviour(), ("push-good", "rounds", "rounds"), attests=True, form="bundle"),
    "attest-tag": Story("report", Behaviour.docker_registry_2(), ("push-good", "rounds", "rounds"), attests=True,
                        form="legacy"),
    "promote": Story("report", Behaviour(), ("push-good", "rounds", "promote")),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ending:
    """Everything that must be the same."""

    registry: Dump
    recorded: Plain


@dataclass(frozen=True, slots=True)
class Stage:
    """One process of an uncrashed run: the world before it, the points it passed, the world after it."""

    story: Story
    errand: str
    at: datetime
    before: Path
    points: tuple[str, ...]
    after: Ending


@dataclass(slots=True)
class Place:
    """A directory with a registry and a database, and the processes that work on both."""

    story: Story
    registry: EmbeddedRegistry
    directory: Path

    def process(self, what: str, at: datetime, crash_at: int | None) -> int | None:
        """Its exit code. The points it passed are in ``report.json`` when it lived."""
        errand = Errand(
            host=self.registry.host,
            database=f"sqlite:///{self.directory / 'gatekeeper.db'}",
            key_pem=KEY.public.spki_pem,
            action=self.story.action,
            what=what,
            at=at,
            report=str(self.directory / "report.json"),
            crash_at=crash_at,
            signing_pem=ATTESTING_KEY.to_pem().decode() if self.story.attests else "",
            recheck_hours=24 + (at - NOON) // timedelta(minutes=30) if self.story.attests else 24,
        )
        process = multiprocessing.get_context("forkserver").Process(target=run, args=(errand,))
        process.start()
        process.join()
        return process.exitcode

    def ending(self) -> Ending:
        assert self.registry.internal_errors == ()
        return Ending(self.registry.dump(), _recorded(self.directory / "gatekeeper.db", self.registry.host))

    def push(self, name: str) -> None:
        """Somebody pushes a signed image for two platforms."""
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
        name, size = f"{self.registry.host}/{path}", len(stored.raw)
        for attachment in _signatures(name, digest, stored.media_type, size, self.story.form):
            for blob in attachment.blobs:
                store.put_blob(path, blob)
            tags = (attachment.tag,) if attachment.tag is not None else ()
            store.put_manifest(path, attachment.manifest, OCI_MANIFEST, tags=tags)


@cache
def _signatures(name: str, digest: Digest, media_type: str, size: int, form: str) -> tuple[Attachment, ...]:
    """The same bytes in every run: an ECDSA signature is another one each time it is made."""
    subject = Descriptor(media_type, digest, size)
    legacy = tagged(digest, [signature_layer(KEY, name, digest)])
    bundle = signature_bundle(KEY, subject, created=NOON)
    return {"legacy": (legacy,), "bundle": (bundle,), "both": (legacy, bundle)}[form]


def _recorded(database: Path, host: str) -> Plain:
    """Cases, intents, our tags, verdicts: everything but times of attempts and the length of the audit trail."""
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
    path = tmp_path_factory.mktemp("empty") / "gatekeeper.db"
    upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session", autouse=True)
def warm_forkserver() -> None:
    multiprocessing.get_context("forkserver").set_forkserver_preload(["tests.acceptance.crash.child"])


@contextmanager
def place(story: Story, directory: Path, port: int) -> Iterator[Place]:
    """``port``: tombstones name their registry, so two runs are the same only at the same address."""
    with EmbeddedRegistry(story.behaviour, directory=directory / "registry", port=port) as registry:
        yield Place(story, registry, directory)


def uncrashed(story: Story, directory: Path, empty: Path, port: int) -> list[Stage]:
    """The whole story; a copy of the world is kept before each of its processes."""
    working = directory / "working"
    working.mkdir()
    shutil.copy(empty, working / "gatekeeper.db")
    stages = []
    for number, errand in enumerate(story.errands):
        at = NOON + timedelta(minutes=30 * number)
        if errand.startswith("push-"):
            with place(story, working, port) as world:
                world.push(errand.removeprefix("push-"))
            continue
        before = directory / f"before-{number}"
        shutil.copytree(working, before)
        with place(story, working, port) as world:
            assert world.process(errand, at, None) == 0
            points = json.loads((working / "report.json").read_text(encoding="utf-8"))
            stages.append(Stage(story, errand, at, before, tuple(points), world.ending()))
    return stages


@pytest.fixture(scope="session")
def port() -> int:
    with EmbeddedRegistry() as registry:
        return int(registry.host.rpartition(":")[2])


FULL = bool(os.environ.get("GATEKEEPER_TEST_FULL"))
SHARDS = 8
"""Every point is in one of so many tests; without GATEKEEPER_TEST_FULL only the points of the first are tried."""


@pytest.mark.slow
@pytest.mark.parametrize("shard", range(SHARDS if FULL else 1))
@pytest.mark.parametrize("name", STORIES)
def test_a_crash_anywhere_ends_where_no_crash_does(
    name: str, shard: int, tmp_path: Path, empty_database: Path, port: int
) -> None:
    stages = uncrashed(STORIES[name], tmp_path, empty_database, port)
    numbered = [(stage, number) for stage in stages for number in range(1, len(stage.points) + 1)]
    for stage, number in numbered[shard::SHARDS]:
        directory = tmp_path / "crashed"
        shutil.copytree(stage.before, directory)
        point = f"{stage.errand}: {number} ({stage.points[number - 1]})"
        with place(stage.story, directory, port) as world:
            assert world.process(stage.errand, stage.at, number) == CRASHED, f"{point} was never hit"
            assert world.process(stage.errand, stage.at, None) == 0, f"no recovery after {point}"
            assert world.ending() == stage.after, f"another end after {point}"
        shutil.rmtree(directory)


def test_every_write_and_every_commit_is_a_point_of_some_story(
    tmp_path: Path, empty_database: Path, port: int
) -> None:
    reached: set[str] = set()
    for name, story in STORIES.items():
        (tmp_path / name).mkdir()
        for stage in uncrashed(story, tmp_path / name, empty_database, port):
            reached |= {point.rpartition(".")[2] for point in stage.points}
    assert reached | NEVER_NEEDED == REGISTRY_WRITES | COMMITS
