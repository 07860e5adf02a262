"""RPM databases in SQLite (rpm 4.16 and later): one table of binary headers (rpm.org, "RPM package format", header).

A database is a program to some degree: views, triggers and virtual tables may hide behind a name. So the table must be
a table, nothing is written, and every statement ends after a bounded number of steps.
"""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Iterator, Mapping
from contextlib import closing

from gatekeeper.core.component import Component, OperatingSystem
from gatekeeper.core.errors import MalformedError
from gatekeeper.sbom import licences, making
from gatekeeper.sbom.lenient import malformed
from gatekeeper.sbom.os_packages.databases import purl_of

_NAME, _VERSION, _RELEASE, _EPOCH, _LICENCE, _ARCH, _SOURCE, _MODULE = (
    1000,
    1001,
    1002,
    1003,
    1014,
    1022,
    1044,
    5096,
)
_WANTED = frozenset({_NAME, _VERSION, _RELEASE, _EPOCH, _LICENCE, _ARCH, _SOURCE, _MODULE})
_INT32, _STRING, _STRING_ARRAY, _I18N = 4, 6, 8, 9
_MOST_ENTRIES = 65_536
_MOST_DATA = 64 * 1024 * 1024
_MOST_STEPS = 2_000
"""Of 10,000 virtual machine instructions each."""
_ENTRY = struct.Struct(">4i")
_PSEUDO = "gpg-pubkey"
"""Keys are kept among the packages and are none."""


def rpm(content: bytes, system: OperatingSystem | None, path: str) -> Iterator[Component | None]:
    """``rpmdb.sqlite`` -> packages; None for a header that cannot be read. Raises MalformedError for no database."""
    for blob in _headers(content):
        try:
            fields = _fields(blob)
        except (struct.error, ValueError, IndexError):
            yield None
            continue
        if fields.get(_NAME) != _PSEUDO:
            yield _component(fields, system, path)


def _headers(content: bytes) -> list[bytes]:
    # Written in write-ahead mode, which a database in memory does not have: bytes 18 and 19 say so.
    plain = content[:18] + b"\x01\x01" + content[20:]
    try:
        with closing(sqlite3.connect(":memory:")) as connection:
            connection.deserialize(plain)
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.execute("PRAGMA query_only = ON")
            steps = iter(range(_MOST_STEPS))
            connection.set_progress_handler(lambda: int(next(steps, None) is None), 10_000)
            kind = connection.execute("SELECT type FROM sqlite_master WHERE name = 'Packages'").fetchone()
            if kind is None or kind[0] != "table":
                raise malformed("the RPM database has no table of packages")
            rows = connection.execute("SELECT blob FROM Packages ORDER BY hnum").fetchall()
    except (sqlite3.Error, OverflowError, UnicodeDecodeError) as error:
        raise malformed(f"the RPM database cannot be read: {error}") from error
    return [blob for (blob,) in rows if isinstance(blob, bytes)]


def _fields(blob: bytes) -> Mapping[int, str]:
    """Two counts, an index of (tag, type, offset, count), then the values."""
    entries, size = struct.unpack_from(">2i", blob, 0)
    if not 0 < entries <= _MOST_ENTRIES or not 0 <= size <= _MOST_DATA:
        raise ValueError("impossible counts")
    start = 8 + entries * _ENTRY.size
    values = blob[start : start + size]
    found: dict[int, str] = {}
    for tag, kind, offset, count in _ENTRY.iter_unpack(blob[8:start]):
        if tag not in _WANTED or not 0 <= offset < len(values) or count < 1:
            continue
        if kind in (_STRING, _STRING_ARRAY, _I18N):
            end = values.index(b"\0", offset)
            found[tag] = values[offset:end][:8192].decode(errors="replace")
        elif kind == _INT32:
            found[tag] = str(struct.unpack_from(">I", values, offset)[0])
    return found


def _component(fields: Mapping[int, str], system: OperatingSystem | None, path: str) -> Component | None:
    name = fields.get(_NAME, "")
    if not name:
        return None
    version = f"{fields.get(_VERSION, '')}-{fields.get(_RELEASE, '')}".strip("-")
    source = fields.get(_SOURCE, "")
    declared = licences.declared((fields.get(_LICENCE, ""),))
    qualifiers = {
        "arch": fields.get(_ARCH, ""),
        "epoch": fields.get(_EPOCH, ""),
        "upstream": source,
        "rpmmod": fields.get(_MODULE, ""),
    }
    try:
        return making.component(
            name,
            version,
            str(purl_of("rpm", system, name, version, qualifiers)),
            kind="library",
            licence=licences.all_of(declared),
            declared=declared,
            paths=(path,),
        )
    except MalformedError:
        return None
