"""The payload (signature-specification.md, "Payload"): which artifact was signed, and with which metadata."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gatekeeper.core import strict_json
from gatekeeper.core.errors import MalformedError
from gatekeeper.signatures.reason_codes import ReasonCode
from gatekeeper.signatures.refusal import RefusedError

_TARGET = "targetArtifact"
_MEMBERS = ("mediaType", "digest", "size", "annotations")


@dataclass(frozen=True, slots=True)
class TargetArtifact:
    """The descriptor that was signed."""

    media_type: str
    digest: str
    size: int
    annotations: Mapping[str, str]
    """User metadata (``notation sign --user-metadata``)."""


def read_payload(payload: bytes) -> TargetArtifact:
    """A verified payload -> its target. Raises RefusedError ``notation-payload-malformed``."""
    try:
        document = strict_json.loads_object(payload)
        strict_json.check_spelling(document, (_TARGET,))
        target = document.get(_TARGET)
        if not isinstance(target, dict):
            raise _malformed(f"`{_TARGET}` is absent or no object")
        strict_json.check_spelling(target, _MEMBERS)
    except RefusedError:
        raise
    except MalformedError as error:
        raise _malformed(error.message) from error
    media_type, digest, size = target.get("mediaType"), target.get("digest"), target.get("size")
    if not isinstance(media_type, str) or not isinstance(digest, str):
        raise _malformed("`mediaType` or `digest` is absent or no string")
    if isinstance(size, bool) or not isinstance(size, int):
        raise _malformed("`size` is absent or no whole number")
    return TargetArtifact(media_type, digest, size, _annotations(target.get("annotations")))


def _annotations(value: object) -> Mapping[str, str]:
    if value is None:
        return {}
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        raise _malformed("`annotations` is no object of strings")
    return value


def _malformed(detail: str) -> RefusedError:
    return RefusedError(ReasonCode.NOTATION_PAYLOAD_MALFORMED, f"the signed payload: {detail}")
