"""What Fulcio writes into a certificate about the signer (fulcio docs/oid-info.md): arc 1.3.6.1.4.1.57264.1."""

from __future__ import annotations

from collections.abc import Mapping

from cryptography import x509

from gatekeeper.core.identity import FULCIO_FIELDS
from gatekeeper.signatures import der
from gatekeeper.signatures.der import DerError
from gatekeeper.signatures.reason_codes import ReasonCode
from gatekeeper.signatures.refusal import RefusedError

ARC = "1.3.6.1.4.1.57264.1."
OTHER_NAME = f"{ARC}7"
ISSUER_V1 = 1
ISSUER_V2 = 8

RAW_TEXT = frozenset(range(2, 7))
"""Deprecated ones: the bytes are the text. All later ones are DER UTF8Strings."""
NAMES: Mapping[int, str] = {
    int(identifier.removeprefix(ARC)): name for name, identifier in FULCIO_FIELDS.items()
}
"""Last arc -> the name used in policies and reports."""


def read_extensions(extensions: x509.Extensions) -> tuple[str | None, Mapping[str, str]]:
    """Issuer, and every extension by its name; arcs that are not known by their number.

    Raises RefusedError ``certificate-malformed``; ``certificate-identity-unclear`` when the two issuers differ.
    """
    issuers: dict[int, str] = {}
    found: dict[str, str] = {}
    for extension in extensions:
        oid = extension.oid.dotted_string
        if not oid.startswith(ARC) or not isinstance(extension.value, x509.UnrecognizedExtension):
            continue
        arc = int(oid.removeprefix(ARC).partition(".")[0])
        raw = arc in RAW_TEXT or arc == ISSUER_V1
        text = _raw(extension.value.value, arc) if raw else _utf8(extension.value.value, arc)
        if text is None:
            continue
        if arc in (ISSUER_V1, ISSUER_V2):
            issuers[arc] = text
        else:
            found[NAMES.get(arc, oid)] = text
    if len(set(issuers.values())) > 1:
        raise RefusedError(
            ReasonCode.CERTIFICATE_IDENTITY_UNCLEAR,
            f"the issuer is {issuers[ISSUER_V1][:120]!r} by .1.1 and {issuers[ISSUER_V2][:120]!r} by .1.8",
        )
    return next(iter(issuers.values()), None), found


def _raw(content: bytes, arc: int) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise _malformed(arc) from error


def _utf8(content: bytes, arc: int) -> str | None:
    """None for an extension that is not known and no text."""
    try:
        return der.read(content, der.UTF8_STRING).content.decode()
    except (DerError, UnicodeDecodeError) as error:
        if arc in NAMES or arc == ISSUER_V2:
            raise _malformed(arc) from error
        return None


def _malformed(arc: int) -> RefusedError:
    return RefusedError(ReasonCode.CERTIFICATE_MALFORMED, f"the extension {ARC}{arc} is no UTF-8 text")
