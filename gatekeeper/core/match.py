"""Matches: a component and an advisory that names its version, with the reason; and what could not be judged."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gatekeeper.core.advisory_terms import VendorStatus
from gatekeeper.core.severity import UNRATED, Rating


class Affectedness(StrEnum):
    """The answer for one version and one advisory."""

    AFFECTED = "affected"
    UNAFFECTED = "unaffected"
    INDETERMINATE = "indeterminate"
    """The version, or the range, cannot be ordered, and no listed version equals it."""


class Ground(StrEnum):
    """Which part of the record decided."""

    VERSIONS = "versions"
    RANGE = "range"


@dataclass(frozen=True, slots=True)
class Why:
    """The part of an advisory that names a version."""

    ground: Ground
    text: str
    """The listed version, or the range as ``>= 1.0, < 1.4.2``."""
    fixed: str = ""
    """The version that ends the range the component is in; empty when there is none yet."""


@dataclass(frozen=True, slots=True)
class LookedUp:
    """What a component is called where advisories name it: an ecosystem's package, with the version compared there."""

    ecosystem: str
    """With its release: ``Debian:12``, ``npm``."""
    name: str
    version: str
    from_source: bool = False
    """True when it is the source package that a binary package was built from."""


@dataclass(frozen=True, slots=True)
class Match:
    """One vulnerability of one component: every matching record of one alias group."""

    component: str
    """The component's purl."""
    package: LookedUp
    advisory: str
    """The record that leads the group."""
    advisories: tuple[str, ...]
    """Every matching record of the group."""
    aliases: tuple[str, ...]
    """All other ids of the vulnerability, matching records included."""
    why: Why
    fixed: tuple[str, ...]
    """Versions of the same stream that fix it, first the one that ends the component's range."""
    summary: str = ""
    rating: Rating = UNRATED
    status: VendorStatus = VendorStatus.AFFECTED
    published: str = ""
    """When the leading record was published; RFC 3339."""
    modified: str = ""


class Unjudged(StrEnum):
    """Why a component, or one advisory about it, could not be judged."""

    NO_PURL = "no-purl"
    MALFORMED_PURL = "malformed-purl"
    NO_VERSION = "no-version"
    ECOSYSTEM_UNKNOWN = "ecosystem-unknown"
    """No ecosystem of OSV holds packages of this purl type."""
    DISTRIBUTION_UNKNOWN = "distribution-unknown"
    """An OS package of a document that does not say (or names no known) distribution."""
    ECOSYSTEM_NOT_COVERED = "ecosystem-not-covered"
    """The feeds hold no advisory of this ecosystem (or of this release of it)."""
    VERSION_UNORDERABLE = "version-unorderable"
    RANGE_UNORDERABLE = "range-unorderable"


@dataclass(frozen=True, slots=True)
class Gap:
    """One thing that could not be judged: never silently clean."""

    component: str
    """The purl, or the name and version where there is none."""
    reason: Unjudged
    detail: str
    advisory: str = ""
    """Set when it is one advisory about the component that could not be evaluated."""


def not_covered(ecosystem: str, component: str = "") -> Gap:
    """``ecosystem``: with its release, ``Debian:7``. ``component``: empty where all of them are meant."""
    return Gap(component, Unjudged.ECOSYSTEM_NOT_COVERED, f"the feeds hold no advisory of {ecosystem}")
