"""Subjects that could not be judged are found at once, among a million that could."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    known = sa.text("undetermined_since IS NOT NULL")
    op.create_index(
        "ix_subject_undetermined_since",
        "subject",
        ["undetermined_since"],
        sqlite_where=known,
        postgresql_where=known,
    )


def downgrade() -> None:
    op.drop_index("ix_subject_undetermined_since", "subject")
