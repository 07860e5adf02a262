"""The manifests that carry our attestations, written as cosign writes them: bundle referrers and ``.att`` tags.

A ``.att`` manifest belongs to everybody who attests: what others wrote into it stays byte for byte, whatever its media
types are.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import MalformedError
from gatekeeper.core.manifest import OCI_CONFIG, OCI_EMPTY, OCI_MANIFEST, Descriptor, ImageManifest
from gatekeeper.ports import Attachment
from gatekeeper.signatures import media_types

ATTESTATION_SUFFIX = ".att"
EMPTY_CONTENT = b"{}"
_LONG_AGO = "0001-01-01T00:00:00Z"


def as_json(value: object) -> bytes:
    """Compact JSON."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def bundle_referrer(
    bundle: bytes, subject: Descriptor, predicate_type: str, *, created: datetime
) -> Attachment:
    """A bundle v0.3 as a referrer of ``subject`` (cosign BUNDLE_SPEC.md)."""
    manifest = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "artifactType": media_types.BUNDLE_V03,
        "config": {
            "mediaType": OCI_EMPTY,
            "size": len(EMPTY_CONTENT),
            "digest": str(Digest.of(EMPTY_CONTENT)),
        },
        "layers": [
            {"mediaType": media_types.BUNDLE_V03, "size": len(bundle), "digest": str(Digest.of(bundle))}
        ],
        "subject": {
            "mediaType": subject.media_type,
            "size": subject.size,
            "digest": str(subject.digest),
        },
        "annotations": {
            media_types.BUNDLE_CONTENT_ANNOTATION: "dsse-envelope",
            media_types.BUNDLE_PREDICATE_ANNOTATION: predicate_type,
            media_types.CREATED_ANNOTATION: created.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        },
    }
    return Attachment(as_json(manifest), (EMPTY_CONTENT, bundle))


def appended(
    current: ImageManifest | None,
    config: bytes,
    layer: bytes,
    annotations: Mapping[str, str],
    *,
    subject: Digest,
) -> Attachment:
    """The ``.att`` manifest with a DSSE layer more (cosign ATTESTATION_SPEC.md)."""
    document, settings = _documents(current, config)
    document["layers"].append(
        {
            "mediaType": media_types.DSSE_ENVELOPE,
            "size": len(layer),
            "digest": str(Digest.of(layer)),
            "annotations": dict(annotations),
        }
    )
    _lists(settings)[0].append(str(Digest.of(layer)))
    _lists(settings)[1].append({"created": _LONG_AGO})
    return _attachment(document, settings, subject, (layer,))


def without(
    current: ImageManifest, config: bytes, positions: frozenset[int], *, subject: Digest
) -> Attachment:
    """The ``.att`` manifest without the layers at these positions."""
    document, settings = _documents(current, config)
    count = len(document["layers"])
    document["layers"] = _left(document["layers"], positions)
    for listed in _lists(settings):
        # Somebody else's configuration may list something else than the layers: then it is left alone.
        if len(listed) == count:
            listed[:] = _left(listed, positions)
    return _attachment(document, settings, subject, ())


def _left(items: list[Any], positions: frozenset[int]) -> list[Any]:
    return [item for position, item in enumerate(items) if position not in positions]


def _documents(current: ImageManifest | None, config: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    """Manifest and configuration, ready to be changed. Raises MalformedError for a configuration that is none."""
    if current is None:
        manifest = {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": {"mediaType": OCI_CONFIG},
            "layers": [],
        }
        settings: Any = {"architecture": "", "created": _LONG_AGO, "os": "", "config": {}}
        return manifest, settings
    try:
        settings = json.loads(config)
    except ValueError as error:
        raise MalformedError(
            f"the configuration of {current.digest} is no JSON: {error}",
            reason_code="attestations-unreadable",
        ) from error
    if not isinstance(settings, dict):
        raise MalformedError(
            f"the configuration of {current.digest} is no JSON object", reason_code="attestations-unreadable"
        )
    return json.loads(current.raw), settings


def _lists(settings: dict[str, Any]) -> tuple[list[Any], list[Any]]:
    """``rootfs.diff_ids`` and ``history`` of an image configuration; made where they are missing."""
    rootfs = settings.get("rootfs")
    if not isinstance(rootfs, dict):
        rootfs = settings["rootfs"] = {"type": "layers"}
    if not isinstance(rootfs.get("diff_ids"), list):
        rootfs["diff_ids"] = []
    if not isinstance(settings.get("history"), list):
        settings["history"] = []
    return rootfs["diff_ids"], settings["history"]


def _attachment(
    document: dict[str, Any], settings: dict[str, Any], subject: Digest, blobs: tuple[bytes, ...]
) -> Attachment:
    config = as_json(settings)
    document["config"] = {**document["config"], "size": len(config), "digest": str(Digest.of(config))}
    return Attachment(
        as_json(document),
        (*blobs, config),
        subject.tag_form + ATTESTATION_SUFFIX,
        document.get("mediaType", OCI_MANIFEST),
    )
