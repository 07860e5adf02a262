"""Who acts here and when, and answers as JSON objects: what every local command shares."""

from __future__ import annotations

import getpass
import os
from datetime import UTC, datetime
from typing import Any, cast

from gatekeeper.core.canonical import to_plain
from gatekeeper.core.lifecycle import CaseState

Plain = dict[str, Any]
WAITING_FOR_PEOPLE = frozenset({CaseState.PROPOSED, CaseState.OPEN, CaseState.KEPT})


def now() -> datetime:
    """The current moment, UTC."""
    return datetime.now(UTC)


def actor() -> str:
    """Who acts, for the audit trail: ``local:UID/USER``, the one behind sudo where there is one. Nobody proved it."""
    behind, uid = os.environ.get("SUDO_USER"), os.environ.get("SUDO_UID", str(os.getuid()))
    try:
        name = behind or getpass.getuser()
    except (OSError, KeyError):
        name = uid
    return f"local:{uid}/{name}"


def plain(value: object) -> Plain:
    """JSON-ready, exactly as the HTTP API answers."""
    return cast("Plain", to_plain(value))
