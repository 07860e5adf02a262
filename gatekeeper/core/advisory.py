"""Advisories in the terms of the OSV schema 1.7 (https://ossf.github.io/osv-schema/): what is affected, and when.

Read leniently in room ``vulnerabilities``; a feed's record that breaks the schema is set aside with its reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from gatekeeper.core.advisory_terms import EventKind, RangeKind, VendorStatus
from gatekeeper.core.severity import UNRATED, Rating


@dataclass(frozen=True, slots=True)
class RangeEvent:
    """One event: a change of status at a version."""

    kind: EventKind
    version: str
    """As written. ``0`` of an introduction sorts before every version; ``*`` of a limit is no limit."""


@dataclass(frozen=True, slots=True)
class VersionRange:
    """``affected[].ranges[]``, with its events in the order of the record."""

    kind: RangeKind
    events: tuple[RangeEvent, ...]


@dataclass(frozen=True, slots=True)
class AffectedPackage:
    """``affected[]``: one package of one ecosystem."""

    ecosystem: str
    """As written, with its suffix: ``Debian:12``, ``Ubuntu:22.04:LTS``, ``Red Hat:enterprise_linux:9::appstream``."""
    name: str
    """As written; compared in the ecosystem's normal form."""
    purl: str = ""
    ranges: tuple[VersionRange, ...] = ()
    versions: tuple[str, ...] = ()
    rating: Rating = UNRATED
    """Of this package where it differs, else the advisory's."""
    status: VendorStatus = VendorStatus.AFFECTED


@dataclass(frozen=True, slots=True)
class Advisory:
    """One record of a feed."""

    id: str
    modified: datetime
    published: datetime | None = None
    withdrawn: datetime | None = None
    """Withdrawn records match nothing, but are kept: an earlier match has to be undone."""
    aliases: tuple[str, ...] = ()
    """The same vulnerability in other databases: symmetric and transitive."""
    upstream: tuple[str, ...] = ()
    """Vulnerabilities that a distribution's record refers to: transitive, not symmetric."""
    summary: str = ""
    rating: Rating = UNRATED
    affected: tuple[AffectedPackage, ...] = ()


@dataclass(frozen=True, slots=True)
class AdvisoryText:
    """What a record tells people, beside what is matched."""

    details: str = ""
    links: tuple[str, ...] = ()
    """Its references: ``http`` and ``https`` only."""
    weaknesses: tuple[str, ...] = ()
    """``CWE-79`` …, as its database classifies it."""
    cvss_v3: Rating = UNRATED
    cvss_v2: Rating = UNRATED


NO_TEXT = AdvisoryText()
"""Of a vulnerability that only a scan report names."""


@dataclass(frozen=True, slots=True)
class RefusedRecord:
    """One record of a feed that could not be read; the feed goes on without it."""

    place: str
    """File or member name, or the record's id."""
    reason: str
