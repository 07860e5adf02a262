"""The database's schema, from the command line."""

from __future__ import annotations

from gatekeeper.config.settings import Settings


def upgrade(settings: Settings) -> str:
    """Brings the database to this version's schema and returns its revision. Safe to repeat.

    Raises UnavailableError, ConfigurationError.
    """
    from gatekeeper.database import migrate

    return migrate.upgrade(settings.database.connect_url())
