"""The store: every noun of this room over one database."""

from __future__ import annotations

from collections.abc import Callable
from typing import Self

from gatekeeper.database.affected import Affected
from gatekeeper.database.audit_trail import AuditTrail
from gatekeeper.database.brakes import Brakes
from gatekeeper.database.cases import Cases
from gatekeeper.database.claims import Claims, Hosts
from gatekeeper.database.components import Documents
from gatekeeper.database.connection import Link, make_engine
from gatekeeper.database.feeds import Feeds
from gatekeeper.database.imports import Imports
from gatekeeper.database.intents import Intents
from gatekeeper.database.outbox import Outbox
from gatekeeper.database.policies import Policies
from gatekeeper.database.rebuild import Rebuild
from gatekeeper.database.reevaluation import Reevaluation
from gatekeeper.database.registries import RegistryRows
from gatekeeper.database.reported import Reported
from gatekeeper.database.repositories import Repositories
from gatekeeper.database.scan_rows import ScanReader
from gatekeeper.database.scanner_reports import ScannerReports
from gatekeeper.database.scans import Scans
from gatekeeper.database.schema import refuse_outdated, state_of
from gatekeeper.database.sightings import Sightings
from gatekeeper.database.status import Status
from gatekeeper.database.subjects import Subjects
from gatekeeper.database.tokens import Tokens
from gatekeeper.database.verdicts import Verdicts
from gatekeeper.database.waivers import Waivers


class Database(
    Repositories,
    Claims,
    Subjects,
    Verdicts,
    Sightings,
    Intents,
    Brakes,
    Policies,
    RegistryRows,
    Cases,
    Status,
    AuditTrail,
    Outbox,
    Tokens,
    Waivers,
    Documents,
    Reported,
    Scans,
    Feeds,
    Imports,
    Reevaluation,
    Affected,
    Rebuild,
    ScannerReports,
):
    """``ports.Store`` on SQLite or PostgreSQL. Thread-safe; several processes may use one database."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._hosts = Hosts(link)
        self._scanning = ScanReader()

    @classmethod
    def open(cls, url: str, *, password: Callable[[], str] | None = None) -> Self:
        """``sqlite:///path`` or ``postgresql+psycopg://…``; ``password`` is asked for each new connection.

        Raises UnavailableError when it cannot be reached, ConfigurationError for another URL and for a database whose
        schema is not the one that this version needs (``schema-outdated``).
        """
        link = Link(make_engine(url, password=password))
        try:
            with link.reading() as connection:
                refuse_outdated(state_of(connection))
        except BaseException:
            link.close()
            raise
        return cls(link)

    def close(self) -> None:
        """Closes every connection."""
        self._link.close()
