"""``accept``: somebody asks us, as a scanner, about an image. What is not known or not told of yet is judged next.

Nothing of the asker's registry but its name is used: the address is compared with what is configured and never
contacted, and a login that comes with the request is not even read.
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import SplitResult, urlsplit

from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import MalformedError, NotOfferedError
from gatekeeper.core.reference import Reference, canonical_host
from gatekeeper.core.scan_request import ScanRequest
from gatekeeper.workflow.answer import AnswerState
from gatekeeper.workflow.scanner_reports import can_tell
from gatekeeper.workflow.status import ASKED_PRIORITY, status
from gatekeeper.workflow.workroom import Workroom

_PORTS = {"https": "443", "http": "80"}


def registry_at(room: Workroom, url: str) -> str:
    """The configured registry that answers at this base URL, by its host or an alias. Nothing is contacted.

    Raises MalformedError ``registry-url-malformed``, NotOfferedError ``registry-not-configured``.
    """
    parts = _split(url)
    known = {host: host for host in room.registries.hosts()}
    for host in _hosts(parts):
        if host in known:
            return host
        if host in room.aliases:
            return room.aliases[host]
    raise NotOfferedError(
        f"registry.url: {parts.netloc[:200]!a} is no registry of this Gatekeeper; add it to `aliases` of the "
        "registry's [[registries]] entry, or have the scanner's registration not use the internal registry address",
        reason_code="registry-not-configured",
    )


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        bare = parts.scheme in _PORTS and bool(parts.hostname) and parts.path.rstrip("/") in ("", "/v2")
    except ValueError as error:
        raise _no_base_url(url) from error
    if not bare or "@" in parts.netloc or parts.query or parts.fragment:
        raise _no_base_url(url)
    return parts


def _no_base_url(url: str) -> MalformedError:
    return MalformedError(
        f"registry.url: {url[:200]!a} is no base URL of a registry; it is written https://host[:port]",
        reason_code="registry-url-malformed",
    )


def _hosts(parts: SplitResult) -> Iterator[str]:
    """How a configuration may write it: with the port that the scheme implies, or without."""
    bare, port = parts.netloc, _PORTS[parts.scheme]
    spellings = [bare]
    if not bare.rpartition("]")[2].rpartition(":")[1]:
        spellings.append(f"{bare}:{port}")
    elif bare.endswith(f":{port}"):
        spellings.append(bare.removesuffix(f":{port}"))
    for spelling in spellings:
        try:
            yield canonical_host(spelling)
        except MalformedError:
            continue


def accept(room: Workroom, request: ScanRequest) -> None:
    """Sees to it that there will be an answer.

    Raises NotOfferedError for what is never judged (no scope covers it, no image, a tombstone), NotFoundError (the
    registry has no such manifest), UnavailableError (it could not be asked).
    """
    about = _about(room.store.indexes_naming(request.repository, request.digest), request.digest)
    found = status(room, Reference(request.repository, None, about))
    if found.state is AnswerState.NOT_COVERED:
        raise NotOfferedError(f"{found.message}; {found.next}", reason_code=found.reason_code)
    if found.digest != about:
        raise NotOfferedError(
            f"this manifest stands in place of {found.digest}, which is quarantined: {found.message}",
            reason_code="tombstone",
        )
    if found.state.final and not can_tell(room, request):
        # Somebody asks for it: what may have been attached meanwhile is looked for before that is said.
        room.store.mark_due(
            request.repository, about, tag=None, priority=ASKED_PRIORITY, now=room.clock.now()
        )


def _about(indexes: tuple[Digest, ...], digest: Digest) -> Digest:
    """What is judged: the newest index that has the image, else the image alone."""
    return indexes[0] if indexes else digest
