"""Which distribution brought a component, and which reading of a document made its groups."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

COMPONENT = sa.table(
    "component", sa.column("id"), sa.column("content", sa.LargeBinary), sa.column("vendor", sa.Text)
)
GROUP = sa.table("component_group", sa.column("id"), sa.column("content", sa.LargeBinary))
GROUP_COMPONENT = sa.table("group_component", sa.column("group_id"), sa.column("component_id"))


def upgrade() -> None:
    op.add_column("component", sa.Column("vendor", sa.Text()))
    # Documents that are there already are read again when their images are looked at again.
    op.add_column("sbom_document", sa.Column("reading", sa.Integer(), nullable=False, server_default="0"))


def downgrade() -> None:
    connection = op.get_bind()
    brought = sa.select(COMPONENT.c.id).where(COMPONENT.c.vendor.is_not(None))
    grouped = sa.select(GROUP_COMPONENT.c.group_id).where(GROUP_COMPONENT.c.component_id.in_(brought))
    # What they are told apart by goes: nothing may be taken for them again.
    for table, ids in ((GROUP, grouped), (COMPONENT, brought)):
        for row in connection.execute(
            sa.select(table.c.id, table.c.content).where(table.c.id.in_(ids))
        ).all():
            forgotten = bytes(row.content) + b"\0"
            connection.execute(sa.update(table).where(table.c.id == row.id).values(content=forgotten))
    op.drop_column("sbom_document", "reading")
    op.drop_column("component", "vendor")
