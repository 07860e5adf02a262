"""Files of trust roots: every shape they come in, and what of them is refused or left out."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatekeeper.core.errors import MalformedError
from gatekeeper.core.trust import TrustRoot
from gatekeeper.signatures.keyless.trust_root import Period, read_trust_roots
from tests.unit.signatures.keyless.minted import SIGSTORE, STRANGE, Json, bundle, bundled, code, spoilt

_FUZZ = settings(max_examples=150, deadline=None)
_ONE = SIGSTORE.trusted_root()
_OTHER = STRANGE.trusted_root()


def test_one_document() -> None:
    (root,) = read_trust_roots(json.dumps(_ONE, indent=2).encode(), "one")
    assert [log.url for log in root.logs] == ["https://rekor.invalid", "https://log2.rekor.invalid"]
    assert root.certificate_authorities[0].chain == SIGSTORE.fulcio.authority.chain
    assert root.left_out == ()


def test_json_lines_are_several_roots_of_one_name() -> None:
    lines = b"\n".join(json.dumps(document).encode() for document in (_OTHER, _ONE)) + b"\n\n"
    assert [root.name for root in read_trust_roots(lines, "two")] == ["two", "two"]
    assert code(bundled(bundle()), TrustRoot("two", lines, "f")) == "signature-verified"


def test_the_root_inside_a_client_trust_config() -> None:
    config = {
        "mediaType": "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json",
        "trustedRoot": _ONE,
        "signingConfig": {"caUrls": []},
    }
    content = json.dumps(config).encode()
    assert code(bundled(bundle()), TrustRoot("configured", content, "f")) == "signature-verified"


def test_members_that_are_not_known_are_passed_over() -> None:
    document = spoilt(spoilt(_ONE, "tlogs", 0, "operator", to="o"), "mediaType", to=lambda kind: kind)
    content = json.dumps({**document, "witnesses": []}).encode()
    assert code(bundled(bundle()), TrustRoot("newer", content, "f")) == "signature-verified"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("tlogs", 0, "publicKey", "rawBytes"), "AAAA"),
        (("tlogs", 0, "publicKey", "rawBytes"), "*"),
        (("tlogs", 0, "publicKey", "validFor"), {}),
        (("tlogs", 0, "publicKey", "validFor"), {"end": "2030-01-01T00:00:00Z"}),
        (("tlogs", 0, "publicKey", "validFor", "start"), "yesterday"),
        (("tlogs", 0, "publicKey"), None),
    ],
)
def test_an_instance_that_cannot_be_read_is_left_out_and_named(
    path: tuple[str | int, ...], value: object
) -> None:
    content = json.dumps(spoilt(_ONE, *path, to=value)).encode()
    (root,) = read_trust_roots(content, "one")
    assert [left.partition(":")[0] for left in root.left_out] == ["tlogs[0]"]
    assert root.demands_log
    assert code(bundled(bundle()), TrustRoot("one", content, "f")) == "log-unknown"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{}",
        b"{}\n{}",
        b'{"mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json"}',
        b'{"mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1"}',
        b'{"mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1", "tlogs": {}}',
        b'{"mediaType": "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json"}',
        b"\n".join([json.dumps(_ONE).encode()] * 17),
        b" " * (4 * 1024 * 1024 + 1),
    ],
)
def test_what_is_no_trust_root(content: bytes) -> None:
    with pytest.raises(MalformedError) as refused:
        read_trust_roots(content, "bad")
    assert refused.value.reason_code == "trust-root-malformed"
    assert refused.value.message.startswith("trust root bad: ")


def test_a_period_includes_both_its_ends() -> None:
    begins, ends = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)
    period = Period(begins, ends)
    assert period.includes(begins)
    assert period.includes(ends)
    assert not period.includes(ends.replace(microsecond=1))
    assert Period(begins).includes(datetime(9999, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2022-10-31T23:59:59.999Z", datetime(2022, 10, 31, 23, 59, 59, 999000, UTC)),
        ("2022-10-31T23:59:59.123456789Z", datetime(2022, 10, 31, 23, 59, 59, 123456, UTC)),
        ("2022-11-01T01:00:00+02:00", datetime(2022, 10, 31, 23, tzinfo=UTC)),
    ],
)
def test_times_as_protobuf_writes_them(text: str, expected: datetime) -> None:
    content = json.dumps(spoilt(_ONE, "tlogs", 0, "publicKey", "validFor", "start", to=text)).encode()
    assert read_trust_roots(content, "one")[0].logs[0].period.begins == expected


_leaves = st.none() | st.booleans() | st.integers() | st.text(max_size=20)
_json = st.recursive(
    _leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner)
)


@_FUZZ
@given(st.sampled_from(sorted(_ONE)), _json)
def test_any_value_in_any_member_is_read_or_refused(member: str, value: object) -> None:
    document: Json = {**_ONE, member: value}
    with suppress(MalformedError):
        read_trust_roots(json.dumps(document).encode(), "fuzzed")


_places: list[Callable[[Json, object], None]] = [
    lambda document, value: document["tlogs"][0].update(publicKey=value),  # type: ignore[index]
    lambda document, value: document["ctlogs"][0].update(logId=value),  # type: ignore[index]
    lambda document, value: document["certificateAuthorities"][0].update(certChain=value),  # type: ignore[index]
    lambda document, value: document["timestampAuthorities"][0].update(validFor=value),  # type: ignore[index]
]


@_FUZZ
@given(st.sampled_from(_places), _json)
def test_any_value_inside_an_instance_is_read_or_left_out(
    place: Callable[[Json, object], None], value: object
) -> None:
    document = json.loads(json.dumps(_ONE))
    place(document, value)
    (root,) = read_trust_roots(json.dumps(document).encode(), "fuzzed")
    assert len(root.left_out) <= 1
