"""``/v2/<name>/blobs/<digest>`` and ``blobs/uploads/`` (distribution-spec, "Pulling blobs", "Pushing blobs")."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from secrets import token_hex
from threading import Lock

from gatekeeper.core.digest import Digest
from gatekeeper.demo.oci_registry.behaviour import Behaviour
from gatekeeper.demo.oci_registry.routes_manifests import is_unchanged, requested_digest
from gatekeeper.demo.oci_registry.store import Store
from gatekeeper.demo.oci_registry.wire import Answer, RefusedError, Request

_RANGE = re.compile(r"bytes=(\d*)-(\d*)", re.ASCII)
_CONTENT_RANGE = re.compile(r"(?:bytes )?(\d+)-(\d+)(?:/.*)?", re.ASCII)
_OCTETS = "application/octet-stream"


class BlobRoutes:
    """Pull and delete of blobs over one store."""

    def __init__(self, store: Store, behaviour: Behaviour) -> None:
        self._store = store
        self._behaviour = behaviour

    def serve(self, request: Request, name: str, reference: str) -> Answer:
        """Answer one request. Raises RefusedError."""
        digest = requested_digest(reference, self._behaviour)
        if request.method in ("GET", "HEAD"):
            return self._get(request, name, digest)
        if request.method == "DELETE":
            if not self._behaviour.blob_delete:
                raise RefusedError(405, "UNSUPPORTED", "the operation is unsupported")
            if not self._store.delete_blob(name, digest):
                raise RefusedError(404, "BLOB_UNKNOWN", "blob unknown to this repository")
            return Answer(202)
        raise RefusedError(405, "UNSUPPORTED", "method not allowed", headers={"Allow": "GET, HEAD, DELETE"})

    def _get(self, request: Request, name: str, digest: str) -> Answer:
        content = self._store.blob(name, digest)
        if content is None:
            raise RefusedError(
                404, "BLOB_UNKNOWN", "blob unknown to this repository", detail={"digest": digest}
            )
        headers = {"Content-Type": _OCTETS, "Accept-Ranges": "bytes"}
        if self._behaviour.digest_header:
            headers["Docker-Content-Digest"] = digest
        if self._behaviour.conditional:
            headers["Etag"] = f'"{digest}"'
        if is_unchanged(request, digest, self._behaviour):
            del headers["Content-Type"]
            return Answer(304, headers)
        asked = request.headers.get("range")
        match = _RANGE.fullmatch(asked) if asked is not None and request.method == "GET" else None
        if match is None or match.group(0) == "bytes=-":
            return Answer(200, headers, content)
        first, last = _bounds(match.group(1), match.group(2), len(content))
        if first > last:
            raise RefusedError(
                416,
                "SIZE_INVALID",
                "range not satisfiable",
                headers={"Content-Range": f"bytes */{len(content)}"},
            )
        headers["Content-Range"] = f"bytes {first}-{last}/{len(content)}"
        return Answer(206, headers, content[first : last + 1])


def _bounds(first: str, last: str, size: int) -> tuple[int, int]:
    if not first:
        return max(0, size - int(last)), size - 1
    return int(first), min(int(last), size - 1) if last else size - 1


@dataclass(slots=True)
class _Upload:
    repository: str
    content: bytearray = field(default_factory=bytearray)


class UploadRoutes:
    """Upload sessions: monolithic POST, POST+PUT, chunked and streamed PATCH, mount, status, cancel."""

    def __init__(self, store: Store, behaviour: Behaviour) -> None:
        self._store = store
        self._behaviour = behaviour
        self._uploads: dict[str, _Upload] = {}
        self._lock = Lock()

    def serve(self, request: Request, name: str, session: str) -> Answer:
        """Answer one request. Raises RefusedError."""
        if not session:
            if request.method != "POST":
                raise RefusedError(405, "UNSUPPORTED", "method not allowed", headers={"Allow": "POST"})
            return self._start(request, name)
        with self._lock:
            upload = self._uploads.get(session)
            if upload is None or upload.repository != name:
                raise RefusedError(404, "BLOB_UPLOAD_UNKNOWN", "upload session unknown")
            if request.method == "GET":
                return Answer(204, self._progress(name, session, upload))
            if request.method == "DELETE":
                del self._uploads[session]
                return Answer(204)
            if request.method == "PATCH":
                self._append(request, name, session, upload)
                return Answer(202, self._progress(name, session, upload))
            if request.method == "PUT":
                return self._finish(request, name, session, upload)
        raise RefusedError(
            405, "UNSUPPORTED", "method not allowed", headers={"Allow": "GET, PATCH, PUT, DELETE"}
        )

    @property
    def open_sessions(self) -> int:
        """Uploads started and neither finished nor cancelled."""
        return len(self._uploads)

    def _start(self, request: Request, name: str) -> Answer:
        mounted = request.parameter("mount")
        if mounted is not None and self._mounted(request, name, requested_digest(mounted, self._behaviour)):
            return self._created(name, mounted)
        asked = request.parameter("digest")
        if asked is not None and self._behaviour.monolithic_post:
            return self._keep(name, asked, request.body)
        session = token_hex(16)
        upload = _Upload(name)
        with self._lock:
            self._uploads[session] = upload
        return Answer(202, self._progress(name, session, upload))

    def _mounted(self, request: Request, name: str, digest: str) -> bool:
        source = request.parameter("from")
        anonymous = self._behaviour.mount_anonymous and self._behaviour.authentication is None
        if not self._behaviour.mount or (source is None and not anonymous):
            return False
        return self._store.mount_blob(source, name, digest)

    def _append(self, request: Request, name: str, session: str, upload: _Upload) -> None:
        told = request.headers.get("content-range")
        if told is not None:
            match = _CONTENT_RANGE.fullmatch(told)
            first, last = (int(match.group(1)), int(match.group(2))) if match else (-1, -1)
            if first != len(upload.content) or last - first + 1 != len(request.body):
                raise RefusedError(
                    416,
                    "BLOB_UPLOAD_INVALID",
                    "the chunk does not continue the upload",
                    headers=self._progress(name, session, upload),
                )
        if len(upload.content) + len(request.body) > self._behaviour.blob_cap:
            raise RefusedError(413, "SIZE_INVALID", f"a blob may have {self._behaviour.blob_cap} bytes")
        upload.content += request.body

    def _finish(self, request: Request, name: str, session: str, upload: _Upload) -> Answer:
        asked = request.parameter("digest")
        if asked is None:
            raise RefusedError(400, "DIGEST_INVALID", "the digest parameter is missing")
        if request.body or "content-range" in request.headers:
            self._append(request, name, session, upload)
        del self._uploads[session]
        return self._keep(name, asked, bytes(upload.content))

    def _keep(self, name: str, asked: str, content: bytes) -> Answer:
        digest = requested_digest(asked, self._behaviour)
        if not Digest.parse(digest).matches(content):
            raise RefusedError(400, "DIGEST_INVALID", "the uploaded content does not have this digest")
        self._store.put_blob(name, content, digest)
        return self._created(name, digest)

    def _created(self, name: str, digest: str) -> Answer:
        headers = {"Location": f"/v2/{name}/blobs/{digest}"}
        if self._behaviour.digest_header:
            headers["Docker-Content-Digest"] = digest
        return Answer(201, headers)

    @staticmethod
    def _progress(name: str, session: str, upload: _Upload) -> dict[str, str]:
        return {
            "Location": f"/v2/{name}/blobs/uploads/{session}",
            "Range": f"0-{max(0, len(upload.content) - 1)}",
            "Docker-Upload-UUID": session,
        }
