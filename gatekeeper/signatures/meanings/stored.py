"""What is stored, what it claims, and who of the trusted keys made it."""

from __future__ import annotations

from collections.abc import Mapping

from gatekeeper.core.evidence import Outcome
from gatekeeper.signatures.reason_codes import Meaning, ReasonCode

_R = Outcome.REFUSED
_SIGN_AGAIN = "Sign the image again with `cosign sign --key`."
_ATTEST_AGAIN = (
    "Make the attestation again with a tool that writes in-toto statements, such as `cosign attest`."
)

STORED: Mapping[ReasonCode, Meaning] = {
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
        Outcome.SKIPPED,
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
    ReasonCode.UNREADABLE: Meaning(
        _R,
        "Reading the candidate failed in a way that has no code of its own.",
        _SIGN_AGAIN,
    ),
}
