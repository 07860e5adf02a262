"""Image configurations, OCI and Docker (OCI image-spec, config.md): the few facts that rules ask for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime

from gatekeeper.core.errors import MalformedError
from gatekeeper.core.evidence import ConfigFacts, Platform
from gatekeeper.core.manifest import DOCKER_CONFIG, OCI_CONFIG, Descriptor
from gatekeeper.core.strict_json import check_spelling, loads_object

CONFIG_TYPES = frozenset({OCI_CONFIG, DOCKER_CONFIG})
LEGACY_CONFIG_TYPES = frozenset({"application/octet-stream", "application/json", "text/html"})
"""What old registries and builders wrote instead; Docker runs such an image, so it is judged like any other."""

RUNNABLE_CONFIG_TYPES = CONFIG_TYPES | LEGACY_CONFIG_TYPES

_TOP_KEYS = ("config", "created", "os", "architecture", "variant", "rootfs", "history")
_CONFIG_KEYS = ("User", "Labels", "Env", "Entrypoint", "Cmd", "WorkingDir", "Volumes", "ExposedPorts")
_RFC3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?(?:[Zz]|[+-][0-9]{2}:[0-9]{2})",
    re.ASCII,
)


def parse_config(raw: bytes, descriptor: Descriptor) -> ConfigFacts:
    """An image configuration's bytes, named by ``descriptor`` -> the facts of it.

    Raises MalformedError for a wrong digest or size, a media type that is no image configuration's, JSON that two
    programs could read in two ways, and members of a wrong type.
    """
    if len(raw) != descriptor.size:
        raise MalformedError(
            f"the configuration has {len(raw)} bytes, {descriptor.size} were announced",
            reason_code="config-size-mismatch",
        )
    if not descriptor.digest.matches(raw):
        raise MalformedError(
            f"the configuration's bytes do not have the digest {descriptor.digest}",
            reason_code="config-digest-mismatch",
        )
    if descriptor.media_type not in RUNNABLE_CONFIG_TYPES:
        raise MalformedError(
            f"{descriptor.media_type[:100]!r} is no image configuration",
            reason_code="config-media-type-unsupported",
        )
    members = loads_object(raw)
    check_spelling(members, _TOP_KEYS)
    inner = members.get("config")
    if inner is None:
        inner = {}
    if not isinstance(inner, dict):
        raise MalformedError("config is not an object", reason_code="config-malformed")
    check_spelling(inner, _CONFIG_KEYS)
    return ConfigFacts(
        digest=descriptor.digest,
        user=_text(inner, "User"),
        labels=_labels(inner.get("Labels")),
        created=read_time(members.get("created")),
        platform=_platform(members),
    )


def read_time(value: object) -> datetime | None:
    """An RFC 3339 time in UTC, to the microsecond; None for anything else. Zero dates are kept as they are."""
    if not isinstance(value, str) or _RFC3339.fullmatch(value) is None:
        return None
    try:
        return datetime.fromisoformat(value.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _text(members: Mapping[str, object], key: str) -> str:
    value = members.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise MalformedError(f"config member {key} is not a string", reason_code="config-malformed")
    return value


def _labels(value: object) -> Mapping[str, str]:
    if value is None:
        return {}
    if isinstance(value, dict) and all(isinstance(item, str) for item in value.values()):
        return value
    raise MalformedError("Labels is not a map of strings", reason_code="config-malformed")


def _platform(members: Mapping[str, object]) -> Platform | None:
    os, architecture, variant = (_text(members, key) for key in ("os", "architecture", "variant"))
    if not os and not architecture:
        return None
    return Platform(os, architecture, variant or None)
