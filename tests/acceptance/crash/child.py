"""What one process does: open the database, run some rounds or one command, and perhaps die on the way."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from gatekeeper.config.settings import DatabaseSettings, EngineSettings, Settings, WatchedRegistry
from gatekeeper.core.attesting import AttestingTerms
from gatekeeper.core.errors import ConflictError, NotFoundError
from gatekeeper.core.lifecycle import CaseState, Decision
from gatekeeper.core.policy import Action, Mode, Policy, RuleSet, Scope
from gatekeeper.core.reference import parse_reference
from gatekeeper.core.rules.signature_missing import SignatureMissing
from gatekeeper.core.rules.user_root import UserRoot
from gatekeeper.core.signer import ManagedKey, Signer
from gatekeeper.database import Database
from gatekeeper.ports import Page, WorkKind
from gatekeeper.registry.registries import ConfiguredRegistries
from gatekeeper.registry.settings import Pace, RegistrySettings
from gatekeeper.signatures.attestor import KeyAttestor
from gatekeeper.signatures.keys import load_public_key
from gatekeeper.wiring import Application, Parts, build
from gatekeeper.workflow.discover import discover
from gatekeeper.workflow.verify import verify
from gatekeeper.workflow.watch import watch
from gatekeeper.workflow.workroom import Attesting
from tests.acceptance.crash.points import COMMITS, Points, Watched, WatchedRegistries


@dataclass(frozen=True, slots=True)
class Errand:
    """One process's work, everything in it picklable."""

    host: str
    database: str
    key_pem: str
    action: str
    what: str
    """``rounds`` | ``judge`` | ``release`` | ``promote``"""
    at: datetime
    report: str
    """File for the points that were passed, written at the end."""
    crash_at: int | None = None
    signing_pem: str = ""
    """The private key of attestations; without it none is attached."""
    recheck_hours: int = 24
    """Of the policy: another number is another revision."""


class _FrozenClock:
    """Stands still, so that a repeated step makes the same bytes."""

    def __init__(self, moment: datetime) -> None:
        self._moment = moment

    def now(self) -> datetime:
        return self._moment


def run(errand: Errand) -> None:
    """The body of the child process."""
    points = Points(errand.crash_at)
    application = _application(errand, points)
    _ERRANDS[errand.what](application, errand.host)
    Path(errand.report).write_text(json.dumps(points.passed), encoding="utf-8")
    application.close()


def _application(errand: Errand, points: Points) -> Application:
    connection = RegistrySettings(
        errand.host, plain_http=True, pace=Pace(attempts=1, ceiling=0.1, backoff=0.0)
    )
    settings = Settings(
        source=Path("config.toml"),
        policy=Path("policy.toml"),
        registries=(WatchedRegistry(connection),),
        database=DatabaseSettings(errand.database),
        # A dead process's work is free at once: waiting for leases is another test's matter.
        engine=EngineSettings(lease=timedelta(0)),
    )
    database = Database.open(errand.database)
    scope = Scope(
        name="all",
        repositories=(f"{errand.host}/app/**",),
        policy="default",
        mode=Mode.ENFORCE,
        action=Action(errand.action),
        empty_tags=True,
        anchors=2,
        promote_to=(f"{errand.host}/prod/**",),
        recheck_after=timedelta(hours=errand.recheck_hours),
    )
    signer = Signer("alice", (ManagedKey(load_public_key(errand.key_pem.encode(), "alice.pub")),))
    rules = RuleSet("default", (SignatureMissing(), UserRoot()))
    policy = Policy({"alice": signer}, {"default": rules}, (scope,))
    store: Any = Watched(database, points, "store", COMMITS)
    parts = Parts(
        clock=_FrozenClock(errand.at),
        store=store,
        registries=WatchedRegistries(ConfiguredRegistries([connection]), points),
        nonce=_nonces(database),
        spread=lambda: 0.5,
    )
    application = build(settings, lambda: policy, parts)
    if not errand.signing_pem:
        return application
    attestor = KeyAttestor(lambda: (errand.signing_pem.encode(), None))
    terms = AttestingTerms("https://gatekeeper.example.test", "https://gatekeeper.example.test/policy", "0")
    return replace(application, room=replace(application.room, attesting=Attesting(terms, attestor)))


def _nonces(database: Any) -> Callable[[], str]:
    """Numbered by the intents that are recorded: a nonce that died with its process is drawn again."""
    drawn: dict[int, int] = {}

    def draw() -> str:
        recorded = 0
        while _recorded(database, recorded + 1):
            recorded += 1
        drawn[recorded] = drawn.get(recorded, -1) + 1
        return f"{recorded:012x}{drawn[recorded]:04x}"

    return draw


def _recorded(database: Any, intent_id: int) -> bool:
    try:
        database.intent_by_id(intent_id)
    except NotFoundError:
        return False
    return True


def _rounds(application: Application, _host: str) -> None:
    application.run_rounds(2)


def _judge(application: Application, _host: str) -> None:
    """Watch and verify only: what is planned waits, as it would for a busy worker."""
    room = application.room
    discover(room)
    for kind in (WorkKind.REPOSITORY, WorkKind.SUBJECT):
        while leases := room.store.claim(kind, now=room.clock.now(), limit=1, lease_for=timedelta(0)):
            if kind is WorkKind.REPOSITORY:
                watch(room, leases[0])
            else:
                verify(room, leases[0], run_started=room.clock.now())


def _release(application: Application, _host: str) -> None:
    store = application.room.store
    cases, _ = store.cases(states=frozenset({CaseState.OPEN}), repositories=("**",), page=Page())
    for case in cases:
        application.review(case.id, Decision.RELEASE, actor="rita", reason="fine")
    application.run_rounds(2)


def _promote(application: Application, host: str) -> None:
    try:
        application.promote(
            parse_reference(f"{host}/app/good:1.0"),
            parse_reference(f"{host}/prod/good:1.0"),
            actor="pia",
            reason="release",
        )
    except ConflictError:
        application.run_rounds(1)


_ERRANDS: dict[str, Callable[[Application, str], None]] = {
    "rounds": _rounds,
    "judge": _judge,
    "release": _release,
    "promote": _promote,
}
