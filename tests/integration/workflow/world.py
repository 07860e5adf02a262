"""A small world: an embedded registry, a database, a clock that is moved by hand, a policy, and people who push."""

from __future__ import annotations

import atexit
import dataclasses
import itertools
import logging
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from gatekeeper.config.settings import (
    DatabaseSettings,
    PollingSettings,
    ScannerSettings,
    Settings,
    WatchedRegistry,
)
from gatekeeper.core.digest import Digest
from gatekeeper.core.lifecycle import Caps, Case, CaseState, Intent, IntentKind
from gatekeeper.core.manifest import OCI_MANIFEST, Descriptor, parse_manifest
from gatekeeper.core.policy import Action, Mode, Policy, RuleSet, Scope
from gatekeeper.core.reference import Repository, parse_reference
from gatekeeper.core.rules.signature_missing import SignatureMissing
from gatekeeper.core.rules.user_root import UserRoot
from gatekeeper.core.signer import ManagedKey, Signer
from gatekeeper.core.subject import SubjectKind, classify
from gatekeeper.database.migrate import upgrade
from gatekeeper.demo.images import Built, image
from gatekeeper.demo.registry import Behaviour, EmbeddedRegistry
from gatekeeper.ports import Notifier, Page, Registries
from gatekeeper.registry.settings import Pace, RegistrySettings, SecretText, UsernamePassword
from gatekeeper.signatures.signing import SigningKey, signature_bundle, signature_layer, tagged
from gatekeeper.wiring import Application, Parts, build
from gatekeeper.workflow.answer import Answer

START = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
USER, PASSWORD = "gatekeeper", "correct horse"
SETTLE = timedelta(minutes=10)
ALICE = SigningKey.generate("alice.pub")
MALLORY = SigningKey.generate("mallory.pub")
SCOPE = Scope(
    name="all",
    repositories=("127.0.0.1:*/**",),
    policy="default",
    mode=Mode.ENFORCE,
    action=Action.QUARANTINE,
    empty_tags=True,
    promote_to=("127.0.0.1:*/prod/**",),
)
RULES = RuleSet("default", (SignatureMissing(), UserRoot()))


@dataclass(slots=True)
class HandClock:
    """A clock that only moves when it is told to."""

    moment: datetime = START

    def now(self) -> datetime:
        return self.moment

    def advance(self, by: timedelta) -> None:
        self.moment += by


@dataclass(slots=True)
class World:
    """Everything a story needs. ``policy`` and ``caps`` may be replaced at any moment, as SIGHUP would."""

    registry: EmbeddedRegistry
    directory: Path
    clock: HandClock = field(default_factory=HandClock)
    policy: Policy = field(default_factory=lambda: policy_of(SCOPE))
    caps: Caps = field(default_factory=Caps)
    polling: PollingSettings = PollingSettings(  # noqa: RUF009 - frozen
        interval=MINUTE, min_interval=MINUTE / 2, max_interval=MINUTE * 2
    )
    nonces: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    notifier: Notifier | None = None
    """Who tells people; nobody is told when there is none."""
    scanners: tuple[ScannerSettings, ...] = ()
    password: str = PASSWORD
    client_certificate: str | None = None
    app: Application = field(init=False)

    def __post_init__(self) -> None:
        self.empty_database()
        self.start()

    @property
    def database(self) -> str:
        """The database's URL."""
        return f"sqlite:///{self.directory / 'gatekeeper.db'}"

    def empty_database(self) -> None:
        """A migrated database with nothing in it, in place of what there is."""
        for suffix in ("", "-wal", "-shm"):
            (self.directory / f"gatekeeper.db{suffix}").unlink(missing_ok=True)
        shutil.copy(_migrated(), self.directory / "gatekeeper.db")

    def start(self) -> None:
        """A fresh process over the same database and registry."""
        connection = RegistrySettings(
            self.registry.host,
            plain_http=True,
            credentials=UsernamePassword(USER, SecretText(self.password)),
            client_certificate=self.client_certificate,
            pace=Pace(attempts=1, ceiling=0.1, backoff=0.0),
        )
        settings = Settings(
            source=self.directory / "config.toml",
            policy=self.directory / "policy.toml",
            registries=(WatchedRegistry(connection),),
            database=DatabaseSettings(self.database),
            polling=self.polling,
            caps=self.caps,
            scanners=self.scanners,
        )
        parts = Parts(
            clock=self.clock,
            nonce=lambda: f"{next(self.nonces):016x}",
            pause=lambda seconds: self.clock.advance(timedelta(seconds=seconds)),
            spread=lambda: 0.5,
            notifier=self.notifier,
            registries=self.registries(connection),
        )
        self.app = build(
            settings,
            lambda: self.policy,
            parts,
            in_force=lambda: dataclasses.replace(settings, caps=self.caps),
        )

    def registries(self, connection: RegistrySettings) -> Registries | None:
        """Clients of its own; None: the product's, whose pauses last as long as they do outside."""
        return None

    def caps_for(self, **caps: int) -> None:
        """Another ceiling, in a fresh process."""
        self.caps = Caps(**caps)
        self.restart()

    def restart(self) -> None:
        self.app.close()
        self.start()

    # people

    def scope(self, **changes: object) -> None:
        """Another policy from now on: the one scope with these changes."""
        scope = dataclasses.replace(self.policy.scopes[0], **changes)  # type: ignore[arg-type]
        self.policy = policy_of(scope)

    def push(
        self, path: str, *tags: str, user: str = "1000", text: str = "", built: Built | None = None
    ) -> Digest:
        """An image that passes unless it is unsigned or ``user`` is root."""
        made = built or image({"etc/motd": text or f"{path} {' '.join(tags)}"}, user=user)
        return Digest.parse(made.store_in(self.registry.store, path, *tags))

    def sign(
        self,
        path: str,
        digest: Digest,
        *,
        key: SigningKey = ALICE,
        bundle: bool = False,
        of: str | None = None,
    ) -> None:
        """As cosign 2 (a ``.sig`` tag) or cosign 3 (a bundle referrer) does; ``of``: where the image itself lies."""
        store = self.registry.store
        stored = store.manifest(of or path, str(digest))
        assert stored is not None
        if bundle:
            subject = Descriptor(stored.media_type, digest, len(stored.raw))
            attachment = signature_bundle(key, subject, created=self.clock.now())
        else:
            name = f"{self.registry.host}/{of or path}"
            attachment = tagged(digest, [signature_layer(key, name, digest)])
        for blob in attachment.blobs:
            store.put_blob(path, blob)
        tags = (attachment.tag,) if attachment.tag is not None else ()
        store.put_manifest(path, attachment.manifest, OCI_MANIFEST, tags=tags)

    def good(self, path: str, *tags: str, text: str = "") -> Digest:
        """Pushed and signed."""
        digest = self.push(path, *tags, text=text)
        self.sign(path, digest)
        return digest

    # time

    def rounds(self, count: int = 1, *, every: timedelta = MINUTE * 3) -> None:
        """So many scheduler rounds, the clock moved before each."""
        for _ in range(count):
            self.clock.advance(every)
            self.app.run_rounds(1)

    def settle(self) -> None:
        """Rounds until missing evidence counts as missing, and what follows from that is done."""
        self.rounds(1)
        self.rounds(2, every=SETTLE)

    # looking

    def repository(self, path: str) -> Repository:
        return Repository(self.registry.host, path)

    def shown(self, path: str, tag: str) -> str | None:
        """What the tag points at in the registry."""
        return self.registry.store.tag(path, tag)

    def tombstone(self, path: str, tag: str) -> bool:
        """True when the tag shows a tombstone of ours."""
        stored = self.registry.store.manifest(path, tag)
        if stored is None:
            return False
        manifest = parse_manifest(stored.raw, content_type=stored.media_type, expected=None)
        return classify(manifest) is SubjectKind.TOMBSTONE

    def status(self, image_name: str, *, wait: timedelta | None = None) -> Answer:
        """``image_name`` without the registry host."""
        return self.app.status(parse_reference(f"{self.registry.host}/{image_name}"), wait=wait)

    def cases(self, *states: CaseState) -> list[Case]:
        """Newest first."""
        found, _ = self.app.room.store.cases(
            states=frozenset(states or CaseState), repositories=("**",), page=Page()
        )
        return list(found)

    def case(self) -> Case:
        """The only one."""
        (case,) = self.cases()
        return case

    def intents(self, case: Case, *kinds: IntentKind) -> list[Intent]:
        row = self.app.room.store.case(case.id)
        return [intent for intent in row.intents if not kinds or intent.draft.kind in kinds]

    def methods(self) -> Mapping[str, int]:
        """How many requests of each method the registry has seen since ``clear_requests``."""
        counts: dict[str, int] = {}
        for request in self.registry.requests:
            counts[request.method] = counts.get(request.method, 0) + 1
        return counts

    def ours(self, path: str) -> list[str]:
        """Tags that begin like ours do."""
        return [tag for tag in self.registry.store.tags(path) if tag.startswith("gatekeeper-")]


@cache
def _migrated() -> Path:
    """Migrating takes longer than a whole story; one database is migrated and copied."""
    directory = Path(tempfile.mkdtemp(prefix="gatekeeper-migrated-"))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    path = directory / "gatekeeper.db"
    upgrade(f"sqlite:///{path}")
    return path


def policy_of(*scopes: Scope, rules: RuleSet = RULES) -> Policy:
    return Policy({"alice": Signer("alice", (ManagedKey(ALICE.public),))}, {rules.name: rules}, scopes)


class Defects(logging.Handler):
    """Internal errors of the daemon: it survives them, a test does not."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.found.append(self.format(record))

    def __enter__(self) -> None:
        logging.getLogger("gatekeeper").addHandler(self)

    def __exit__(self, *_: object) -> None:
        logging.getLogger("gatekeeper").removeHandler(self)


@contextmanager
def a_world(directory: Path, behaviour: Behaviour | None = None, **changes: object) -> Iterator[World]:
    """``changes`` go to the one scope."""
    defects = Defects()
    with EmbeddedRegistry(behaviour) as registry, defects:
        world = World(registry, directory)
        if changes:
            world.scope(**changes)
        try:
            yield world
        finally:
            world.app.close()
        assert registry.internal_errors == ()
        assert defects.found == []
