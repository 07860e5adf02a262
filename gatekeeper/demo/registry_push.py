"""A tiny client that pushes sample images to any registry over plain HTTP; for the demo and for tests."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from http.client import HTTPConnection, HTTPException
from typing import Self
from urllib.parse import quote, urlsplit

from gatekeeper.core.errors import Cause, UnavailableError
from gatekeeper.demo.images import Built

_ACCEPT = ", ".join(
    f"application/vnd.{kind}+json"
    for kind in (
        "oci.image.manifest.v1",
        "oci.image.index.v1",
        "docker.distribution.manifest.v2",
        "docker.distribution.manifest.list.v2",
    )
)


class PushClient:
    """One keep-alive connection; not for several threads. A context manager."""

    def __init__(self, url: str, *, authorization: str | None = None, timeout: float = 60.0) -> None:
        """``url``: ``http://HOST:PORT``. ``authorization``: the whole header, ``Basic …`` or ``Bearer …``."""
        parts = urlsplit(url)
        self._connection = HTTPConnection(parts.hostname or "", parts.port or 80, timeout=timeout)
        self._headers = {"Authorization": authorization} if authorization else {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def push(self, repository: str, built: Built, *tags: str) -> str:
        """Push blobs, children, then the manifest, by digest and at each tag; gives the digest.

        Raises UnavailableError when the registry does not take it.
        """
        for piece in built.pieces:
            self.push_blob(repository, piece.content, piece.digest)
        for child in built.children:
            self.push(repository, child)
        for reference in tags or (built.digest,):
            self.put_manifest(repository, reference, built.raw, built.media_type)
        return built.digest

    def push_blob(self, repository: str, content: bytes, digest: str) -> None:
        """Push one blob unless it is there. Raises UnavailableError."""
        status, _, _ = self.request("HEAD", f"/v2/{repository}/blobs/{digest}")
        if status == 200:
            return
        status, headers, body = self.request("POST", f"/v2/{repository}/blobs/uploads/")
        _expect(202, status, body)
        location = urlsplit(headers["location"])
        query = f"{location.query}&" if location.query else ""
        target = f"{location.path}?{query}digest={quote(digest)}"
        status, _, body = self.request("PUT", target, content, {"Content-Type": "application/octet-stream"})
        _expect(201, status, body)

    def put_manifest(self, repository: str, reference: str, raw: bytes, media_type: str) -> dict[str, str]:
        """Put these bytes at a tag or digest; gives the answer's headers. Raises UnavailableError."""
        target = f"/v2/{repository}/manifests/{reference}"
        status, headers, body = self.request("PUT", target, raw, {"Content-Type": media_type})
        _expect(201, status, body)
        return headers

    def resolve(self, repository: str, tag: str) -> str | None:
        """The digest at a tag, or None. Raises UnavailableError."""
        target = f"/v2/{repository}/manifests/{tag}"
        status, headers, body = self.request("HEAD", target, headers={"Accept": _ACCEPT})
        if status == 404:
            return None
        _expect(200, status, body)
        return headers["docker-content-digest"]

    def manifest(self, repository: str, reference: str) -> bytes | None:
        """The raw manifest at a tag or digest, or None. Raises UnavailableError."""
        target = f"/v2/{repository}/manifests/{reference}"
        status, _, body = self.request("GET", target, headers={"Accept": _ACCEPT})
        if status == 404:
            return None
        _expect(200, status, body)
        return body

    def tags(self, repository: str) -> list[str]:
        """The first page of the tag list. Raises UnavailableError."""
        status, _, body = self.request("GET", f"/v2/{repository}/tags/list")
        _expect(200, status, body)
        return list(json.loads(body)["tags"] or ())

    def request(
        self,
        method: str,
        target: str,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, dict[str, str], bytes]:
        """One request: (status, headers in lower case, body). Raises UnavailableError."""
        try:
            self._connection.request(method, target, body or None, self._headers | dict(headers or {}))
            response = self._connection.getresponse()
            content = response.read()
        except (HTTPException, OSError) as error:
            self._connection.close()
            raise UnavailableError(f"{method} {target}: {error!r}", cause=Cause.CONNECT) from error
        return response.status, {name.lower(): value for name, value in response.getheaders()}, content


def push(url: str, repository: str, built: Built, tags: Iterable[str] = ()) -> str:
    """Push over a connection of its own; gives the digest. Raises UnavailableError."""
    with PushClient(url) as client:
        return client.push(repository, built, *tags)


def _expect(wanted: int, status: int, body: bytes) -> None:
    if status != wanted:
        raise UnavailableError(
            f"the registry answered {status} instead of {wanted}: {body[:300]!r}", cause=Cause.PROTOCOL
        )
