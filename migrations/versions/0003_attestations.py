"""Attestations of our own: found by their digest, counted by the hour."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_intent_repository_id_digest", "intent", ["repository_id", "digest"])
    op.create_index("ix_intent_kind_created_at", "intent", ["kind", "created_at"])


def downgrade() -> None:
    op.drop_index("ix_intent_kind_created_at", "intent")
    op.drop_index("ix_intent_repository_id_digest", "intent")
