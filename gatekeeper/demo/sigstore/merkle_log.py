"""A Merkle tree that grows (RFC 6962 section 2.1): roots and inclusion proofs, made anew each time."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence


def _leaf(content: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + content).digest()


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def _split(count: int) -> int:
    """The largest power of two below ``count``."""
    return int(1 << (count - 1).bit_length() - 1)


def _root(leaves: Sequence[bytes]) -> bytes:
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = _split(len(leaves))
    return _node(_root(leaves[:split]), _root(leaves[split:]))


def _path(index: int, leaves: Sequence[bytes]) -> list[bytes]:
    if len(leaves) <= 1:
        return []
    split = _split(len(leaves))
    if index < split:
        return [*_path(index, leaves[:split]), _root(leaves[split:])]
    return [*_path(index - split, leaves[split:]), _root(leaves[:split])]


class MerkleLog:
    """Leaves in the order they came."""

    def __init__(self) -> None:
        self._leaves: list[bytes] = []

    def __len__(self) -> int:
        return len(self._leaves)

    def append(self, content: bytes) -> int:
        """The index of the new leaf."""
        self._leaves.append(_leaf(content))
        return len(self._leaves) - 1

    @property
    def root(self) -> bytes:
        return _root(self._leaves)

    def inclusion(self, index: int) -> list[bytes]:
        """The sibling hashes from the leaf up to the root."""
        return _path(index, self._leaves)
