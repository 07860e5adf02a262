"""Lenient access to JSON of others: whatever is not as expected counts as not said."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from gatekeeper.core.errors import MalformedError
from gatekeeper.core.package_url import PackageUrl, parse_purl

BEGINNING = datetime(1, 1, 1, tzinfo=UTC)


def members(value: object) -> Mapping[str, object]:
    """An object as it is, anything else as empty."""
    return value if isinstance(value, dict) else {}


def items(value: object) -> list[object]:
    """A list as it is, anything else as empty."""
    return value if isinstance(value, list) else []


def text(value: object) -> str:
    """A string without surrounding blanks, anything else as empty."""
    return value.strip() if isinstance(value, str) else ""


def purl_or_none(value: object) -> PackageUrl | None:
    """A purl's parts; None for anything else."""
    written = text(value)
    if not written.startswith("pkg:"):
        return None
    try:
        return parse_purl(written)
    except MalformedError:
        return None


def moment(*values: object) -> datetime:
    """The first that is a time; the beginning of time when none is."""
    for value in values:
        try:
            found = datetime.fromisoformat(text(value))
        except ValueError:
            continue
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    return BEGINNING


def moment_or_none(*values: object) -> datetime | None:
    """The first that is a time."""
    found = moment(*values)
    return None if found == BEGINNING else found
