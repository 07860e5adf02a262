"""Advisories -> a new index file. Flat memory: one record after the other."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from contextlib import closing
from pathlib import Path

import msgspec

from gatekeeper.core.advisory import Advisory, RefusedRecord
from gatekeeper.vulnerabilities.evaluation import make_ready
from gatekeeper.vulnerabilities.index import (
    APPLICATION_ID,
    FORMAT,
    names_of_vulnerability,
    package_key,
)
from gatekeeper.vulnerabilities.matching import Heading
from gatekeeper.vulnerabilities.naming import normal_name, split_ecosystem

_REFUSALS_KEPT = 1000
_ENCODER = msgspec.msgpack.Encoder()
_HEADING = msgspec.msgpack.Decoder(Heading)

_IDS_OF_A_FAMILY = 1000
"""Ids of one vulnerability that are kept together; real ones have a dozen."""

_TABLES = """
create table entry (package text not null, position integer not null, advisory integer not null,
                    ready blob not null, primary key (package, position)) without rowid;
create table advisory (id integer primary key, heading blob not null, family integer);
create table family (id integer primary key, ids blob not null);
create table coverage (ecosystem text primary key, records integer not null, newest text not null) without rowid;
create table refusal (place text not null, reason text not null);
create table fact (name text primary key, value text not null) without rowid;
create temporary table alias (name text not null, advisory integer not null,
                              primary key (name, advisory)) without rowid;
create temporary table replaced (advisory integer primary key);
"""


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
        self._sizes: Counter[str] = Counter()
        self._coverage: dict[str, tuple[int, str]] = {}
        self._seen: dict[str, tuple[str, int | None]] = {}
        """By id: when the record was modified, and its number unless it is withdrawn."""
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
        self._remove_replaced()
        self._join_families()
        self._database.executemany(
            "insert into coverage values (?, ?, ?)",
            ((name, count, newest) for name, (count, newest) in self._coverage.items()),
        )
        facts = {"records": str(self._records), "refused": str(refused)}
        self._database.executemany("insert into fact values (?, ?)", facts.items())

    def _add(self, advisory: Advisory) -> None:
        modified = _moment(advisory.modified)
        before, replaced = self._seen.get(advisory.id, ("", None))
        if modified <= before:
            return  # of two records with one id the later modified is authoritative (OSV schema, "id, modified")
        if replaced is not None:
            self._database.execute("insert into replaced values (?)", (replaced,))
        self._records += 1
        for affected in advisory.affected:
            count, newest = self._coverage.get(affected.ecosystem, (0, ""))
            self._coverage[affected.ecosystem] = (count + 1, max(newest, modified))
        self._seen[advisory.id] = (modified, None if advisory.withdrawn else self._write(advisory, modified))

    def _write(self, advisory: Advisory, modified: str) -> int:
        ids = names_of_vulnerability(advisory)
        published = _moment(advisory.published) if advisory.published else ""
        heading = Heading(advisory.id, ids[1:], advisory.summary, published, modified)
        number = self._database.execute(
            "insert into advisory (heading) values (?)", (_ENCODER.encode(heading),)
        ).lastrowid
        assert number is not None
        self._database.executemany("insert into alias values (?, ?)", ((name, number) for name in ids))
        for affected in advisory.affected:
            base, _ = split_ecosystem(affected.ecosystem)
            package = package_key(base, normal_name(base, affected.name))
            position = self._sizes[package]
            self._sizes[package] += 1
            self._database.execute(
                "insert into entry values (?, ?, ?, ?)",
                (package, position, number, _ENCODER.encode(make_ready(affected))),
            )
        return number

    def _remove_replaced(self) -> None:
        """All at once: entries are found by their package, and each search for an advisory's reads them all."""
        for table, column in (("entry", "advisory"), ("alias", "advisory"), ("advisory", "id")):
            self._database.execute(f"delete from {table} where {column} in (select advisory from replaced)")  # noqa: S608 - our own names

    def _join_families(self) -> None:
        """Records that share an id are of one vulnerability (symmetric, transitive: OSV schema, "aliases")."""
        done: set[int] = set()
        shared = self._database.execute(
            "select distinct advisory from alias"
            " where name in (select name from alias group by name having count(*) > 1) order by advisory"
        )
        for (number,) in shared.fetchall():
            if number not in done:
                members, ids = self._family(number, done)
                done |= members
                self._database.execute("insert into family values (?, ?)", (number, _ENCODER.encode(ids)))
                self._database.executemany(
                    "update advisory set family = ? where id = ?", ((number, member) for member in members)
                )

    def _family(self, first: int, done: AbstractSet[int]) -> tuple[set[int], list[str]]:
        """The advisories that share ids with this one, each through the other, and all their ids."""
        members, ids = {first}, dict.fromkeys(self._ids(first))
        waiting = list(ids)
        while waiting:
            for (number,) in self._database.execute(
                "select advisory from alias where name = ? order by advisory", (waiting.pop(),)
            ).fetchall():
                if number not in members and number not in done and len(ids) < _IDS_OF_A_FAMILY:
                    members.add(number)
                    new = [name for name in self._ids(number) if name not in ids]
                    ids.update(dict.fromkeys(new))
                    waiting += new
        return members, list(ids)

    def _ids(self, number: int) -> tuple[str, ...]:
        (packed,) = self._database.execute("select heading from advisory where id = ?", (number,)).fetchone()
        heading = _HEADING.decode(packed)
        return (heading.id, *heading.aliases)


def _moment(moment: object) -> str:
    return str(moment).replace(" ", "T").replace("+00:00", "Z")
