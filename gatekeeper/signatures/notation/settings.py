"""What the configuration says about revocation."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class RevocationSettings:
    """Where answers about revoked certificates come from. The default: nowhere."""

    folder: Path | None = None
    """CRLs and OCSP responses, DER or PEM, whatever the files are called."""
    hosts: tuple[str, ...] = ()
    """``host`` or ``host:port`` that may be asked over http."""
