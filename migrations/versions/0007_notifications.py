"""Deliveries of events to webhooks, and alarms that were raised."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
LEASE = ("next_due", "priority", "lease_until", "lease_token", "error")


def _lease_columns() -> tuple[sa.Column[object], ...]:
    return (
        sa.Column("next_due", sa.BigInteger()),
        sa.Column("priority", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("lease_until", sa.BigInteger()),
        sa.Column("lease_token", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("error", sa.Text()),
    )


def upgrade() -> None:
    # Nobody read the outbox before: what is in it is history, not mail.
    op.add_column("outbox", sa.Column("unsent", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.drop_index("ix_outbox_next_due", "outbox")
    with op.batch_alter_table("outbox") as outbox:
        for name in ("attempts", *LEASE):
            outbox.drop_column(name)
        outbox.alter_column(
            "unsent", server_default=None, existing_type=sa.Boolean(), existing_nullable=False
        )
    op.create_index(
        "ix_outbox_unsent",
        "outbox",
        ["id"],
        sqlite_where=sa.text("unsent"),
        postgresql_where=sa.text("unsent"),
    )
    op.create_index("ix_outbox_at", "outbox", ["at"])
    op.create_table(
        "delivery",
        sa.Column("id", KEY, nullable=False),
        sa.Column("outbox_id", KEY, nullable=False),
        sa.Column("endpoint", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("dead_at", sa.BigInteger()),
        *_lease_columns(),
        sa.ForeignKeyConstraint(["outbox_id"], ["outbox.id"], name="fk_delivery_outbox_id_outbox"),
        sa.PrimaryKeyConstraint("id", name="pk_delivery"),
        sa.UniqueConstraint("outbox_id", "endpoint", name="uq_delivery_outbox_id_endpoint"),
    )
    op.create_index("ix_delivery_endpoint_next_due", "delivery", ["endpoint", "next_due"])
    op.create_table(
        "alarm",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "subject", name="pk_alarm"),
    )


def downgrade() -> None:
    op.drop_table("alarm")
    op.drop_index("ix_delivery_endpoint_next_due", "delivery")
    op.drop_table("delivery")
    op.drop_index("ix_outbox_at", "outbox")
    op.drop_index("ix_outbox_unsent", "outbox")
    with op.batch_alter_table("outbox") as outbox:
        outbox.drop_column("unsent")
        outbox.add_column(sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"))
        for column in _lease_columns():
            outbox.add_column(column)
    op.create_index("ix_outbox_next_due", "outbox", ["next_due"])
