"""What verification asks about revoked certificates: answers on file, and answers fetched where that is configured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class RevocationAnswers(Protocol):
    """Bytes of certificate authorities. Nothing of them is believed before its signature is checked."""

    def stored_lists(self) -> Sequence[bytes]:
        """CRLs (RFC 5280) that lie here as files, DER, complete ones and deltas.

        Raises UnavailableError when they cannot be looked at: what is not read may hold a revocation.
        """
        ...

    def stored_responses(self) -> Sequence[bytes]:
        """OCSP responses (RFC 6960) that lie here as files, DER. Raises UnavailableError like ``stored_lists``."""
        ...

    def list_at(self, url: str) -> bytes:
        """The CRL at an address that a certificate names.

        Raises UnavailableError; NOT_CONFIGURED when asking is not configured or this address is not allowed.
        """
        ...

    def response_from(self, url: str, request: bytes) -> bytes:
        """The answer of an OCSP responder that a certificate names. Raises UnavailableError like ``list_at``."""
        ...
