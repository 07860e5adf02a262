"""Cosign's simple signing layers: forms A (``.sig`` tag) and E (the same layers in a referrer).

cosign specs/SIGNATURE_SPEC.md; containers/image docs/containers-signature.5.md for "critical".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from gatekeeper.core import strict_json
from gatekeeper.core.errors import MalformedError
from gatekeeper.signatures import media_types
from gatekeeper.signatures.keyless.material_reading import material_in_annotations, times_in_annotations
from gatekeeper.signatures.material import Material
from gatekeeper.signatures.reason_codes import ReasonCode
from gatekeeper.signatures.refusal import RefusedError, strict_base64

_DOCUMENT = frozenset({"critical", "optional"})
_CRITICAL = frozenset({"identity", "image", "type"})
_IDENTITY = frozenset({"docker-reference"})
_IMAGE = frozenset({"docker-manifest-digest"})


@dataclass(frozen=True, slots=True)
class Claims:
    """What a simple signing payload says. ``digest`` exactly as written."""

    digest: str
    reference: str | None
    annotations: Mapping[str, str]


def open_layer(annotations: Mapping[str, str], content: bytes) -> Material:
    """A layer with its annotations -> material. Raises RefusedError."""
    encoded = annotations.get(media_types.SIGNATURE_ANNOTATION, "")
    if not encoded:
        raise RefusedError(
            ReasonCode.SIGNATURE_ANNOTATION_MISSING,
            f"the layer has no {media_types.SIGNATURE_ANNOTATION} annotation, or an empty one",
        )
    certified = bool(annotations.get(media_types.CERTIFICATE_ANNOTATION))
    return Material(
        message=content,
        payload=content,
        signature=strict_base64(encoded, "the signature annotation"),
        is_statement=False,
        certified=partial(material_in_annotations, annotations) if certified else None,
        times=partial(times_in_annotations, annotations),
        has_log_entry=bool(annotations.get(media_types.LOG_ANNOTATION)),
    )


def _malformed(detail: str) -> RefusedError:
    return RefusedError(ReasonCode.CLAIMS_MALFORMED, detail)


def _member(parent: Mapping[str, object], name: str, path: str) -> Mapping[str, object]:
    found = parent.get(name)
    if not isinstance(found, dict):
        raise _malformed(f"`{path}` is absent or no object")
    return found


def _check_spelling(members: Mapping[str, object], known: frozenset[str]) -> None:
    try:
        strict_json.check_spelling(members, known)
    except MalformedError as error:
        raise _malformed(error.message) from error


def _only(parent: Mapping[str, object], known: frozenset[str], path: str) -> None:
    unknown = sorted(set(parent) - known)
    if unknown:
        raise RefusedError(
            ReasonCode.CLAIMS_CRITICAL_UNKNOWN, f"`{path}` has the unknown member {unknown[0][:80]!r}"
        )


def read_claims(payload: bytes) -> Claims:
    """A *verified* payload -> its claims. Raises RefusedError."""
    try:
        document = strict_json.loads(payload)
    except MalformedError as error:
        raise _malformed(error.message) from error
    if not isinstance(document, dict):
        raise _malformed("the payload is no JSON object")
    _check_spelling(document, _DOCUMENT)
    critical = _member(document, "critical", "critical")
    claimed_type = critical.get("type")
    if claimed_type != media_types.SIMPLE_SIGNING_CLAIM:
        raise RefusedError(ReasonCode.CLAIMS_TYPE_UNKNOWN, f"`critical.type` is {str(claimed_type)[:80]!r}")
    _only(critical, _CRITICAL, "critical")
    image = _member(critical, "image", "critical.image")
    _only(image, _IMAGE, "critical.image")
    digest = image.get("docker-manifest-digest")
    if not isinstance(digest, str):
        raise _malformed("`critical.image.docker-manifest-digest` is absent or no string")
    identity = _member(critical, "identity", "critical.identity")
    _check_spelling(identity, _IDENTITY)
    reference = identity.get("docker-reference")
    if reference is not None and not isinstance(reference, str):
        raise _malformed("`critical.identity.docker-reference` is no string")
    return Claims(digest, reference or None, _annotations(document.get("optional")))


def _annotations(optional: object) -> Mapping[str, str]:
    if optional is None:
        return {}
    if not isinstance(optional, dict):
        raise _malformed("`optional` is neither null nor an object")
    return as_texts(optional)


def as_texts(members: Mapping[str, object]) -> Mapping[str, str]:
    """Strings as they are, anything else as JSON: what annotations are compared with."""
    return {
        name: value if isinstance(value, str) else json.dumps(value, sort_keys=True, separators=(",", ":"))
        for name, value in members.items()
    }
