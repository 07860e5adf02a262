"""Severities of OSV records and scan reports: vendor's word, then CVSS v4, v3, v2, else unknown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache

from gatekeeper.core.severity import UNRATED, Rating, Severity, severity_of_score, severity_of_word

_SOURCES = {"CVSS_V4": "cvss-v4", "CVSS_V3": "cvss-v3", "CVSS_V2": "cvss-v2"}
_BELIEF = ("vendor", "cvss-v4", "cvss-v3", "cvss-v2")
_WORD_KEYS = ("severity", "urgency", "ubuntu_priority", "priority", "impact")
"""Where databases put their own word in ``database_specific`` and ``ecosystem_specific``."""


def rate(scores: Iterable[tuple[str, str]], *specific: Mapping[str, object]) -> Rating:
    """The rating to believe: ``scores`` as (type, score) of ``severity[]``, then the database's own members.

    Scores that are no vectors of their type are passed over; nothing usable gives ``UNRATED``.
    """
    found = [_vendors(members) for members in specific]
    for kind, score in scores:
        if kind in _SOURCES:
            found.append(rate_vector(score, _SOURCES[kind]))
        else:
            # Ubuntu's type, and whatever another database adds: a word.
            found.append(_worded(score))
    return believed(found)


def believed(ratings: Iterable[Rating]) -> Rating:
    """The rating whose source is believed most; the worst of those that are believed alike."""
    known = [rating for rating in ratings if rating.severity is not Severity.UNKNOWN]
    if not known:
        return UNRATED
    return min(known, key=lambda rating: (_BELIEF.index(rating.source), -rating.severity.rank))


def _vendors(members: Mapping[str, object]) -> Rating:
    for key in _WORD_KEYS:
        word = members.get(key)
        if isinstance(word, str):
            rating = _worded(word)
            if rating.severity is not Severity.UNKNOWN:
                return rating
    vector = members.get("cvss")
    return rate_vector(vector, "") if isinstance(vector, str) else UNRATED


def _worded(word: str) -> Rating:
    severity = severity_of_word(word)
    return UNRATED if severity is Severity.UNKNOWN else Rating(severity, "vendor", "", word[:40])


@lru_cache(maxsize=1 << 14)
def rate_vector(vector: str, source: str = "") -> Rating:
    """A CVSS vector -> its rating; ``UNRATED`` for what is none. ``source`` is its version where no prefix says it."""
    from cvss import CVSS2, CVSS3, CVSS4  # noqa: PLC0415 - costs more to load than a thousand components to match
    from cvss.exceptions import CVSSError  # noqa: PLC0415

    text = vector.strip()
    if text.startswith("CVSS:4"):
        source = "cvss-v4"
    elif text.startswith("CVSS:3"):
        source = "cvss-v3"
    elif not source:
        source = "cvss-v2"
    try:
        match source:
            case "cvss-v4":
                score = float(CVSS4(text).base_score)
            case "cvss-v3":
                score = float(CVSS3(text).scores()[0])
            case _:
                score = float(CVSS2(text.strip("()")).scores()[0])
    except (CVSSError, KeyError, ValueError, TypeError, ArithmeticError):
        return UNRATED
    return Rating(severity_of_score(score), source, f"{score:.1f}", text)
