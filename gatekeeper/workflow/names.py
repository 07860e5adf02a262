"""The tags that intents write beside the judged one. Recognised by our records, never by these names."""

from __future__ import annotations

import hashlib

from gatekeeper.core.digest import Digest

_TAG_LIMIT = 128
"""distribution-spec: a tag has at most 128 characters."""


OUR_PREFIX = "gatekeeper-"
"""How the names of our own tags in other people's repositories begin."""


def hold_tag(nonce: str, position: int) -> str:
    """Holds one manifest of a closure; position 0 is the root."""
    return f"gatekeeper-hold-{nonce}-{position}"


CASE_TAGS = "gatekeeper-case-"
"""How the tags of case records begin."""


def case_tag(nonce: str) -> str:
    """Where the case record lies."""
    return f"{CASE_TAGS}{nonce}"


def quarantine_tag(tag: str, digest: Digest) -> str:
    """``<tag>--<digest12>``: where the quarantined image is found by people."""
    return _joined("", tag, f"--{digest.short}")


def anchor_tag(tag: str, digest: Digest) -> str:
    """``gatekeeper-pass-<tag>-<digest12>``: holds a digest that passed at this tag."""
    return _joined("gatekeeper-pass-", tag, f"-{digest.short}")


def derived_nonce(nonce: str, purpose: str) -> str:
    """The nonce of an intent that follows from another: repeating a step after a crash gives the same one."""
    return hashlib.sha256(f"{nonce}/{purpose}".encode()).hexdigest()[:16]


def _joined(before: str, tag: str, after: str) -> str:
    return f"{before}{tag[: _TAG_LIMIT - len(before) - len(after)]}{after}"
