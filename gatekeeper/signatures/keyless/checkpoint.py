"""Checkpoints: signed notes over the root of a log (C2SP signed-note and tlog-checkpoint; Rekor 1 and 2 alike)."""

from __future__ import annotations

import re
from base64 import b64decode
from dataclasses import dataclass

from gatekeeper.signatures.algorithms import verifies
from gatekeeper.signatures.keyless.trust_root import LogKey

MAX_CHARACTERS = 64 * 1024
MOST_SIGNATURES = 100
_HINT_BYTES = 4
_SIGNATURE = re.compile(r"\N{EM DASH} (\S{1,256}) ([A-Za-z0-9+/]{1,4096}={0,2})")
_SIZE = re.compile(r"0|[1-9]\d{0,18}", re.ASCII)


class CheckpointError(ValueError):
    """The text is no checkpoint."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A checkpoint whose signatures are not verified."""

    origin: str
    tree_size: int
    root_hash: bytes
    text: bytes
    """What is signed."""
    signatures: tuple[tuple[bytes, bytes], ...]
    """Hint and signature of each signer: the log, and any witnesses."""

    def signed_by(self, log: LogKey) -> bool:
        """True when the log itself signed it: what witnesses sign besides says nothing for us."""
        hints = (log.checkpoint_id[:_HINT_BYTES], log.log_id[:_HINT_BYTES])
        return any(
            hint in hints and verifies(log.key, signature, self.text) for hint, signature in self.signatures
        )


def read_checkpoint(note: str) -> Checkpoint:
    """A signed note -> Checkpoint. Raises CheckpointError."""
    if len(note) > MAX_CHARACTERS:
        raise CheckpointError(f"it has {len(note)} characters")
    body, blank, block = note.rpartition("\n\n")
    if not blank or not block.endswith("\n"):
        raise CheckpointError("text and signatures are not apart by an empty line, or the end is cut off")
    lines = body.split("\n")
    if len(lines) < 3 or not lines[0] or _SIZE.fullmatch(lines[1]) is None or "" in lines:
        raise CheckpointError("origin, size and root hash are not its first three lines")
    return Checkpoint(
        origin=lines[0],
        tree_size=int(lines[1]),
        root_hash=_base64(lines[2]),
        text=f"{body}\n".encode(),
        signatures=_signatures(block),
    )


def _signatures(block: str) -> tuple[tuple[bytes, bytes], ...]:
    lines = block[:-1].split("\n")
    if len(lines) > MOST_SIGNATURES:
        raise CheckpointError(f"there are {len(lines)} signatures")
    found = []
    for line in lines:
        match = _SIGNATURE.fullmatch(line)
        if match is None:
            raise CheckpointError("a signature line is not `\N{EM DASH} NAME BASE64`")
        signature = _base64(match[2])
        if len(signature) <= _HINT_BYTES:
            raise CheckpointError("a signature is too short")
        found.append((signature[:_HINT_BYTES], signature[_HINT_BYTES:]))
    return tuple(found)


def _base64(text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except ValueError as error:
        raise CheckpointError("it holds something that is not base64") from error
