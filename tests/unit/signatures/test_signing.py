"""What we write is found and verified by our own reader; real cosign judges it in the integration tests."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from gatekeeper.core.evidence import Form, Outcome, Purpose
from gatekeeper.core.manifest import OCI_MANIFEST, Descriptor, parse_manifest
from gatekeeper.core.trust import TrustMaterial
from gatekeeper.ports import Attachment, Verified
from gatekeeper.signatures.signing import (
    SigningKey,
    attestation_bundle,
    attestation_layer,
    signature_bundle,
    signature_layer,
    tagged,
)
from gatekeeper.signatures.verifier import Verifier
from tests.fakes.registry_dump import about
from tests.unit.signatures.crafted import KEY, OTHER, STRANGER, SUBJECT

_IMAGE = Descriptor(OCI_MANIFEST, SUBJECT, 400)
_CREATED = datetime(2026, 11, 24, 12, tzinfo=UTC)
_TYPE = "https://example.test/review/v1"


def _judge(attachment: Attachment, *, key: SigningKey = KEY) -> list[Verified]:
    """Open the manifest as a registry gives it, and verify everything in it."""
    manifest = parse_manifest(attachment.manifest, content_type=attachment.media_type, expected=None)
    found = []
    for wanted in Verifier().wanted(manifest, found_at=("test",), tag=attachment.tag):
        content = next(blob for blob in attachment.blobs if wanted.descriptor.digest.matches(blob))
        found.append(
            Verifier().verify(wanted, content, subject=about(SUBJECT), trust=TrustMaterial((key.public,)))
        )
    return found


def test_a_signature_at_the_cosign_tag() -> None:
    attachment = tagged(SUBJECT, [signature_layer(KEY, "registry.test/app", SUBJECT, {"a": "b"})])
    assert attachment.tag == f"sha256-{SUBJECT.encoded}.sig"
    (verified,) = _judge(attachment)
    assert verified.candidate.outcome is Outcome.VERIFIED
    assert verified.candidate.form is Form.COSIGN_SIGNATURE_TAG
    assert verified.candidate.annotations == {"a": "b"}
    assert verified.candidate.signed_reference == "registry.test/app"
    assert _judge(attachment, key=STRANGER)[0].candidate.outcome is Outcome.REFUSED


def test_case_10_three_layers_and_only_the_third_is_good() -> None:
    layers = [
        signature_layer(STRANGER, "x", SUBJECT),
        signature_layer(KEY, "x", OTHER),
        signature_layer(KEY, "x", SUBJECT),
    ]
    judged = _judge(tagged(SUBJECT, layers))
    assert [(one.candidate.position, one.candidate.reason_code) for one in judged] == [
        (0, "signature-not-by-trusted-key"),
        (1, "subject-mismatch"),
        (2, "signature-verified"),
    ]


def test_two_keys_over_one_payload_are_two_candidates() -> None:
    layers = [signature_layer(key, "x", SUBJECT) for key in (STRANGER, KEY)]
    attachment = tagged(SUBJECT, layers)
    assert len(attachment.blobs) == 2, "the payload is stored once"
    outcomes = [one.candidate.outcome for one in _judge(attachment)]
    assert outcomes == [Outcome.REFUSED, Outcome.VERIFIED]


def test_an_attestation_at_the_cosign_tag() -> None:
    attachment = tagged(SUBJECT, [attestation_layer(KEY, "x", SUBJECT, _TYPE, {"by": "ann"})], ".att")
    (verified,) = _judge(attachment)
    assert verified.candidate.form is Form.COSIGN_ATTESTATION_TAG
    assert verified.statement is not None
    assert json.loads(verified.statement.predicate) == {"by": "ann"}


def test_bundles_hang_on_their_subject() -> None:
    signed = signature_bundle(KEY, _IMAGE, created=_CREATED, annotations={"a": "b"})
    attested = attestation_bundle(KEY, _IMAGE, _TYPE, {"by": "ann"}, name="x", created=_CREATED)
    for attachment, purpose in ((signed, Purpose.SIGNATURE), (attested, Purpose.ATTESTATION)):
        manifest = parse_manifest(attachment.manifest, content_type=OCI_MANIFEST, expected=attachment.digest)
        assert manifest.subject is not None
        assert manifest.subject.digest == SUBJECT
        assert manifest.annotations["org.opencontainers.image.created"] == "2026-11-24T12:00:00Z"
        (verified,) = _judge(attachment)
        assert (verified.candidate.outcome, verified.candidate.purpose) == (Outcome.VERIFIED, purpose)
        assert verified.candidate.anomalies == ()


@pytest.mark.parametrize("name", ["manifest", "blobs"])
def test_manifests_are_the_same_for_the_same_signature(name: str) -> None:
    layer = signature_layer(KEY, "x", SUBJECT)
    assert getattr(tagged(SUBJECT, [layer]), name) == getattr(tagged(SUBJECT, [layer]), name)
