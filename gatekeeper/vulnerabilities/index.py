"""Advisories made ready once, in one file: what ``gatekeeper match`` looks components up in.

An SQLite database that is written once and then only read. An entry is one ``affected[]`` of one record, as msgpack of
``ReadyPackage``; the entries of a package lie side by side.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple, Self

import msgspec

from gatekeeper.core.errors import MalformedError
from gatekeeper.vulnerabilities.coverage import Coverage
from gatekeeper.vulnerabilities.evaluation import ReadyPackage
from gatekeeper.vulnerabilities.matching import Heading
from gatekeeper.vulnerabilities.naming import Named

if TYPE_CHECKING:
    from gatekeeper.core.advisory import Advisory, RefusedRecord

FORMAT = 2
"""Raised when what is stored, or how it is made ready, changes: files of another format are made anew."""
APPLICATION_ID = 0x676B6164
"""``gkad`` in the header of the file (SQLite, "application_id")."""
_NAMES_AT_ONCE = 500
"""Fewer than SQLite's least limit of parameters (999: SQLite, "Limits", "SQLITE_MAX_VARIABLE_NUMBER")."""

_READY = msgspec.msgpack.Decoder(ReadyPackage)
_HEADING = msgspec.msgpack.Decoder(Heading)
_IDS = msgspec.msgpack.Decoder(tuple[str, ...])


class Covered(msgspec.Struct, frozen=True, gc=False):
    """How much the feeds say of one ecosystem."""

    ecosystem: str
    """With its suffix, as written."""
    records: int
    newest: str
    """The latest ``modified``; RFC 3339."""


class Entry(NamedTuple):
    """One ``affected[]`` of one record."""

    advisory: int
    """Equal for all entries of one record."""
    ready: ReadyPackage
    packed: bytes
    family: bytes | None
    """Ids of every record of the same vulnerability; None when there is no other record."""

    def heading(self) -> Heading:
        """What a match says of the record; read when it is asked for, because few records match."""
        own = _HEADING.decode(self.packed)
        if self.family is None:
            return own
        others = (name for name in _IDS.decode(self.family) if name != own.id)
        return msgspec.structs.replace(own, aliases=tuple(dict.fromkeys((*own.aliases, *others))))


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
        self._told = Coverage(covered.ecosystem for covered in self._coverage)

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
        rows = self._database.execute("select place, reason from refusal").fetchall()
        if not rows:
            return ()
        # Only then: matching needs nothing else of what records are made of.
        from gatekeeper.core.advisory import RefusedRecord  # noqa: PLC0415

        return tuple(RefusedRecord(*row) for row in rows)

    def covers(self, names: Iterable[Named]) -> bool:
        """True when the feeds tell of one of these names' ecosystems, and of this release of a distribution."""
        return self._told.covers(names)

    def entries(self, named: Iterable[Named]) -> Mapping[str, list[Entry]]:
        """By ``package_key``: every ``affected[]`` that names one of these packages, whatever its release."""
        found: dict[str, list[Entry]] = {}
        keys = list({package_key(name.ecosystem, name.name) for name in named})
        for start in range(0, len(keys), _NAMES_AT_ONCE):
            asked = keys[start : start + _NAMES_AT_ONCE]
            rows = self._database.execute(
                "select entry.package, advisory.id, entry.ready, advisory.heading, family.ids"  # noqa: S608 - question marks alone
                " from entry join advisory on advisory.id = entry.advisory"
                " left join family on family.id = advisory.family"
                f" where entry.package in ({','.join('?' * len(asked))}) order by entry.package, entry.position",
                asked,
            )
            for package, advisory, ready, heading, family in rows:
                entry = Entry(advisory, _READY.decode(ready), heading, family)
                found.setdefault(package, []).append(entry)
        return found

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


def package_key(ecosystem: str, name: str) -> str:
    """What packages are stored under: the ecosystem without suffix, and the name in its normal form."""
    return f"{ecosystem}\n{name}"


def _malformed(path: Path, why: str) -> MalformedError:
    return MalformedError(f"{path}: no index of advisories: {why}", reason_code="index-malformed")
