"""Is this version affected? The algorithm of the OSV schema ("Evaluation"), over records made ready once.

Events of equal versions keep the order of the record: ``fixed 2, introduced 2`` goes on being affected, ``introduced
2, fixed 2`` is empty. A listed version that the ranges cover needs no place in the list: what is left of it are
versions outside the ranges, and those that have no order and are compared as text.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from gatekeeper.core.advisory_terms import EventKind, RangeKind, VendorStatus
from gatekeeper.core.errors import MalformedError
from gatekeeper.core.match import Affectedness, Ground, Why
from gatekeeper.core.severity import Rating
from gatekeeper.vulnerabilities.versions.schemes import SCHEMES, SEMVER, Scheme, scheme_of

if TYPE_CHECKING:
    from gatekeeper.core.advisory import AffectedPackage, RangeEvent, VersionRange

_ALL = "0"
_NO_LIMIT = "*"
_BEFORE_ALL = b""
# Compared for every event of every advisory; an attribute of an enumeration is a call in Python 3.11.
_INTRODUCED, _FIXED = EventKind.INTRODUCED, EventKind.FIXED
_AFFECTED, _BY_RANGE = Affectedness.AFFECTED, Ground.RANGE
_NO_ORDER = "the ecosystem has no order of versions"
_COMMITS_ONLY = "the record names commits only"


class VersionAnswer(msgspec.Struct, frozen=True):
    """Whether an advisory concerns a version. ``why`` is None when it does not, or cannot be told."""

    affectedness: Affectedness
    why: Why | None = None
    detail: str = ""
    """What could not be ordered, when it cannot be told."""


UNAFFECTED = VersionAnswer(Affectedness.UNAFFECTED)


class ReadyEvent(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An event with the key of its version."""

    kind: EventKind
    key: bytes
    version: str


class ReadyRange(msgspec.Struct, frozen=True, array_like=True):
    """A range with its events sorted; ``unorderable`` says why it cannot be evaluated."""

    events: tuple[ReadyEvent, ...]
    limits: tuple[bytes, ...] = ()
    """Keys; empty: no limit."""
    unorderable: str = ""

    @property
    def affects_all(self) -> bool:
        """True when no version is outside: introduced at ``0``, never fixed, not limited."""
        return (
            bool(self.events)
            and self.events[0].key == _BEFORE_ALL
            and not self.limits
            and self.events[-1].kind is _INTRODUCED
            and all(event.kind is _INTRODUCED for event in self.events)
        )


class ReadyPackage(msgspec.Struct, frozen=True, array_like=True):
    """``affected[]`` ready to be evaluated. One byte string of msgpack in an index or a row."""

    ecosystem: str
    """As written."""
    scheme: str
    """Name of the order of its versions; empty when there is none."""
    ranges: tuple[ReadyRange, ...]
    texts: tuple[str, ...]
    """Listed versions that the ranges do not cover, as written."""
    keys: tuple[bytes, ...]
    """The keys of those of them that have an order."""
    status: VendorStatus
    rating: Rating
    commits: bool = False
    """True when it names commits and nothing that can be evaluated."""

    @property
    def fixes(self) -> tuple[tuple[bytes, str], ...]:
        """Every version that fixes it, with its key, ascending."""
        found = {
            event.version: event.key
            for ready in self.ranges
            for event in ready.events
            if event.kind is _FIXED
        }
        return tuple(sorted((key, version) for version, key in found.items()))


def make_ready(affected: AffectedPackage) -> ReadyPackage:
    """Sorts the ranges of one ``affected[]`` and keeps what they do not cover of its list."""
    scheme = scheme_of(affected.ecosystem)
    if scheme is None and any(found.kind is RangeKind.SEMVER for found in affected.ranges):
        scheme = SEMVER
    ranges = tuple(_ranges(affected.ranges, scheme))
    texts, keys = [], []
    for version in affected.versions:
        key = _key_or_none(version, scheme)
        if key is None:
            texts.append(version)
        elif not any(_within(key, ready) is not None for ready in ranges):
            texts.append(version)
            keys.append(key)
    return ReadyPackage(
        affected.ecosystem,
        scheme.name if scheme else "",
        ranges,
        tuple(texts),
        tuple(keys),
        affected.status,
        affected.rating,
        commits=bool(affected.ranges) and not ranges and not affected.versions,
    )


def evaluate(ready: ReadyPackage, version: str) -> VersionAnswer:
    """``IncludedInVersions`` or ``IncludedInRanges``; indeterminate where order would decide and there is none.

    An empty version stands for one that is not known: affected only when every version is.
    """
    for found in ready.ranges:
        if found.affects_all:
            return VersionAnswer(_AFFECTED, Why(_BY_RANGE, "every version"))
    scheme = SCHEMES.get(ready.scheme)
    key = _key_or_none(version, scheme)
    if key is None:
        return _by_text(ready, version, scheme)
    unorderable = _COMMITS_ONLY if ready.commits else ""
    for found in ready.ranges:
        if found.unorderable:
            unorderable = found.unorderable
            continue
        why = _within(key, found)
        if why is not None:
            return VersionAnswer(_AFFECTED, why)
    if ready.texts and (version in ready.texts or (key in ready.keys and "+" not in version)):
        return VersionAnswer(_AFFECTED, Why(Ground.VERSIONS, version))
    return _indeterminate(unorderable) if unorderable else UNAFFECTED


def _by_text(ready: ReadyPackage, version: str, scheme: Scheme | None) -> VersionAnswer:
    if version and version in ready.texts:
        return VersionAnswer(_AFFECTED, Why(Ground.VERSIONS, version))
    if not version:
        return _indeterminate("the version is not known") if ready.ranges or ready.texts else UNAFFECTED
    if ready.ranges or ready.commits:
        why_not = f"{version[:80]!r} is no {scheme.name} version" if scheme else _NO_ORDER
        return _indeterminate(_COMMITS_ONLY if ready.commits else why_not)
    return UNAFFECTED


def _indeterminate(detail: str) -> VersionAnswer:
    return VersionAnswer(Affectedness.INDETERMINATE, None, detail)


def _within(key: bytes, found: ReadyRange) -> Why | None:
    """The stretch of the range that a version lies in; None when it lies in none."""
    if found.unorderable or (found.limits and not any(key < limit for limit in found.limits)):
        return None
    since: ReadyEvent | None = None
    until: ReadyEvent | None = None
    for event in found.events:
        if event.kind is _INTRODUCED:
            if key >= event.key:
                since, until = since or event, None
        elif key > event.key or (key == event.key and event.kind is _FIXED):
            since = None
        elif until is None:
            until = event
    if since is None:
        return None
    lower = "every version" if since.key == _BEFORE_ALL else f">= {since.version}"
    if until is None:
        return Why(_BY_RANGE, lower)
    fixed = until.kind is _FIXED
    upper = f"{'<' if fixed else '<='} {until.version}"
    text = upper if since.key == _BEFORE_ALL else f"{lower}, {upper}"
    return Why(_BY_RANGE, text, until.version if fixed else "")


def _ranges(found: Sequence[VersionRange], scheme: Scheme | None) -> list[ReadyRange]:
    """Commits (type GIT) have no order without their repository and are left out.

    A range of type SEMVER in an ecosystem that orders versions itself is ordered as the ecosystem does.
    """
    made = []
    for item in found:
        if item.kind is RangeKind.GIT:
            continue
        try:
            made.append(_range(item.events, scheme))
        except MalformedError as error:
            made.append(ReadyRange((), (), error.message))
    return made


def _range(events: Sequence[RangeEvent], scheme: Scheme | None) -> ReadyRange:
    limits = [event.version for event in events if event.kind is EventKind.LIMIT]
    ready = [
        ReadyEvent(event.kind, _key(event, scheme), event.version)
        for event in events
        if event.kind is not EventKind.LIMIT
    ]
    ready.sort(key=lambda event: event.key)
    if any(_NO_LIMIT in limit for limit in limits):
        return ReadyRange(tuple(ready))
    return ReadyRange(tuple(ready), tuple(_ordered(limit, scheme) for limit in limits))


def _key(event: RangeEvent, scheme: Scheme | None) -> bytes:
    if event.kind is _INTRODUCED and event.version == _ALL:
        return _BEFORE_ALL
    return _ordered(event.version, scheme)


def _ordered(version: str, scheme: Scheme | None) -> bytes:
    if scheme is None:
        raise MalformedError(_NO_ORDER, reason_code="version-unorderable")
    return scheme.key(version)


def _key_or_none(version: str, scheme: Scheme | None) -> bytes | None:
    if scheme is None or not version:
        return None
    try:
        return scheme.key(version)
    except MalformedError:
        return None
