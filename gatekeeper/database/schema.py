"""Which schema a database has, and which this version needs. No Alembic: every command asks this when it starts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, inspect, text

from gatekeeper.core.errors import ConfigurationError

HEAD = "0012"
"""The revision that ``tables`` describes; a test compares it with ``migrations/``."""
REMEDY = "run `gatekeeper migrate`, or start with `gatekeeper run --migrate`"


@dataclass(frozen=True, slots=True)
class Current:
    """The database has the schema that this version needs."""

    revision: str


@dataclass(frozen=True, slots=True)
class Outdated:
    """The database needs a migration. ``revision`` None: it is empty."""

    revision: str | None
    needed: str

    @property
    def message(self) -> str:
        """What is wrong and what to do."""
        if self.revision is None:
            return f"the database is empty; {REMEDY}"
        if self.revision > self.needed:
            return (
                f"the database has schema {self.revision}, made by a newer version than this one"
                f" (which knows {self.needed}); use that version"
            )
        return f"the database has schema {self.revision}, this version needs {self.needed}; {REMEDY}"


def state_of(connection: Connection) -> Current | Outdated:
    """Compares the database's revision with ours."""
    revision = revision_of(connection)
    return Current(revision) if revision == HEAD else Outdated(revision, HEAD)


def revision_of(connection: Connection) -> str | None:
    """The revision that Alembic noted, or None."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def refuse_outdated(state: Current | Outdated) -> None:
    """Raises ConfigurationError ``schema-outdated`` with the command to type."""
    if isinstance(state, Outdated):
        raise ConfigurationError((state.message,), reason_code="schema-outdated")


def migrations_directory() -> Path:
    """Where the revisions are: inside an installed package, else beside it in the checkout."""
    package = Path(__file__).resolve().parents[1]
    packaged = package / "_migrations"
    return packaged if packaged.is_dir() else package.parent / "migrations"
