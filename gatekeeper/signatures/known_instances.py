"""Sigstore instances that are known by name, and what sigstore's library ships of them."""

from __future__ import annotations

from importlib import resources
from urllib.parse import quote

from gatekeeper.core.errors import NotFoundError
from gatekeeper.core.trust import TrustRoot

PUBLIC_GOOD = "public-good"
STAGING = "staging"
GITHUB = "github"
ADDRESSES = {
    PUBLIC_GOOD: "https://tuf-repo-cdn.sigstore.dev",
    STAGING: "https://tuf-repo-cdn.sigstage.dev",
    GITHUB: "https://tuf-repo.github.com",
}
"""Their TUF repositories."""
TRUSTED_ROOT = "trusted_root.json"
FIRST_ROOT = "root.json"


def address_of(name: str) -> str:
    """The TUF repository of this instance. NotFoundError ``tuf-address-missing`` for others."""
    if name not in ADDRESSES:
        raise NotFoundError(
            f"no TUF repository is known for {name}; give --tuf-url, or take its trusted_root.json from a file: "
            f"gatekeeper trust import FILE --name {name}",
            reason_code="tuf-address-missing",
        )
    return ADDRESSES[name]


def shipped(name: str, file: str) -> bytes:
    """``TRUSTED_ROOT`` or ``FIRST_ROOT`` of ``public-good`` or ``staging``, as sigstore's library ships it.

    Raises NotFoundError ``tuf-root-missing`` for other instances.
    """
    found = None
    if name in (PUBLIC_GOOD, STAGING):
        found = resources.files("sigstore._store").joinpath(quote(ADDRESSES[name], safe=""), file)
    if found is None or not found.is_file():
        raise NotFoundError(
            f"no {file} is shipped for {name}; give one from a source you trust: --tuf-root FILE (the first "
            "root.json of its TUF repository), or --trusted-root FILE",
            reason_code="tuf-root-missing",
        )
    return found.read_bytes()


def shipped_public_good() -> TrustRoot:
    """The trust root of public Sigstore, for who gives none."""
    return TrustRoot(PUBLIC_GOOD, shipped(PUBLIC_GOOD, TRUSTED_ROOT), "shipped with sigstore's library")
