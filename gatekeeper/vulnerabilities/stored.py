"""``ports.Matcher``: what the store asks of this room to keep matches of stored components and advisories."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from functools import lru_cache
from threading import Lock

from gatekeeper.core.advisory import Advisory, AdvisoryText
from gatekeeper.core.advisory_terms import EventKind
from gatekeeper.core.component import SbomDocument
from gatekeeper.core.errors import MalformedError
from gatekeeper.core.match import Gap, Match, Unjudged
from gatekeeper.ports.vulnerabilities import NamedVersion, PackageName, Span, StoredComponent
from gatekeeper.vulnerabilities.coverage import Coverage
from gatekeeper.vulnerabilities.describing import describe_record
from gatekeeper.vulnerabilities.evaluation import ReadyPackage, make_ready
from gatekeeper.vulnerabilities.index import names_of_vulnerability
from gatekeeper.vulnerabilities.matching import Heading, join, match_advisory
from gatekeeper.vulnerabilities.naming import Named, names_of, normal_name, split_ecosystem
from gatekeeper.vulnerabilities.osv import read_record
from gatekeeper.vulnerabilities.ownership import Ownership
from gatekeeper.vulnerabilities.realms import labels_of, read_realm, write_realm
from gatekeeper.vulnerabilities.versions.schemes import ECOSYSTEMS, Scheme, scheme_of

_READY = 4_096
"""Advisories kept ready: the same few are compared with thousands of components."""

_COVERAGES = 4
"""States of the feeds whose coverage is kept ready: the one that is read, and the one that is being published."""

_Entry = tuple[PackageName, ReadyPackage]


class StoredMatcher:
    """Pure but for what it remembers. Thread-safe."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._ready: OrderedDict[int, tuple[Advisory, tuple[_Entry, ...]]] = OrderedDict()
        self._read = lru_cache(maxsize=_READY)(read_record)
        self._coverage = lru_cache(maxsize=_COVERAGES)(Coverage)

    def names(self, stored: StoredComponent) -> tuple[NamedVersion, ...] | Unjudged:
        """Everything that advisories may call it, or why nobody can say; empty for what is no package."""
        named = names_of(stored.component, stored.system)
        if isinstance(named, Unjudged):
            return named
        keys: dict[PackageName, bytes | None] = {}
        for name in named:
            package, key = PackageName(name.ecosystem, name.name), _key(name)
            # Binary and source package of one name have two versions: no key stands for both.
            keys[package] = key if keys.get(package, key) == key else None
        return tuple(NamedVersion(package, key) for package, key in keys.items())

    def vendors(self, document: SbomDocument) -> tuple[str, ...]:
        """For each component the realm of the OS package that brought it; empty where none did."""
        ownership = Ownership(document.components, document.operating_system)
        owners = map(ownership.owner_of, document.components)
        return tuple("" if owner is None else write_realm(owner.names) for owner in owners)

    def realm(self, stored: StoredComponent) -> str | Unjudged:
        """What decides whether feeds tell of it; empty for what is no package."""
        named = names_of(stored.component, stored.system)
        return named if isinstance(named, Unjudged) else write_realm(named)

    def covers(self, realm: str, labels: frozenset[str]) -> bool:
        """Whether feeds whose records name these ecosystems tell of the realm."""
        return self._coverage(labels).covers(read_realm(realm))

    def labels(self, realm: str) -> tuple[str, ...]:
        """Its ecosystems with their releases as OSV writes them, the likeliest first."""
        return labels_of(realm)

    def read(self, record: bytes) -> Advisory:
        """One OSV record. Raises MalformedError."""
        return self._read(record)

    def describe(self, record: bytes) -> AdvisoryText:
        """What a record tells people; empty where it cannot be read."""
        return describe_record(record)

    def spans(self, advisory: Advisory) -> tuple[Span, ...]:
        """Where to look for components that it may concern; empty for a withdrawn one."""
        if advisory.withdrawn is not None:
            return ()
        return tuple(dict.fromkeys(_span(package, ready) for package, ready in self._entries(advisory)))

    def match(self, stored: StoredComponent, advisory: Advisory) -> Match | Gap | None:
        """Whether it concerns the component; a Gap where that cannot be told."""
        named = names_of(stored.component, stored.system)
        if isinstance(named, Unjudged) or advisory.withdrawn is not None:
            return None
        entries = [
            (position, ready)
            for position, name in enumerate(named)
            for package, ready in self._entries(advisory)
            if (package.ecosystem, package.name) == (name.ecosystem, name.name)
        ]
        component = stored.component
        shown = component.purl or f"{component.name} {component.version}".strip()
        return match_advisory(shown, named, entries, lambda: _heading(advisory))

    def join(self, matches: Sequence[Match]) -> tuple[tuple[Match, tuple[int, ...]], ...]:
        """One Match for each alias group, with the positions of those it was made of."""
        return join(matches)

    def _entries(self, advisory: Advisory) -> tuple[_Entry, ...]:
        known = self._ready.get(id(advisory))
        if known is not None and known[0] is advisory:
            return known[1]
        made = []
        for affected in advisory.affected:
            base, _ = split_ecosystem(affected.ecosystem)
            made.append((PackageName(base, normal_name(base, affected.name)), make_ready(affected)))
        with self._lock:
            self._ready[id(advisory)] = (advisory, tuple(made))
            while len(self._ready) > _READY:
                self._ready.popitem(last=False)
        return tuple(made)


def _key(name: Named) -> bytes | None:
    scheme = scheme_of(name.label)
    if scheme is None or not name.version:
        return None
    try:
        return scheme.key(name.version)
    except MalformedError:
        return None


def _span(package: PackageName, ready: ReadyPackage) -> Span:
    """As narrow as is certain: open where a part has no order, or another order than the ecosystem's."""
    scheme: Scheme | None = ECOSYSTEMS.get(package.ecosystem)
    unordered = len(ready.keys) < len(ready.texts) or any(found.unorderable for found in ready.ranges)
    if scheme is None or ready.scheme != scheme.name or ready.commits or unordered:
        return Span(package, None, None)
    lows, highs = list(ready.keys), list(ready.keys)
    for found in ready.ranges:
        lows += [event.key for event in found.events if event.kind is EventKind.INTRODUCED]
        last = found.events[-1] if found.events else None
        if last is None or last.kind is EventKind.INTRODUCED:
            return Span(package, min(lows, default=None), None)
        highs.append(last.key)
    return Span(package, min(lows, default=None), max(highs, default=None))


def _heading(advisory: Advisory) -> Heading:
    names = names_of_vulnerability(advisory)
    return Heading(
        advisory.id,
        tuple(name for name in names if name != advisory.id),
        advisory.summary,
        "" if advisory.published is None else _moment(advisory.published.isoformat()),
        _moment(advisory.modified.isoformat()),
    )


def _moment(text: str) -> str:
    return text.replace("+00:00", "Z")
