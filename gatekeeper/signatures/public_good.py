"""The trust root of public Sigstore, as sigstore's library ships it: for who gives none."""

from __future__ import annotations

from importlib import resources
from urllib.parse import quote

from gatekeeper.core.errors import NotFoundError
from gatekeeper.core.trust import TrustRoot

NAME = "public-good"
_ADDRESS = "https://tuf-repo-cdn.sigstore.dev"


def shipped_public_good() -> TrustRoot:
    """Raises NotFoundError when the library ships none."""
    found = resources.files("sigstore._store").joinpath(quote(_ADDRESS, safe=""), "trusted_root.json")
    if not found.is_file():
        raise NotFoundError(
            "this installation ships no trust root of public Sigstore; give --trusted-root FILE",
            reason_code="trust-root-unknown",
        )
    return TrustRoot(NAME, found.read_bytes(), "shipped with sigstore's library")
