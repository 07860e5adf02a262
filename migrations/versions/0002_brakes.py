"""What waivers, the first enforcement, changes in bulk and doubted registries need."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _added() -> dict[str, tuple[sa.Column[object], ...]]:
    """The columns, made anew for each direction: a column belongs to one table operation."""
    return {
        "registry": (sa.Column("doubted_at", sa.BigInteger()), sa.Column("doubt", sa.Text())),
        "repository": (
            sa.Column("baseline_at", sa.BigInteger()),
            sa.Column("read_at", sa.BigInteger()),
            sa.Column("known_tags", sa.Integer(), nullable=False, server_default="0"),
            sa.Column("changed_tags", sa.Integer(), nullable=False, server_default="0"),
            sa.Column("believed", sa.Boolean(), nullable=False, server_default=sa.false()),
        ),
        "subject": (sa.Column("turned", sa.Text()),),
        "waiver": (sa.Column("revoked_at", sa.BigInteger()), sa.Column("announced_at", sa.BigInteger())),
        "policy": (
            sa.Column("reach", sa.Text()),
            sa.Column("evaluator", sa.Integer()),
            sa.Column("accepted_at", sa.BigInteger()),
            sa.Column("accepted_by", sa.Text()),
            sa.Column("accepted_reason", sa.Text()),
        ),
    }


def upgrade() -> None:
    for table, columns in _added().items():
        for column in columns:
            op.add_column(table, column)
    op.create_index(op.f("ix_subject_turned"), "subject", ["turned"])
    op.create_table(
        "waiver_use",
        sa.Column("waiver_id", sa.Text(), nullable=False),
        sa.Column("subject_id", KEY, nullable=False),
        sa.Column("first_at", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["waiver_id"], ["waiver.id"], name=op.f("fk_waiver_use_waiver_id_waiver")),
        sa.ForeignKeyConstraint(
            ["subject_id"], ["subject.id"], name=op.f("fk_waiver_use_subject_id_subject")
        ),
        sa.PrimaryKeyConstraint("waiver_id", "subject_id", name=op.f("pk_waiver_use")),
    )


def downgrade() -> None:
    op.drop_table("waiver_use")
    op.drop_index(op.f("ix_subject_turned"), table_name="subject")
    for table, columns in _added().items():
        for column in reversed(columns):
            op.drop_column(table, column.name)
