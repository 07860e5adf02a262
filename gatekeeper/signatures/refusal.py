"""How a step of the pipeline says no."""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode

from gatekeeper.core.errors import MalformedError
from gatekeeper.signatures.reason_codes import ReasonCode


class RefusedError(MalformedError):
    """A candidate does not hold. ``code`` says at which step; the message says what was seen."""

    def __init__(self, code: ReasonCode, detail: str) -> None:
        super().__init__(detail, reason_code=code)
        self.code = code


def strict_base64(text: str, what: str) -> bytes:
    """Canonical standard base64 -> bytes. Refuses white space, URL alphabet, wrong padding and spare bits.

    Two texts for the same bytes would let one signature appear as many.
    """
    try:
        content = b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError, ValueError) as error:
        raise RefusedError(
            ReasonCode.SIGNATURE_ENCODING, f"{what} is not standard base64: {error}"
        ) from error
    if b64encode(content).decode("ascii") != text:
        raise RefusedError(ReasonCode.SIGNATURE_ENCODING, f"{what} is not canonical base64")
    return content
