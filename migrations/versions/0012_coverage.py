"""Which ecosystems, with their releases, the records of each feed name: what images are covered by."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
FEED = sa.table("feed", sa.column("id"), sa.column("version"))
ADVISORY = sa.table(
    "advisory",
    sa.column("id"),
    sa.column("feed_id"),
    sa.column("loaded"),
    sa.column("met"),
    sa.column("retired"),
    sa.column("body", sa.LargeBinary),
)
DOCUMENT = sa.table("sbom_document", sa.column("reading"))
AT_ONCE = 1_000
LONGEST_LABEL = 500


def upgrade() -> None:
    table = op.create_table(
        "feed_ecosystem",
        sa.Column("feed_id", KEY, nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("loaded", sa.Integer(), nullable=False),
        sa.Column("met", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["feed_id"], ["feed.id"], name="fk_feed_ecosystem_feed_id_feed"),
        sa.PrimaryKeyConstraint("feed_id", "label", name="pk_feed_ecosystem"),
    )
    found: dict[tuple[int, str], tuple[int, int]] = {}
    for row in _advisories():
        for label in _labels(zlib.decompress(row.body)):
            loaded, met = found.get((row.feed_id, label), (row.loaded, row.met))
            found[row.feed_id, label] = (min(loaded, row.loaded), max(met, row.met))
    rows = [
        {"feed_id": feed_id, "label": label, "loaded": loaded, "met": met}
        for (feed_id, label), (loaded, met) in sorted(found.items())
    ]
    if rows:
        op.bulk_insert(table, rows)


def _advisories() -> Iterator[Any]:
    """Those that readers see, and those of imports under way, which go on behind what they wrote."""
    connection, last = op.get_bind(), 0
    while True:
        rows = connection.execute(
            sa.select(*(ADVISORY.c[name] for name in ("id", "feed_id", "loaded", "met", "body")))
            .join(FEED, FEED.c.id == ADVISORY.c.feed_id)
            .where(
                ADVISORY.c.id > last,
                sa.or_(ADVISORY.c.retired.is_(None), ADVISORY.c.retired > FEED.c.version),
            )
            .order_by(ADVISORY.c.id)
            .limit(AT_ONCE)
        ).all()
        yield from rows
        if len(rows) < AT_ONCE:
            return
        last = rows[-1].id


def _labels(record: bytes) -> set[str]:
    """An import read the record before, so it is what the OSV schema says."""
    named = (entry.get("package") or {} for entry in json.loads(record).get("affected") or ())
    labels = {package["ecosystem"].strip() for package in named if package.get("ecosystem")}
    return {label for label in labels if label and label.isprintable() and len(label) <= LONGEST_LABEL}


def downgrade() -> None:
    op.drop_table("feed_ecosystem")
    # Releases are among what was kept of documents: the earlier program reads them again.
    op.get_bind().execute(sa.update(DOCUMENT).values(reading=0))
