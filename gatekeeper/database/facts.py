"""Facts of an import: lines of KEV, EPSS and end-of-life feeds."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from gatekeeper.database import tables
from gatekeeper.database.marks import chunks
from gatekeeper.ports.vulnerabilities import FeedFact, FeedImport


def write_facts(
    connection: Connection, under: FeedImport, facts: Mapping[str, FeedFact], now: datetime
) -> None:
    """What is the same is only met; what differs replaces."""
    table, version = tables.feed_fact, under.version
    known: dict[str, Any] = {}
    for chunk in chunks(sorted(facts)):
        rows = connection.execute(
            select(table).where(
                table.c.feed_id == under.id, table.c.name.in_(chunk), table.c.retired.is_(None)
            )
        )
        known |= {row.name: row for row in rows}
    met, replaced, new = [], [], []
    for name, fact in facts.items():
        row = known.get(name)
        if row is not None and (row.score, row.at) == (fact.score, fact.at):
            met.append(row.id)
            continue
        if row is not None:
            replaced.append(row)
        new.append(
            {
                "feed_id": under.id,
                "name": name,
                "loaded": version,
                "met": version,
                "score": fact.score,
                "at": fact.at,
                "seen_at": now if row is None else row.seen_at,
            }
        )
    for chunk in chunks(met):
        connection.execute(update(table).where(table.c.id.in_(chunk)).values(met=version))
    for chunk in chunks([row.id for row in replaced if row.loaded == version]):
        connection.execute(delete(table).where(table.c.id.in_(chunk)))
    for chunk in chunks([row.id for row in replaced if row.loaded != version]):
        connection.execute(update(table).where(table.c.id.in_(chunk)).values(retired=version))
    if new:
        connection.execute(insert(table), new)
