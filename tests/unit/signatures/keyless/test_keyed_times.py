"""Managed keys with a log entry or timestamp: a proven time is kept; what does not hold is seen and refuses nothing."""

from __future__ import annotations

from base64 import b64decode, b64encode
from datetime import timedelta

import pytest

from gatekeeper.core.evidence import Candidate, Outcome, TimeSource
from gatekeeper.core.trust import TrustMaterial, TrustRoot
from gatekeeper.demo.sigstore import entries
from gatekeeper.signatures.dsse import pre_authentication_encoding
from gatekeeper.signatures.signing import SigningKey
from gatekeeper.signatures.verifier import Verifier
from tests.fakes.registry_dump import about
from tests.unit.signatures.crafted import KEY, SUBJECT, bundle, bundled
from tests.unit.signatures.keyless.minted import AT, ROOT, SIGSTORE, STRANGE, Json, root, spoilt


def _logged(key: SigningKey = KEY) -> Json:
    """A keyed bundle with its entry in the log, of this key."""
    made = bundle()
    envelope = made["dsseEnvelope"]
    assert isinstance(envelope, dict)
    payload = b64decode(str(envelope["payload"]))
    signature = b64decode(envelope["signatures"][0]["sig"])
    message = pre_authentication_encoding(str(envelope["payloadType"]), payload)
    body = entries.hashedrekord_1(message, signature, key.public.spki_pem.encode())
    material = made["verificationMaterial"]
    assert isinstance(material, dict)
    return {**made, "verificationMaterial": {**material, "tlogEntries": [SIGSTORE.rekor_1.add(body, AT)]}}


def _stamped() -> Json:
    made = bundle()
    envelope, material = made["dsseEnvelope"], made["verificationMaterial"]
    assert isinstance(envelope, dict)
    assert isinstance(material, dict)
    response = SIGSTORE.tsa.response(b64decode(envelope["signatures"][0]["sig"]), AT)
    stamps = {"rfc3161Timestamps": [{"signedTimestamp": b64encode(response).decode()}]}
    return {**made, "verificationMaterial": {**material, "timestampVerificationData": stamps}}


def _judged(document: Json, *roots: TrustRoot) -> Candidate:
    candidate = bundled(document)
    trust = TrustMaterial((KEY.public,), roots)
    return (
        Verifier().verify(candidate.wanted, candidate.content, subject=about(SUBJECT), trust=trust).candidate
    )


def test_a_log_entry_proves_when_a_managed_key_signed() -> None:
    found = _judged(_logged(), ROOT)
    assert (found.outcome, found.key_ids) == (Outcome.VERIFIED, (KEY.public.id,))
    assert [(time.at, time.source) for time in found.times] == [(AT, TimeSource.LOG)]
    assert (found.proven_at, found.trust_roots) == (AT, ("virtual",))
    assert found.log_index is not None
    assert found.anomalies == ()


def test_a_timestamp_proves_it_too() -> None:
    found = _judged(_stamped(), ROOT)
    assert [(time.at, time.source) for time in found.times] == [(AT, TimeSource.TIMESTAMP)]


def test_without_a_trust_root_nothing_is_proven_and_nothing_refused() -> None:
    found = _judged(_logged())
    assert (found.outcome, found.times, found.anomalies) == (
        Outcome.VERIFIED,
        (),
        ("log-entry-not-checked",),
    )


@pytest.mark.parametrize(
    ("document", "roots", "anomaly"),
    [
        (_logged(SigningKey.generate("other")), (ROOT,), "log-entry-mismatch"),
        (_logged(), (root(STRANGE, "strange"),), "log-unknown"),
        (_stamped(), (root(STRANGE, "strange"),), "timestamp-untrusted"),
        (
            _logged(),
            (root(windows={"tlogs": (AT + timedelta(days=1), None)}),),
            "log-outside-window",
        ),
        (
            spoilt(_logged(), "verificationMaterial", "tlogEntries", 0, "canonicalizedBody", to="!"),
            (ROOT,),
            "log-entry-malformed",
        ),
    ],
)
def test_what_does_not_hold_proves_nothing_is_seen_and_refuses_nothing(
    document: Json, roots: tuple[TrustRoot, ...], anomaly: str
) -> None:
    found = _judged(document, *roots)
    assert (found.outcome, found.times, found.log_index) == (Outcome.VERIFIED, (), None)
    assert anomaly in found.anomalies


def test_a_root_that_knows_nothing_hides_no_other() -> None:
    assert _judged(_logged(), root(STRANGE, "strange"), ROOT).trust_roots == ("virtual",)
