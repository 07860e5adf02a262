"""``brakes``: everything that keeps us from writing now, for people, probes and scrapers alike."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from gatekeeper.core.ending import Ending
from gatekeeper.core.lifecycle import Brake, CapUse
from gatekeeper.core.reference import Repository
from gatekeeper.ports import RegistryRow
from gatekeeper.workflow import policy_change
from gatekeeper.workflow.workroom import DAEMON, Workroom


@dataclass(frozen=True, slots=True)
class Protection:
    """Globs of a scope that keep us from ever writing."""

    scope: str
    key: str
    """``protected_tags`` or ``protected_repositories``."""
    globs: tuple[str, ...]
    source: str
    """Where the configuration says so."""
    since: datetime | None
    """When a daemon first loaded this policy; None before any has."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What is braked, how much of the caps is used, what is protected, what cannot be seen, and what ends."""

    brakes: tuple[Brake, ...]
    caps: tuple[CapUse, ...]
    registries: tuple[RegistryRow, ...]
    protections: tuple[Protection, ...] = ()
    endings: tuple[Ending, ...] = ()

    @property
    def blind(self) -> tuple[RegistryRow, ...]:
        """Registries with repositories, or a list of them, that could not be read for too long."""
        return tuple(row for row in self.registries if row.blind or row.unlisted_since is not None)


def summary(room: Workroom) -> Summary:
    """Everything at once. Raises UnavailableError when the database is away."""
    caps = tuple(room.store.cap_uses(room.caps, now=room.clock.now()))
    return Summary(
        (*_global(room), *_used_up(caps)),
        caps,
        tuple(registries(room)),
        tuple(_protections(room)),
        tuple(room.endings()),
    )


def _protections(room: Workroom) -> Iterator[Protection]:
    change = policy_change.change(room)
    since = None if change is None else change.loaded_at
    for scope in room.policy().scopes:
        for key in ("protected_tags", "protected_repositories"):
            globs: tuple[str, ...] = getattr(scope, key)
            if globs:
                source = f"{room.policy_source}: scope '{scope.name}': {key}"
                yield Protection(scope.name, key, globs, source, since)


def brakes_at(room: Workroom, repository: Repository, tag: str | None) -> tuple[Brake, ...]:
    """What keeps us from acting on one tag (None: on a digest, wherever it is)."""
    found = [
        brake
        for brake in _global(room)
        if brake.name != "registry-doubted" or brake.reason.startswith(f"{repository.registry}: ")
    ]
    scoped = room.policy().resolve(repository)
    if scoped is not None and tag is not None and scoped.scope.protects(repository, tag):
        change = policy_change.change(room)
        since = None if change is None else change.loaded_at
        found.append(
            Brake("protected", "policy", f"scope {scoped.scope.name} protects {repository}:{tag}", since)
        )
    name = str(repository)
    found += [
        brake
        for use in room.store.cap_uses(room.caps, now=room.clock.now())
        for brake in _used_up((use,))
        if use.cap != "per_repository" or name in use.reached
    ]
    return tuple(found)


def registries(room: Workroom) -> Sequence[RegistryRow]:
    """Every configured registry: whether it is believed, and what of it could not be read for too long."""
    before = room.clock.now() - room.limits.max_blind
    return room.store.registry_rows(hosts=room.registries.hosts(), blind_before=before)


def _global(room: Workroom) -> Iterator[Brake]:
    hold, breaker = room.store.hold(), room.store.breaker()
    if hold is not None:
        yield Brake("hold", hold.actor, hold.reason, hold.since)
    recovery = room.store.recovery()
    if recovery is not None:
        yield Brake("recovery", recovery.actor, recovery.reason, recovery.since)
    if breaker is not None:
        yield Brake("breaker", DAEMON, breaker.reason, breaker.since)
    for doubt in room.store.doubts():
        yield Brake("registry-doubted", DAEMON, f"{doubt.registry}: {doubt.reason}", doubt.since)
    change = policy_change.change(room)
    if change is not None and change.pending:
        reason = f"policy {change.revision} turned {change.turned} digests from passed to failed"
        yield Brake("policy-change", DAEMON, reason, change.loaded_at)


def _used_up(uses: Sequence[CapUse]) -> Iterator[Brake]:
    for use in uses:
        if use.since is not None:
            where = f" in {', '.join(use.reached)}" if use.reached else ""
            reason = f"{use.used} of {use.limit} tags were acted on within an hour{where}"
            yield Brake(f"cap-{use.cap.replace('_', '-')}", DAEMON, reason, use.since)
