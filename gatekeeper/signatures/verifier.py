"""One ordered pipeline for every form: bytes in; verified content, or a refused candidate with a reason code, out."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field

from gatekeeper.core.digest import Digest
from gatekeeper.core.evidence import Candidate, Form, Purpose
from gatekeeper.core.manifest import DOCKER_LIST, OCI_INDEX, Manifest
from gatekeeper.core.predicate import Predicate
from gatekeeper.core.predicate_reading import read_predicate
from gatekeeper.core.trust import PublicKey, TrustMaterial, TrustRoot
from gatekeeper.ports import Judged, RevocationAnswers, Statement, Verified, Wanted
from gatekeeper.signatures import bundle, cosign_signature, dsse, media_types, storage
from gatekeeper.signatures.algorithms import verifies
from gatekeeper.signatures.keyed_proof import prove_by_key
from gatekeeper.signatures.keyless.trust_root import opened
from gatekeeper.signatures.keyless_proof import prove_by_certificate
from gatekeeper.signatures.keys import loaded
from gatekeeper.signatures.material import Material
from gatekeeper.signatures.meanings import MEANINGS, remedy_of
from gatekeeper.signatures.notation.revocation import NothingStored
from gatekeeper.signatures.notation.trust import read_trust
from gatekeeper.signatures.notation.verifier import verify_notation
from gatekeeper.signatures.proof import Proof
from gatekeeper.signatures.reason_codes import ReasonCode
from gatekeeper.signatures.refusal import RefusedError
from gatekeeper.signatures.second_opinion import SecondOpinion
from gatekeeper.signatures.statement import read_statement

_UNPROVEN = Proof("")
"""Of a refused candidate nothing is told that it says."""
_SIGNATURE_FORMS = (Form.COSIGN_SIGNATURE_TAG, Form.COSIGN_SIGNATURE_REFERRER, Form.NOTATION_SIGNATURE)


@dataclass(slots=True)
class _Facts:
    """What the steps have found out so far about one candidate."""

    purpose: Purpose
    signature: Digest | None = None
    predicate_type: str | None = None
    predicate: Predicate | None = None
    anomalies: list[str] = field(default_factory=list)
    annotations: dict[str, str] = field(default_factory=dict)
    signed_reference: str | None = None


class Verifier:
    """The port ``SignatureVerifier``: managed keys, keyless certificates and Notary Project trust policies."""

    def __init__(
        self, revocation: RevocationAnswers | None = None, second_opinion: SecondOpinion | None = None
    ) -> None:
        self._revocation = revocation if revocation is not None else NothingStored()
        self._second_opinion = second_opinion

    def wanted(self, manifest: Manifest, *, found_at: tuple[str, ...], tag: str | None) -> tuple[Wanted, ...]:
        """Which layers of this opened manifest are candidates; empty when it carries no form we know."""
        return storage.candidates_in(manifest, found_at=found_at, tag=tag)

    def remedy(self, reason_code: str) -> str:
        """What a person can do about a candidate with this code."""
        return remedy_of(reason_code)

    def verify(self, wanted: Wanted, content: bytes, *, subject: Judged, trust: TrustMaterial) -> Verified:
        """Run the pipeline. Never raises for what the bytes say; MalformedError for trust material that is none."""
        for key in trust.keys:
            loaded(key)
        for root in trust.roots:
            opened(root)
        for policy in trust.notation:
            read_trust(policy)
        facts = _Facts(Purpose.SIGNATURE if wanted.form in _SIGNATURE_FORMS else Purpose.UNKNOWN)
        try:
            # 1. The carrier: stored in the registry itself, under a sha256 digest, in a manifest.
            _check_carrier(wanted)
            # 2. The bytes are those the manifest declares.
            _check_content(wanted, content)
            if wanted.form is Form.NOTATION_SIGNATURE:
                return Verified(
                    verify_notation(
                        wanted, content, subject=subject, trust=trust.notation, answers=self._revocation
                    )
                )
            # 3. The form's own shape: signature, signed bytes, payload. Nothing is believed yet.
            material = _open(wanted, content)
            facts.signature = material.name
            # 4. A trusted key, or a certificate under a trusted root, made the signature over the signed bytes.
            proof = _prove(material, trust, facts, self._second_opinion)
            # 5. From here on only the verified payload is read: it binds this digest, for a purpose.
            statement = _read_payload(wanted, material, subject.digest, facts)
            # 6. What does not weaken the proof but should be seen.
            facts.anomalies += _anomalies(material, proof)
        except RefusedError as refused:
            return Verified(_candidate(wanted, facts, refused.code, refused.message))
        except Exception as error:  # noqa: BLE001 - border to untrusted bytes: law 4
            detail = f"{type(error).__name__}: {str(error)[:200]!r}"
            return Verified(_candidate(wanted, facts, ReasonCode.UNREADABLE, detail))
        code = ReasonCode.ATTESTATION_VERIFIED if statement is not None else ReasonCode.SIGNATURE_VERIFIED
        return Verified(_candidate(wanted, facts, code, proof.detail, proof), statement)


def _check_carrier(wanted: Wanted) -> None:
    layer = wanted.descriptor
    if layer.media_type in (OCI_INDEX, DOCKER_LIST):
        raise RefusedError(ReasonCode.CARRIER_IS_INDEX, f"{wanted.carrier} is an index")
    if layer.urls:
        raise RefusedError(ReasonCode.LAYER_FOREIGN, f"the layer names {len(layer.urls)} URLs outside")
    if layer.digest.algorithm != "sha256":
        raise RefusedError(
            ReasonCode.LAYER_DIGEST_ALGORITHM, f"the layer's digest is a {layer.digest.algorithm}"
        )
    if layer.size > storage.size_limit(wanted.form):
        raise RefusedError(ReasonCode.CANDIDATE_TOO_LARGE, f"the layer declares {layer.size} bytes")


def _check_content(wanted: Wanted, content: bytes) -> None:
    layer = wanted.descriptor
    if len(content) != layer.size or not layer.digest.matches(content):
        raise RefusedError(
            ReasonCode.CONTENT_MISMATCH,
            f"{len(content)} bytes came that are not {layer.digest} of {layer.size}",
        )


def _open(wanted: Wanted, content: bytes) -> Material:
    match wanted.form:
        case Form.COSIGN_SIGNATURE_TAG | Form.COSIGN_SIGNATURE_REFERRER:
            return cosign_signature.open_layer(wanted.descriptor.annotations, content)
        case Form.COSIGN_ATTESTATION_TAG | Form.DSSE_REFERRER:
            return dsse.open_layer(wanted.descriptor.annotations, content)
        case Form.SIGSTORE_BUNDLE:
            return bundle.open_bundle(content)
        case _:
            raise RefusedError(ReasonCode.FORM_UNKNOWN, f"the form is {wanted.form}")


def _purpose(predicate_type: str) -> Purpose:
    return Purpose.SIGNATURE if predicate_type == media_types.SIGNATURE_PREDICATE else Purpose.ATTESTATION


def _claimed_purpose(material: Material) -> Purpose:
    """What the candidate says it is, for the report on a refused one. Never a reason to accept."""
    if not material.is_statement:
        return Purpose.SIGNATURE
    try:
        return _purpose(read_statement(material.payload).predicate_type)
    except RefusedError:
        return Purpose.UNKNOWN


def _prove(
    material: Material, trust: TrustMaterial, facts: _Facts, second_opinion: SecondOpinion | None
) -> Proof:
    """A certificate is looked at only when no trusted key signed: the key proves more with less."""
    try:
        key = _matching_key(material, trust.keys)
        if key is not None:
            return prove_by_key(material, key, trust.roots)
        if material.certified is not None:
            return _prove_twice(material, trust.roots, second_opinion)
        raise _not_by_trusted_key(material, trust.keys)
    except RefusedError:
        facts.purpose = _claimed_purpose(material)
        raise


def _prove_twice(
    material: Material, roots: Sequence[TrustRoot], second_opinion: SecondOpinion | None
) -> Proof:
    """By our own steps, and where there is a second verifier, not against its opinion."""
    try:
        proof = prove_by_certificate(material, roots)
    except RefusedError as refused:
        if second_opinion is not None:
            second_opinion.contradict(material, refused, roots)
        raise
    if second_opinion is not None:
        second_opinion.confirm(material, proof, roots)
    return proof


def _matching_key(material: Material, keys: Sequence[PublicKey]) -> PublicKey | None:
    # The hint only orders the attempts: it saves work for the honest and proves nothing.
    for key in sorted(keys, key=lambda key: _hint_of(key) != material.hint):
        if verifies(loaded(key), material.signature, material.message):
            return key
    return None


def _not_by_trusted_key(material: Material, keys: Sequence[PublicKey]) -> RefusedError:
    if not keys:
        return RefusedError(ReasonCode.NO_TRUSTED_KEYS, "no trusted key is configured")
    claimed = [key.source for key in keys if _hint_of(key) == material.hint]
    return RefusedError(
        ReasonCode.SIGNATURE_NOT_BY_TRUSTED_KEY,
        f"it claims the key {claimed[0]}, which did not sign these bytes"
        if claimed
        else f"none of the {len(keys)} trusted keys signed these bytes",
    )


def _hint_of(key: PublicKey) -> str:
    """sigstore-go's hint: base64 over the sha256 of the DER SubjectPublicKeyInfo."""
    return b64encode(bytes.fromhex(key.id)).decode("ascii")


def _read_payload(wanted: Wanted, material: Material, subject: Digest, facts: _Facts) -> Statement | None:
    """The verified statement when it is an attestation, None when it is a signature."""
    if material.is_statement:
        return _read_statement(wanted, material, subject, facts)
    _read_claims(material, subject, facts)
    return None


def _read_claims(material: Material, subject: Digest, facts: _Facts) -> None:
    claims = cosign_signature.read_claims(material.payload)
    if claims.digest != str(subject):
        raise RefusedError(ReasonCode.SUBJECT_MISMATCH, f"it names {claims.digest[:140]!r}, not {subject}")
    facts.annotations.update(claims.annotations)
    facts.signed_reference = claims.reference


def _read_statement(wanted: Wanted, material: Material, subject: Digest, facts: _Facts) -> Statement | None:
    statement = read_statement(material.payload)
    facts.predicate_type = statement.predicate_type
    facts.purpose = _purpose(statement.predicate_type)
    named = statement.about(subject)
    if named is None:
        first = next(iter(statement.subjects[0].digests.items()))
        raise RefusedError(ReasonCode.SUBJECT_MISMATCH, f"it names {':'.join(first)[:140]!r}, not {subject}")
    declared = wanted.descriptor.annotations.get(media_types.PREDICATE_ANNOTATION) or wanted.annotations.get(
        media_types.BUNDLE_PREDICATE_ANNOTATION
    )
    if declared and declared != statement.predicate_type:
        facts.anomalies.append("predicate-type-annotation-differs")
    if facts.purpose is Purpose.SIGNATURE:
        facts.annotations.update(named.annotations)
        return None
    facts.predicate = read_predicate(statement.predicate_type, statement.predicate)
    return Statement(statement.predicate_type, statement.predicate)


def _anomalies(material: Material, proof: Proof) -> list[str]:
    found = list(proof.anomalies)
    if material.hint is not None and proof.key is not None and material.hint != _hint_of(proof.key):
        found.append("hint-names-another-key")
    if material.key_id is not None and material.hint is not None and material.key_id != material.hint:
        found.append("key-id-differs-from-hint")
    if material.certified is not None and proof.certificate is None:
        found.append("certificate-not-checked")
    if material.has_log_entry and proof.log_index is None:
        found.append("log-entry-not-checked")
    return found


def _candidate(
    wanted: Wanted, facts: _Facts, code: ReasonCode, detail: str, proof: Proof = _UNPROVEN
) -> Candidate:
    return Candidate(
        form=wanted.form,
        carrier=wanted.carrier,
        position=wanted.position,
        found_at=wanted.found_at,
        purpose=facts.purpose,
        outcome=MEANINGS[code].outcome,
        reason_code=code.value,
        detail=detail,
        predicate_type=facts.predicate_type,
        predicate=facts.predicate,
        anomalies=tuple(facts.anomalies),
        annotations=facts.annotations,
        signed_reference=facts.signed_reference,
        signature=facts.signature,
        key_ids=(proof.key.id,) if proof.key is not None else (),
        identity=proof.identity,
        issuer=proof.issuer,
        certificate=proof.certificate,
        trust_roots=proof.trust_roots,
        log_index=proof.log_index,
        log_id=proof.log_id,
        times=proof.times,
        signed_at=proof.signed_at,
    )
