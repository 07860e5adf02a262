"""Inclusion in a Merkle tree (RFC 6962 section 2.1; the verification is RFC 9162 section 2.1.3.2)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

HASH_BYTES = 32


def leaf_hash(content: bytes) -> bytes:
    """The hash of a leaf."""
    return hashlib.sha256(b"\x00" + content).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_from(leaf: bytes, index: int, tree_size: int, hashes: Sequence[bytes]) -> bytes | None:
    """The root that this proof leads to; None when the proof has not the length that index and size demand."""
    if not 0 <= index < tree_size:
        return None
    position, last, root = index, tree_size - 1, leaf
    for sibling in hashes:
        if last == 0:
            return None
        if position & 1 or position == last:
            root = node_hash(sibling, root)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            root = node_hash(root, sibling)
        position, last = position >> 1, last >> 1
    return root if last == 0 else None
