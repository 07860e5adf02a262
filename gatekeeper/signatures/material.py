"""What every storage form comes down to, before anything of it is believed."""

from __future__ import annotations

from dataclasses import dataclass


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
    has_certificate: bool = False
    has_log_entry: bool = False
    hint: str | None = None
    """Which key the bundle says it was; never trusted, only compared."""
    key_id: str | None = None
