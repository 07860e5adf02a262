"""Signatures of the Notary Project."""

from __future__ import annotations

from collections.abc import Mapping

from gatekeeper.core.evidence import Outcome
from gatekeeper.signatures.reason_codes import Meaning, ReasonCode

_R = Outcome.REFUSED
_S = Outcome.SKIPPED
_NOTATION_AGAIN = "Sign the image again with `notation sign`."

NOTATION: Mapping[ReasonCode, Meaning] = {
    ReasonCode.NOTATION_NOT_CONFIGURED: Meaning(
        _S,
        "A Notary Project signature was found, and no trust policy is configured, so it was not looked at.",
        "Name notation's `trustpolicy.json` and trust store in the policy.",
    ),
    ReasonCode.NOTATION_SKIPPED: Meaning(
        _S,
        "The trust policy statement for this repository has the level `skip`: nothing was verified.",
        "Choose another level in the trust policy if the signature shall count.",
    ),
    ReasonCode.NOTATION_NO_STATEMENT: Meaning(
        _R,
        "No trust policy statement covers this repository.",
        "Add the repository to the `registryScopes` of a statement, or make one for `*`.",
    ),
    ReasonCode.NOTATION_CARRIER: Meaning(
        _R,
        "The manifest that carries the signature breaks the specification: not one layer, another type or subject.",
        _NOTATION_AGAIN,
    ),
    ReasonCode.NOTATION_MEDIA_TYPE: Meaning(
        _R,
        "The envelope is neither JWS (`application/jose+json`) nor COSE (`application/cose`).",
        _NOTATION_AGAIN,
    ),
    ReasonCode.NOTATION_ENVELOPE_MALFORMED: Meaning(
        _R,
        "The JWS or COSE envelope cannot be read: another serialization, a duplicate member or one of a wrong type.",
        _NOTATION_AGAIN,
    ),
    ReasonCode.NOTATION_ALGORITHM: Meaning(
        _R,
        "The envelope names an algorithm that is not allowed, or not that of its certificate's key.",
        _NOTATION_AGAIN,
    ),
    ReasonCode.NOTATION_KEY_REFUSED: Meaning(
        _R,
        "The certificate's key may not sign: RSA of 2048, 3072 or 4096 bits and ECDSA on P-256, P-384 or P-521 may.",
        "Sign with a key of an allowed kind.",
    ),
    ReasonCode.NOTATION_SIGNATURE_WRONG: Meaning(
        _R,
        "The key of the envelope's own certificate did not sign it: the envelope was changed.",
        _NOTATION_AGAIN,
    ),
    ReasonCode.NOTATION_CONTENT_TYPE: Meaning(
        _R,
        "The signed content type is not `application/vnd.cncf.notary.payload.v1+json`.",
        _NOTATION_AGAIN,
    ),
    ReasonCode.NOTATION_SCHEME_UNKNOWN: Meaning(
        _R,
        "The signing scheme is neither `notary.x509` nor `notary.x509.signingAuthority`.",
        _NOTATION_AGAIN,
    ),
    ReasonCode.NOTATION_ATTRIBUTES: Meaning(
        _R,
        "A signed attribute breaks its rule: a time absent or wrongly encoded, an expiry before the signing time.",
        _NOTATION_AGAIN,
    ),
    ReasonCode.NOTATION_CRITICAL: Meaning(
        _R,
        "The list of critical attributes is absent, incomplete, or names one that is not there.",
        _NOTATION_AGAIN,
    ),
    ReasonCode.NOTATION_PLUGIN_REQUIRED: Meaning(
        _R,
        "The signature says that only a verification plugin can verify it; plugins are not run here.",
        "Sign without a plugin that must verify too, or verify this image elsewhere and waive it here.",
    ),
    ReasonCode.NOTATION_CRITICAL_UNKNOWN: Meaning(
        _R,
        "A signed attribute is marked critical and is not known, so it may not be ignored.",
        "Sign without that attribute, or do not mark it critical.",
    ),
    ReasonCode.NOTATION_CHAIN_MISSING: Meaning(
        _R,
        "The envelope carries no certificates.",
        _NOTATION_AGAIN,
    ),
    ReasonCode.NOTATION_CERTIFICATE_MALFORMED: Meaning(
        _R,
        "A certificate of the envelope cannot be read.",
        _NOTATION_AGAIN,
    ),
    ReasonCode.NOTATION_CHAIN: Meaning(
        _R,
        "The certificates are no chain from the signer to a self-signed root, in this order and without others.",
        "Sign with the whole chain: the signing certificate first, the root last.",
    ),
    ReasonCode.NOTATION_CERTIFICATE: Meaning(
        _R,
        "A certificate may not stand at its place in the chain (key usage, basic constraints, purpose, broken hash).",
        "Have the certificate issued as the Notary Project's certificate requirements say, and sign again.",
    ),
    ReasonCode.NOTATION_PAYLOAD_MALFORMED: Meaning(
        _R,
        "The signed payload cannot be read: not JSON, duplicate members, or no target artifact.",
        _NOTATION_AGAIN,
    ),
    ReasonCode.NOTATION_TRUST_STORE_MISSING: Meaning(
        _R,
        "A trust store that the trust policy names is absent or empty, so nothing can be trusted.",
        "Put the authority's certificate into `x509/TYPE/NAME/` of the trust store.",
    ),
    ReasonCode.NOTATION_UNTRUSTED: Meaning(
        _R,
        "No certificate of the chain is in a trust store of the kind that the signing scheme needs.",
        "Add the signer's authority to the trust store, if it shall be trusted.",
    ),
    ReasonCode.NOTATION_IDENTITY_UNTRUSTED: Meaning(
        _R,
        "The authority is trusted, and the signer is none of the trusted identities.",
        "Add the signer's subject to `trustedIdentities`, if it shall be trusted.",
    ),
    ReasonCode.NOTATION_EXPIRED: Meaning(
        _R,
        "The signature's own expiry has passed.",
        _NOTATION_AGAIN,
    ),
    ReasonCode.NOTATION_TIMESTAMP_MISSING: Meaning(
        _R,
        "The trust policy asks for a time-stamp, and the signature has none.",
        "Sign with `notation sign --timestamp-url`, or set `verifyTimestamp` to `afterCertExpiry`.",
    ),
    ReasonCode.NOTATION_NOT_IN_FORCE: Meaning(
        _R,
        "A certificate of the chain was not in force when the signature was made, as far as can be proven.",
        "Sign again with a certificate that is in force; a time-stamp lets signatures outlive it.",
    ),
    ReasonCode.NOTATION_REVOKED: Meaning(
        _R,
        "A certificate of the chain was revoked by its issuer.",
        "Sign again with another certificate.",
    ),
    ReasonCode.NOTATION_REVOCATION_NOT_CONFIGURED: Meaning(
        Outcome.INCONCLUSIVE,
        "The certificate may have been revoked, and asking its issuer is not configured.",
        "Provide CRLs as files, allow the issuer's address, or override `revocation` in the trust policy.",
    ),
    ReasonCode.NOTATION_REVOCATION_UNAVAILABLE: Meaning(
        Outcome.INCONCLUSIVE,
        "The issuer's answer about revocation could not be had, or not be believed.",
        "See that the CRL or OCSP address answers, or provide a current CRL as a file.",
    ),
}
