"""What a signer hangs on a keyless signature: certificate, log entries, timestamps. Nothing here is believed yet."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class InclusionProof:
    """From one leaf to the root of a log's tree (RFC 6962), with the log's signed checkpoint of that root."""

    index: int
    tree_size: int
    root_hash: bytes
    hashes: tuple[bytes, ...]
    checkpoint: str
    """The whole signed note."""


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One entry of a transparency log."""

    log_id: bytes
    index: int
    body: bytes
    """Canonical JSON, as the log hashed it."""
    kind_version: tuple[str, str] | None
    """What the bundle says the body is; None where the form does not say."""
    integrated_time: int | None
    """Seconds since 1970. Means nothing without ``promise``, which signs it."""
    promise: bytes | None
    """The log's signature over the entry (SET)."""
    proof: InclusionProof | None


@dataclass(frozen=True, slots=True)
class KeylessMaterial:
    """Everything beside one signature that may prove who made it, and when."""

    certificate: bytes
    """DER."""
    entries: tuple[LogEntry, ...]
    timestamps: tuple[bytes, ...]
    """RFC 3161 responses."""
    demands_promise: bool
    """The form carries the log's promise (annotations and bundle v0.1); others carry an inclusion proof."""


@dataclass(frozen=True, slots=True)
class TimeMaterial:
    """What may prove when a signature by a managed key was made."""

    entries: tuple[LogEntry, ...] = ()
    timestamps: tuple[bytes, ...] = ()
    """RFC 3161 responses."""
    demands_promise: bool = False
    """As of ``KeylessMaterial``."""
