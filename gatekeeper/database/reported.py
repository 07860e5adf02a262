"""CVEs that scan reports name. What the reports of a subject name together is a group without components.

So a change of what KEV or EPSS say of one of them makes the subject due, is spread and weighed like any other change.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from sqlalchemy import Connection, insert, select

from gatekeeper.database import tables
from gatekeeper.database.columns import storable
from gatekeeper.database.connection import Link

_NO_COMPONENTS = '{"ecosystems":{},"of_vendor":{},"unjudged":{}}'


class Reported:
    """The part of ``ports.ScanStore`` that keeps what reports name."""

    _link: Link

    def keep_reported(self, names: Sequence[str]) -> None:
        """Before they are scanned, so that no change is missed between the scan and its verdict. Idempotent."""
        if not names:
            return
        with self._link.reading() as connection:
            known = _known(connection, names)
        if known is None:
            with self._link.writing(serial=True) as connection:
                reported_group(connection, names)


def reported_group(connection: Connection, names: Sequence[str]) -> int:
    """The id of the group of exactly these names. The transaction must be a serial one."""
    known = _known(connection, names)
    if known is not None:
        return known
    group = tables.component_group
    group_id: int = connection.execute(
        insert(group)
        .values(content=_content(names), members=b"", summary=_NO_COMPONENTS)
        .returning(group.c.id)
    ).scalar_one()
    stored = sorted({storable(name) for name in names})
    connection.execute(insert(tables.reported_cve), [{"name": name, "group_id": group_id} for name in stored])
    return group_id


def _known(connection: Connection, names: Sequence[str]) -> int | None:
    group = tables.component_group
    return connection.execute(select(group.c.id).where(group.c.content == _content(names))).scalar()


def _content(names: Sequence[str]) -> bytes:
    return hashlib.sha256("\n".join(("reported", *sorted(set(names)))).encode()).digest()
