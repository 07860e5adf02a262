"""Which route answers, after the rate limit, the token check and the read-only switch."""

from __future__ import annotations

import re

from gatekeeper.demo.oci_registry.access import BasicDoor, Clock, RateLimiter, TokenDoor, needed
from gatekeeper.demo.oci_registry.behaviour import BasicAuthentication, Behaviour, TokenAuthentication
from gatekeeper.demo.oci_registry.routes_blobs import BlobRoutes, UploadRoutes
from gatekeeper.demo.oci_registry.routes_lists import ListRoutes
from gatekeeper.demo.oci_registry.routes_manifests import ManifestRoutes
from gatekeeper.demo.oci_registry.store import Store
from gatekeeper.demo.oci_registry.wire import Answer, RefusedError, Request, json_answer

_ROUTE = re.compile(
    r"/v2/(?P<name>.+?)/(?:"
    r"manifests/(?P<manifest>[^/]+)|blobs/uploads(?:/(?P<upload>[^/]*))?|blobs/(?P<blob>[^/]+)"
    r"|tags/(?P<tags>list)|referrers/(?P<referrers>[^/]+))"
)
_NAME = re.compile(
    r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*", re.ASCII
)


class Router:
    """All end points of one registry."""

    def __init__(self, store: Store, behaviour: Behaviour, clock: Clock) -> None:
        self._behaviour = behaviour
        self._manifests = ManifestRoutes(store, behaviour)
        self._blobs = BlobRoutes(store, behaviour)
        self.uploads = UploadRoutes(store, behaviour)
        self._lists = ListRoutes(store, behaviour)
        limit, authentication = behaviour.rate_limit, behaviour.authentication
        self._limiter = None if limit is None else RateLimiter(limit, clock)
        self.tokens = (
            TokenDoor(authentication, clock) if isinstance(authentication, TokenAuthentication) else None
        )
        basic = BasicDoor(authentication) if isinstance(authentication, BasicAuthentication) else None
        self._door = self.tokens or basic

    def route(self, request: Request) -> Answer:
        """Answer one request. Raises RefusedError."""
        if self.tokens is not None and request.path == "/token":
            return self.tokens.serve(request)
        if self._limiter is None:
            return self._checked(request)
        limits = self._limiter.admit()
        try:
            answer = self._checked(request)
        except RefusedError as refusal:
            answer = refusal.answer()
        answer.headers.update(limits)
        return answer

    def _checked(self, request: Request) -> Answer:
        if request.path in ("/v2/", "/v2"):
            if self._door is not None:
                self._door.check(request, ())
            return json_answer({})
        if request.path == "/v2/_catalog":
            if self._door is not None:
                self._door.check(request, needed(request.method, None, None))
            return self._lists.catalog(request)
        match = _ROUTE.fullmatch(request.path)
        if match is None:
            raise RefusedError(
                404, "UNSUPPORTED", "404 page not found", plain=self._behaviour.plain_text_errors
            )
        name = match["name"]
        if _NAME.fullmatch(name) is None or len(name) > 255:
            raise RefusedError(400, "NAME_INVALID", "invalid repository name", detail={"name": name})
        if self._door is not None:
            mounted_from = request.parameter("from") if "mount" in request.query else None
            self._door.check(request, needed(request.method, name, mounted_from))
        if self._behaviour.read_only and request.method not in ("GET", "HEAD"):
            plain = self._behaviour.plain_text_errors
            raise RefusedError(
                405, "UNSUPPORTED", "Method not allowed", headers={"Allow": "GET, HEAD"}, plain=plain
            )
        return self._dispatch(request, name, match)

    def _dispatch(self, request: Request, name: str, match: re.Match[str]) -> Answer:
        if (reference := match["manifest"]) is not None:
            return self._manifests.serve(request, name, reference)
        if (digest := match["blob"]) is not None and digest != "uploads":
            return self._blobs.serve(request, name, digest)
        if match["tags"] is not None:
            return self._lists.tags(request, name)
        if (subject := match["referrers"]) is not None:
            return self._lists.referrers(request, name, subject)
        return self.uploads.serve(request, name, match["upload"] or "")
