"""Checking the audit chain, also against a head that was noted outside."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Sequence
from typing import Any

from gatekeeper.core.errors import MalformedError
from gatekeeper.core.exit_codes import ExitCode
from gatekeeper.ports import AuditChain, AuditHead, AuditRow, Checkpoint
from gatekeeper.ports.audit import trouble_with


def verify_chain(
    store: AuditChain, expect: str | None, archives: Sequence[Iterable[AuditRow]] = ()
) -> dict[str, Any]:
    """``state`` is ``passed`` or ``failed``. ``archives``: the rows of each archive, oldest archive first.

    Raises MalformedError for an ``expect`` that is no SEQ:HASH, and what reading an archive raises.
    """
    expected = None if expect is None else _parse(expect)
    head, checkpoint = store.head(), store.checkpoint()
    broken = store.broken_at()
    if broken is not None:
        return _found("failed", "audit-chain-broken", broken, str(head))
    noted: AuditHead | None = None
    if archives:
        end, noted, trouble = _walk(itertools.chain.from_iterable(archives), expected)
        if trouble is None and (checkpoint is None or end != checkpoint.head):
            begins = "its first row" if checkpoint is None else f"what follows {checkpoint.head}"
            trouble = f"the archives end at {end}, but the database begins with {begins}"
        if trouble is not None:
            return _found("failed", "audit-archive-broken", trouble, str(head))
    if expected is not None and noted != expected:
        against = _against(store, checkpoint, expected, archived=bool(archives))
        if against is not None:
            return _found("failed", *against, str(head))
    first = 1 if checkpoint is None or archives else checkpoint.head.seq + 1
    message = f"{head.seq - first + 1} rows, none changed, missing or out of order"
    if first > 1:
        message += f"; rows before {first} lie in an archive: --archive FILE verifies them too"
    return _found("passed", "audit-chain-intact", message, str(head))


def _walk(
    rows: Iterable[AuditRow], expected: AuditHead | None
) -> tuple[AuditHead, AuditHead | None, str | None]:
    """(the last link, the expected one where it was met, what is wrong) of archived rows in order."""
    before, met = AuditHead(0, "0" * 64), None
    for row in rows:
        trouble = trouble_with(row, before)
        if trouble is not None:
            return before, met, trouble
        before = AuditHead(row.seq, row.hash)
        if before == expected:
            met = before
    return before, met, None


def _parse(text: str) -> AuditHead:
    found = re.fullmatch(r"([0-9]{1,18}):([0-9a-f]{64})", text, re.ASCII)
    if found is None:
        raise MalformedError(
            "--expect must be written SEQ:HASH, as `gatekeeper audit head` prints it",
            reason_code="head-malformed",
        )
    return AuditHead(int(found[1]), found[2])


def _against(
    store: AuditChain, checkpoint: Checkpoint | None, noted: AuditHead, *, archived: bool
) -> tuple[str, str] | None:
    """(reason code, message) when a head that was noted outside is not in the chain."""
    if noted.seq == 0 or (checkpoint is not None and noted == checkpoint.head):
        return None
    if checkpoint is not None and noted.seq <= checkpoint.head.seq:
        if archived:
            return "audit-chain-rewritten", f"row {noted.seq} has another hash than was noted outside"
        return "audit-row-archived", f"row {noted.seq} lies in an archive: give it with --archive FILE"
    rows = store.rows(after=noted.seq - 1, limit=1)
    if not rows or rows[0].seq != noted.seq:
        return "audit-chain-truncated", f"row {noted.seq} was noted outside but is not there any more"
    if rows[0].hash != noted.hash:
        return "audit-chain-rewritten", f"row {noted.seq} has another hash than was noted outside"
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
