"""Bundles and layers changed at random: a typed refusal, or the same signature as before. Never anything else."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given, settings
from hypothesis import strategies as st

from gatekeeper.core.evidence import Outcome
from gatekeeper.demo.sigstore.instance import LOGGED, TILED
from gatekeeper.demo.sigstore.signing_keys import new_ecdsa_key
from gatekeeper.signatures import media_types
from gatekeeper.signatures.keyless.certificate import read_signing_certificate
from gatekeeper.signatures.keyless.checkpoint import CheckpointError, read_checkpoint
from gatekeeper.signatures.refusal import RefusedError
from tests.unit.signatures.crafted import Crafted
from tests.unit.signatures.keyless.minted import (
    ALICE,
    AT,
    CLAIMS,
    ENTRY,
    ROBOT,
    SIGSTORE,
    STAMPS,
    bundle,
    bundled,
    judged,
    spoilt,
    stored,
)

_FUZZ = settings(max_examples=150, deadline=None)
Path = tuple[str | int, ...]

_BUNDLES = [
    bundle(replace(LOGGED, timestamp=True)),
    bundle(TILED),
    bundle(replace(LOGGED, entry="intoto-2")),
    bundle(replace(LOGGED, version=media_types.BUNDLE_V01)),
]


def _paths(value: object, path: Path = ()) -> Iterator[Path]:
    if path:
        yield path
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _paths(inner, (*path, name))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _paths(inner, (*path, number))


_PLACES = [(number, path) for number, one in enumerate(_BUNDLES) for path in _paths(one)]
_leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=30)
_values = st.recursive(
    _leaves | st.binary(max_size=60).map(lambda content: b64encode(content).decode()),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=8,
)


def _refused_or_as_before(candidate: Crafted, identity: str = ROBOT.name) -> None:
    found = judged(candidate)
    assert found.reason_code != "unreadable", found.detail
    assert found.outcome in (Outcome.REFUSED, Outcome.VERIFIED)
    if found.outcome is Outcome.VERIFIED:
        assert (found.identity, found.signed_at) == (identity, AT)


@_FUZZ
@given(st.sampled_from(_PLACES), _values)
def test_any_value_anywhere_in_a_bundle(place: tuple[int, Path], value: object) -> None:
    number, path = place
    _refused_or_as_before(bundled(spoilt(_BUNDLES[number], *path, to=value)))


@_FUZZ
@given(st.sampled_from(_PLACES))
def test_any_member_left_out(place: tuple[int, Path]) -> None:
    number, path = place
    document = json.loads(json.dumps(_BUNDLES[number]))
    parent = document
    for step in path[:-1]:
        parent = parent[step]
    del parent[path[-1]]
    _refused_or_as_before(bundled(document))


_BINARY: list[Path] = [
    ("verificationMaterial", "certificate", "rawBytes"),
    (*STAMPS, 0, "signedTimestamp"),
    (*ENTRY, "canonicalizedBody"),
    (*ENTRY, "inclusionPromise", "signedEntryTimestamp"),
    ("dsseEnvelope", "signatures", 0, "sig"),
    ("dsseEnvelope", "payload"),
]
_edits = st.lists(st.tuples(st.integers(0, 1 << 16), st.integers(1, 255)), min_size=1, max_size=3)


def _edited(content: bytes, edits: list[tuple[int, int]]) -> bytes:
    changed = bytearray(content)
    for position, change in edits:
        changed[position % len(changed)] ^= change
    return bytes(changed)


@_FUZZ
@given(st.sampled_from(_BINARY), _edits)
def test_changed_bytes_inside_what_is_base64(path: Path, edits: list[tuple[int, int]]) -> None:
    document = spoilt(_BUNDLES[0], *path, to=lambda text: b64encode(_edited(b64decode(text), edits)).decode())
    _refused_or_as_before(bundled(document))


_LAYER = SIGSTORE.signature_layer(CLAIMS, ALICE, AT, replace(LOGGED, timestamp=True))


@_FUZZ
@given(st.sampled_from(sorted(_LAYER.annotations)), st.text(max_size=60) | _edits)
def test_annotations_changed_at_random(name: str, change: str | list[tuple[int, int]]) -> None:
    layer = _LAYER
    written = layer.annotations[name]
    changed = change if isinstance(change, str) else _edited(written.encode(), change).decode("latin-1")
    _refused_or_as_before(
        stored(replace(layer, annotations={**layer.annotations, name: changed})), ALICE.name
    )


_CERTIFICATE = SIGSTORE.fulcio.issue(new_ecdsa_key().public_key(), ROBOT, AT).public_bytes(Encoding.DER)


@_FUZZ
@given(_edits | st.binary(max_size=200))
def test_certificates_are_read_or_refused(change: list[tuple[int, int]] | bytes) -> None:
    with suppress(RefusedError):
        read_signing_certificate(change if isinstance(change, bytes) else _edited(_CERTIFICATE, change))


_NOTE = SIGSTORE.rekor_2.checkpoint()


@_FUZZ
@given(st.text(max_size=200) | _edits)
def test_checkpoints_are_read_or_refused(change: str | list[tuple[int, int]]) -> None:
    with suppress(CheckpointError):
        read_checkpoint(
            change if isinstance(change, str) else _edited(_NOTE.encode(), change).decode("utf-8", "replace")
        )
