"""What is recorded: SQLite embedded, PostgreSQL for many nodes, one SQL path for both. The only door of SQLAlchemy."""

from gatekeeper.database.schema import Current, Outdated, migrations_directory
from gatekeeper.database.store import Database

__all__ = ["Current", "Database", "Outdated", "migrations_directory"]
