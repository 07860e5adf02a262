"""One bundle against one artifact: what the conformance suite of Sigstore clients asks (docs/cli_protocol.md there)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gatekeeper.core.digest import Digest
from gatekeeper.core.trust import PublicKey
from gatekeeper.signatures.bundle import MessageSignature, ReadBundle, read_bundle
from gatekeeper.signatures.dsse import pre_authentication_encoding, spellings_of_envelope
from gatekeeper.signatures.keyless.entry_body import Signed, check_entry_is_about
from gatekeeper.signatures.keyless.log import check_log_window, check_logged
from gatekeeper.signatures.keyless.material_reading import entries_in_bundle
from gatekeeper.signatures.keyless.pipeline import signature_holds, verify_keyless
from gatekeeper.signatures.keyless.trust_root import TrustRoot
from gatekeeper.signatures.keys import loaded
from gatekeeper.signatures.reason_codes import ReasonCode
from gatekeeper.signatures.refusal import RefusedError
from gatekeeper.signatures.statement import read_statement


@dataclass(frozen=True, slots=True)
class Artifact:
    """What was signed: its bytes, or only its digest."""

    sha256: bytes
    content: bytes | None = None

    @classmethod
    def of(cls, content: bytes) -> Artifact:
        """An artifact whose bytes are here."""
        return cls(hashlib.sha256(content).digest(), content)


@dataclass(frozen=True, slots=True)
class Expected:
    """Who must have signed without a key: exactly this name and issuer."""

    identity: str
    issuer: str


def check_bundle(
    content: bytes, artifact: Artifact, roots: Sequence[TrustRoot], signer: Expected | PublicKey
) -> None:
    """Raises RefusedError unless this signer signed this artifact."""
    bundle = read_bundle(content)
    signed = _signed(bundle, artifact)
    if isinstance(signer, PublicKey):
        _check_by_key(bundle, signed, roots, signer)
    else:
        _check_by_identity(bundle, signed, roots, signer)
    if not isinstance(bundle.content, MessageSignature):
        statement = read_statement(bundle.content.payload)
        if statement.about(Digest("sha256", artifact.sha256.hex())) is None:
            raise RefusedError(ReasonCode.SUBJECT_MISMATCH, "the statement is about another artifact")


def _signed(bundle: ReadBundle, artifact: Artifact) -> Signed:
    found = bundle.content
    if not isinstance(found, MessageSignature):
        return Signed(
            signature=found.signature,
            message=pre_authentication_encoding(found.payload_type, found.payload),
            payload=found.payload,
            envelopes=partial(spellings_of_envelope, found),
        )
    if found.digest is not None:
        name, digest = found.digest
        known = artifact.sha256 if name == "sha256" else None
        if artifact.content is not None:
            known = hashlib.new(name, artifact.content).digest()
        if known is not None and known != digest:
            raise RefusedError(ReasonCode.SUBJECT_MISMATCH, "the bundle is about another artifact")
    return Signed(
        signature=found.signature,
        message=artifact.content,
        payload=artifact.content or b"",
        message_digests={"sha256": artifact.sha256},
    )


def _check_by_identity(
    bundle: ReadBundle, signed: Signed, roots: Sequence[TrustRoot], expected: Expected
) -> None:
    if not bundle.certified:
        raise RefusedError(ReasonCode.SIGNATURE_NOT_BY_CERTIFICATE, "a managed key signed, nobody by name")
    (first, *_) = verify_keyless(bundle.keyless_material(), signed, roots)
    who = (first.identity.name, first.identity.issuer)
    if who != (expected.identity, expected.issuer):
        raise RefusedError(
            ReasonCode.CERTIFICATE_IDENTITY_UNCLEAR, f"it was signed by {who[0]!r}, says {who[1]!r}"
        )


def _check_by_key(bundle: ReadBundle, signed: Signed, roots: Sequence[TrustRoot], key: PublicKey) -> None:
    """A managed key needs no log; an entry that is there must hold all the same."""
    public = loaded(key)
    if bundle.certified or not signature_holds(public, signed):
        raise RefusedError(ReasonCode.SIGNATURE_NOT_BY_TRUSTED_KEY, "this key did not sign this artifact")
    by_key = replace(signed, verifier=public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
    logs = [log for root in roots for log in root.logs]
    entries, demands_promise = entries_in_bundle(bundle.material, bundle.version)
    if len(entries) > 1:
        raise RefusedError(ReasonCode.LOG_ENTRY_TOO_MANY, f"there are {len(entries)} log entries")
    for entry in entries:
        check_entry_is_about(entry, by_key)
        check_log_window(check_logged(entry, logs, demands_promise=demands_promise), ())
