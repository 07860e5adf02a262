"""Whatever the bytes: a candidate with a reason code, and never a pass that was not there before."""

from __future__ import annotations

from base64 import b64decode, b64encode
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatekeeper.core.digest import Digest
from gatekeeper.core.evidence import Form, Outcome
from gatekeeper.signatures import media_types
from gatekeeper.signatures.meanings import MEANINGS
from gatekeeper.signatures.reason_codes import ReasonCode
from tests.unit.signatures.crafted import (
    KEY,
    Crafted,
    attested,
    bundle,
    bundled,
    crafted,
    encoded,
    envelope,
    simple,
    statement,
)

_TYPE = "https://example.test/review/v1"
_GOOD = {
    Form.COSIGN_SIGNATURE_TAG: simple(),
    Form.COSIGN_ATTESTATION_TAG: attested(envelope(statement(_TYPE, predicate={"by": "ann"}))),
    Form.SIGSTORE_BUNDLE: bundled(bundle(statement(_TYPE, predicate={"by": "ann"}))),
}
_FUZZ = settings(max_examples=150, deadline=None)


def _with_content(good: Crafted, content: bytes) -> Crafted:
    """The same candidate with other bytes, honestly described."""
    layer = replace(good.wanted.descriptor, digest=Digest.of(content), size=len(content))
    return replace(good, content=content, wanted=replace(good.wanted, descriptor=layer))


def _mutated(content: bytes, edits: list[tuple[int, int]]) -> bytes:
    changed = bytearray(content)
    for position, value in edits:
        changed[position % len(changed)] = value
    return bytes(changed)


_EDITS = st.lists(st.tuples(st.integers(0, 1 << 16), st.integers(0, 255)), min_size=1, max_size=4)


@pytest.mark.parametrize("form", _GOOD)
@_FUZZ
@given(edits=_EDITS)
def test_changed_bytes_never_say_anything_else(form: Form, edits: list[tuple[int, int]]) -> None:
    good = _GOOD[form]
    changed = _with_content(good, _mutated(good.content, edits)).verify()
    assert changed.candidate.reason_code in set(ReasonCode)
    if changed.candidate.outcome is Outcome.VERIFIED:
        # Only what is not signed may differ: white space, or a hint.
        assert changed.statement == good.verify().statement


@pytest.mark.parametrize("form", _GOOD)
@_FUZZ
@given(content=st.binary(max_size=300))
def test_any_bytes_are_refused(form: Form, content: bytes) -> None:
    candidate = _with_content(_GOOD[form], content).judged()
    assert candidate.outcome is Outcome.REFUSED


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
_NAMES = ["_type", "subject", "predicateType", "predicate", "critical", "optional", "payload", "signatures"]


@_FUZZ
@given(document=st.dictionaries(st.sampled_from(_NAMES), _JSON))
def test_genuinely_signed_nonsense_is_refused(document: dict[str, object]) -> None:
    payload = encoded(document)
    for made in (simple(payload), attested(envelope(payload)), bundled(bundle(payload))):
        candidate = made.judged()
        assert candidate.outcome is Outcome.REFUSED
        assert MEANINGS[ReasonCode(candidate.reason_code)].outcome is Outcome.REFUSED


@_FUZZ
@given(name=st.sampled_from(sorted(bundle())), value=_JSON)
def test_a_bundle_with_one_nonsense_member_is_refused(name: str, value: object) -> None:
    assert bundled(bundle() | {name: value}).judged().outcome is Outcome.REFUSED


@_FUZZ
@given(edits=_EDITS)
def test_a_changed_payload_is_never_signed(edits: list[tuple[int, int]]) -> None:
    document = bundle(statement(_TYPE))
    inner = document["dsseEnvelope"]
    assert isinstance(inner, dict)
    payload = b64decode(inner["payload"])
    changed = _mutated(payload, edits)
    if changed == payload:
        return
    forged = document | {"dsseEnvelope": inner | {"payload": b64encode(changed).decode()}}
    assert bundled(forged).judged().reason_code == "signature-not-by-trusted-key"


def test_what_no_step_foresees_is_refused_all_the_same() -> None:
    broken = simple().annotated({media_types.SIGNATURE_ANNOTATION: 7})  # type: ignore[dict-item]
    candidate = broken.judged(KEY.public)
    assert (candidate.outcome, candidate.reason_code) == (Outcome.REFUSED, "unreadable")
    unknown = crafted(Form.BUILDKIT_ATTESTATION, "application/vnd.in-toto+json", b"{}").judged()
    assert (unknown.outcome, unknown.reason_code) == (Outcome.REFUSED, "form-unknown")
