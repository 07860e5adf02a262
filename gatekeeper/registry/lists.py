"""Listings: tags and the catalog, page by page (distribution-spec, "Content Discovery")."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gatekeeper.core.errors import Cause, MalformedError, NotOfferedError, UnavailableError
from gatekeeper.core.strict_json import DEEPEST, loads_object
from gatekeeper.registry.answers import failure, protocol_error
from gatekeeper.registry.asking import Asking, Terms, checked_path, is_tag
from gatekeeper.registry.links import next_link, on_origin
from gatekeeper.registry.scope import CATALOG, Scope, reading
from gatekeeper.transport.message import Answer

_PAGE = 1000
_NOT_OFFERED = (401, 403, 404, 405, 501)


def pages(asking: Asking, path: str, scope: Scope, what: str) -> Iterator[Answer]:
    """Every page of a listing, whatever its status, following ``Link`` only: a short page is not the last one.

    Raises UnavailableError: OVER_CAP for too many pages, PROTOCOL for links in a circle or to another host.
    """
    caps = asking.settings.caps
    terms = Terms(scope=scope, cap=caps.page)
    url = f"{asking.base}{path}"
    seen: set[str] = set()
    while True:
        seen.add(url)
        answer = asking.do_request(url, "GET", None, {"Accept": "application/json"}, terms=terms)
        yield answer
        target = next_link(answer.headers.getlist("Link")) if answer.status_code == 200 else None
        if target is None:
            return
        url = on_origin(target, url, asking.origin, what)
        if url in seen:
            raise protocol_error(what, "its pages go round in a circle")
        if len(seen) >= caps.pages:
            raise UnavailableError(f"{what}: more than {caps.pages} pages", cause=Cause.OVER_CAP)


def list_tags(asking: Asking, path: str) -> tuple[str, ...]:
    """Every tag, sorted. NotFoundError for an unknown repository; an emptied one has no tags."""
    what = f"tags of {asking.host}/{checked_path(path)}"
    found: set[str] = set()
    start = f"/v2/{path}/tags/list"
    for answer in _first_with_size(asking, start, reading(path), what):
        if answer.status_code != 200:
            raise failure(answer, what)
        for tag in _strings(answer, "tags", what):
            if not is_tag(tag):
                raise protocol_error(what, f"it lists {tag[:60]!a}, which can be no tag")
            found.add(tag)
        _check_count(asking, len(found), what)
    return tuple(sorted(found))


def list_repositories(asking: Asking) -> Iterator[str]:
    """Paths from the catalog, each once. NotOfferedError when there is none for us."""
    what = f"catalog of {asking.host}"
    found: set[str] = set()
    for answer in _first_with_size(asking, "/v2/_catalog", CATALOG, what):
        if answer.status_code in _NOT_OFFERED and not found:
            refused = answer.status_code in (401, 403)
            raise NotOfferedError(
                f"{what}: {'refused to us' if refused else 'not offered'} (status {answer.status_code}); "
                "name repositories literally" + (", or allow `registry:catalog:*`" if refused else ""),
                reason_code="catalog-refused" if refused else "catalog-not-offered",
            )
        if answer.status_code != 200:
            raise failure(answer, what)
        for path in _strings(answer, "repositories", what):
            if path in found or not _usable(path):
                continue
            found.add(path)
            _check_count(asking, len(found), what)
            yield path


def _first_with_size(asking: Asking, start: str, scope: Scope, what: str) -> Iterator[Answer]:
    """Ask for large pages; a registry that refuses the size is asked without."""
    listing = pages(asking, f"{start}?n={_PAGE}", scope, what)
    first = next(listing)
    if first.status_code == 400:
        yield from pages(asking, start, scope, what)
        return
    yield first
    yield from listing


def _strings(answer: Answer, key: str, what: str) -> list[str]:
    try:
        value: Any = loads_object(answer.content, max_depth=DEEPEST).get(key)
    except MalformedError as error:
        raise protocol_error(what, "the page cannot be read") from error
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value):
        raise protocol_error(what, f"`{key}` is no list of strings")
    return value


def _check_count(asking: Asking, count: int, what: str) -> None:
    if count > asking.settings.caps.entries:
        raise UnavailableError(f"{what}: more than {asking.settings.caps.entries}", cause=Cause.OVER_CAP)


def _usable(path: str) -> bool:
    # What has no usable path can be neither pulled nor judged; it must not hide the others.
    try:
        checked_path(path)
    except MalformedError:
        return False
    return True
