"""What every storage form comes down to, before anything of it is believed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from gatekeeper.core.digest import Digest
from gatekeeper.signatures.keyless.material import KeylessMaterial, TimeMaterial


@dataclass(frozen=True, slots=True)
class Material:
    """A signature, the exact bytes it was made over, and the content those bytes carry."""

    message: bytes
    """What was signed: the payload itself (simple signing), or its pre-authentication encoding (DSSE)."""
    payload: bytes
    """The content; read only after the signature over ``message`` held."""
    signature: bytes
    is_statement: bool
    """True: the payload is an in-toto statement. False: simple signing claims."""
    certified: Callable[[], KeylessMaterial] | None = None
    """Reads the certificate and what proves its time; None: there is no certificate. Raises RefusedError."""
    times: Callable[[], TimeMaterial] = TimeMaterial
    """Reads what may prove when it was signed. Raises RefusedError."""
    has_log_entry: bool = False
    envelopes: Callable[[], tuple[bytes, ...]] = tuple
    """Writes the envelope's JSON in every spelling that a log may have hashed; none where there is no envelope."""
    stored_envelope: bytes | None = None
    """The bytes of an envelope that is a layer of its own: cosign 2 had them timestamped, not the signature."""
    bundle: bytes | None = None
    """The Sigstore bundle as it was read, for a second reader."""
    hint: str | None = None
    """Which key the bundle says it was; never trusted, only compared."""
    key_id: str | None = None

    @property
    def name(self) -> Digest:
        """``Candidate.signature``: this signature over these bytes, wherever it is stored."""
        return Digest.of(hashlib.sha256(self.message).digest() + self.signature)
