"""Where Alembic begins. ``gatekeeper.database.migrate`` brings its connection; on the command line:

alembic -c migrations/alembic.ini -x url=sqlite:///scratch.db revision --autogenerate --rev-id 0002 -m "what changes"

Then ``python3 -m tests.migration.recording`` records the rows that every later revision is proved with.
"""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from sqlalchemy import Connection, TypeDecorator

from gatekeeper.database.connection import make_engine
from gatekeeper.database.tables import metadata


def render(kind: str, item: Any, _autogen: Any) -> str | Literal[False]:
    """Revisions name plain types: what they made must not change when our column types do."""
    if kind == "type" and isinstance(item, TypeDecorator):
        return f"sa.{type(item.impl_instance).__name__}()"
    return False


def migrate(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_as_batch=True,
        compare_type=True,
        transactional_ddl=True,
        render_item=render,
    )
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    migrate(given)
else:
    engine = make_engine(context.get_x_argument(as_dictionary=True)["url"], foreign_keys=False)
    with engine.connect().execution_options(gatekeeper_writes=True) as own, own.begin():
        migrate(own)
