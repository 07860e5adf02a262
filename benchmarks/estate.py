"""A synthetic estate: a million images of twenty thousand applications, written into a database past the product.

Each application is built fifty times on one of some hundred base images (the popular ones carry most of them); two
builds in five change its own dependencies. Names follow Zipf's law. The parameters are a guess at a realistic registry;
what is measured on it is the product's own code.
"""

from __future__ import annotations

import hashlib
import json
import random
import sqlite3
from array import array
from bisect import bisect
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from gatekeeper.core.component import Component, OperatingSystem
from gatekeeper.core.digest import Digest
from gatekeeper.core.package_url import parse_purl
from gatekeeper.database.components import members_of
from gatekeeper.database.stored import write_stored
from gatekeeper.ports.vulnerabilities import Matcher, StoredComponent

BUILDS = 50
CORE = 80
"""Packages that every base image of a distribution has."""
_DISTRIBUTIONS = 12
_POOL = 3_000
_LIBRARIES = 120_000
_TAGGED = 5
"""The newest builds of each application have a tag."""


@dataclass(slots=True)
class Estate:
    """What there is of it in memory: components by (name, version), groups, and the two groups of every image."""

    components: list[tuple[str, int]]
    groups: list[array[int]]
    images: list[tuple[int, int]]

    @property
    def mean(self) -> float:
        """Components of an image."""
        return sum(len(self.groups[a]) + len(self.groups[b]) for a, b in self.images) / len(self.images)


_NUMBERED = (
    "registry", "repository", "package", "component", "component_group", "subject", "sbom_document",
)  # fmt: skip


class _Making:
    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.ids: dict[tuple[str, int], int] = {}
        self.groups: list[array[int]] = []
        self.known: dict[bytes, int] = {}

    def component(self, name: str, version: int) -> int:
        return self.ids.setdefault((name, version), len(self.ids))

    def group(self, members: Iterable[int]) -> int:
        packed = array("I", sorted(set(members)))
        key = packed.tobytes()
        if key not in self.known:
            self.known[key] = len(self.groups)
            self.groups.append(packed)
        return self.known[key]

    def pace(self) -> int:
        """How often a package changes while the estate grows: most once, few all the time."""
        return min(40, int(self.dice.paretovariate(0.7)))


def make(images: int, seed: int = 7) -> Estate:
    """An estate of so many images."""
    making = _Making(seed)
    dice, applications = making.dice, images // BUILDS
    bases = max(40, images // 2_500)
    paces = [[making.pace() for _ in range(_POOL)] for _ in range(_DISTRIBUTIONS)]
    contents = [
        (
            dice.randrange(_DISTRIBUTIONS),
            [*range(CORE), *dice.sample(range(CORE, _POOL), dice.randint(10, 120))],
        )
        for _ in range(bases)
    ]
    popular = list(accumulate(1 / rank for rank in range(1, bases + 1)))
    wanted = list(accumulate(1 / rank**0.9 for rank in range(1, _LIBRARIES + 1)))
    library_paces = [making.pace() for _ in range(_LIBRARIES)]
    made_bases: dict[tuple[int, int], int] = {}
    found: list[tuple[int, int]] = []
    for _ in range(applications):
        base = bisect(popular, dice.random() * popular[-1])
        own = {
            bisect(wanted, dice.random() * wanted[-1])
            for _ in range(min(1_500, max(5, int(dice.lognormvariate(4.9, 0.8)))))
        }
        libraries = [library for library in own if library < _LIBRARIES]
        group, changed = 0, 0
        for build in range(BUILDS):
            if build == 0 or dice.random() < 0.4:
                changed = build
                group = making.group(
                    making.component(
                        f"library-{library}", library_paces[library] * (changed + library % 50) // 100
                    )
                    for library in libraries
                )
            moment = (base, build // 2)
            if moment not in made_bases:
                system, packages = contents[base]
                made_bases[moment] = making.group(
                    making.component(f"os{system}-{package}", paces[system][package] * build // BUILDS)
                    for package in packages
                )
            found.append((made_bases[moment], group))
    return Estate(list(making.ids), making.groups, found)


class Bulk:
    """Rows past the product's own code, as fast as the database takes them."""

    def __init__(self, url: str) -> None:
        self._sqlite: sqlite3.Connection | None = None
        if url.startswith("sqlite"):
            self._sqlite = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
            self._sqlite.execute("pragma synchronous = off")
            self._sqlite.execute("pragma cache_size = -400000")
            self._sqlite.execute("begin")
            return
        import psycopg

        self._postgres = psycopg.connect(url.replace("postgresql+psycopg", "postgresql", 1))
        self._postgres.execute("set session_replication_role = replica")

    def rows(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Adds rows."""
        names = ", ".join(f'"{column}"' for column in columns)
        if self._sqlite is not None:
            places = ", ".join("?" * len(columns))
            self._sqlite.executemany(f'insert into "{table}" ({names}) values ({places})', rows)
            return
        with (
            self._postgres.cursor() as cursor,
            cursor.copy(f'copy "{table}" ({names}) from stdin'.encode()) as copy,
        ):
            for row in rows:
                copy.write_row(row)

    def close(self) -> None:
        """Keeps them, and has the database look at its tables."""
        if self._sqlite is not None:
            self._sqlite.execute("commit")
            self._sqlite.execute("analyze")
            self._sqlite.execute("pragma wal_checkpoint(truncate)")
            self._sqlite.close()
            return
        for table in _NUMBERED:
            self._postgres.execute(
                f"select setval(pg_get_serial_sequence('{table}', 'id'), (select max(id) from {table}))".encode()
            )
        self._postgres.commit()
        self._postgres.autocommit = True
        self._postgres.execute("analyze")
        self._postgres.execute("checkpoint")
        self._postgres.close()


def component_of(name: str, version: int) -> StoredComponent:
    """As an SBOM would list it."""
    if name.startswith("os"):
        purl = f"pkg:deb/debian/{name}@1.{version}.0-1?distro=debian-12"
        return StoredComponent(_component(purl), OperatingSystem("debian", "12"))
    return StoredComponent(_component(f"pkg:pypi/{name}@1.{version}.0"))


def _component(purl: str) -> Component:
    parsed = parse_purl(purl)
    return Component(parsed.name, parsed.version, purl, parsed)


def document_digest(image: int) -> Digest:
    """Of the SBOM of an image."""
    return Digest.of(f"sbom {image}".encode())


def write(estate: Estate, url: str, matcher: Matcher) -> None:
    """Everything into a migrated database: judged, at change 0, with the newest builds tagged."""
    bulk = Bulk(url)
    bulk.rows("registry", ("id", "host"), [(1, "registry.example")])
    applications = len(estate.images) // BUILDS
    bulk.rows(
        "repository",
        ("id", "registry_id", "path", "name", "added_at", "interval"),
        (
            (1 + n, 1, f"team/app{n}", f"registry.example/team/app{n}", 0, 60_000_000)
            for n in range(applications)
        ),
    )
    _write_components(bulk, estate, matcher)
    bulk.rows(
        "component_group",
        ("id", "content", "members", "summary", "changed"),
        (
            (
                1 + number,
                hashlib.sha256(members.tobytes()).digest(),
                members_of([1 + member for member in members]),
                json.dumps({"ecosystems": {"Debian": 1, "PyPI": 1}, "unjudged": {}}),
                0,
            )
            for number, members in enumerate(estate.groups)
        ),
    )
    bulk.rows("group_component", ("component_id", "group_id"), _postings(estate))
    _write_images(bulk, estate)
    bulk.close()


def _write_components(bulk: Bulk, estate: Estate, matcher: Matcher) -> None:
    packages: dict[tuple[str, str], int] = {}
    links: list[tuple[int, int, bytes | None]] = []

    def rows() -> Iterator[tuple[Any, ...]]:
        for number, (name, version) in enumerate(estate.components, start=1):
            stored = component_of(name, version)
            body = write_stored(stored)
            named = matcher.names(stored)
            assert isinstance(named, tuple)
            for found in named:
                key = (found.package.ecosystem, found.package.name)
                links.append((packages.setdefault(key, len(packages) + 1), number, found.key))
            one, content = stored.component, hashlib.sha256(body.encode()).digest()
            yield number, content, one.name, one.version, one.purl, body

    bulk.rows("component", ("id", "content", "name", "version", "purl", "body"), rows())
    bulk.rows(
        "package",
        ("id", "ecosystem", "name"),
        ((number, ecosystem, name) for (ecosystem, name), number in packages.items()),
    )
    bulk.rows(
        "component_package",
        ("package_id", "component_id", "vkey"),
        sorted(links, key=lambda link: (link[0], link[1])),
    )


def _postings(estate: Estate) -> Iterator[tuple[int, int]]:
    """(component, group) in the order of the index."""
    groups_of = [array("I") for _ in estate.components]
    for number, members in enumerate(estate.groups, start=1):
        for member in members:
            groups_of[member].append(number)
    for member, numbers in enumerate(groups_of, start=1):
        for number in numbers:
            yield member, number


def _write_images(bulk: Bulk, estate: Estate) -> None:
    count = len(estate.images)
    bulk.rows(
        "subject",
        ("id", "registry_id", "repository_id", "digest", "first_seen", "state", "sbom_trust", "ecosystems"),
        (
            (
                1 + n,
                1,
                1 + n // BUILDS,
                str(Digest.of(f"image {n}".encode())),
                0,
                "passed",
                "signed",
                _ECOSYSTEMS,
            )
            for n in range(count)
        ),
    )
    bulk.rows(
        "tag",
        ("repository_id", "name", "digest", "since"),
        (
            (1 + n // BUILDS, f"v{n % BUILDS}", str(Digest.of(f"image {n}".encode())), 0)
            for n in range(count)
            if n % BUILDS >= BUILDS - _TAGGED
        ),
    )
    bulk.rows(
        "sbom_document",
        ("id", "digest", "format", "components", "unreadable", "body"),
        ((1 + n, str(document_digest(n)), "cyclonedx-json", 1, 0, _BODY) for n in range(count)),
    )
    pairs = ((n, group) for n, both in enumerate(estate.images) for group in both)
    bulk.rows("document_group", ("document_id", "group_id"), ((1 + n, 1 + group) for n, group in pairs))
    subjects_of = [array("I") for _ in estate.groups]
    for n, both in enumerate(estate.images, start=1):
        for group in both:
            subjects_of[group].append(n)
    bulk.rows(
        "subject_group",
        ("group_id", "subject_id"),
        ((1 + group, n) for group, numbers in enumerate(subjects_of) for n in numbers),
    )


_ECOSYSTEMS = '["Debian","PyPI"]'
_BODY = json.dumps({"type": "SbomDocument", "format": "cyclonedx-json", "version": "1.6", "components": []})
