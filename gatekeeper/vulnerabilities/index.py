"""Advisories made ready once, in one file: what ``gatekeeper match`` looks components up in.

An SQLite database that is written once and then only read. A package's entries are msgpack of ``ReadyPackage``.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from gatekeeper.core.advisory import Advisory, RefusedRecord
from gatekeeper.core.errors import MalformedError
from gatekeeper.vulnerabilities.distributions import concerns
from gatekeeper.vulnerabilities.evaluation import ReadyPackage
from gatekeeper.vulnerabilities.matching import Heading
from gatekeeper.vulnerabilities.naming import Named, split_ecosystem

FORMAT = 1
"""Raised when what is stored, or how it is made ready, changes: files of another format are made anew."""
APPLICATION_ID = 0x676B6164
"""``gkad`` in the header of the file (SQLite, "application_id")."""
_ALIASES_FOLLOWED = 1000
"""Ids of one alias group that are followed; real groups have a dozen."""


class StoredHeading(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What is kept of an advisory beside its packages; msgpack."""

    ids: tuple[str, ...]
    """Its own first."""
    summary: str
    published: str
    modified: str


_READY = msgspec.msgpack.Decoder(ReadyPackage)
_STORED_HEADING = msgspec.msgpack.Decoder(StoredHeading)


@dataclass(frozen=True, slots=True)
class Covered:
    """How much the feeds say of one ecosystem."""

    ecosystem: str
    """With its suffix, as written."""
    records: int
    newest: str
    """The latest ``modified``; RFC 3339."""


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
            (package_key(named.ecosystem, named.name),),
        )
        for advisory, ready in rows:
            yield advisory, _READY.decode(ready)

    def heading(self, advisory: int) -> Heading:
        """What a match says of one record; its aliases followed through every record of the feeds."""
        (stored,) = self._database.execute(
            "select heading from advisory where id = ?", (advisory,)
        ).fetchone()
        heading = _STORED_HEADING.decode(stored)
        ids = self._followed(advisory, heading.ids)
        return Heading(heading.ids[0], ids[1:], heading.summary, heading.published, heading.modified)

    def _followed(self, advisory: int, ids: tuple[str, ...]) -> tuple[str, ...]:
        known = dict.fromkeys(ids)
        waiting, seen = list(ids), {advisory}
        while waiting and len(known) < _ALIASES_FOLLOWED:
            sharing = self._database.execute("select advisory from alias where name = ?", (waiting.pop(),))
            for (number,) in sharing.fetchall():
                if number not in seen:
                    seen.add(number)
                    new = [name for name in self._ids(number) if name not in known]
                    known.update(dict.fromkeys(new))
                    waiting += new
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


def package_key(ecosystem: str, name: str) -> str:
    """What packages are stored under: the ecosystem without suffix, and the name in its normal form."""
    return f"{ecosystem}\n{name}"


def _malformed(path: Path, why: str) -> MalformedError:
    return MalformedError(f"{path}: no index of advisories: {why}", reason_code="index-malformed")
