"""CISA's catalog of known exploited vulnerabilities (JSON schema 1.0)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec

from gatekeeper.core.errors import MalformedError
from gatekeeper.ports.vulnerabilities import FeedFact, FeedProblem


class _Entry(msgspec.Struct):
    cveID: str = ""  # noqa: N815 - the member's name
    dateAdded: str = ""  # noqa: N815


class _Catalog(msgspec.Struct):
    vulnerabilities: list[msgspec.Raw]


_CATALOG = msgspec.json.Decoder(_Catalog)
_ENTRY = msgspec.json.Decoder(_Entry)


def read_kev(content: bytes) -> Iterator[FeedFact | FeedProblem]:
    """Each entry, or why it is set aside. Raises MalformedError ``feed-malformed``."""
    try:
        catalog = _CATALOG.decode(content)
    except (msgspec.DecodeError, RecursionError, ValueError) as error:
        raise MalformedError(f"this is no KEV catalog: {error}", reason_code="feed-malformed") from error
    for number, raw in enumerate(catalog.vulnerabilities):
        place = f"vulnerabilities[{number}]"
        try:
            entry = _ENTRY.decode(raw)
            added = datetime.fromisoformat(entry.dateAdded)
        except (msgspec.DecodeError, ValueError) as error:
            yield FeedProblem(place, "entry-malformed", str(error))
            continue
        if not entry.cveID.startswith("CVE-"):
            yield FeedProblem(place, "entry-malformed", f"{entry.cveID[:40]!r} is no CVE id")
            continue
        yield FeedFact(entry.cveID, at=added.replace(tzinfo=UTC))
