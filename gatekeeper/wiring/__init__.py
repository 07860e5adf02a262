"""The composition root: the only place that builds adapters. Heavy imports wait until something is built."""

from __future__ import annotations

import dataclasses
import gc
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from gatekeeper.wiring.adapters import (
    attesting_of,
    database_of,
    endings_of,
    limits_of,
    live_scans_of,
    named_repositories,
    new_nonce,
    notifier_of,
    registries_of,
    supply_of,
    verifier_of,
    watches,
)
from gatekeeper.wiring.one_shot import asking, checking, open_store, patients, scanning, update_trust_root
from gatekeeper.wiring.parts import Parts, SystemClock

if TYPE_CHECKING:
    from gatekeeper.config.settings import Settings
    from gatekeeper.core.lifecycle import Case, Decision
    from gatekeeper.core.policy import Policy
    from gatekeeper.core.reference import Reference
    from gatekeeper.ports.engine import Engine
    from gatekeeper.scheduler import Daemon
    from gatekeeper.workflow.answer import Answer
    from gatekeeper.workflow.explain import Explanation
    from gatekeeper.workflow.promote import Promotion
    from gatekeeper.workflow.recover import Found
    from gatekeeper.workflow.workroom import Workroom


@dataclass(frozen=True, slots=True)
class Application:
    """Every use case over one configuration. ``close`` ends its connections."""

    room: Workroom
    settings: Settings
    closers: tuple[Callable[[], None], ...]

    def close(self) -> None:
        """Closes what ``build`` opened, the registries before the database."""
        for close in self.closers:
            close()

    def check(self, reference: Reference) -> Answer:
        """One image judged now; nothing is recorded."""
        from gatekeeper.workflow.check import check

        return check(self.room.collector, self.room.policy(), reference)

    def status(self, reference: Reference, *, wait: timedelta | None = None) -> Answer:
        """The recorded answer."""
        from gatekeeper.workflow.status import status

        return status(self.room, reference, wait=wait)

    def explain(self, reference: Reference, *, wait: timedelta | None = None) -> Explanation:
        """The recorded answer with the tree below it."""
        from gatekeeper.workflow.explain import explain

        return explain(self.room, reference, wait=wait)

    def promote(self, reference: Reference, target: Reference, *, actor: str, reason: str) -> Promotion:
        """Copies if and only if passed."""
        from gatekeeper.workflow.promote import promote

        return promote(self.room, reference, target, actor=actor, reason=reason)

    def review(
        self,
        case_id: str,
        decision: Decision,
        *,
        actor: str,
        reason: str,
        expires_at: datetime | None = None,
    ) -> Case:
        """What a person decides about a case."""
        from gatekeeper.workflow.review import review

        return review(self.room, case_id, decision, actor=actor, reason=reason, expires_at=expires_at)

    def hold_on(self, *, actor: str, reason: str) -> None:
        """Stops every registry write."""
        from gatekeeper.workflow.hold import hold_on

        hold_on(self.room, actor=actor, reason=reason)

    def hold_off(self, *, actor: str, reason: str) -> None:
        """Lets registry writes go on."""
        from gatekeeper.workflow.hold import hold_off

        hold_off(self.room, actor=actor, reason=reason)

    def recover(self, *, actor: str, reason: str) -> Found:
        """Rebuilds what the registries tell of and the database does not know; returns everything that was found."""
        from gatekeeper.workflow.recover import find_cases, rebuild

        found = find_cases(self.room)
        rebuild(self.room, found.cases, actor=actor, reason=reason)
        return found

    def daemon(self, engine: Engine | None = None) -> Daemon:
        """The scheduler over this configuration, not yet started."""
        from gatekeeper.engine.local import LocalEngine
        from gatekeeper.scheduler import Daemon, Rhythm

        settings = self.settings
        rhythm = Rhythm(
            tick=settings.engine.tick,
            discover=settings.polling.catalog_interval,
            drain=settings.engine.drain,
        )
        return Daemon(self.room, engine or LocalEngine(settings.engine.workers_per_registry), rhythm)

    def run_rounds(self, count: int, *, between: Callable[[], None] | None = None) -> int:
        """The daemon's own code path for ``count`` rounds on this thread; returns how much work was done.

        ``between`` runs after each round but the last: the demo and tests move their clock there.
        """
        from gatekeeper.engine.local import InlineEngine

        daemon = self.daemon(InlineEngine())
        done = 0
        for number in range(count):
            done += daemon.run_round()
            if between is not None and number + 1 < count:
                between()
        return done


def build(
    settings: Settings,
    policy: Callable[[], Policy],
    parts: Parts | None = None,
    *,
    in_force: Callable[[], Settings] | None = None,
) -> Application:
    """Opens database and registries as ``settings`` says.

    ``policy`` and ``in_force`` (intervals and caps) are asked for every piece of work, so that a reload takes effect.
    Raises UnavailableError (no database), ConfigurationError (an outdated schema, a registry configured twice).
    """
    from gatekeeper import __version__
    from gatekeeper.sbom.reader import Reader
    from gatekeeper.sbom.writer import Writer
    from gatekeeper.vulnerabilities.attestations import AttestationReader
    from gatekeeper.vulnerabilities.stored import StoredMatcher
    from gatekeeper.workflow.workroom import Workroom

    given = parts or Parts()
    now = in_force or (lambda: settings)
    closers: list[Callable[[], None]] = []
    registries = given.registries
    if registries is None:
        registries = registries_of(settings, closers)
    store = given.store
    if store is None:
        store = database_of(settings, closers)
    room = Workroom(
        registries=registries,
        store=store,
        signatures=verifier_of(settings, closers),
        sboms=Reader(),
        scans=AttestationReader(),
        live=live_scans_of(settings, closers),
        matcher=StoredMatcher(),
        supply=supply_of(settings, lambda: now().feeds.sources),
        clock=given.clock or SystemClock(),
        policy=policy,
        nonce=given.nonce or new_nonce,
        pause=given.pause or time.sleep,
        spread=given.spread or secrets.SystemRandom().random,
        watches=lambda repository: watches(settings, repository),
        named=lambda: named_repositories(settings),
        review=settings.server.public_url or "gatekeeper quarantine list",
        notifier=given.notifier or notifier_of(settings, closers),
        limits_in_force=lambda: dataclasses.replace(limits_of(now()), lease=settings.engine.lease),
        caps_in_force=lambda: now().caps,
        attesting=attesting_of(settings),
        policy_source=str(settings.policy),
        endings=lambda: endings_of(now(), policy()),
        waiver_limits_in_force=lambda: now().waivers,
        sbom_writer=Writer(__version__),
        aliases=settings.aliases,
    )
    return Application(room, settings, tuple(closers))


def settle_memory() -> None:
    """For a process that runs long, once everything is built: what exists now is not looked at by the collector again.

    Libraries leave hundreds of thousands of objects that live for ever; going through them again and again takes a
    sixth of the time of a verification.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


__all__ = [
    "Application",
    "Parts",
    "SystemClock",
    "asking",
    "attesting_of",
    "build",
    "checking",
    "open_store",
    "patients",
    "scanning",
    "settle_memory",
    "update_trust_root",
]
