"""``discover``: from the policy's globs to the repositories that exist."""

from __future__ import annotations

from dataclasses import dataclass

from gatekeeper.core.errors import NotOfferedError, UnavailableError
from gatekeeper.core.evidence import Unavailable
from gatekeeper.core.policy import Policy
from gatekeeper.core.reference import Repository
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


def discover(room: Workroom, host: str | None = None) -> Discovery:
    """Adds every covered repository to the store, due now. Literal names need no catalog.

    ``host``: this registry alone.
    """
    policy = room.policy()
    found, without_catalog, unavailable = _listed(room, host)
    covered = sorted(
        repository
        for repository in found
        if room.watches(repository) and policy.resolve(repository) is not None
    )
    new = room.store.add_repositories(covered, now=room.clock.now())
    return Discovery(len(covered), new, without_catalog, unavailable)


def existing(
    room: Workroom, host: str | None = None
) -> tuple[tuple[Repository, ...], tuple[Unavailable, ...]]:
    """Every repository of the catalogs and the literal names that is covered, or keeps quarantined images.

    ``host``: of this registry alone.
    """
    policy = room.policy()
    found, without_catalog, unavailable = _listed(room, host, always=True)
    hidden = {
        scope.quarantine_of(repository)
        for repository in found
        if repository.registry in without_catalog
        for scope in policy.scopes
        if scope.covers(repository)
    }
    wanted = (
        repository
        for repository in found | hidden
        if policy.resolve(repository) is not None or policy.is_quarantine(repository)
    )
    return tuple(sorted(wanted)), unavailable


def _listed(
    room: Workroom, only: str | None, *, always: bool = False
) -> tuple[set[Repository], tuple[str, ...], tuple[Unavailable, ...]]:
    """(repositories, hosts without a catalog, what could not be asked). ``always``: literal names are not enough."""
    policy = room.policy()
    hosts = room.registries.hosts() if only is None else (only,)
    found = {repository for repository in room.named() if repository.registry in hosts}
    without_catalog: list[str] = []
    unavailable: list[Unavailable] = []
    for host in hosts:
        found.update(literal_repositories(policy, host))
        if not always and not needs_catalog(policy, host):
            continue
        try:
            found.update(Repository(host, path) for path in room.registries.get(host).repositories())
        except NotOfferedError:
            without_catalog.append(host)
        except UnavailableError as error:
            unavailable.append(Unavailable.of(f"catalog of {host}", error))
    return found, tuple(without_catalog), tuple(unavailable)


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
