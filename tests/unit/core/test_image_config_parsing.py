"""Image configurations: the few facts rules ask for, from hostile bytes."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime

import pytest

from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import MalformedError
from gatekeeper.core.evidence import ConfigFacts, Platform
from gatekeeper.core.image_config import parse_config, read_time
from gatekeeper.core.manifest import DOCKER_CONFIG, OCI_EMPTY
from tests.unit.core.builders import descriptor


def facts(content: object) -> ConfigFacts:
    raw = json.dumps(content).encode()
    return parse_config(raw, descriptor(raw))


def test_user_labels_time_and_platform_are_read() -> None:
    found = facts(
        {
            "created": "2026-01-02T03:04:05.123456789+02:00",
            "os": "linux",
            "architecture": "arm64",
            "variant": "v8",
            "config": {"User": "1000:1000", "Labels": {"a": "b"}},
        }
    )
    assert found.user == "1000:1000"
    assert found.labels == {"a": "b"}
    assert found.created == datetime(2026, 1, 2, 1, 4, 5, 123456, tzinfo=UTC)
    assert found.platform == Platform("linux", "arm64", "v8")


@pytest.mark.parametrize("content", [{}, {"config": None}, {"config": {"User": None, "Labels": None}}])
def test_what_is_absent_is_empty(content: object) -> None:
    found = facts(content)
    assert (found.user, found.labels, found.created, found.platform) == ("", {}, None, None)


@pytest.mark.parametrize("media_type", [DOCKER_CONFIG, "application/octet-stream"])
def test_docker_and_legacy_media_types_are_read(media_type: str) -> None:
    assert parse_config(b"{}", descriptor(b"{}", media_type)).user == ""


@pytest.mark.parametrize(
    ("raw", "reason_code"),
    [
        (b'{"config": {"User": 0}}', "config-malformed"),
        (b'{"config": []}', "config-malformed"),
        (b'{"config": {"Labels": {"a": 1}}}', "config-malformed"),
        (b'{"config": {"Labels": []}}', "config-malformed"),
        (b'{"os": 1}', "config-malformed"),
        (b'{"config": {"User": "1"}, "Config": {"User": "0"}}', "json-key-ambiguous"),
        (b'{"config": {"User": "1", "user": "0"}}', "json-key-ambiguous"),
        (b'{"config": {"User": "1", "User": "0"}}', "json-duplicate-key"),
        (b"[]", "json-not-an-object"),
    ],
)
def test_what_two_programs_could_read_differently_is_refused(raw: bytes, reason_code: str) -> None:
    with pytest.raises(MalformedError) as refusal:
        parse_config(raw, descriptor(raw))
    assert refusal.value.reason_code == reason_code


def test_wrong_digest_size_and_media_type_are_refused() -> None:
    right = descriptor(b"{}")
    for wrong, reason_code in [
        (dataclasses.replace(right, size=3), "config-size-mismatch"),
        (dataclasses.replace(right, digest=Digest.of(b"other")), "config-digest-mismatch"),
        (dataclasses.replace(right, media_type=OCI_EMPTY), "config-media-type-unsupported"),
    ]:
        with pytest.raises(MalformedError) as refusal:
            parse_config(b"{}", wrong)
        assert refusal.value.reason_code == reason_code


@pytest.mark.parametrize(
    "written",
    [None, 5, "", "yesterday", "2026-01-02", "2026-01-02T03:04:05", "2026-13-02T03:04:05Z", "0000-01-01T00:00:00Z",
     "0001-01-01T00:00:00+14:00", "2026-W01-1T00:00:00Z", "2026-01-02T03:04:05Z\n", "\uff12026-01-02T03:04:05Z"],
)  # fmt: skip
def test_an_unreadable_time_is_no_time(written: object) -> None:
    assert read_time(written) is None


@pytest.mark.parametrize("written", ["0001-01-01T00:00:00Z", "1970-01-01t00:00:00z"])
def test_a_zero_date_is_kept_as_it_is(written: str) -> None:
    found = read_time(written)
    assert found is not None
    assert found.year in (1, 1970)
