"""OSV records -> advisories (https://ossf.github.io/osv-schema/, 1.0 to 1.7).

Published records are dirty. What a match does not need is never a reason to refuse one: a bad alias or reference is
passed over. A record without id, or whose ``affected`` cannot be read, is refused as a whole: MalformedError
``advisory-malformed``, and the feed goes on without it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from gatekeeper.core.advisory import Advisory, AffectedPackage, RangeEvent, VersionRange
from gatekeeper.core.advisory_terms import EventKind, RangeKind, VendorStatus
from gatekeeper.core.errors import MalformedError
from gatekeeper.core.severity import UNRATED, Rating
from gatekeeper.vulnerabilities.ratings import rate

LARGEST_RECORD = 16 * 1024 * 1024
"""Bytes. The largest published records list tens of thousands of versions in a few megabytes."""
_SUMMARY = 500


class _Score(msgspec.Struct):
    type: str = ""
    score: str = ""


class _Event(msgspec.Struct):
    introduced: str | None = None
    fixed: str | None = None
    last_affected: str | None = None
    limit: str | None = None


class _Range(msgspec.Struct):
    type: str
    events: list[_Event] = []


class _Package(msgspec.Struct):
    ecosystem: str = ""
    name: str = ""
    purl: str = ""


class _Affected(msgspec.Struct):
    package: _Package | None = None
    ranges: list[_Range] | None = None
    versions: list[str] | None = None
    severity: list[_Score] | None = None
    ecosystem_specific: dict[str, Any] | None = None
    database_specific: dict[str, Any] | None = None


class _Record(msgspec.Struct):
    id: str
    modified: str = ""
    published: str | None = None
    withdrawn: str | None = None
    aliases: list[str] | None = None
    upstream: list[str] | None = None
    summary: str | None = None
    details: str | None = None
    severity: list[_Score] | None = None
    affected: list[_Affected] | None = None
    database_specific: dict[str, Any] | None = None


class _Skeleton(msgspec.Struct):
    """The members whose faults cost nothing, untyped: read again one by one where the typed reading failed."""

    id: str
    modified: Any = ""
    published: Any = None
    withdrawn: Any = None
    aliases: Any = None
    upstream: Any = None
    summary: Any = None
    details: Any = None
    severity: Any = None
    affected: list[_Affected] | None = None
    database_specific: Any = None


_RECORD = msgspec.json.Decoder(_Record)
_SKELETON = msgspec.json.Decoder(_Skeleton)
_BEGINNING = datetime(1, 1, 1, tzinfo=UTC)


def read_record(content: bytes) -> Advisory:
    """One record. Raises MalformedError ``advisory-malformed`` with what is wrong."""
    if len(content) > LARGEST_RECORD:
        raise _malformed(f"larger than {LARGEST_RECORD} bytes")
    try:
        record = _RECORD.decode(content)
    except msgspec.ValidationError:
        record = _leniently(content)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError, ValueError) as error:
        raise _malformed(f"no JSON: {error}") from error
    return _advisory(record)


def _leniently(content: bytes) -> _Record:
    try:
        loose = _SKELETON.decode(content)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError, ValueError) as error:
        raise _malformed(str(error)) from error
    return _Record(
        loose.id,
        _text(loose.modified),
        _text(loose.published),
        # Whatever stands there says that it was withdrawn.
        None if loose.withdrawn is None else _text(loose.withdrawn) or "withdrawn",
        _texts(loose.aliases),
        _texts(loose.upstream),
        _text(loose.summary),
        _text(loose.details),
        [
            _Score(_text(item.get("type")), _text(item.get("score")))
            for item in _list(loose.severity)
            if isinstance(item, dict)
        ],
        loose.affected,
        loose.database_specific if isinstance(loose.database_specific, dict) else None,
    )


def _advisory(record: _Record) -> Advisory:
    if not record.id.strip():
        raise _malformed("the id is empty")
    whole = record.database_specific or {}
    shared = rate(_scores(record.severity), whole)
    summary = record.summary or (record.details or "").strip().partition("\n")[0]
    return Advisory(
        id=record.id.strip(),
        modified=_time(record.modified) or _BEGINNING,
        published=_time(record.published),
        withdrawn=_withdrawn(record),
        aliases=_ids(record.aliases, record.id),
        upstream=_ids(record.upstream, record.id),
        summary=summary[:_SUMMARY],
        rating=shared,
        affected=tuple(
            made for made in (_affected(item, shared) for item in record.affected or ()) if made is not None
        ),
    )


def _withdrawn(record: _Record) -> datetime | None:
    if not record.withdrawn:
        return None
    return _time(record.withdrawn) or _time(record.modified) or _BEGINNING


def _affected(item: _Affected, shared: Rating) -> AffectedPackage | None:
    """None for an entry without a package: commits of a repository, which no SBOM names."""
    package = item.package
    if package is None or not package.ecosystem.strip() or not package.name.strip():
        return None
    own, theirs = item.ecosystem_specific or {}, item.database_specific or {}
    rating = rate(_scores(item.severity), own, theirs)
    return AffectedPackage(
        ecosystem=package.ecosystem.strip(),
        name=package.name.strip(),
        purl=package.purl,
        ranges=tuple(_range(found) for found in item.ranges or ()),
        versions=tuple(dict.fromkeys(item.versions or ())),
        rating=shared if rating == UNRATED else rating,
        status=_status(own, theirs),
    )


def _range(found: _Range) -> VersionRange:
    try:
        kind = RangeKind(found.type.upper())
    except ValueError:
        raise _malformed(f"{found.type[:40]!r} is no type of range") from None
    events = []
    for event in found.events:
        for event_kind, version in (
            (EventKind.INTRODUCED, event.introduced),
            (EventKind.FIXED, event.fixed),
            (EventKind.LAST_AFFECTED, event.last_affected),
            (EventKind.LIMIT, event.limit),
        ):
            if version is not None:
                events.append(RangeEvent(event_kind, version.strip()))
    return VersionRange(kind, tuple(events))


_STATUS_KEYS = ("urgency", "status", "vendor_status", "fix_state", "state", "resolution")
_STATUSES = {
    "unimportant": VendorStatus.UNIMPORTANT,
    "ignored": VendorStatus.IGNORED,
    "wontfix": VendorStatus.IGNORED,
    "willnotfix": VendorStatus.IGNORED,
    "nodsa": VendorStatus.DEFERRED,
    "postponed": VendorStatus.DEFERRED,
    "deferred": VendorStatus.DEFERRED,
    "fixdeferred": VendorStatus.DEFERRED,
    "endoflife": VendorStatus.END_OF_LIFE,
    "eol": VendorStatus.END_OF_LIFE,
    "outofsupportscope": VendorStatus.END_OF_LIFE,
    "notaffected": VendorStatus.NOT_AFFECTED,
}


def status_of_word(word: str) -> VendorStatus:
    """A vendor's word for what it does about a vulnerability; ``affected`` for all others."""
    letters = "".join(letter for letter in word.casefold() if letter.isalpha())
    return _STATUSES.get(letters, VendorStatus.AFFECTED)


def _status(*specific: Mapping[str, object]) -> VendorStatus:
    for members in specific:
        for key in _STATUS_KEYS:
            word = members.get(key)
            status = status_of_word(word) if isinstance(word, str) else VendorStatus.AFFECTED
            if status is not VendorStatus.AFFECTED:
                return status
    return VendorStatus.AFFECTED


def _scores(found: list[_Score] | None) -> list[tuple[str, str]]:
    return [(score.type, score.score) for score in found or ()]


def _ids(found: list[str] | None, own: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name.strip() for name in found or () if name.strip() and name.strip() != own))


def _time(text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _texts(value: object) -> list[str]:
    return [item for item in _list(value) if isinstance(item, str)]


def _malformed(what: str) -> MalformedError:
    return MalformedError(f"the advisory cannot be read: {what}", reason_code="advisory-malformed")
