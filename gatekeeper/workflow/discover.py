"""``discover``: from the policy's globs to the repositories that exist."""

from __future__ import annotations

from dataclasses import dataclass, field

from gatekeeper.core.errors import NotOfferedError, UnavailableError
from gatekeeper.core.evidence import Unavailable
from gatekeeper.core.policy import Policy
from gatekeeper.core.reference import Repository
from gatekeeper.ports.registries import CATALOG_UNREAD, registry_subject
from gatekeeper.workflow.workroom import Workroom

_WILD = frozenset("*?")


@dataclass(frozen=True, slots=True)
class Discovery:
    """What one pass over the catalogs gave."""

    covered: int
    """Repositories that a scope covers."""
    new: int
    without_catalog: tuple[str, ...]
    """Hosts that offer no catalog: only names without wildcards are watched there."""
    unavailable: tuple[Unavailable, ...]


@dataclass(slots=True)
class _Listing:
    """What asking for the lists of repositories gave."""

    found: set[Repository]
    refused: dict[str, NotOfferedError] = field(default_factory=dict)
    """By host: no list is offered, or not to us."""
    failed: dict[str, UnavailableError] = field(default_factory=dict)
    """By host: could not be asked."""

    @property
    def unavailable(self) -> tuple[Unavailable, ...]:
        return tuple(Unavailable.of(f"catalog of {host}", error) for host, error in self.failed.items())


def discover(room: Workroom, host: str | None = None) -> Discovery:
    """Adds every covered repository to the store, due now. Literal names need no catalog.

    ``host``: this registry alone.
    """
    policy = room.policy()
    listing = _listed(room, host)
    _note_unread(room, host, listing)
    covered = sorted(
        repository
        for repository in listing.found
        if room.watches(repository) and policy.resolve(repository) is not None
    )
    new = room.store.add_repositories(covered, now=room.clock.now())
    return Discovery(len(covered), new, tuple(listing.refused), listing.unavailable)


def _note_unread(room: Workroom, only: str | None, listing: _Listing) -> None:
    """Remembers since when a list of repositories is kept from us. Where they are named none has to be offered."""
    named = {repository.registry for repository in room.named()}
    why = {host: error.message for host, error in listing.failed.items()}
    for host, refused in listing.refused.items():
        if refused.reason_code == "catalog-refused" and host not in named:
            why[host] = refused.message
    now = room.clock.now()
    for host, message in why.items():
        room.store.raise_alarm(CATALOG_UNREAD, registry_subject(host), reason=message, now=now)
    asked = room.registries.hosts() if only is None else (only,)
    over = {registry_subject(host) for host in asked if host not in why}
    lasting = frozenset(room.store.alarms(CATALOG_UNREAD).keys() - over)
    room.store.end_alarms(CATALOG_UNREAD, lasting, told_as="catalog-read", now=now)


def existing(
    room: Workroom, host: str | None = None
) -> tuple[tuple[Repository, ...], tuple[Unavailable, ...]]:
    """Every repository of the catalogs and the literal names that is covered, or keeps quarantined images.

    ``host``: of this registry alone.
    """
    policy = room.policy()
    listing = _listed(room, host, always=True)
    hidden = {
        scope.quarantine_of(repository)
        for repository in listing.found
        if repository.registry in listing.refused
        for scope in policy.scopes
        if scope.covers(repository)
    }
    wanted = (
        repository
        for repository in listing.found | hidden
        if policy.resolve(repository) is not None or policy.is_quarantine(repository)
    )
    return tuple(sorted(wanted)), listing.unavailable


def _listed(room: Workroom, only: str | None, *, always: bool = False) -> _Listing:
    """``always``: literal names are not enough."""
    policy = room.policy()
    hosts = room.registries.hosts() if only is None else (only,)
    listing = _Listing({repository for repository in room.named() if repository.registry in hosts})
    for host in hosts:
        listing.found.update(literal_repositories(policy, host))
        if not always and not needs_catalog(policy, host):
            continue
        try:
            listing.found.update(Repository(host, path) for path in room.registries.get(host).repositories())
        except NotOfferedError as error:
            listing.refused[host] = error
        except UnavailableError as error:
            listing.failed[host] = error
    return listing


def literal_repositories(policy: Policy, host: str) -> frozenset[Repository]:
    """The repositories of a host that the policy names without wildcards."""
    names = (glob for scope in policy.scopes for glob in scope.repositories if not _WILD & set(glob))
    return frozenset(
        Repository(host, path)
        for registry, _, path in (name.partition("/") for name in names)
        if registry == host and path
    )


def needs_catalog(policy: Policy, host: str) -> bool:
    """True when a glob with a wildcard could match a repository of this host."""
    for scope in policy.scopes:
        for glob in scope.repositories:
            registry = glob.partition("/")[0]
            if _WILD & set(glob) and (_WILD & set(registry) or registry == host):
                return True
    return False
