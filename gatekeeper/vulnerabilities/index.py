"""Advisories made ready once, in one file: what ``gatekeeper match`` looks components up in.

An SQLite database that is written once and then only read. A package's entries are msgpack of ``ReadyPackage``.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from gatekeeper.core.advisory import Advisory, RefusedRecord
from gatekeeper.core.errors import MalformedError
from gatekeeper.vulnerabilities.distributions import concerns
from gatekeeper.vulnerabilities.evaluation import ReadyPackage, make_ready
from gatekeeper.vulnerabilities.matching import Heading
from gatekeeper.vulnerabilities.naming import Named, normal_name, split_ecosystem

FORMAT = 1
"""Raised when what is stored, or how it is made ready, changes: files of another format are made anew."""
APPLICATION_ID = 0x676B6164
"""``gkad`` in the header of the file (SQLite, "application_id")."""
_REFUSALS_KEPT = 1000
_BATCH = 2000
_ALIASES_FOLLOWED = 1000
"""Ids of one alias group that are followed; real groups have a dozen."""

_TABLES = """
create table package (id integer primary key, key text not null unique);
create table entry (package integer not null, position integer not null, advisory integer not null,
                    ready blob not null, primary key (package, position)) without rowid;
create table advisory (id integer primary key, name text not null, heading blob not null);
create table alias (name text not null, advisory integer not null, primary key (name, advisory)) without rowid;
create table coverage (ecosystem text primary key, records integer not null, newest text not null) without rowid;
create table refusal (place text not null, reason text not null);
create table fact (name text primary key, value text not null) without rowid;
"""


class _Heading(msgspec.Struct, array_like=True, frozen=True, gc=False):
    ids: tuple[str, ...]
    """Its own first."""
    summary: str
    published: str
    modified: str


_READY = msgspec.msgpack.Decoder(ReadyPackage)
_STORED_HEADING = msgspec.msgpack.Decoder(_Heading)
_ENCODER = msgspec.msgpack.Encoder()


@dataclass(frozen=True, slots=True)
class Covered:
    """How much the feeds say of one ecosystem."""

    ecosystem: str
    """With its suffix, as written."""
    records: int
    newest: str
    """The latest ``modified``; RFC 3339."""


def build(path: Path, records: Iterable[Advisory | RefusedRecord]) -> None:
    """Writes a new index to ``path``, which must not exist."""
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.executescript(
            f"pragma application_id={APPLICATION_ID}; pragma user_version={FORMAT};"
            "pragma journal_mode=off; pragma synchronous=off;" + _TABLES
        )
        database.execute("begin")
        _Builder(database).add_all(records)
        database.execute("commit")


class _Builder:
    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self._packages: dict[str, int] = {}
        self._sizes: Counter[int] = Counter()
        self._coverage: dict[str, tuple[int, str]] = {}
        self._seen: dict[str, str] = {}
        self._records = 0

    def add_all(self, records: Iterable[Advisory | RefusedRecord]) -> None:
        refused = 0
        for record in records:
            if isinstance(record, RefusedRecord):
                refused += 1
                if refused <= _REFUSALS_KEPT:
                    self._database.execute("insert into refusal values (?, ?)", (record.place, record.reason))
            else:
                self._add(record)
        self._database.executemany(
            "insert into coverage values (?, ?, ?)",
            ((name, count, newest) for name, (count, newest) in self._coverage.items()),
        )
        facts = {"records": str(self._records), "refused": str(refused)}
        self._database.executemany("insert into fact values (?, ?)", facts.items())

    def _add(self, advisory: Advisory) -> None:
        modified = _moment(advisory.modified)
        if modified <= self._seen.get(advisory.id, ""):
            return  # of two records with one id the later modified is authoritative (OSV schema, "id, modified")
        if advisory.id in self._seen:
            self._remove(advisory.id)
        self._seen[advisory.id] = modified
        self._records += 1
        for affected in advisory.affected:
            count, newest = self._coverage.get(affected.ecosystem, (0, ""))
            self._coverage[affected.ecosystem] = (count + 1, max(newest, modified))
        if advisory.withdrawn is not None:
            return
        ids = names_of_vulnerability(advisory)
        heading = _Heading(
            ids, advisory.summary, _moment(advisory.published) if advisory.published else "", modified
        )
        number = self._database.execute(
            "insert into advisory (name, heading) values (?, ?)", (advisory.id, _ENCODER.encode(heading))
        ).lastrowid
        assert number is not None
        self._database.executemany(
            "insert or ignore into alias values (?, ?)", ((name, number) for name in ids)
        )
        for affected in advisory.affected:
            base, _ = split_ecosystem(affected.ecosystem)
            package = self._package(_key(base, normal_name(base, affected.name)))
            position = self._sizes[package]
            self._sizes[package] += 1
            self._database.execute(
                "insert into entry values (?, ?, ?, ?)",
                (package, position, number, _ENCODER.encode(make_ready(affected))),
            )

    def _package(self, key: str) -> int:
        known = self._packages.get(key)
        if known is None:
            known = self._packages[key] = len(self._packages) + 1
            self._database.execute("insert into package values (?, ?)", (known, key))
        return known

    def _remove(self, name: str) -> None:
        for (number,) in self._database.execute("select id from advisory where name = ?", (name,)).fetchall():
            for table in ("entry", "alias"):
                self._database.execute(f"delete from {table} where advisory = ?", (number,))  # noqa: S608 - our own names
            self._database.execute("delete from advisory where id = ?", (number,))


class AdvisoryIndex:
    """A built index, read only. Used by one thread."""

    def __init__(self, path: Path) -> None:
        """Raises MalformedError ``index-malformed`` for a file that is no index of this format."""
        self._database = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)
        try:
            if self._pragma("application_id") != APPLICATION_ID or self._pragma("user_version") != FORMAT:
                raise _malformed(path, "it was not made by this version of gatekeeper")
            self._coverage = tuple(
                Covered(*row)
                for row in self._database.execute(
                    "select ecosystem, records, newest from coverage order by ecosystem"
                )
            )
        except sqlite3.DatabaseError as error:
            self._database.close()
            raise _malformed(path, str(error)) from error
        except MalformedError:
            self._database.close()
            raise
        self._bases: dict[str, list[str]] = {}
        for covered in self._coverage:
            base, suffix = split_ecosystem(covered.ecosystem)
            self._bases.setdefault(base, []).append(suffix)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._database.close()

    @property
    def coverage(self) -> tuple[Covered, ...]:
        """Which ecosystems the feeds tell of."""
        return self._coverage

    @property
    def records(self) -> int:
        """Advisories read, withdrawn ones included."""
        return int(self._fact("records"))

    @property
    def refused(self) -> int:
        """Records set aside."""
        return int(self._fact("refused"))

    def refusals(self) -> tuple[RefusedRecord, ...]:
        """The first of them, with reasons."""
        return tuple(
            RefusedRecord(*row) for row in self._database.execute("select place, reason from refusal")
        )

    def covers(self, named: Named) -> bool:
        """True when the feeds tell of this ecosystem, and of this release of a distribution."""
        suffixes = self._bases.get(named.ecosystem)
        if suffixes is None or named.release is None:
            return suffixes is not None
        release = named.release
        return any(concerns(suffix, release, named.version) for suffix in suffixes)

    def entries(self, named: Named) -> Iterator[tuple[int, ReadyPackage]]:
        """(advisory, its ``affected[]``) of every record that names this package, whatever its release."""
        rows = self._database.execute(
            "select entry.advisory, entry.ready from package join entry on entry.package = package.id"
            " where package.key = ? order by entry.position",
            (_key(named.ecosystem, named.name),),
        )
        for advisory, ready in rows:
            yield advisory, _READY.decode(ready)

    def heading(self, advisory: int) -> Heading:
        """What a match says of one record; its aliases followed through every record of the feeds."""
        (stored,) = self._database.execute(
            "select heading from advisory where id = ?", (advisory,)
        ).fetchone()
        heading = _STORED_HEADING.decode(stored)
        ids = self._followed(heading.ids)
        return Heading(heading.ids[0], ids[1:], heading.summary, heading.published, heading.modified)

    def _followed(self, ids: tuple[str, ...]) -> tuple[str, ...]:
        known = dict.fromkeys(ids)
        waiting, seen = list(ids), set[int]()
        while waiting and len(known) < _ALIASES_FOLLOWED:
            for (number,) in self._database.execute(
                "select advisory from alias where name = ?", (waiting.pop(),)
            ):
                if number in seen:
                    continue
                seen.add(number)
                for (name,) in self._database.execute("select name from advisory where id = ?", (number,)):
                    if name not in known:
                        known[name] = None
                        waiting.append(name)
                for name in self._ids(number):
                    if name not in known:
                        known[name] = None
                        waiting.append(name)
        return tuple(known)

    def _ids(self, number: int) -> tuple[str, ...]:
        (stored,) = self._database.execute("select heading from advisory where id = ?", (number,)).fetchone()
        return _STORED_HEADING.decode(stored).ids

    def _pragma(self, name: str) -> int:
        return int(self._database.execute(f"pragma {name}").fetchone()[0])

    def _fact(self, name: str) -> str:
        return str(self._database.execute("select value from fact where name = ?", (name,)).fetchone()[0])


def names_of_vulnerability(advisory: Advisory) -> tuple[str, ...]:
    """The ids of one vulnerability: its own, its aliases, and the one upstream that a distribution's record is about.

    A record with several upstreams is about all of them together, and the same as none.
    """
    upstream = advisory.upstream if len(advisory.upstream) == 1 else ()
    return tuple(dict.fromkeys((advisory.id, *advisory.aliases, *upstream)))


def is_index(path: Path) -> bool:
    """True for an SQLite file with our application id, whatever its format."""
    with path.open("rb") as stream:
        head = stream.read(72)
    return head.startswith(b"SQLite format 3\0") and head[68:72] == APPLICATION_ID.to_bytes(4, "big")


def _key(ecosystem: str, name: str) -> str:
    return f"{ecosystem}\n{name}"


def _moment(moment: object) -> str:
    return str(moment).replace(" ", "T").replace("+00:00", "Z")


def _malformed(path: Path, why: str) -> MalformedError:
    return MalformedError(f"{path}: no index of advisories: {why}", reason_code="index-malformed")
