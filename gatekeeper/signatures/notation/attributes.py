"""The signed attributes (signature-specification.md, "Signed Attributes"): what the signer says about its signature.

Read only after the signature over them held.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from gatekeeper.signatures.notation import envelope
from gatekeeper.signatures.notation.envelope import Envelope, Label
from gatekeeper.signatures.reason_codes import ReasonCode
from gatekeeper.signatures.refusal import RefusedError


class Scheme(StrEnum):
    """Who vouches for the signing time: a time-stamp or nobody (``X509``), or the signer itself as an authority."""

    X509 = "notary.x509"
    SIGNING_AUTHORITY = "notary.x509.signingAuthority"


@dataclass(frozen=True, slots=True)
class SignedAttributes:
    """Attributes whose rules were kept."""

    scheme: Scheme
    signing_time: datetime
    """Trustworthy under ``SIGNING_AUTHORITY`` alone."""
    expiry: datetime | None


_OF_PLUGINS = frozenset({envelope.VERIFICATION_PLUGIN, envelope.VERIFICATION_PLUGIN_VERSION})
_UNDERSTOOD = frozenset({envelope.SIGNING_SCHEME, *envelope.TIMES})


def read_attributes(opened: Envelope) -> SignedAttributes:
    """The attributes of a verified envelope. Raises RefusedError when a rule is broken.

    Codes: ``notation-content-type notation-scheme-unknown notation-attributes notation-critical
    notation-plugin-required notation-critical-unknown``.
    """
    if opened.content_type != envelope.PAYLOAD:
        raise RefusedError(
            ReasonCode.NOTATION_CONTENT_TYPE, f"the content type is {str(opened.content_type)[:80]!r}"
        )
    scheme = _scheme(opened)
    critical = _critical(opened)
    named, other = envelope.SIGNING_TIME, envelope.AUTHENTIC_SIGNING_TIME
    if scheme is Scheme.SIGNING_AUTHORITY:
        named, other = other, named
    if other in opened.protected:
        raise _broken(f"`{other}` does not go with the signing scheme {scheme}")
    signing_time = _time(opened, named)
    expiry = _time(opened, envelope.EXPIRY) if envelope.EXPIRY in opened.protected else None
    if expiry is not None and expiry <= signing_time:
        raise _broken(f"it expires at {expiry.isoformat()}, before it was signed")
    required = {envelope.SIGNING_SCHEME}
    if scheme is Scheme.SIGNING_AUTHORITY:
        required.add(named)
    if expiry is not None:
        required.add(envelope.EXPIRY)
    missing = sorted(required - critical)
    if missing:
        raise RefusedError(ReasonCode.NOTATION_CRITICAL, f"`{missing[0]}` is not marked critical")
    _check_understood(opened, critical)
    return SignedAttributes(scheme, signing_time, expiry)


def _broken(detail: str) -> RefusedError:
    return RefusedError(ReasonCode.NOTATION_ATTRIBUTES, detail)


def _scheme(opened: Envelope) -> Scheme:
    named = opened.protected.get(envelope.SIGNING_SCHEME)
    try:
        return Scheme(str(named))
    except ValueError as error:
        raise RefusedError(
            ReasonCode.NOTATION_SCHEME_UNKNOWN, f"the signing scheme is {str(named)[:80]!r}"
        ) from error


def _critical(opened: Envelope) -> frozenset[Label]:
    """``crit``: present, not empty, without duplicates, and every header it names is signed."""
    listed = opened.critical
    if not isinstance(listed, list) or not listed:
        raise RefusedError(ReasonCode.NOTATION_CRITICAL, "there is no list of critical headers")
    labels = [label for label in listed if isinstance(label, int | str) and not isinstance(label, bool)]
    if len(labels) != len(listed) or len(set(labels)) != len(labels):
        raise RefusedError(ReasonCode.NOTATION_CRITICAL, "the list of critical headers is malformed")
    for label in labels:
        if label not in opened.protected:
            raise RefusedError(
                ReasonCode.NOTATION_CRITICAL,
                f"{str(label)[:80]!r} is marked critical and is no signed attribute",
            )
    return frozenset(labels)


def _time(opened: Envelope, name: str) -> datetime:
    if name not in opened.protected:
        raise _broken(f"`{name}` is absent")
    found = opened.protected[name]
    if not isinstance(found, datetime):
        raise _broken(f"`{name}` is no time in the encoding of this envelope format")
    return found


def _check_understood(opened: Envelope, critical: frozenset[Label]) -> None:
    if envelope.VERIFICATION_PLUGIN in opened.protected:
        plugin = str(opened.protected[envelope.VERIFICATION_PLUGIN])[:80]
        raise RefusedError(
            ReasonCode.NOTATION_PLUGIN_REQUIRED, f"it can only be verified with the plugin {plugin!r}"
        )
    unknown = sorted(str(label) for label in critical - _UNDERSTOOD - _OF_PLUGINS)
    if unknown:
        raise RefusedError(
            ReasonCode.NOTATION_CRITICAL_UNKNOWN, f"the critical attribute {unknown[0][:80]!r} is not known"
        )
