"""Advisories of an import: rows, names, and where to look for the components that they may concern."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Table, delete, insert, select, update

from gatekeeper.core.advisory import Advisory
from gatekeeper.core.advisory_terms import EventKind
from gatekeeper.database import tables
from gatekeeper.database.columns import storable
from gatekeeper.database.marks import chunks
from gatekeeper.database.matches import match_new_advisories
from gatekeeper.database.packages import package_ids
from gatekeeper.ports.vulnerabilities import FeedImport, FeedRecord, Matcher

_UNDATED = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Batch:
    """Advisories being written under one version."""

    connection: Connection
    under: FeedImport
    matcher: Matcher
    first: bool
    now: datetime

    def write(self, records: Mapping[str, FeedRecord]) -> None:
        """What is the same is only met; what only reads differently is rewritten; the rest replaces or is new."""
        table, version = tables.advisory, self.under.version
        known = self._known(records)
        met: list[int] = []
        new: list[dict[str, Any]] = []
        for record_id in sorted(records):
            record, row = records[record_id], known.get(record_id)
            content = hashlib.sha256(record.raw).digest()
            if row is not None and bytes(row.content) == content:
                met.append(row.id)
                continue
            values = self._values(record, content, row)
            if row is not None and bytes(row.meaning) == values["meaning"]:
                texts = {name: values[name] for name in ("content", "modified", "body")}
                self.connection.execute(
                    update(table).where(table.c.id == row.id).values(**texts, met=version)
                )
                continue
            if row is not None and not self._retire(row, record.advisory):
                met.append(row.id)
                continue
            new.append(values)
        for chunk in chunks(met):
            self.connection.execute(update(table).where(table.c.id.in_(chunk)).values(met=version))
        if new:
            self._insert(new, records)

    def _known(self, records: Mapping[str, FeedRecord]) -> dict[str, Any]:
        table = tables.advisory
        columns = ("id", "record", "content", "meaning", "loaded", "modified", "seen_at", "fix_seen_at")
        known: dict[str, Any] = {}
        for chunk in chunks(sorted(records)):
            rows = self.connection.execute(
                select(*(table.c[name] for name in columns)).where(
                    table.c.feed_id == self.under.id, table.c.record.in_(chunk), table.c.retired.is_(None)
                )
            )
            known |= {row.record: row for row in rows}
        return known

    def _retire(self, row: Any, advisory: Advisory) -> bool:
        """Makes room for a new row. False: this very import has met a newer one already."""
        table = tables.advisory
        if row.loaded == self.under.version:
            if row.modified > advisory.modified:
                return False
            delete_rows(self.connection, table, [row.id])
        else:
            self.connection.execute(
                update(table).where(table.c.id == row.id).values(retired=self.under.version)
            )
        return True

    def _values(self, record: FeedRecord, content: bytes, before: Any) -> dict[str, Any]:
        advisory = record.advisory
        # A record could be known as it is since it was modified so; one that was there when we began to look, since
        # it was published. A feed that was not asked for a while gives nobody more time.
        public = (advisory.published or advisory.modified) if self.first else advisory.modified
        since = min(public, self.now)
        fix_since = since if _has_fix(advisory) else None
        return {
            "feed_id": self.under.id,
            "record": storable(advisory.id),
            "content": content,
            "meaning": _meaning(advisory),
            "loaded": self.under.version,
            "met": self.under.version,
            "modified": advisory.modified,
            "seen_at": since if before is None else before.seen_at,
            "fix_seen_at": fix_since if before is None or fix_since is None else before.fix_seen_at or since,
            "body": zlib.compress(record.raw, 1),
        }

    def _insert(self, new: Sequence[Mapping[str, Any]], records: Mapping[str, FeedRecord]) -> None:
        connection, table = self.connection, tables.advisory
        rows = connection.execute(insert(table).returning(table.c.id, table.c.record), list(new))
        advisories = {row.id: records[row.record].advisory for row in rows}
        names = [
            {"name": name, "advisory_id": advisory_id, "upstream": upstream}
            for advisory_id, advisory in advisories.items()
            for name, upstream in sorted(_names(advisory).items())
        ]
        connection.execute(insert(tables.advisory_name), names)
        found = {advisory_id: self.matcher.spans(advisory) for advisory_id, advisory in advisories.items()}
        packages = package_ids(connection, {span.package for spans in found.values() for span in spans})
        spans = [
            {
                "advisory_id": advisory_id,
                "package_id": packages[span.package],
                "low": span.low,
                "high": span.high,
            }
            for advisory_id, listed in found.items()
            for span in listed
        ]
        if spans:
            connection.execute(insert(tables.advisory_range), spans)
            match_new_advisories(connection, self.matcher, advisories, spans)


def _names(advisory: Advisory) -> dict[str, bool]:
    """Everything it is called; True for what it only refers to."""
    own = {storable(text): False for text in (advisory.id, *advisory.aliases)}
    return {storable(text): True for text in advisory.upstream} | own


def _has_fix(advisory: Advisory) -> bool:
    return any(
        event.kind is EventKind.FIXED
        for affected in advisory.affected
        for found in affected.ranges
        for event in found.events
    )


def _meaning(advisory: Advisory) -> bytes:
    """Without its texts and times: a ``repr`` of plain frozen values is the same for equal ones."""
    bare = replace(advisory, modified=_UNDATED, summary="")
    return hashlib.sha256(repr(bare).encode("utf-8", "surrogatepass")).digest()


def delete_rows(connection: Connection, rows: Table, ids: Sequence[int]) -> None:
    """Rows of a feed with everything below them."""
    if rows is tables.advisory:
        for below in (tables.match, tables.advisory_name, tables.advisory_range):
            connection.execute(delete(below).where(below.c.advisory_id.in_(ids)))
    connection.execute(delete(rows).where(rows.c.id.in_(ids)))
