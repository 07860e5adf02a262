"""Since when a tag has been missing: it is gone only after a whole interval."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("tag", sa.Column("missing_at", sa.BigInteger()))


def downgrade() -> None:
    op.drop_column("tag", "missing_at")
