"""Durations (``"10m"``, ``"24h"``, ``"90d"``), sizes (``"4MiB"``) and moments as a person writes them."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

MILLISECONDS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
BYTES = {
    "B": 1,
    "kB": 1000,
    "KB": 1000,
    "MB": 1000**2,
    "GB": 1000**3,
    "KiB": 1024,
    "MiB": 1024**2,
    "GiB": 1024**3,
}

DURATION_PATTERN = r"^([0-9]+(ms|[smhdw]))+$"
SIZE_PATTERN = r"^[0-9]+(B|kB|KB|MB|GB|KiB|MiB|GiB)$"


def parse_duration(text: object) -> timedelta:
    """``"90s"``, ``"10m"``, ``"1h30m"``, ``"7d"``. Raises ValueError with what to write instead."""
    if isinstance(text, timedelta):
        return text
    if isinstance(text, str) and re.fullmatch(DURATION_PATTERN, text, re.ASCII):
        parts = re.findall(r"([0-9]+)(ms|[smhdw])", text, re.ASCII)
        try:
            return timedelta(milliseconds=sum(int(number) * MILLISECONDS[unit] for number, unit in parts))
        except OverflowError:
            raise ValueError("is too long: a duration is at most 999999999 days") from None
    if isinstance(text, int) and not isinstance(text, bool):
        raise ValueError(
            f'has no unit; write it as a string with one, "{text}s" or "{text}m" (ms, s, m, h, d, w)'
        )
    raise ValueError(
        'is no duration; write a number with its unit: "30s", "10m", "24h", "90d" (ms, s, m, h, d, w)'
    )


def format_duration(duration: timedelta) -> str:
    """The shortest text that ``parse_duration`` reads back as the same; whole milliseconds."""
    left = duration // timedelta(milliseconds=1)
    parts = []
    for unit in ("d", "h", "m", "s", "ms"):
        number, left = divmod(left, MILLISECONDS[unit])
        if number:
            parts.append(f"{number}{unit}")
    return "".join(parts) or "0s"


def parse_size(text: object) -> int:
    """``"512KiB"``, ``"4MiB"``, ``"1GB"`` -> bytes. Raises ValueError with what to write instead."""
    if isinstance(text, int) and not isinstance(text, bool):
        if text < 0:
            raise ValueError("is negative")
        return text
    if isinstance(text, str):
        found = re.fullmatch(r"([0-9]+) ?([A-Za-z]+)", text, re.ASCII)
        if found and found[2] in BYTES:
            return int(found[1]) * BYTES[found[2]]
    raise ValueError('is no size; write a number with its unit: "512KiB", "4MiB", "1GiB"')


def format_size(size: int) -> str:
    """The shortest text that ``parse_size`` reads back as the same number of bytes."""
    for unit in ("GiB", "MiB", "KiB"):
        if size and size % BYTES[unit] == 0:
            return f"{size // BYTES[unit]}{unit}"
    return f"{size}B"


def parse_moment(written: object) -> datetime:
    """A TOML date and time with a zone, a TOML date (its first moment in UTC), or one of both as a string.

    Raises ValueError with what to write instead.
    """
    if isinstance(written, str):
        try:
            written = datetime.fromisoformat(written)
        except ValueError:
            written = None
    if isinstance(written, datetime):
        if written.tzinfo is None and written.time() != datetime.min.time():
            raise ValueError("has no zone; write for example 2026-12-31T23:59:59Z")
        return written.astimezone(UTC) if written.tzinfo else written.replace(tzinfo=UTC)
    if isinstance(written, date):
        return datetime(written.year, written.month, written.day, tzinfo=UTC)
    raise ValueError("is no moment; write for example 2026-12-31T23:59:59Z or 2026-12-31")
