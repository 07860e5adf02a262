"""How bad a vulnerability is: one scale for vendors' words and CVSS scores, unknown being a bucket of its own."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """Ascending by ``rank``. ``unknown`` is not "harmless": nobody said how bad it is."""

    UNKNOWN = "unknown"
    NONE = "none"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """For sorting and for taking the worst of several; unknown counts least there."""
        return _RANKS[self]


_RANKS = {severity: rank for rank, severity in enumerate(Severity)}

_WORDS = {
    "critical": Severity.CRITICAL,
    "emergency": Severity.CRITICAL,
    "high": Severity.HIGH,
    "important": Severity.HIGH,
    "medium": Severity.MEDIUM,
    "moderate": Severity.MEDIUM,
    "low": Severity.LOW,
    "minor": Severity.LOW,
    "unimportant": Severity.LOW,
    "negligible": Severity.LOW,
    "none": Severity.NONE,
}


def severity_of_word(word: str) -> Severity:
    """A vendor's or scanner's word: Red Hat's ``Important``, Debian's ``unimportant``, Ubuntu's ``negligible`` …"""
    return _WORDS.get(word.strip().rstrip("*").casefold(), Severity.UNKNOWN)


def severity_of_score(score: float) -> Severity:
    """The qualitative rating of a CVSS base score (CVSS v3.1 section 5, CVSS v4.0 section 6)."""
    if score >= 9.0:
        return Severity.CRITICAL
    if score >= 7.0:
        return Severity.HIGH
    if score >= 4.0:
        return Severity.MEDIUM
    return Severity.LOW if score > 0 else Severity.NONE


@dataclass(frozen=True, slots=True)
class Rating:
    """One severity with where it comes from. The order of belief: vendor's word, CVSS v4, v3, v2, unknown."""

    severity: Severity
    source: str = ""
    """``vendor`` | ``cvss-v4`` | ``cvss-v3`` | ``cvss-v2``; empty when unknown."""
    score: str = ""
    """CVSS base score with one decimal (``9.8``); empty when there is none."""
    vector: str = ""
    """The vector the score was computed from, or the vendor's own word."""


UNRATED = Rating(Severity.UNKNOWN)
