"""``doctor``: what is wrong with an installation, line by line, each with its remedy. Only reads.

Errors of one thing keep nobody from looking at the next; could-not-ask is told apart from is-wrong (law 2).
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from gatekeeper.core.diagnosis import Diagnosis, Health
from gatekeeper.core.ending import Nearness
from gatekeeper.core.errors import Cause, GatekeeperError, NotFoundError, NotOfferedError, UnavailableError
from gatekeeper.core.policy import Action, Mode, Scope, matches_any
from gatekeeper.core.reference import Repository
from gatekeeper.ports import Registry
from gatekeeper.workflow import brakes
from gatekeeper.workflow.unwatched import unwatched_cases
from gatekeeper.workflow.workroom import Workroom

MOST_SKEW = timedelta(seconds=30)
"""Tokens, signatures and leases are judged by the clock; more than this breaks them."""
TRIED = 3
"""Repositories of each registry whose tags are read to learn what the credentials may do."""
_NOT_ALLOWED = frozenset({Cause.UNAUTHORIZED, Cause.FORBIDDEN})


@dataclass(frozen=True, slots=True)
class Patient:
    """One configured registry, as the credentials of the configuration and as nobody in particular."""

    host: str
    globs: tuple[str, ...]
    """Over repository paths that are watched."""
    watches: Callable[[str], bool]
    anonymous: Callable[[], Registry]


def examine(room: Workroom, patients: Sequence[Patient]) -> Iterator[Diagnosis]:
    """Every line, in the order in which things depend on each other. Raises nothing that a registry says."""
    yield from _brakes(room)
    for patient in patients:
        yield from _registry(room, patient)
    yield from _leftovers(room, patients)
    yield from _feeds(room)
    yield from _endings(room)


# --- ourselves ------------------------------------------------------------------------------------------------------


def _brakes(room: Workroom) -> Iterator[Diagnosis]:
    found = brakes.summary(room)
    for brake in found.brakes:
        since = "" if brake.since is None else f" since {brake.since:%Y-%m-%d %H:%M} UTC"
        yield Diagnosis(
            "brakes",
            brake.name,
            Health.WARNING,
            brake.name,
            f"{brake.reason} (by {brake.actor}{since})",
            _BRAKES.get(brake.name, ""),
        )
    if not found.brakes:
        yield Diagnosis("brakes", "all", Health.OK, "no-brake", "nothing keeps the daemon from acting")
    for one in found.protections:
        since = "" if one.since is None else f", since {one.since:%Y-%m-%d %H:%M} UTC"
        yield Diagnosis(
            "protected",
            f"scope {one.scope}",
            Health.OK,
            "never-written",
            f"{one.key} {', '.join(one.globs)}: never written to ({one.source}{since})",
        )
    for row in found.registries:
        if row.unlisted_since is not None:
            yield Diagnosis(
                "blindness",
                row.host,
                Health.FAILED,
                "catalog-unread",
                f"its list of repositories was not read since {row.unlisted_since:%Y-%m-%d %H:%M} UTC: new ones are "
                "not watched",
                "Mend what `catalog` or `reachable` of this registry says.",
            )
        if row.blind:
            yield Diagnosis(
                "blindness",
                row.host,
                Health.FAILED,
                "repositories-unread",
                f"{row.blind} of {row.repositories} repositories were not read for longer than `polling.max_blind`: "
                f"{row.blind_example}",
                "Mend what the last round says; a daemon must be running (`gatekeeper run`).",
            )


_BRAKES = {
    "hold": "`gatekeeper hold off --reason TEXT` when writes may go on.",
    "recovery": "`gatekeeper quarantine recover --reason TEXT`, then look at the cases that were found.",
    "policy-change": "`gatekeeper policy pending`; then `gatekeeper policy accept REVISION --reason TEXT`.",
    "breaker": "Find out what changed so much, then `gatekeeper breaker close --reason TEXT`.",
    "cap-per-hour": "It is free again within the hour; `caps` in the configuration is the ceiling.",
    "cap-per-repository": "It is free again within the hour; `caps` in the configuration is the ceiling.",
    "registry-doubted": "Is it as you expect? Then `gatekeeper registry accept HOST --reason TEXT`.",
}


def _leftovers(room: Workroom, patients: Sequence[Patient]) -> Iterator[Diagnosis]:
    """Cases of repositories that nobody watches any more: their images stay held, and nobody is told of them."""
    watched = {patient.host: patient.watches for patient in patients}

    def watches(repository: Repository) -> bool:
        asks = watched.get(repository.registry)
        return asks is not None and asks(repository.path)

    for repository, count in unwatched_cases(room.store, room.policy(), watches).items():
        yield Diagnosis(
            "leftovers",
            str(repository),
            Health.WARNING,
            "cases-unwatched",
            f"{count} cases wait in a repository that is watched no more",
            "`gatekeeper quarantine list --repository "
            f"{repository}`: release or restore them, or watch the repository again.",
        )


def _feeds(room: Workroom) -> Iterator[Diagnosis]:
    now = room.clock.now()
    for feed in room.store.feeds():
        age = None if feed.fetched_at is None else now - feed.fetched_at
        stale = age is None or age > room.limits.feed_max_age
        hours = "never" if age is None else f"{age.total_seconds() / 3600:.0f} h ago"
        yield Diagnosis(
            "feed",
            feed.name,
            Health.FAILED if stale else Health.OK,
            "feed-stale" if stale else "feed-fresh",
            f"renewed {hours}",
            f"`gatekeeper feed update {feed.name}`, or `gatekeeper feed import` where there is no network."
            if stale
            else "",
        )


def _endings(room: Workroom) -> Iterator[Diagnosis]:
    """Credentials and trust material with a known end; what others beside it outlive has no line once it is over."""
    now = room.clock.now()
    health = {Nearness.FAR: Health.OK, Nearness.NEAR: Health.WARNING, Nearness.OVER: Health.FAILED}
    for ending in room.endings():
        nearness = ending.nearness(now)
        if nearness is not Nearness.OUTLIVED:
            remedy = "" if nearness is Nearness.FAR else ending.remedy
            code = {Nearness.FAR: "in-force", Nearness.NEAR: "ending", Nearness.OVER: "ended"}[nearness]
            reason = f"{ending.kind}-{code}"
            message = ending.told(now)
            yield Diagnosis("ending", ending.subject, health[nearness], reason, message, remedy)


# --- registries -----------------------------------------------------------------------------------------------------


def _registry(room: Workroom, patient: Patient) -> Iterator[Diagnosis]:
    host = patient.host
    try:
        registry = room.registries.get(host)
        there = registry.ping()
    except GatekeeperError as error:
        yield _not_answering(host, error)
        return
    yield Diagnosis("reachable", host, Health.OK, "registry-answers", "answers, and takes our credentials")
    if there is not None:
        yield _clock(host, room.clock.now() - there)
    paths = yield from _catalog(registry, patient)
    yield from _globs(patient, paths)
    known = [path for path in paths or () if patient.watches(path)]
    literal = [glob for glob in patient.globs if not set("*?") & set(glob)]
    for path in list(dict.fromkeys([*literal, *known]))[:TRIED]:
        yield _pull(registry, host, path)
    yield from _scopes(room, patient, registry, known or literal)


def _not_answering(host: str, error: GatekeeperError) -> Diagnosis:
    cause = error.cause if isinstance(error, UnavailableError) else None
    if cause in _NOT_ALLOWED:
        remedy = "Mend `credentials` of this registry: it refuses them. They are read again at every sign-in."
        return Diagnosis("reachable", host, Health.FAILED, "credentials-refused", error.message, remedy)
    remedy = {
        Cause.TLS: "Set `ca_file` for a private authority; `plain_http = true` only where it really speaks http.",
        Cause.TIMEOUT: "Look at network, firewall and `timeouts`.",
        Cause.CONNECT: "Look at host name, port, firewall and `proxies`.",
        Cause.RATE_LIMITED: "Sign in, or ask less often: `pace.per_second`, `polling`.",
    }.get(cause or Cause.PROTOCOL, "Is this a registry (GET /v2/)? Look at its own log.")
    return Diagnosis("reachable", host, Health.UNREACHABLE, error.reason_code, error.message, remedy)


def _clock(host: str, skew: timedelta) -> Diagnosis:
    seconds = skew.total_seconds()
    direction = "ahead of" if seconds > 0 else "behind"
    message = f"our clock is {abs(seconds):.0f} s {direction} the registry's"
    if abs(skew) <= MOST_SKEW:
        return Diagnosis("clock", host, Health.OK, "clock-agrees", message)
    remedy = (
        "Run a time service (chrony, systemd-timesyncd) on both machines; tokens and expiry depend on it."
    )
    return Diagnosis("clock", host, Health.FAILED, "clock-skewed", message, remedy)


def _catalog(registry: Registry, patient: Patient) -> Generator[Diagnosis, None, tuple[str, ...] | None]:
    """Yields a line and returns the paths; None where there is no listing."""
    host = patient.host
    wild = [glob for glob in patient.globs if set("*?") & set(glob)]
    try:
        paths = tuple(registry.repositories())
    except NotOfferedError as error:
        health = Health.FAILED if wild else Health.OK
        refused = error.reason_code == "catalog-refused"
        remedy = (
            "Allow these credentials to list (`registry:catalog:*`), or name every repository without a wildcard: "
            if refused
            else "This registry lists nothing: name every repository without a wildcard: "
        )
        unread = f"{remedy}{', '.join(wild)} finds nothing here." if wild else ""
        yield Diagnosis("catalog", host, health, error.reason_code, error.message, unread)
        return None
    except UnavailableError as error:
        yield Diagnosis(
            "catalog",
            host,
            Health.UNREACHABLE,
            error.reason_code,
            error.message,
            "Try again; look at the registry's log.",
        )
        return None
    yield Diagnosis("catalog", host, Health.OK, "catalog-offered", f"lists {len(paths)} repositories")
    return paths


def _globs(patient: Patient, paths: tuple[str, ...] | None) -> Iterator[Diagnosis]:
    for glob in patient.globs if paths is not None else ():
        if not any(matches_any((glob,), path) for path in paths or ()):
            yield Diagnosis(
                "globs",
                f"{patient.host}/{glob}",
                Health.WARNING,
                "glob-matches-nothing",
                "no repository of the registry matches",
                "Mend the glob (`*` stops at a slash, `**` does not), or take it out.",
            )


def _pull(registry: Registry, host: str, path: str) -> Diagnosis:
    name = f"{host}/{path}"
    try:
        tags = registry.tags(path)
    except NotFoundError:
        return Diagnosis(
            "pull", name, Health.WARNING, "repository-unknown", "the registry knows no such repository",
            "Mend the name in `repositories`, or wait for the first push.",
        )  # fmt: skip
    except UnavailableError as error:
        if error.cause in _NOT_ALLOWED:
            remedy = f"Allow these credentials to pull: `repository:{path}:pull`."
            return Diagnosis("pull", name, Health.FAILED, "pull-refused", error.message, remedy)
        return Diagnosis(
            "pull", name, Health.UNREACHABLE, error.reason_code, error.message, "Try again later."
        )
    return Diagnosis("pull", name, Health.OK, "pull-allowed", f"{len(tags)} tags can be read")


def _scopes(
    room: Workroom, patient: Patient, registry: Registry, paths: Sequence[str]
) -> Iterator[Diagnosis]:
    """The quarantine repositories of scopes that act here, one example each."""
    seen: set[str] = set()
    for path in paths:
        repository = Repository(patient.host, path)
        scoped = room.policy().resolve(repository)
        if scoped is None or scoped.scope.name in seen:
            continue
        seen.add(scoped.scope.name)
        yield _permissions(scoped.scope, repository)
        if scoped.scope.action is Action.QUARANTINE and scoped.scope.mode is not Mode.OBSERVE:
            yield from _quarantine(patient, registry, scoped.scope.quarantine_of(repository))


def _permissions(scope: Scope, repository: Repository) -> Diagnosis:
    """What the credentials need for what this scope does; nothing is tried that writes."""
    needs = [f"pull {repository.path}"]
    if scope.mode is Mode.ENFORCE and scope.action is not Action.REPORT:
        needs.append(f"push and delete {repository.path}")
        if scope.action is Action.QUARANTINE:
            needs.append(f"pull, push and delete {scope.quarantine_of(repository).path}")
    needs += [f"pull and push {glob} (promotion)" for glob in scope.promote_to]
    message = f"scope {scope.name}, mode {scope.mode}, action {scope.action} needs: {'; '.join(needs)}"
    return Diagnosis("permissions", str(repository), Health.OK, "permissions-needed", message)


def _quarantine(patient: Patient, registry: Registry, where: Repository) -> Iterator[Diagnosis]:
    name = str(where)
    try:
        registry.tags(where.path)
    except NotFoundError:
        message = (
            "is not there yet; the first quarantine makes it, where the registry makes repositories by a push"
        )
        remedy = "Where repositories are made by hand, make it now."
        yield Diagnosis("quarantine-repository", name, Health.OK, "quarantine-not-made", message, remedy)
    except UnavailableError as error:
        health = Health.FAILED if error.cause in _NOT_ALLOWED else Health.UNREACHABLE
        remedy = f"Allow these credentials: `repository:{where.path}:pull,push,delete`."
        yield Diagnosis("quarantine-repository", name, health, error.reason_code, error.message, remedy)
        return
    else:
        yield Diagnosis("quarantine-repository", name, Health.OK, "quarantine-readable", "can be read by us")
    yield from _anonymous(patient, where)


def _anonymous(patient: Patient, where: Repository) -> Iterator[Diagnosis]:
    name = str(where)
    try:
        patient.anonymous().tags(where.path)
    except NotFoundError:
        # A registry that tells anybody what is not there lets anybody read what is.
        pass
    except UnavailableError as error:
        if error.cause in _NOT_ALLOWED:
            yield Diagnosis(
                "quarantine-repository",
                name,
                Health.OK,
                "quarantine-closed",
                "cannot be read without signing in",
            )
        else:
            yield Diagnosis(
                "quarantine-repository",
                name,
                Health.UNREACHABLE,
                error.reason_code,
                error.message,
                "Try again later.",
            )
        return
    yield Diagnosis(
        "quarantine-repository",
        name,
        Health.FAILED,
        "quarantine-open",
        "anybody can pull from it without signing in: quarantined images stay usable by everybody",
        "Close anonymous access to it in the registry, or set `quarantine_repository` to a closed one.",
    )
