"""Which vulnerabilities scan reports name, and since when a subject fails by what feeds say alone."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("subject", sa.Column("failed_by_feed_at", sa.BigInteger()))
    op.create_table(
        "reported_cve",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("group_id", KEY, nullable=False),
        sa.ForeignKeyConstraint(
            ["group_id"], ["component_group.id"], name="fk_reported_cve_group_id_component_group"
        ),
        sa.PrimaryKeyConstraint("name", "group_id", name="pk_reported_cve"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_reported_cve_group_id", "reported_cve", ["group_id"])


def downgrade() -> None:
    op.drop_index("ix_reported_cve_group_id", "reported_cve")
    op.drop_table("reported_cve")
    op.drop_column("subject", "failed_by_feed_at")
