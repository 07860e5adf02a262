"""The lists: tags, repositories and referrers (distribution-spec, "Content Discovery", "Listing Referrers")."""

from __future__ import annotations

from urllib.parse import urlencode

from gatekeeper.demo.oci_registry.behaviour import Behaviour, Catalog
from gatekeeper.demo.oci_registry.manifests import OCI_INDEX
from gatekeeper.demo.oci_registry.routes_manifests import requested_digest
from gatekeeper.demo.oci_registry.store import Store
from gatekeeper.demo.oci_registry.wire import Answer, RefusedError, Request, json_answer


class ListRoutes:
    """The list end points over one store."""

    def __init__(self, store: Store, behaviour: Behaviour) -> None:
        self._store = store
        self._behaviour = behaviour

    def tags(self, request: Request, name: str) -> Answer:
        """``GET /v2/<name>/tags/list``. Raises RefusedError."""
        _only_get(request)
        if not self._store.exists(name):
            raise RefusedError(
                404, "NAME_UNKNOWN", "repository name not known to registry", detail={"name": name}
            )
        tags = list(self._store.tags(name))
        headers: dict[str, str] = {}
        if self._behaviour.pages_tags:
            tags, headers = self._page(request, tags, f"/v2/{name}/tags/list")
        listed = None if not tags and self._behaviour.null_tags else tags
        return json_answer({"name": name, "tags": listed}, headers=headers)

    def catalog(self, request: Request) -> Answer:
        """``GET /v2/_catalog``. Raises RefusedError."""
        _only_get(request)
        if self._behaviour.catalog is Catalog.MISSING:
            raise RefusedError(
                404, "UNSUPPORTED", "404 page not found", plain=self._behaviour.plain_text_errors
            )
        if self._behaviour.catalog is Catalog.UNAUTHORIZED:
            realm = f"{request.headers.get(':scheme', 'http')}://{request.headers.get('host')}/token"
            challenge = f'Bearer realm="{realm}",service="embedded-registry",scope="registry:catalog:*"'
            raise RefusedError(
                401, "UNAUTHORIZED", "no catalog here", headers={"WWW-Authenticate": challenge}
            )
        names, headers = self._page(request, self._store.repositories(), "/v2/_catalog")
        return json_answer({"repositories": names}, headers=headers)

    def referrers(self, request: Request, name: str, subject: str) -> Answer:
        """``GET /v2/<name>/referrers/<digest>``. Raises RefusedError."""
        _only_get(request)
        if not self._behaviour.referrers_api:
            raise RefusedError(
                404, "UNSUPPORTED", "404 page not found", plain=self._behaviour.plain_text_errors
            )
        digest = requested_digest(subject, self._behaviour)
        found = [manifest.descriptor() for manifest in self._store.referrers(name, digest)]
        headers = {"Content-Type": OCI_INDEX}
        wanted = request.parameter("artifactType")
        if wanted is not None and self._behaviour.referrers_filter:
            found = [descriptor for descriptor in found if descriptor.get("artifactType") == wanted]
            headers["OCI-Filters-Applied"] = "artifactType"
        size = self._behaviour.referrers_page_size
        if size is not None:
            start = _number(request.parameter("offset") or "0", "offset")
            if start + size < len(found):
                query = {"offset": str(start + size)} | ({"artifactType": wanted} if wanted else {})
                headers["Link"] = f'</v2/{name}/referrers/{digest}?{urlencode(query)}>; rel="next"'
            found = found[start : start + size]
        document = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": found}
        return json_answer(document, headers=headers)

    def _page(self, request: Request, names: list[str], path: str) -> tuple[list[str], dict[str, str]]:
        names = sorted(names, key=_order)
        last, asked = request.parameter("last"), request.parameter("n")
        if last is not None:
            names = [name for name in names if _order(name) > _order(last)]
        size = None if asked is None else _number(asked, "n")
        if self._behaviour.page_size is not None:
            size = min(self._behaviour.page_size, len(names) if size is None else size)
        if size is None or size >= len(names):
            return names, {}
        page = names[:size]
        if not page:
            return [], {}
        query = urlencode({"last": page[-1], "n": str(size)})
        return page, {"Link": f'<{path}?{query}>; rel="next"'}


def _order(name: str) -> tuple[str, str]:
    return name.lower(), name


def _number(text: str, parameter: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise RefusedError(
            400, "PAGINATION_NUMBER_INVALID", f"{parameter} must be a whole number of 0 or more"
        )
    return int(text)


def _only_get(request: Request) -> None:
    if request.method not in ("GET", "HEAD"):
        raise RefusedError(405, "UNSUPPORTED", "method not allowed", headers={"Allow": "GET, HEAD"})
