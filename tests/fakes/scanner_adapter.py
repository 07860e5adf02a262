"""A scanner behind the Harbor Pluggable Scanner API on 127.0.0.1, which checks what it is asked by the specification.

goharbor/pluggable-scanner-spec, api/spec/scanner-adapter-openapi-v1.2.yaml. What breaks it is answered 400 or 422 and
noted in ``complaints``.
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

MANIFESTS = [
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
]
REPORT_1_0 = "application/vnd.scanner.adapter.vuln.report.harbor+json; version=1.0"
REPORT_1_1 = "application/vnd.security.vulnerability.report; version=1.1"
SBOM = "application/vnd.security.sbom.report+json; version=1.0"
SBOM_OF_README = "application/vnd.security.sbom.repo+json; version=1.0"
DATABASE_AT = "2026-01-10T06:00:00Z"
VULNERABILITY: dict[str, Any] = {
    "consumes_mime_types": MANIFESTS,
    "produces_mime_types": [REPORT_1_0, REPORT_1_1],
}


def sbom_capability(mime: str = SBOM, *documents: str) -> dict[str, Any]:
    """``documents``: the media types that it can write; none: not said."""
    capability: dict[str, Any] = {
        "type": "sbom",
        "consumes_mime_types": MANIFESTS,
        "produces_mime_types": [mime],
    }
    if documents:
        capability["additional_attributes"] = {"sbom_media_types": list(documents)}
    return capability


def metadata(*capabilities: dict[str, Any]) -> dict[str, Any]:
    """What ``GET /metadata`` answers."""
    return {
        "scanner": {"name": "Fake", "vendor": "Nobody", "version": "1.2.3"},
        "capabilities": list(capabilities),
        "properties": {"harbor.scanner-adapter/vulnerability-database-updated-at": DATABASE_AT},
    }


REPORT: dict[str, Any] = {
    "generated_at": "2026-01-11T12:00:00Z",
    "artifact": {"repository": "team/app", "digest": "sha256:" + "0" * 64},
    "scanner": {"name": "Fake", "vendor": "Nobody", "version": "1.2.3"},
    "severity": "High",
    "vulnerabilities": [
        {
            "id": "CVE-2026-0001",
            "package": "musl",
            "version": "1.2.5-r0",
            "fix_version": "1.2.5-r1",
            "severity": "High",
        }
    ],
}
DOCUMENT: dict[str, Any] = {
    "bomFormat": "CycloneDX",
    "specVersion": "1.6",
    "version": 1,
    "components": [
        {"type": "library", "name": "left-pad", "version": "1.3.0", "purl": "pkg:npm/left-pad@1.3.0"}
    ],
}


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer; ``stream`` writes the body itself, until the client goes away."""

    status: int
    body: bytes = b"{}"
    headers: tuple[tuple[str, str], ...] = ()
    stream: Callable[[Callable[[bytes], object]], None] | None = None


def reply(status: int, body: object = None, **headers: str) -> Reply:
    """JSON; ``Retry_After="3"`` is the header ``Retry-After``."""
    named = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return Reply(status, b"" if body is None else json.dumps(body).encode(), named)


@dataclass
class ScannerAdapter:
    """A context manager. Queued answers come first: by ``metadata``, ``scan`` and ``report``; then it does its work."""

    metadata: dict[str, Any] = field(default_factory=lambda: metadata(VULNERABILITY))
    report: dict[str, Any] = field(default_factory=lambda: dict(REPORT))
    document: object = field(default_factory=lambda: dict(DOCUMENT))
    wants: str = ""
    """Value of the ``Authorization`` header without which every request is refused."""
    answers: dict[str, deque[Reply]] = field(
        default_factory=lambda: {"metadata": deque(), "scan": deque(), "report": deque()}
    )
    scans: list[dict[str, Any]] = field(default_factory=list)
    """Accepted requests."""
    asked: list[str] = field(default_factory=list)
    """``GET /api/v1/metadata`` …, in order."""
    complaints: list[str] = field(default_factory=list)
    ended: Event = field(default_factory=Event)

    def __enter__(self) -> Self:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.ended.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def url(self) -> str:
        return f"{self.origin}/api/v1"

    def queue(self, where: str, *answers: Reply) -> None:
        self.answers[where].extend(answers)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        adapter = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                if parts.path == "/api/v1/metadata":
                    self._answer("metadata", lambda: reply(200, adapter.metadata))
                elif found := re.fullmatch(r"/api/v1/scan/([^/]+)/report", parts.path):
                    query, accept = parse_qs(parts.query), self.headers.get("Accept", "")
                    self._answer("report", lambda: adapter.reported(found[1], accept, query))
                else:
                    adapter.complaints.append(f"unknown path {self.path}")
                    self._send(reply(404))

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                kind = self.headers.get("Content-Type", "")
                self._answer("scan", lambda: adapter.accepted(kind, body))

            def _answer(self, where: str, made: Callable[[], Reply]) -> None:
                adapter.asked.append(f"{self.command} {self.path}")
                if adapter.wants and self.headers.get("Authorization") != adapter.wants:
                    self._send(reply(401, {"error": {"message": "sign in"}}))
                    return
                queued = adapter.answers[where]
                self._send(queued.popleft() if queued else made())

            def _send(self, answer: Reply) -> None:
                self.send_response(answer.status)
                for name, value in answer.headers:
                    self.send_header(name, value)
                if answer.stream is None:
                    self.send_header("Content-Length", str(len(answer.body)))
                    self.end_headers()
                    self.wfile.write(answer.body)
                    return
                self.send_header("Connection", "close")
                self.end_headers()
                self.close_connection = True
                try:
                    answer.stream(self.wfile.write)
                except OSError:
                    return

            def log_message(self, *_: object) -> None:
                pass

        return Handler

    def accepted(self, kind: str, body: bytes) -> Reply:
        """``POST /scan`` by the specification."""
        if not re.fullmatch(
            r"application/vnd\.scanner\.adapter\.scan\.request\+json; ?version=1\.[01]", kind
        ):
            return self._wrong(400, f"Content-Type {kind}")
        request = json.loads(body)
        artifact, registry = request.get("artifact", {}), request.get("registry", {})
        if not re.fullmatch(r"sha256:[0-9a-f]{64}", artifact.get("digest", "")) or not artifact.get(
            "repository"
        ):
            return self._wrong(422, "artifact")
        if artifact.get("mime_type") not in MANIFESTS or not re.fullmatch(
            r"https?://[^/]+", registry.get("url", "")
        ):
            return self._wrong(422, "mime_type or url")
        self.scans.append(request)
        return reply(202, {"id": f"scan-{len(self.scans)}"})

    def reported(self, number: str, accept: str, query: dict[str, list[str]]) -> Reply:
        """``GET /scan/{id}/report`` by the specification."""
        if number not in {f"scan-{position + 1}" for position in range(len(self.scans))}:
            return reply(404)
        produced = [mime for one in self.metadata["capabilities"] for mime in one["produces_mime_types"]]
        if accept not in produced:
            return self._wrong(501, f"Accept {accept}")
        if "sbom" not in accept:
            return reply(200, self.report)
        if query.get("sbom_media_type", [""])[0] not in (
            "application/spdx+json",
            "application/vnd.cyclonedx+json",
        ):
            return self._wrong(400, "sbom_media_type")
        return reply(200, {**self.report, "media_type": query["sbom_media_type"][0], "sbom": self.document})

    def _wrong(self, status: int, what: str) -> Reply:
        self.complaints.append(what)
        return reply(status, {"error": {"message": what}})
