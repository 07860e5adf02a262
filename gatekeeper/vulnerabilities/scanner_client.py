"""A client of the Harbor Pluggable Scanner API, 1.0 to 1.2 (goharbor/pluggable-scanner-spec: api/spec).

``GET /metadata`` tells what a scanner makes, ``POST /scan`` begins a scan, and ``GET /scan/{id}/report`` answers 302
until it is done. That 302 leads nowhere and is never followed.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import quote

from gatekeeper.core import strict_json
from gatekeeper.core.errors import (
    Cause,
    ConfigurationError,
    MalformedError,
    NotOfferedError,
    UnavailableError,
)
from gatekeeper.core.scan_report import ScanReport
from gatekeeper.ports.scanners import ImageToScan
from gatekeeper.transport.client import Transport
from gatekeeper.transport.message import Answer, Request, describe
from gatekeeper.vulnerabilities.lenient import items, members, moment_or_none, text
from gatekeeper.vulnerabilities.reports import reader

_REQUEST = "application/vnd.scanner.adapter.scan.request+json; version=1.{}"
_METADATA = (
    "application/vnd.scanner.adapter.metadata+json; version=1.1, "
    "application/vnd.scanner.adapter.metadata+json; version=1.0;q=0.9, application/json;q=0.5"
)
_REPORTS = (
    "application/vnd.security.vulnerability.report",
    "application/vnd.scanner.adapter.vuln.report.harbor+json",
)
"""Base types of reports that are read, best first: 1.1 and 1.0 of the API."""
_SBOMS = ("application/vnd.security.sbom.report+json", "application/vnd.security.sbom.repo+json")
"""The OpenAPI text and the README spell it differently."""
_DOCUMENTS = ("application/vnd.cyclonedx+json", "application/spdx+json")
_DATABASE = "harbor.scanner-adapter/vulnerability-database-updated-at"
_SMALL = 1024 * 1024
_RESUBMISSIONS = 2
_SOONEST, _LATEST = 1.0, 60.0
"""Seconds between two questions, whatever the scanner asks for."""
_BUSY = frozenset({429, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class _Capability:
    """One thing that a scanner makes."""

    consumes: tuple[str, ...]
    produces: tuple[str, ...]
    documents: tuple[str, ...] = ()
    """Media types of SBOMs; empty: not said."""


@dataclass(frozen=True, slots=True)
class _Metadata:
    version: int
    """Minor version of the API that is spoken."""
    capabilities: Mapping[str, _Capability]
    """By ``vulnerability`` | ``sbom``."""
    database_at: str


@dataclass(frozen=True, slots=True)
class _Wanted:
    kind: str
    produced: str
    """MIME type of the report, as the scanner spells it."""
    document: str = ""
    """Media type of the SBOM inside."""


@dataclass(frozen=True, slots=True)
class ScannerClient:
    """``ports.scanners.Scanner`` at a URL."""

    name: str
    url: str
    """Base URL, ``https://scanner:8080/api/v1``, without a slash at its end."""
    transport: Transport
    authorization: Callable[[], str] | None = field(default=None, repr=False)
    """Value of the ``Authorization`` header that the scanner wants of us."""
    timeout: float = 600.0
    """Seconds for a scan in all."""
    largest: int = 64 * 1024 * 1024
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def sbom(self, image: ImageToScan) -> bytes:
        """See the port."""
        until = self.monotonic() + self.timeout
        metadata = self._metadata(until)
        capability = self._capability(metadata, "sbom", image)
        produced = _chosen(capability.produces, _SBOMS)
        if produced is None:
            raise self._not_offered("an SBOM in a form that is read")
        offered = capability.documents or _DOCUMENTS
        document = next((kind for kind in _DOCUMENTS if kind in offered), None)
        if document is None:
            raise self._not_offered("an SBOM in CycloneDX or SPDX")
        body = self._object(self._scanned(metadata, image, _Wanted("sbom", produced, document), until))
        content = body.get("sbom")
        if isinstance(content, str) and content.strip():
            return content.encode()
        if isinstance(content, dict) and content:
            return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
        raise self._unreadable("the report holds no SBOM")

    def report(self, image: ImageToScan) -> ScanReport:
        """See the port."""
        until = self.monotonic() + self.timeout
        metadata = self._metadata(until)
        capability = self._capability(metadata, "vulnerability", image)
        produced = _chosen(capability.produces, _REPORTS)
        if produced is None:
            raise self._not_offered("a report in a form that is read")
        answer = self._scanned(metadata, image, _Wanted("vulnerability", produced), until)
        try:
            report = reader.read(answer.content)
        except MalformedError as error:
            raise self._unreadable(error.message) from error
        if report.database_at is None:
            report = replace(report, database_at=moment_or_none(metadata.database_at))
        return report

    def _capability(self, metadata: _Metadata, kind: str, image: ImageToScan) -> _Capability:
        capability = metadata.capabilities.get(kind)
        if capability is None:
            raise self._not_offered("SBOMs" if kind == "sbom" else "reports")
        if image.media_type not in capability.consumes:
            raise self._not_offered(f"anything of {image.media_type[:100]}")
        return capability

    def _metadata(self, until: float) -> _Metadata:
        answer = self._ask("GET", "/metadata", {"Accept": _METADATA}, until, cap=_SMALL)
        if answer.status_code != 200:
            raise self._refused(answer)
        document = self._object(answer)
        found: dict[str, _Capability] = {}
        for item in items(document.get("capabilities")):
            entry = members(item)
            extra = members(entry.get("additional_attributes"))
            # 1.0 and 1.1 know one kind alone, and do not name it.
            found[text(entry.get("type")) or "vulnerability"] = _Capability(
                _texts(entry.get("consumes_mime_types")),
                _texts(entry.get("produces_mime_types")),
                _texts(extra.get("sbom_media_types")),
            )
        if not found:
            raise self._unreadable("the metadata names no capability")
        version = (
            1 if any(text(members(item).get("type")) for item in items(document.get("capabilities"))) else 0
        )
        return _Metadata(version, found, text(members(document.get("properties")).get(_DATABASE)))

    def _scanned(self, metadata: _Metadata, image: ImageToScan, wanted: _Wanted, until: float) -> Answer:
        for _ in range(1 + _RESUBMISSIONS):
            answer = self._reported(self._submit(metadata, image, wanted, until), wanted, until)
            if answer is not None:
                return answer
        raise UnavailableError(
            f"scanner {self.name} lost the scan of {image.digest} {1 + _RESUBMISSIONS} times",
            cause=Cause.PROTOCOL,
            reason_code="scanner-lost-scan",
        )

    def _submit(self, metadata: _Metadata, image: ImageToScan, wanted: _Wanted, until: float) -> str:
        headers = {"Content-Type": _REQUEST.format(metadata.version), "Accept": "*/*"}
        body = json.dumps(_request(image, wanted, metadata.version)).encode()
        attempt = 0
        while True:
            answer = self._ask("POST", "/scan", headers, until, cap=_SMALL, body=body)
            if answer.status_code not in _BUSY:
                break
            self._wait(answer, attempt, until)
            attempt += 1
        if answer.status_code != 202:
            raise self._refused(answer)
        number = text(self._object(answer).get("id"))
        if not number or len(number) > 1000 or number in (".", ".."):
            raise self._unreadable("the answer to the request names no scan")
        return number

    def _reported(self, number: str, wanted: _Wanted, until: float) -> Answer | None:
        """The finished report; None when the scanner does not know the scan any more."""
        path = f"/scan/{quote(number, safe='')}/report"
        if wanted.document:
            path = f"{path}?sbom_media_type={quote(wanted.document, safe='')}"
        attempt = 0
        while True:
            answer = self._ask("GET", path, {"Accept": wanted.produced}, until, cap=self.largest)
            if answer.status_code == 200:
                return answer
            if answer.status_code == 404:
                return None
            if answer.status_code != 302 and answer.status_code not in _BUSY:
                raise self._refused(answer)
            self._wait(answer, attempt, until)
            attempt += 1

    def _wait(self, answer: Answer, attempt: int, until: float) -> None:
        """As long as the scanner says (``Retry-After`` in the README, ``Refresh-After`` in the OpenAPI text)."""
        asked = _seconds(answer.headers.get("Retry-After")) or _seconds(answer.headers.get("Refresh-After"))
        pause = asked if asked is not None else min(2.0 ** min(attempt, 5), 15.0) * random.uniform(0.8, 1.2)  # noqa: S311 - only spreads questions
        pause = min(max(pause, _SOONEST), _LATEST)
        if self.monotonic() + pause >= until:
            raise self._late()
        self.sleep(pause)

    def _ask(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        until: float,
        *,
        cap: int,
        body: bytes | None = None,
    ) -> Answer:
        left = until - self.monotonic()
        if left <= 0:
            raise self._late()
        sent = {"User-Agent": "gatekeeper", **headers}
        if self.authorization is not None:
            try:
                sent["Authorization"] = self.authorization()
            except ConfigurationError as error:
                raise UnavailableError(
                    f"scanner {self.name}: {error}", cause=Cause.NOT_CONFIGURED, reason_code=error.reason_code
                ) from error
        return self.transport.send(Request(method, f"{self.url}{path}", sent, body, cap=cap, total=left))

    def _object(self, answer: Answer) -> Mapping[str, object]:
        try:
            return strict_json.loads_object(answer.content, max_depth=100)
        except MalformedError as error:
            raise self._unreadable(
                f"{describe(answer.url)} answers what is no JSON: {error.message}"
            ) from error

    def _refused(self, answer: Answer) -> UnavailableError | NotOfferedError:
        status = answer.status_code
        if status == 501:
            return self._not_offered("this")
        cause = Cause.PROTOCOL
        if status in (401, 403):
            cause = Cause.UNAUTHORIZED if status == 401 else Cause.FORBIDDEN
        elif status >= 500:
            cause = Cause.SERVER_ERROR
        return UnavailableError(
            f"scanner {self.name}: {answer.method} {describe(answer.url)} answered {status}{_said(answer)}",
            cause=cause,
            reason_code="scanner-refused",
        )

    def _unreadable(self, why: str) -> UnavailableError:
        return UnavailableError(
            f"scanner {self.name}: {why}", cause=Cause.PROTOCOL, reason_code="scanner-answer-malformed"
        )

    def _not_offered(self, what: str) -> NotOfferedError:
        return NotOfferedError(f"scanner {self.name} does not make {what}", reason_code="scanner-not-capable")

    def _late(self) -> UnavailableError:
        return UnavailableError(
            f"scanner {self.name}: no result within {self.timeout:g} s",
            cause=Cause.TIMEOUT,
            reason_code="scanner-late",
        )


def _request(image: ImageToScan, wanted: _Wanted, version: int) -> dict[str, object]:
    registry: dict[str, object] = {"url": image.access.url}
    if image.access.token:
        registry["authorization"] = f"Bearer {image.access.token}"
    body: dict[str, object] = {
        "registry": registry,
        "artifact": {
            "repository": image.repository.path,
            "digest": str(image.digest),
            "mime_type": image.media_type,
        },
    }
    if version:
        enabled: dict[str, object] = {"type": wanted.kind, "produces_mime_types": [wanted.produced]}
        if wanted.document:
            enabled["parameters"] = {"sbom_media_types": [wanted.document]}
        body["enabled_capabilities"] = [enabled]
    return body


def _chosen(offered: tuple[str, ...], known: tuple[str, ...]) -> str | None:
    """The first of the known types that is offered, as the scanner spells it."""
    for base in known:
        for mime in offered:
            if mime.partition(";")[0].strip().lower() == base:
                return mime
    return None


def _texts(value: object) -> tuple[str, ...]:
    """Header values at most: what a scanner says is sent back to it."""
    return tuple(
        found
        for item in items(value)[:50]
        if (found := text(item)) and len(found) < 200 and found.isprintable()
    )


def _seconds(written: str | None) -> float | None:
    return (
        float(written) if written and written.isascii() and written.isdigit() and len(written) < 8 else None
    )


def _said(answer: Answer) -> str:
    """The scanner's own words, shortened and printable."""
    try:
        document = strict_json.loads_object(answer.content, max_depth=20)
    except MalformedError:
        return ""
    message = text(members(document.get("error")).get("message"))
    return f": {ascii(message[:300])[1:-1]}" if message else ""
