"""How long a vulnerability may stay: from when a fix existed and we could know of it, by severity. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from gatekeeper.core.scan import Vulnerability
from gatekeeper.core.severity import Severity

_END_OF_TIME = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Grace:
    """The time that is given for each severity."""

    critical: timedelta
    high: timedelta
    medium: timedelta
    low: timedelta
    unknown: timedelta

    def of(self, severity: Severity) -> timedelta:
        """``none`` is as patient as ``low``."""
        match severity:
            case Severity.CRITICAL:
                return self.critical
            case Severity.HIGH:
                return self.high
            case Severity.MEDIUM:
                return self.medium
            case Severity.UNKNOWN:
                return self.unknown
            case _:
                return self.low


def due_at(vulnerability: Vulnerability, grace: Grace) -> datetime:
    """When the time is up. It runs from the later of "a fix exists" and "a feed here told of it", never from a scan.

    For one without a fix it runs from when a feed here told of the vulnerability.
    """
    begin = vulnerability.fix_known_at or vulnerability.known_at
    return later(begin, grace.of(vulnerability.match.rating.severity))


def later(begin: datetime, grace: timedelta) -> datetime:
    """``begin + grace``; the end of the calendar beyond it."""
    try:
        return begin + grace
    except OverflowError:
        return _END_OF_TIME
