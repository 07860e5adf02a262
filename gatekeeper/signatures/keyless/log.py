"""Transparency logs (Rekor 1 and 2): does a log that is trusted vouch for this entry, and when."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from gatekeeper.signatures.algorithms import verifies
from gatekeeper.signatures.keyless import merkle
from gatekeeper.signatures.keyless.checkpoint import CheckpointError, read_checkpoint
from gatekeeper.signatures.keyless.material import InclusionProof, LogEntry
from gatekeeper.signatures.keyless.trust_root import LogKey
from gatekeeper.signatures.reason_codes import ReasonCode
from gatekeeper.signatures.refusal import RefusedError

_LATEST = 253402300799  # 9999-12-31T23:59:59Z: the last second a datetime can say


@dataclass(frozen=True, slots=True)
class Logged:
    """An entry that a trusted log vouches for."""

    log: LogKey
    index: int
    at: datetime | None
    """When, by the log's own signature (Rekor 1); None where it signs no time (Rekor 2)."""


def check_logged(entry: LogEntry, logs: Sequence[LogKey], *, demands_promise: bool) -> Logged:
    """Steps in the order of the Sigstore client specification. Raises RefusedError ``log-…``."""
    log = _known_log(entry, logs)
    if demands_promise and entry.promise is None:
        raise RefusedError(ReasonCode.LOG_PROMISE_MISSING, "this form must carry the log's promise (SET)")
    if not demands_promise and entry.proof is None:
        raise RefusedError(ReasonCode.LOG_PROMISE_MISSING, "this form must carry an inclusion proof")
    if entry.proof is not None:
        check_included(entry.body, entry.proof, log)
    return Logged(log, entry.index, None if entry.promise is None else _promised_at(entry, log))


def _known_log(entry: LogEntry, logs: Sequence[LogKey]) -> LogKey:
    """The log by its id; where a root lists one id twice, the one whose period fits the stated time."""
    found = [log for log in logs if log.log_id == entry.log_id]
    if not found:
        raise RefusedError(
            ReasonCode.LOG_UNKNOWN, f"the entry is of the log {entry.log_id.hex()[:80]}, which is not trusted"
        )
    stated = None if entry.integrated_time is None else _time(entry.integrated_time)
    fitting = [log for log in found if stated is not None and log.period.includes(stated)]
    return (fitting or found)[0]


def check_log_window(logged: Logged, times: Sequence[datetime]) -> None:
    """The log's key was trusted when it signed: at its own time, or else at every proven one."""
    for at in (logged.at,) if logged.at is not None else times:
        if not logged.log.period.includes(at):
            raise RefusedError(
                ReasonCode.LOG_OUTSIDE_WINDOW,
                f"the key of {logged.log.url} is trusted from {logged.log.period}, "
                f"not at {at:%Y-%m-%dT%H:%M:%SZ}",
            )


def _time(seconds: int) -> datetime:
    if not 0 < seconds <= _LATEST:
        raise RefusedError(ReasonCode.LOG_ENTRY_MALFORMED, f"`integratedTime` is {seconds}")
    return datetime.fromtimestamp(seconds, UTC)


def _promised_at(entry: LogEntry, log: LogKey) -> datetime:
    """The time in a promise (SET) that the log signed: canonical JSON (RFC 8785) of four members."""
    if entry.integrated_time is None:
        raise RefusedError(ReasonCode.LOG_ENTRY_MALFORMED, "there is a promise without `integratedTime`")
    promised = json.dumps(
        {
            "body": b64encode(entry.body).decode(),
            "integratedTime": entry.integrated_time,
            "logID": entry.log_id.hex(),
            "logIndex": entry.index,
        },
        sort_keys=True,
        separators=(",", ":"),
    )
    if not verifies(log.key, entry.promise or b"", promised.encode()):
        raise RefusedError(ReasonCode.LOG_PROMISE_WRONG, f"{log.url} did not sign this entry at this time")
    return _time(entry.integrated_time)


def check_included(body: bytes, proof: InclusionProof, log: LogKey) -> None:
    """The proof leads from the body to a root that the log signed. Raises RefusedError ``log-proof-…``."""
    try:
        checkpoint = read_checkpoint(proof.checkpoint)
    except CheckpointError as error:
        raise RefusedError(ReasonCode.LOG_PROOF_MALFORMED, f"the checkpoint: {error}") from error
    if not checkpoint.signed_by(log):
        raise RefusedError(
            ReasonCode.LOG_CHECKPOINT_WRONG,
            f"{log.url} did not sign the checkpoint of {checkpoint.origin[:80]!r}",
        )
    root = merkle.root_from(merkle.leaf_hash(body), proof.index, proof.tree_size, proof.hashes)
    if root is None or root != proof.root_hash:
        raise RefusedError(ReasonCode.LOG_PROOF_WRONG, "the proof does not lead to its own root hash")
    if (checkpoint.root_hash, checkpoint.tree_size) != (root, proof.tree_size):
        raise RefusedError(ReasonCode.LOG_PROOF_WRONG, "the log's checkpoint is one of another tree")
