"""Certificate files of our own, which an operator renews: when the first certificate in them ends."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from cryptography import x509

from gatekeeper.core.ending import Ending, EndingKind

_MOST_BYTES = 1024 * 1024


def certificate_ending(path: Path, subject: str, consequence: str, remedy: str) -> Iterator[Ending]:
    """The end of the certificate in a PEM file, of a chain the earliest; nothing when the file cannot be read.

    The private key may be in the same file.
    """
    try:
        with path.open("rb") as file:
            certificates = x509.load_pem_x509_certificates(file.read(_MOST_BYTES))
    except (OSError, ValueError):
        # What cannot be read is told of where it is used.
        return
    first = min(certificates, key=lambda certificate: certificate.not_valid_after_utc)
    yield Ending(
        EndingKind.CREDENTIAL,
        subject,
        first.not_valid_after_utc,
        first.not_valid_before_utc,
        consequence,
        remedy,
    )
