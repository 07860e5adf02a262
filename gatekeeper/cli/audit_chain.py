"""Checking the audit chain, also against a head that was noted outside."""

from __future__ import annotations

import re
from typing import Any

from gatekeeper.core.errors import MalformedError
from gatekeeper.core.exit_codes import ExitCode
from gatekeeper.ports import AuditStore


def verify_chain(store: AuditStore, expect: str | None) -> dict[str, Any]:
    """``state`` is ``passed`` or ``failed``. Raises MalformedError for an ``expect`` that is no SEQ:HASH."""
    expected = None if expect is None else _parse(expect)
    head = store.head()
    broken = store.broken_at()
    if broken is not None:
        return _found("failed", "audit-chain-broken", broken, str(head))
    if expected is not None:
        trouble = _against(store, *expected)
        if trouble is not None:
            return _found("failed", *trouble, str(head))
    return _found(
        "passed", "audit-chain-intact", f"{head.seq} rows, none changed, missing or out of order", str(head)
    )


def _parse(text: str) -> tuple[int, str]:
    found = re.fullmatch(r"([0-9]{1,18}):([0-9a-f]{64})", text, re.ASCII)
    if found is None:
        raise MalformedError(
            "--expect must be written SEQ:HASH, as `gatekeeper audit head` prints it",
            reason_code="head-malformed",
        )
    return int(found[1]), found[2]


def _against(store: AuditStore, seq: int, noted: str) -> tuple[str, str] | None:
    if seq == 0:
        return None
    rows = store.rows(after=seq - 1, limit=1)
    if not rows or rows[0].seq != seq:
        return "audit-chain-truncated", f"row {seq} was noted outside but is not there any more"
    if rows[0].hash != noted:
        return "audit-chain-rewritten", f"row {seq} has another hash than was noted outside"
    return None


def _found(state: str, reason_code: str, message: str, head: str) -> dict[str, Any]:
    code = ExitCode.PASSED if state == "passed" else ExitCode.FAILED
    return {
        "state": state,
        "reason_code": reason_code,
        "message": message,
        "head": head,
        "exit_code": int(code),
    }
