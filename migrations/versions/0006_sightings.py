"""First sight of each signature; a verdict names the trust material that its evidence was verified with."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sighting",
        sa.Column("signature", sa.Text(), nullable=False),
        sa.Column("first_seen", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("signature", name=op.f("pk_sighting")),
    )
    op.execute("ALTER TABLE verdict RENAME COLUMN key_set TO trust")


def downgrade() -> None:
    op.execute("ALTER TABLE verdict RENAME COLUMN trust TO key_set")
    op.drop_table("sighting")
