"""Advisories -> a new index file. Flat memory: one record after the other."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import msgspec

from gatekeeper.core.advisory import Advisory, RefusedRecord
from gatekeeper.vulnerabilities.evaluation import make_ready
from gatekeeper.vulnerabilities.index import (
    APPLICATION_ID,
    FORMAT,
    StoredHeading,
    names_of_vulnerability,
    package_key,
)
from gatekeeper.vulnerabilities.naming import normal_name, split_ecosystem

_REFUSALS_KEPT = 1000
_ENCODER = msgspec.msgpack.Encoder()

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
        heading = StoredHeading(
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
            package = self._package(package_key(base, normal_name(base, affected.name)))
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


def _moment(moment: object) -> str:
    return str(moment).replace(" ", "T").replace("+00:00", "Z")
