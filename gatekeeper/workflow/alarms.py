"""``alarms``: what is wrong for a while is told once, and told again when it is right."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta

from gatekeeper.core.ending import EndingKind, Nearness
from gatekeeper.core.lifecycle import Intent
from gatekeeper.ports import ApiToken, BlindRepository, PolicyChange, RegistryRow
from gatekeeper.ports.registries import registry_subject
from gatekeeper.workflow import brakes
from gatekeeper.workflow.unwatched import unwatched_cases
from gatekeeper.workflow.workroom import Workroom

STUCK_AFTER = timedelta(hours=1)
TOKEN_ENDS_IN = timedelta(days=7)
INTENT_STUCK = "intent-stuck"
REGISTRY_UNREADABLE = "registry-unreadable"
REPOSITORY_UNREADABLE = "repository-unreadable"
CASES_UNWATCHED = "cases-unwatched"
CHANGE_PENDING = "policy-change-pending"
TOLD_ALONE = 10
"""Unreadable repositories of one registry that are told of each by itself; more are told of as the registry."""
TOKEN_ENDING = "token-ending"  # noqa: S105 - the name of an event


def raise_alarms(room: Workroom) -> tuple[str, ...]:
    """Looks once; returns what people are told for the first time, as ``kind subject: reason``."""
    return (*_stuck(room), *_unreadable(room), *_tokens(room), *_endings(room))


def tell_of_change(room: Workroom, change: PolicyChange | None) -> tuple[str, ...]:
    """A change of the policy that waits for a person is told of once, whichever daemon sees it, across restarts."""
    waits: dict[str, str] = {}
    if change is not None and change.pending:
        waits[f"policy {change.revision}"] = (
            f"it turned {change.turned} digests from passed to failed; they are proposals until somebody says "
            f"gatekeeper policy accept {change.revision} --reason TEXT"
        )
    _end(room, CHANGE_PENDING, waits, told_as="policy-change-decided")
    return _raise(room, CHANGE_PENDING, waits)


def tell_of_dropped(room: Workroom) -> tuple[str, ...]:
    """Cases whose repository the policy or configuration leaves out are told of once, until they are decided."""
    waits = {
        str(
            repository
        ): f"{count} cases wait there, and it is watched no more: release or restore them, or run "
        f"gatekeeper decommission {repository.registry}"
        for repository, count in unwatched_cases(room.store, room.policy(), room.watches).items()
    }
    _end(room, CASES_UNWATCHED, waits, told_as="cases-watched")
    return _raise(room, CASES_UNWATCHED, waits)


def _stuck(room: Workroom) -> tuple[str, ...]:
    now = room.clock.now()
    stuck = {
        f"intent {intent.id}": _said(intent)
        for intent in room.store.open_intents()
        if intent.attempts > 0 and now - intent.created_at > STUCK_AFTER
    }
    raised = _raise(room, INTENT_STUCK, stuck)
    _end(room, INTENT_STUCK, stuck, told_as="intent-unstuck")
    return raised


def _tokens(room: Workroom) -> tuple[str, ...]:
    ending = {
        f"token {token.id}": f"{token.name} ends at {token.expires_at:%Y-%m-%d %H:%M} UTC"
        for token in room.store.tokens()
        if _ends(room, token)
    }
    return _raise(room, TOKEN_ENDING, ending)


def _unreadable(room: Workroom) -> tuple[str, ...]:
    """A registry that is away is told of once, not once for each of its repositories."""
    before = room.clock.now() - room.limits.max_blind
    known = room.store.alarms(REGISTRY_UNREADABLE)
    whole: dict[str, str] = {}
    single: dict[str, str] = {}
    lasting: set[str] = set()
    for row in brakes.registries(room):
        subject = registry_subject(row.host)
        many = row.blind > TOLD_ALONE or (row.blind > 0 and row.blind == row.repositories)
        if many or row.unlisted_since is not None or (row.blind and subject in known):
            # Until all of it can be read: else its repositories would be told of one by one while it comes back.
            whole[subject] = _of_registry(row)
            lasting |= {name for name in room.store.alarms(REPOSITORY_UNREADABLE) if _is_at(row.host, name)}
        elif row.blind:
            found = room.store.blind_repositories(row.host, blind_before=before, limit=TOLD_ALONE)
            single |= {str(one.repository): _of_repository(one) for one in found}
    raised = _raise(room, REGISTRY_UNREADABLE, whole) + _raise(room, REPOSITORY_UNREADABLE, single)
    _end(room, REGISTRY_UNREADABLE, whole, told_as="registry-readable")
    _end(room, REPOSITORY_UNREADABLE, {*single, *lasting}, told_as="repository-readable")
    return raised


def _is_at(host: str, name: str) -> bool:
    return name.startswith(f"{host}/")


def _of_registry(row: RegistryRow) -> str:
    if not row.blind:
        return f"its list of repositories was not read since {row.unlisted_since:%Y-%m-%d %H:%M} UTC"
    return (
        f"{row.blind} of {row.repositories} repositories were not read since {row.blind_since:%Y-%m-%d %H:%M} UTC: "
        f"{row.blind_example}"
    )


def _of_repository(one: BlindRepository) -> str:
    return f"not read since {one.since:%Y-%m-%d %H:%M} UTC: {one.error or 'no round has ended'}"


def _endings(room: Workroom) -> tuple[str, ...]:
    now = room.clock.now()
    near: dict[EndingKind, dict[str, str]] = {kind: {} for kind in EndingKind}
    for ending in room.endings():
        if ending.nearness(now) in (Nearness.NEAR, Nearness.OVER):
            near[ending.kind][ending.subject] = ending.told(now)
    raised: tuple[str, ...] = ()
    for kind, reasons in near.items():
        raised += _raise(room, f"{kind}-ending", reasons)
        _end(room, f"{kind}-ending", reasons, told_as=f"{kind}-renewed")
    return raised


def _said(intent: Intent) -> str:
    draft = intent.draft
    return f"{draft.kind} {draft.repository}:{draft.tag} is {intent.state}: {intent.note}"


def _ends(room: Workroom, token: ApiToken) -> bool:
    if token.revoked_at is not None or token.expires_at is None or token.one_use:
        return False
    left = token.expires_at - room.clock.now()
    # A token made for a short while needs no warning from its first minute on.
    return timedelta() < left < min(TOKEN_ENDS_IN, (token.expires_at - token.created_at) / 4)


def _raise(room: Workroom, kind: str, reasons: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(
        f"{kind} {subject}: {reason}"
        for subject, reason in sorted(reasons.items())
        if room.store.raise_alarm(kind, subject, reason=reason, now=room.clock.now())
    )


def _end(room: Workroom, kind: str, lasting: Iterable[str], *, told_as: str) -> None:
    room.store.end_alarms(kind, frozenset(lasting), told_as=told_as, now=room.clock.now())
