"""What all tables share: how constraints are named, and the columns that several have."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Integer, MetaData

from gatekeeper.database.columns import Key, Moment, Words

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def lease_columns() -> tuple[Column[object], ...]:
    """The columns of rows that are worked on."""
    return (
        Column("next_due", Moment),
        Column("priority", Integer, nullable=False, server_default="0"),
        Column("lease_until", Moment),
        Column("lease_token", BigInteger, nullable=False, server_default="0"),
        Column("error", Words),
    )


def key() -> Column[int]:
    """A row's number."""
    return Column("id", Key, primary_key=True)


def refers(name: str, column: str, *, nullable: bool = False) -> Column[int]:
    """A column that holds another row's number."""
    return Column(name, Key, ForeignKey(column), nullable=nullable)
