"""The evaluation of the OSV schema, word for word, without keys, indexes or readiness: the oracle of our matcher.

https://ossf.github.io/osv-schema/#evaluation. Versions are compared by a function that the test gives.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Compare = Callable[[str, str], int]


def is_vulnerable(version: str, affected: Mapping[str, Any], compare: Compare) -> bool:
    return included_in_versions(version, affected.get("versions", ()), compare) or included_in_ranges(
        version, affected.get("ranges", ()), compare
    )


def included_in_versions(version: str, versions: Sequence[str], compare: Compare) -> bool:
    return any(version == listed or compare(version, listed) == 0 for listed in versions)


def included_in_ranges(version: str, ranges: Sequence[Mapping[str, Any]], compare: Compare) -> bool:
    for found in ranges:
        if found["type"] == "GIT" or not before_limits(version, found, compare):
            continue
        vulnerable = False
        by_version = functools.cmp_to_key(functools.partial(_order, compare))
        for event in sorted(found["events"], key=by_version):
            if "introduced" in event and (
                event["introduced"] == "0" or compare(version, event["introduced"]) >= 0
            ):
                vulnerable = True
            elif "fixed" in event and compare(version, event["fixed"]) >= 0:  # noqa: SIM114 - as the schema says it
                vulnerable = False
            elif "last_affected" in event and compare(version, event["last_affected"]) > 0:
                vulnerable = False
        if vulnerable:
            return True
    return False


def before_limits(version: str, found: Mapping[str, Any], compare: Compare) -> bool:
    limits = [event["limit"] for event in found["events"] if "limit" in event]
    return not limits or any("*" in limit or compare(version, limit) < 0 for limit in limits)


def _order(compare: Compare, left: Mapping[str, str], right: Mapping[str, str]) -> int:
    if left.get("introduced") == "0" or right.get("introduced") == "0":
        return (right.get("introduced") == "0") - (left.get("introduced") == "0")
    (ours,), (theirs,) = left.values(), right.values()
    if "*" in ours or "*" in theirs:
        return ("*" in ours) - ("*" in theirs)
    return compare(ours, theirs)
