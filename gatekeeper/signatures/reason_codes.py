"""Every reason code a candidate can carry. ``docs/reason-codes.md`` is ``render_markdown()``; a test compares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from gatekeeper.core.evidence import Outcome


class ReasonCode(StrEnum):
    """Stable: a code never changes its meaning; a new meaning is a new code."""

    SIGNATURE_VERIFIED = "signature-verified"
    ATTESTATION_VERIFIED = "attestation-verified"
    ATTESTATION_UNSIGNED = "attestation-unsigned"
    """Given by the collector: what BuildKit writes is seen, and nobody signed it."""
    CARRIER_MALFORMED = "carrier-malformed"
    """Given by the collector, before there is anything to verify."""
    CARRIER_IS_INDEX = "carrier-is-index"
    LAYER_FOREIGN = "layer-foreign"
    LAYER_DIGEST_ALGORITHM = "layer-digest-algorithm"
    CANDIDATE_TOO_LARGE = "candidate-too-large"
    FORM_UNKNOWN = "form-unknown"
    CONTENT_MISMATCH = "content-mismatch"
    SIGNATURE_ANNOTATION_MISSING = "signature-annotation-missing"
    SIGNATURE_ENCODING = "signature-encoding"
    BUNDLE_MALFORMED = "bundle-malformed"
    BUNDLE_VERSION_UNSUPPORTED = "bundle-version-unsupported"
    BUNDLE_CONTENT_AMBIGUOUS = "bundle-content-ambiguous"
    BUNDLE_MESSAGE_SIGNATURE = "bundle-message-signature"
    ENVELOPE_MALFORMED = "envelope-malformed"
    ENVELOPE_PAYLOAD_TYPE = "envelope-payload-type"
    ENVELOPE_SIGNATURE_COUNT = "envelope-signature-count"
    NO_TRUSTED_KEYS = "no-trusted-keys"
    SIGNATURE_NOT_BY_TRUSTED_KEY = "signature-not-by-trusted-key"
    CLAIMS_MALFORMED = "claims-malformed"
    CLAIMS_TYPE_UNKNOWN = "claims-type-unknown"
    CLAIMS_CRITICAL_UNKNOWN = "claims-critical-unknown"
    STATEMENT_MALFORMED = "statement-malformed"
    STATEMENT_TYPE_UNKNOWN = "statement-type-unknown"
    STATEMENT_TOO_MANY_SUBJECTS = "statement-too-many-subjects"
    SUBJECT_MISMATCH = "subject-mismatch"
    TIMESTAMP_MALFORMED = "timestamp-malformed"
    TIMESTAMP_MISMATCH = "timestamp-mismatch"
    TIMESTAMP_SIGNATURE_WRONG = "timestamp-signature-wrong"
    TIMESTAMP_UNTRUSTED = "timestamp-untrusted"
    TIMESTAMP_OUTSIDE_WINDOW = "timestamp-outside-window"
    TIMESTAMP_TOO_MANY = "timestamp-too-many"
    TRUST_ROOT_MISSING = "trust-root-missing"
    CERTIFICATE_MALFORMED = "certificate-malformed"
    CERTIFICATE_UNSUITABLE = "certificate-unsuitable"
    CERTIFICATE_IDENTITY_UNCLEAR = "certificate-identity-unclear"
    CERTIFICATE_UNTRUSTED = "certificate-untrusted"
    CERTIFICATE_OUTSIDE_VALIDITY = "certificate-outside-validity"
    CERTIFICATE_AUTHORITY_OUTSIDE_WINDOW = "certificate-authority-outside-window"
    SIGNATURE_NOT_BY_CERTIFICATE = "signature-not-by-certificate"
    SCT_MISSING = "sct-missing"
    SCT_LOG_UNKNOWN = "sct-log-unknown"
    SCT_SIGNATURE_WRONG = "sct-signature-wrong"
    SCT_LOG_OUTSIDE_WINDOW = "sct-log-outside-window"
    LOG_ENTRY_MISSING = "log-entry-missing"
    LOG_ENTRY_TOO_MANY = "log-entry-too-many"
    LOG_ENTRY_MALFORMED = "log-entry-malformed"
    LOG_ENTRY_KIND_UNKNOWN = "log-entry-kind-unknown"
    LOG_ENTRY_MISMATCH = "log-entry-mismatch"
    LOG_UNKNOWN = "log-unknown"
    LOG_OUTSIDE_WINDOW = "log-outside-window"
    LOG_PROMISE_MISSING = "log-promise-missing"
    LOG_PROMISE_WRONG = "log-promise-wrong"
    LOG_PROOF_MALFORMED = "log-proof-malformed"
    LOG_PROOF_WRONG = "log-proof-wrong"
    LOG_CHECKPOINT_WRONG = "log-checkpoint-wrong"
    SIGNING_TIME_UNPROVEN = "signing-time-unproven"
    NOTATION_NOT_CONFIGURED = "notation-not-configured"
    NOTATION_SKIPPED = "notation-skipped"
    NOTATION_NO_STATEMENT = "notation-no-statement"
    NOTATION_CARRIER = "notation-carrier"
    NOTATION_MEDIA_TYPE = "notation-media-type"
    NOTATION_ENVELOPE_MALFORMED = "notation-envelope-malformed"
    NOTATION_ALGORITHM = "notation-algorithm"
    NOTATION_KEY_REFUSED = "notation-key-refused"
    NOTATION_SIGNATURE_WRONG = "notation-signature-wrong"
    NOTATION_CONTENT_TYPE = "notation-content-type"
    NOTATION_SCHEME_UNKNOWN = "notation-scheme-unknown"
    NOTATION_ATTRIBUTES = "notation-attributes"
    NOTATION_CRITICAL = "notation-critical"
    NOTATION_PLUGIN_REQUIRED = "notation-plugin-required"
    NOTATION_CRITICAL_UNKNOWN = "notation-critical-unknown"
    NOTATION_CHAIN_MISSING = "notation-chain-missing"
    NOTATION_CERTIFICATE_MALFORMED = "notation-certificate-malformed"
    NOTATION_CHAIN = "notation-chain"
    NOTATION_CERTIFICATE = "notation-certificate"
    NOTATION_PAYLOAD_MALFORMED = "notation-payload-malformed"
    NOTATION_TRUST_STORE_MISSING = "notation-trust-store-missing"
    NOTATION_UNTRUSTED = "notation-untrusted"
    NOTATION_IDENTITY_UNTRUSTED = "notation-identity-untrusted"
    NOTATION_EXPIRED = "notation-expired"
    NOTATION_TIMESTAMP_MISSING = "notation-timestamp-missing"
    NOTATION_NOT_IN_FORCE = "notation-not-in-force"
    NOTATION_REVOKED = "notation-revoked"
    NOTATION_REVOCATION_NOT_CONFIGURED = "notation-revocation-not-configured"
    NOTATION_REVOCATION_UNAVAILABLE = "notation-revocation-unavailable"
    SECOND_OPINION_DISAGREES = "second-opinion-disagrees"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a code says and what a person can do about it."""

    outcome: Outcome
    meaning: str
    remedy: str


_R = Outcome.REFUSED
_S = Outcome.SKIPPED
_I = Outcome.INCONCLUSIVE
_SIGN_AGAIN = "Sign the image again with `cosign sign --key`."
_SIGN_AGAIN_KEYLESS = (
    "Sign the image again with `cosign sign`, and look at what it says of certificate, log and time."
)
_NAME_ROOT = (
    "If the signer uses an instance of its own, import its trust root: `gatekeeper trust import FILE`."
)
_UPDATE_ROOT = "Update the trust root; if it still says so, the key was retired before: sign the image again."
_NOTATION_AGAIN = "Sign the image again with `notation sign`."
_ATTEST_AGAIN = (
    "Make the attestation again with a tool that writes in-toto statements, such as `cosign attest`."
)

MEANINGS: Mapping[ReasonCode, Meaning] = {
    ReasonCode.SIGNATURE_VERIFIED: Meaning(
        Outcome.VERIFIED,
        "A trusted key, or a certificate under a trust root, signed a claim that names exactly this digest.",
        "Nothing to do.",
    ),
    ReasonCode.ATTESTATION_VERIFIED: Meaning(
        Outcome.VERIFIED,
        "A trusted key signed an in-toto statement about exactly this digest. It is an attestation, not a signature.",
        "Nothing to do. If a signature is required, sign the image as well: `cosign sign --key`.",
    ),
    ReasonCode.ATTESTATION_UNSIGNED: Meaning(
        _S,
        "An attestation that nobody signed (BuildKit). It proves nothing by itself; a signature of the index binds it.",
        "Sign the index, or attest with a key or identity: `cosign attest`.",
    ),
    ReasonCode.CARRIER_MALFORMED: Meaning(
        _R,
        "The manifest that should carry the candidate breaks the OCI specification, so nothing in it was read.",
        _SIGN_AGAIN,
    ),
    ReasonCode.CARRIER_IS_INDEX: Meaning(
        _R,
        "A `.sig` or `.att` tag points at an index, not at the manifest that carries signatures.",
        _SIGN_AGAIN,
    ),
    ReasonCode.LAYER_FOREIGN: Meaning(
        _R,
        "The layer names URLs outside the registry. Evidence must lie in the registry itself.",
        _SIGN_AGAIN,
    ),
    ReasonCode.LAYER_DIGEST_ALGORITHM: Meaning(
        _R,
        "The layer is not named by a sha256 digest.",
        _SIGN_AGAIN,
    ),
    ReasonCode.CANDIDATE_TOO_LARGE: Meaning(
        Outcome.INCONCLUSIVE,
        "The layer declares more bytes than are read: 1 MiB for a signature, 32 MiB for a bundle or attestation.",
        "Store a smaller attestation, for example by splitting the SBOM.",
    ),
    ReasonCode.FORM_UNKNOWN: Meaning(
        _R,
        "The candidate is stored in a form that is not a signature or attestation form.",
        "Report this with the image: the form was listed as a candidate but has no reader.",
    ),
    ReasonCode.CONTENT_MISMATCH: Meaning(
        _R,
        "The bytes do not have the digest or size that the manifest declares for the layer.",
        "Check the registry's storage; then sign the image again.",
    ),
    ReasonCode.SIGNATURE_ANNOTATION_MISSING: Meaning(
        _R,
        "The layer has no `dev.cosignproject.cosign/signature` annotation, or an empty one.",
        _SIGN_AGAIN,
    ),
    ReasonCode.SIGNATURE_ENCODING: Meaning(
        _R,
        "A signature or payload is not canonical standard base64 (white space, URL alphabet or missing padding).",
        _SIGN_AGAIN,
    ),
    ReasonCode.BUNDLE_MALFORMED: Meaning(
        _R,
        "The Sigstore bundle cannot be read: not JSON, duplicate or unknown members, or a member of the wrong type.",
        _SIGN_AGAIN,
    ),
    ReasonCode.BUNDLE_VERSION_UNSUPPORTED: Meaning(
        _R,
        "The bundle's `mediaType` is none of the Sigstore bundle versions 0.1 to 0.3.",
        "Sign with a tool that writes Sigstore bundle v0.3, such as cosign 3.",
    ),
    ReasonCode.BUNDLE_CONTENT_AMBIGUOUS: Meaning(
        _R,
        "The bundle must carry exactly one content and exactly one verification material.",
        _SIGN_AGAIN,
    ),
    ReasonCode.BUNDLE_MESSAGE_SIGNATURE: Meaning(
        _R,
        "The bundle signs a plain message, not a statement that says what the signature is for.",
        _SIGN_AGAIN,
    ),
    ReasonCode.ENVELOPE_MALFORMED: Meaning(
        _R,
        "The DSSE envelope cannot be read: not JSON, duplicate members, or a member absent or of the wrong type.",
        _ATTEST_AGAIN,
    ),
    ReasonCode.ENVELOPE_PAYLOAD_TYPE: Meaning(
        _R,
        "The envelope's `payloadType` is not `application/vnd.in-toto+json`.",
        _ATTEST_AGAIN,
    ),
    ReasonCode.ENVELOPE_SIGNATURE_COUNT: Meaning(
        _R,
        "The envelope does not carry exactly one signature.",
        _ATTEST_AGAIN,
    ),
    ReasonCode.NO_TRUSTED_KEYS: Meaning(
        _R,
        "No trusted key is configured, so nothing can be verified.",
        "Name the signers' public keys in the policy.",
    ),
    ReasonCode.SIGNATURE_NOT_BY_TRUSTED_KEY: Meaning(
        _R,
        "No trusted key made this signature over these bytes: another key signed, or the bytes were changed.",
        "Sign with a key that the policy names, or add the signer's public key to the policy.",
    ),
    ReasonCode.CLAIMS_MALFORMED: Meaning(
        _R,
        "The signed claims cannot be read: not JSON, duplicate members, or `critical` incomplete.",
        _SIGN_AGAIN,
    ),
    ReasonCode.CLAIMS_TYPE_UNKNOWN: Meaning(
        _R,
        "The signed `critical.type` is not `cosign container image signature`: it was signed for another use.",
        _SIGN_AGAIN,
    ),
    ReasonCode.CLAIMS_CRITICAL_UNKNOWN: Meaning(
        _R,
        "The signed `critical` part has a member that is not understood; what is critical may not be ignored.",
        _SIGN_AGAIN,
    ),
    ReasonCode.STATEMENT_MALFORMED: Meaning(
        _R,
        "The signed in-toto statement cannot be read: duplicate members, no subject, or a digest not in lower-case.",
        _ATTEST_AGAIN,
    ),
    ReasonCode.STATEMENT_TYPE_UNKNOWN: Meaning(
        _R,
        "The signed statement's `_type` is neither in-toto Statement v0.1 nor v1.",
        _ATTEST_AGAIN,
    ),
    ReasonCode.STATEMENT_TOO_MANY_SUBJECTS: Meaning(
        _R,
        "The statement names more than 1,024 subjects, or a subject has more than 32 digests.",
        "Attest images one by one.",
    ),
    ReasonCode.SUBJECT_MISMATCH: Meaning(
        _R,
        "The signature is genuine, but it names another digest: it was copied from another image.",
        "Sign this image's digest.",
    ),
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
    ReasonCode.SECOND_OPINION_DISAGREES: Meaning(
        _I,
        "Two independent verifiers came to different answers on the same bundle, so neither is believed.",
        "Report this with the bundle: one of the two verifiers is wrong.",
    ),
    ReasonCode.UNREADABLE: Meaning(
        _R,
        "Reading the candidate failed in a way that has no code of its own.",
        _SIGN_AGAIN,
    ),
}


def remedy_of(code: str) -> str:
    """What a person can do about a candidate with this code; the empty string for a code of somebody else's."""
    return MEANINGS[ReasonCode(code)].remedy if code in tuple(ReasonCode) else ""


def render_markdown() -> str:
    """``docs/reason-codes.md``, whole."""
    lines = [
        "# Reason codes of signatures and attestations",
        "",
        "Generated from `gatekeeper/signatures/reason_codes.py`; a test compares the two.",
        "Every candidate that is found beside an image carries one of these, with its outcome.",
        "",
        "| code | outcome | meaning | what to do |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| `{code}` | {MEANINGS[code].outcome} | {MEANINGS[code].meaning} | {MEANINGS[code].remedy} |"
        for code in ReasonCode
    ]
    return "\n".join(lines) + "\n"
