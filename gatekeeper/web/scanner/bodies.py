"""What ``POST /scan`` takes: wrong JSON or wrong types are one thing (400), a field without sense another (422)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from gatekeeper.core import strict_json
from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import MalformedError
from gatekeeper.core.reference import Repository, parse_repository, parse_tag
from gatekeeper.core.scan_request import SCANNED_TYPES, ScanRequest
from gatekeeper.web.scanner.media_types import SBOM_TYPES, Capability, NotCapableError, report_type

_DEEPEST = 20
Parsed = TypeVar("Parsed")


class BodyError(MalformedError):
    """No JSON, or JSON of other types than the specification's. Answered with 400."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it came. Its registry's ``authorization`` is not even kept."""

    url: str
    artifact: Mapping[str, str]

    def request(self, registry: str, now: datetime) -> ScanRequest:
        """Of an image in this registry. Raises MalformedError with the field that has no sense, NotCapableError."""
        path, digest = self.artifact.get("repository", ""), self.artifact.get("digest", "")
        kind, tag = self.artifact.get("mime_type", ""), self.artifact.get("tag", "")
        if not path:
            raise _field("artifact.repository", "is missing")
        if not digest:
            raise _field("artifact.digest", "is missing")
        if not kind:
            raise _field("artifact.mime_type", "is missing")
        repository = _named("artifact.repository", lambda: _repository(registry, path))
        parsed = _named("artifact.digest", lambda: Digest.parse(digest))
        if kind not in SCANNED_TYPES:
            raise NotCapableError(
                f"artifact.mime_type: {kind[:100]!a} is not scanned, but {', '.join(SCANNED_TYPES)}",
                reason_code="artifact-not-scanned",
            )
        if tag:
            _named("artifact.tag", lambda: parse_tag(tag))
        return ScanRequest(repository, parsed, kind, tag, now)


def read_body(content: bytes) -> Asked:
    """Raises BodyError, MalformedError for a capability that has no sense, NotCapableError for a report not made."""
    try:
        document = strict_json.loads_object(content, max_depth=_DEEPEST)
    except MalformedError as error:
        raise BodyError(f"the body: {error.message}", reason_code=error.reason_code) from error
    registry, artifact = _object(document, "registry"), _object(document, "artifact")
    url = _text(registry, "url", "registry.")
    if not url:
        raise _field("registry.url", "is missing")
    for enabled in _list(document, "enabled_capabilities"):
        _check_capability(enabled)
    members = ("repository", "digest", "tag", "mime_type")
    return Asked(url, {name: _text(artifact, name, "artifact.") for name in members})


def _check_capability(enabled: object) -> None:
    if not isinstance(enabled, dict):
        raise _type("enabled_capabilities[]", "an object")
    kind = _text(enabled, "type", "enabled_capabilities[].")
    if kind not in list(Capability):
        raise _field("enabled_capabilities[].type", f"is one of {', '.join(Capability)}")
    for produced in _list(enabled, "produces_mime_types"):
        if not isinstance(produced, str):
            raise _type("enabled_capabilities[].produces_mime_types[]", "a string")
        if report_type(produced) is None:
            raise NotCapableError(
                f"enabled_capabilities[].produces_mime_types: {produced[:100]!a} is not made here",
                reason_code="report-not-made",
            )
    for written in _list(_object(enabled, "parameters", needed=False), "sbom_media_types"):
        if written not in SBOM_TYPES:
            raise _field(
                "enabled_capabilities[].parameters.sbom_media_types", f"are of {', '.join(SBOM_TYPES)}"
            )


def _repository(registry: str, path: str) -> Repository:
    repository = parse_repository(f"{registry}/{path}")
    if repository.registry != registry:
        raise MalformedError("it names another registry", reason_code="repository-elsewhere")
    return repository


def _named(field: str, parse: Callable[[], Parsed]) -> Parsed:
    try:
        return parse()
    except MalformedError as error:
        raise MalformedError(f"{field}: {error.message}", reason_code=error.reason_code) from error


def _object(document: Mapping[str, object], name: str, *, needed: bool = True) -> Mapping[str, object]:
    value = document.get(name)
    if value is None and not needed:
        return {}
    if value is None:
        raise _field(name, "is missing")
    if not isinstance(value, dict):
        raise _type(name, "an object")
    return value


def _list(document: Mapping[str, object], name: str) -> list[object]:
    value = document.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise _type(name, "a list")
    return value


def _text(document: Mapping[str, object], name: str, within: str) -> str:
    value = document.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise _type(f"{within}{name}", "a string")
    return value


def _type(field: str, what: str) -> BodyError:
    return BodyError(f"{field} must be {what}", reason_code="body-malformed")


def _field(field: str, what: str) -> MalformedError:
    return MalformedError(f"{field} {what}", reason_code="field-malformed")
