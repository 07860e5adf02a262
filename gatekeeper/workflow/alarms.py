"""``alarms``: what is wrong for a while is told once, and told again when it is right."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from gatekeeper.core.lifecycle import Intent
from gatekeeper.ports import ApiToken
from gatekeeper.workflow.workroom import Workroom

STUCK_AFTER = timedelta(hours=1)
TOKEN_ENDS_IN = timedelta(days=7)
INTENT_STUCK = "intent-stuck"
TOKEN_ENDING = "token-ending"  # noqa: S105 - the name of an event


def raise_alarms(room: Workroom) -> tuple[str, ...]:
    """Looks once; returns what people are told for the first time, as ``kind subject: reason``."""
    now = room.clock.now()
    stuck = {
        f"intent {intent.id}": _said(intent)
        for intent in room.store.open_intents()
        if intent.attempts > 0 and now - intent.created_at > STUCK_AFTER
    }
    raised = _raise(room, INTENT_STUCK, stuck)
    room.store.end_alarms(INTENT_STUCK, frozenset(stuck), told_as="intent-unstuck", now=now)
    ending = {
        f"token {token.id}": f"{token.name} ends at {token.expires_at:%Y-%m-%d %H:%M} UTC"
        for token in room.store.tokens()
        if _ends(room, token)
    }
    return (*raised, *_raise(room, TOKEN_ENDING, ending))


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
