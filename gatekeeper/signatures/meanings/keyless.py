"""Signatures made with a certificate under a Sigstore trust root: certificate, log, time."""

from __future__ import annotations

from collections.abc import Mapping

from gatekeeper.core.evidence import Outcome
from gatekeeper.signatures.reason_codes import Meaning, ReasonCode

_R = Outcome.REFUSED
_S = Outcome.SKIPPED
_I = Outcome.INCONCLUSIVE
_SIGN_AGAIN_KEYLESS = (
    "Sign the image again with `cosign sign`, and look at what it says of certificate, log and time."
)
_NAME_ROOT = (
    "If the signer uses an instance of its own, import its trust root: `gatekeeper trust import FILE`."
)
_UPDATE_ROOT = "Update the trust root; if it still says so, the key was retired before: sign the image again."

KEYLESS: Mapping[ReasonCode, Meaning] = {
    ReasonCode.TIMESTAMP_MALFORMED: Meaning(
        _R,
        "A timestamp (RFC 3161) beside the signature cannot be read, or its authority did not grant it.",
        _SIGN_AGAIN_KEYLESS,
    ),
    ReasonCode.TIMESTAMP_MISMATCH: Meaning(
        _R,
        "The timestamp is one of another signature.",
        _SIGN_AGAIN_KEYLESS,
    ),
    ReasonCode.TIMESTAMP_SIGNATURE_WRONG: Meaning(
        _R,
        "The timestamp is not signed by the authority it names.",
        _SIGN_AGAIN_KEYLESS,
    ),
    ReasonCode.TIMESTAMP_UNTRUSTED: Meaning(
        _R,
        "The timestamp comes from an authority that no trust root names, or that is not made for timestamps.",
        _NAME_ROOT,
    ),
    ReasonCode.TIMESTAMP_OUTSIDE_WINDOW: Meaning(
        _R,
        "The trust root did not trust the timestamp's authority at the time it states.",
        _UPDATE_ROOT,
    ),
    ReasonCode.TIMESTAMP_TOO_MANY: Meaning(
        _R,
        "There are more than 32 timestamps, or the same one twice.",
        _SIGN_AGAIN_KEYLESS,
    ),
    ReasonCode.TRUST_ROOT_MISSING: Meaning(
        _S,
        "The signature carries a certificate (keyless), and no Sigstore trust root is configured to verify it with.",
        "Run `gatekeeper trust update` for the public-good one, or `gatekeeper trust import FILE`.",
    ),
    ReasonCode.CERTIFICATE_MALFORMED: Meaning(
        _R,
        "The signing certificate cannot be read, or its key is of a kind that is not accepted.",
        _SIGN_AGAIN_KEYLESS,
    ),
    ReasonCode.CERTIFICATE_UNSUITABLE: Meaning(
        _R,
        "The certificate is not one for signing code: a certificate authority, or without the key usages it needs.",
        _SIGN_AGAIN_KEYLESS,
    ),
    ReasonCode.CERTIFICATE_IDENTITY_UNCLEAR: Meaning(
        _R,
        "The certificate does not name exactly one identity, or names its issuer twice and differently.",
        _SIGN_AGAIN_KEYLESS,
    ),
    ReasonCode.CERTIFICATE_UNTRUSTED: Meaning(
        _R,
        "No authority of the trust root issued the signing certificate; what a signer brings along is never trusted.",
        _NAME_ROOT,
    ),
    ReasonCode.CERTIFICATE_OUTSIDE_VALIDITY: Meaning(
        _R,
        "The certificate, or one of those above it, was not within its validity at the time of signing.",
        _SIGN_AGAIN_KEYLESS,
    ),
    ReasonCode.CERTIFICATE_AUTHORITY_OUTSIDE_WINDOW: Meaning(
        _R,
        "The trust root did not trust the certificate authority at the time of signing.",
        _UPDATE_ROOT,
    ),
    ReasonCode.SIGNATURE_NOT_BY_CERTIFICATE: Meaning(
        _R,
        "The certificate's key did not make this signature over these bytes.",
        _SIGN_AGAIN_KEYLESS,
    ),
    ReasonCode.SCT_MISSING: Meaning(
        _R,
        "The certificate does not carry exactly one proof of certificate transparency (SCT).",
        _SIGN_AGAIN_KEYLESS,
    ),
    ReasonCode.SCT_LOG_UNKNOWN: Meaning(
        _R,
        "The certificate's SCT comes from a log that the trust root does not name.",
        _NAME_ROOT,
    ),
    ReasonCode.SCT_SIGNATURE_WRONG: Meaning(
        _R,
        "The certificate's SCT is not signed by its log, or is one of another certificate.",
        _SIGN_AGAIN_KEYLESS,
    ),
    ReasonCode.SCT_LOG_OUTSIDE_WINDOW: Meaning(
        _R,
        "The trust root did not trust the certificate transparency log at the time of the SCT.",
        _UPDATE_ROOT,
    ),
    ReasonCode.LOG_ENTRY_MISSING: Meaning(
        _R,
        "The signature is not in a transparency log, and the trust root demands one.",
        "Sign again with a log entry; an instance without a log has a trust root that names none.",
    ),
    ReasonCode.LOG_ENTRY_TOO_MANY: Meaning(
        _R,
        "There is more than one transparency log entry.",
        _SIGN_AGAIN_KEYLESS,
    ),
    ReasonCode.LOG_ENTRY_MALFORMED: Meaning(
        _R,
        "The transparency log entry cannot be read.",
        _SIGN_AGAIN_KEYLESS,
    ),
    ReasonCode.LOG_ENTRY_KIND_UNKNOWN: Meaning(
        _R,
        "The log entry is of a kind that is not known: `hashedrekord`, `dsse` and `intoto`, 0.0.1 and 0.0.2, are.",
        _SIGN_AGAIN_KEYLESS,
    ),
    ReasonCode.LOG_ENTRY_MISMATCH: Meaning(
        _R,
        "The log entry is one of another signature, another content or another certificate.",
        _SIGN_AGAIN_KEYLESS,
    ),
    ReasonCode.LOG_UNKNOWN: Meaning(
        _R,
        "The log entry comes from a transparency log that the trust root does not name.",
        _NAME_ROOT,
    ),
    ReasonCode.LOG_OUTSIDE_WINDOW: Meaning(
        _R,
        "The trust root did not trust the transparency log's key at the time of the entry.",
        _UPDATE_ROOT,
    ),
    ReasonCode.LOG_PROMISE_MISSING: Meaning(
        _R,
        "The log entry has neither the log's promise (SET) nor the proof that its form demands.",
        _SIGN_AGAIN_KEYLESS,
    ),
    ReasonCode.LOG_PROMISE_WRONG: Meaning(
        _R,
        "The log's promise (SET) is not signed by the log, or the entry was changed since.",
        _SIGN_AGAIN_KEYLESS,
    ),
    ReasonCode.LOG_PROOF_MALFORMED: Meaning(
        _R,
        "The proof that the log contains the entry cannot be read, or has no checkpoint.",
        _SIGN_AGAIN_KEYLESS,
    ),
    ReasonCode.LOG_PROOF_WRONG: Meaning(
        _R,
        "The proof does not lead from the entry to the root hash of the log's checkpoint.",
        _SIGN_AGAIN_KEYLESS,
    ),
    ReasonCode.LOG_CHECKPOINT_WRONG: Meaning(
        _R,
        "The log itself did not sign the checkpoint; signatures of witnesses alone do not count.",
        _SIGN_AGAIN_KEYLESS,
    ),
    ReasonCode.SIGNING_TIME_UNPROVEN: Meaning(
        _R,
        "Nothing trusted says when the signature was made: no promise of a log and no timestamp of an authority.",
        "Sign again with a timestamp: Rekor v2 entries have no time of their own.",
    ),
    ReasonCode.SECOND_OPINION_DISAGREES: Meaning(
        _I,
        "Two independent verifiers came to different answers on the same bundle, so neither is believed.",
        "Report this with the bundle: one of the two verifiers is wrong.",
    ),
}
