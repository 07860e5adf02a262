"""The words of advisories: kinds of ranges and of their events (OSV schema), and what a vendor says it does.

Apart from the records, because matching compares with these words and never sees a record.
"""

from __future__ import annotations

from enum import StrEnum


class RangeKind(StrEnum):
    """``affected[].ranges[].type``."""

    SEMVER = "SEMVER"
    ECOSYSTEM = "ECOSYSTEM"
    GIT = "GIT"
    """Commits: cannot be evaluated without the repository; counted, never matched."""


class EventKind(StrEnum):
    """The four events of a range."""

    INTRODUCED = "introduced"
    FIXED = "fixed"
    LAST_AFFECTED = "last_affected"
    LIMIT = "limit"


class VendorStatus(StrEnum):
    """What the vendor says it does about a vulnerability in its own package."""

    AFFECTED = "affected"
    UNIMPORTANT = "unimportant"
    """Debian: no security impact in practice."""
    IGNORED = "ignored"
    """Will not be fixed (Debian ``ignored``, Red Hat ``Will not fix``, Ubuntu ``ignored``)."""
    DEFERRED = "deferred"
    """Not fixed by an advisory of its own (Debian ``no-dsa``, ``postponed``; Red Hat ``Fix deferred``)."""
    END_OF_LIFE = "end-of-life"
    """The release, or the package in it, gets no fixes any more."""
    NOT_AFFECTED = "not-affected"
