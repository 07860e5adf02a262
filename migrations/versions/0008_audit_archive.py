"""The texts of policies that were in force, and an audit trail of which old rows may go once they are archived."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
ARCHIVED = "OLD.seq <= (SELECT max(seq) FROM audit_checkpoint)"
REFUSED = "the audit trail is append-only"


def upgrade() -> None:
    op.add_column("policy", sa.Column("body", sa.Text()))
    op.create_table(
        "audit_checkpoint",
        sa.Column("seq", KEY, autoincrement=False, nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("archived_at", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_audit_checkpoint"),
    )
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TRIGGER audit_refuses_DELETE")
        op.execute(
            f"CREATE TRIGGER audit_refuses_DELETE BEFORE DELETE ON audit WHEN ({ARCHIVED}) IS NOT 1 "
            f"BEGIN SELECT RAISE(ABORT, '{REFUSED}'); END"
        )
        return
    op.execute(
        "CREATE OR REPLACE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF TG_OP = 'DELETE' THEN IF {ARCHIVED} THEN RETURN OLD; END IF; END IF; "
        f"RAISE EXCEPTION '{REFUSED}'; END $$"
    )


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TRIGGER audit_refuses_DELETE")
        op.execute(
            "CREATE TRIGGER audit_refuses_DELETE BEFORE DELETE ON audit "
            f"BEGIN SELECT RAISE(ABORT, '{REFUSED}'); END"
        )
    else:
        op.execute(
            "CREATE OR REPLACE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{REFUSED}'; END $$"
        )
    op.drop_table("audit_checkpoint")
    op.drop_column("policy", "body")
