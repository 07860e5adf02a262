"""Package names: where components and advisories meet."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, select

from gatekeeper.database import tables
from gatekeeper.database.columns import storable
from gatekeeper.database.marks import chunks
from gatekeeper.database.upsert import insert_missing
from gatekeeper.ports.vulnerabilities import PackageName


def package_ids(connection: Connection, names: Iterable[PackageName]) -> dict[PackageName, int]:
    """The id of every name; unknown ones are added."""
    wanted = {name: PackageName(name.ecosystem, storable(name.name)) for name in names}
    known = _known(connection, set(wanted.values()))
    missing = sorted(
        set(wanted.values()) - known.keys(), key=lambda package: (package.ecosystem, package.name)
    )
    if missing:
        insert_missing(
            connection,
            tables.package,
            [{"ecosystem": package.ecosystem, "name": package.name} for package in missing],
        )
        known |= _known(connection, set(missing))
    return {name: known[stored] for name, stored in wanted.items()}


def _known(connection: Connection, names: set[PackageName]) -> dict[PackageName, int]:
    package = tables.package
    by_ecosystem: dict[str, list[str]] = {}
    for name in names:
        by_ecosystem.setdefault(name.ecosystem, []).append(name.name)
    known: dict[PackageName, int] = {}
    for ecosystem, listed in sorted(by_ecosystem.items()):
        for chunk in chunks(sorted(listed)):
            rows = connection.execute(
                select(package.c.name, package.c.id).where(
                    package.c.ecosystem == ecosystem, package.c.name.in_(chunk)
                )
            )
            known |= {PackageName(ecosystem, row.name): row.id for row in rows}
    return known
