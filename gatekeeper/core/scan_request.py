"""A scan that somebody asks us for, and the id it goes by. Nothing is stored: the id says everything about it.

An id is no secret and grants nothing: whoever shows one must be allowed to read its repository.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from gatekeeper.core import strict_json
from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import MalformedError
from gatekeeper.core.manifest import DOCKER_MANIFEST, OCI_MANIFEST
from gatekeeper.core.reference import Repository, parse_repository, parse_tag

SCANNED_TYPES = (OCI_MANIFEST, DOCKER_MANIFEST)
"""Media types of what can be scanned: an index has no packages, its images have."""
_LONGEST = 2000
_LETTERS = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class ScanRequest:
    """One image manifest, and since when somebody waits for an answer about it."""

    repository: Repository
    digest: Digest
    media_type: str
    """One of ``SCANNED_TYPES``."""
    tag: str
    """As the asker names it; empty when it does not."""
    asked_at: datetime


def scan_id(request: ScanRequest) -> str:
    """The id, of letters that need no escaping in a URL."""
    said = [
        request.repository.registry,
        request.repository.path,
        str(request.digest),
        SCANNED_TYPES.index(request.media_type),
        request.tag,
        (request.asked_at - _EPOCH) // _MICROSECOND,
    ]
    text = json.dumps(said, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def parse_scan_id(text: str) -> ScanRequest:
    """The inverse of ``scan_id``. Raises MalformedError ``scan-unknown`` for everything that it never returned."""
    if len(text) > _LONGEST or _LETTERS.fullmatch(text) is None:
        raise _unknown()
    try:
        said = strict_json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), max_depth=2)
        match said:
            case [str(registry), str(path), str(digest), int(kind), str(tag), int(microseconds)]:
                request = ScanRequest(
                    parse_repository(f"{registry}/{path}"),
                    Digest.parse(digest),
                    SCANNED_TYPES[kind],
                    parse_tag(tag) if tag else "",
                    _EPOCH + microseconds * _MICROSECOND,
                )
            case _:
                raise _unknown()
    except (MalformedError, binascii.Error, IndexError, OverflowError) as error:
        raise _unknown() from error
    if scan_id(request) != text:
        raise _unknown()
    return request


def _unknown() -> MalformedError:
    return MalformedError("there is no such scan; ask for one again", reason_code="scan-unknown")
