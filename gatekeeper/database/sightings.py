"""Sightings: when each verified signature was first recorded."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, select

from gatekeeper.core.digest import Digest
from gatekeeper.core.evidence import Evidence
from gatekeeper.core.sighting import signatures_of
from gatekeeper.database import tables
from gatekeeper.database.connection import Link
from gatekeeper.database.upsert import insert_missing

_AT_ONCE = 500


class Sightings:
    """``ports.SightingStore``."""

    _link: Link

    def first_sightings(self, signatures: frozenset[Digest]) -> Mapping[Digest, datetime]:
        """Those of the signatures that were recorded before, with the moment."""
        table, found = tables.sighting, {}
        ordered = sorted(signatures)
        with self._link.reading() as connection:
            for start in range(0, len(ordered), _AT_ONCE):
                part = ordered[start : start + _AT_ONCE]
                rows = connection.execute(select(table).where(table.c.signature.in_(part)))
                found.update({row.signature: row.first_seen for row in rows})
        return found


def keep_sightings(connection: Connection, evidence: Evidence, now: datetime) -> None:
    """Records the signatures that were never recorded; the first moment stays."""
    rows = [{"signature": signature, "first_seen": now} for signature in sorted(signatures_of(evidence))]
    insert_missing(connection, tables.sighting, rows)
