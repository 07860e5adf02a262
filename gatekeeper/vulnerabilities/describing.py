"""What an OSV record tells people: details, references, weaknesses, CVSS vectors. Read when it is shown."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import msgspec

from gatekeeper.core.advisory import NO_TEXT, AdvisoryText
from gatekeeper.core.severity import UNRATED, Rating
from gatekeeper.vulnerabilities.lenient import items, members, text
from gatekeeper.vulnerabilities.ratings import believed, rate_vector

_DETAILS = 4000
_LINKS = 20
_LONGEST_LINK = 500
_LINK = re.compile(r"https?://[!-~]+", re.ASCII)
_WEAKNESS = re.compile(r"CWE-[0-9]{1,6}", re.ASCII)
_WEAKNESS_KEYS = ("cwe_ids", "cwes", "cwe")
"""Where databases keep them: GitHub's, RustSec's and PyPA's spelling."""


def describe_record(content: bytes) -> AdvisoryText:
    """Whatever is not as the schema says counts as not said."""
    try:
        record = members(msgspec.json.decode(content))
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError, ValueError):
        return NO_TEXT
    affected = [members(item) for item in items(record.get("affected"))]
    links = (text(members(item).get("url")) for item in items(record.get("references")))
    return AdvisoryText(
        details=_printable(text(record.get("details")))[:_DETAILS],
        links=tuple(dict.fromkeys(link for link in links if _is_link(link)))[:_LINKS],
        weaknesses=tuple(dict.fromkeys(_weaknesses(record, affected))),
        cvss_v3=_rated("CVSS_V3", "cvss-v3", record, affected),
        cvss_v2=_rated("CVSS_V2", "cvss-v2", record, affected),
    )


def _is_link(link: str) -> bool:
    return len(link) <= _LONGEST_LINK and _LINK.fullmatch(link) is not None


def _printable(written: str) -> str:
    return "".join(letter for letter in written if letter.isprintable() or letter in "\n\t")


def _weaknesses(record: Mapping[str, object], affected: list[Mapping[str, object]]) -> Iterator[str]:
    for holder in (record, *affected):
        specific = members(holder.get("database_specific"))
        for key in _WEAKNESS_KEYS:
            for item in items(specific.get(key)):
                name = text(item) or text(members(item).get("cweId"))
                if _WEAKNESS.fullmatch(name):
                    yield name


def _rated(
    kind: str, source: str, record: Mapping[str, object], affected: list[Mapping[str, object]]
) -> Rating:
    """Of the record as a whole, else of a package in it."""
    for holder in (record, *affected):
        scores = [members(item) for item in items(holder.get("severity"))]
        rating = believed(
            rate_vector(text(score.get("score")), source)
            for score in scores
            if text(score.get("type")) == kind
        )
        if rating != UNRATED:
            return rating
    return UNRATED
