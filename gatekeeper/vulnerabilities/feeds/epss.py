"""FIRST's exploit prediction scores: ``cve,epss,percentile`` below a line that names the model and its date."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from gatekeeper.core.errors import MalformedError
from gatekeeper.ports.vulnerabilities import FeedFact, FeedProblem

_LONGEST_LINE = 1_000


def read_epss(lines: Iterable[bytes]) -> Iterator[FeedFact | FeedProblem]:
    """Each score, or why its line is set aside. Raises MalformedError ``feed-malformed`` without the columns."""
    columns: list[str] | None = None
    for number, raw in enumerate(lines, start=1):
        text = raw[:_LONGEST_LINE].decode("utf-8", "replace").strip()
        if not text or text.startswith("#"):
            continue
        cells = text.split(",")
        if columns is None:
            columns = cells
            if not {"cve", "epss"} <= set(columns):
                raise MalformedError(
                    f"this is no EPSS list: its columns are {text[:80]!r}", reason_code="feed-malformed"
                )
            continue
        fact = _fact(columns, cells)
        yield fact or FeedProblem(f"line {number}", "entry-malformed", text[:80])
    if columns is None:
        raise MalformedError("this is no EPSS list: it is empty", reason_code="feed-malformed")


def _fact(columns: list[str], cells: list[str]) -> FeedFact | None:
    row = dict(zip(columns, cells, strict=False))
    try:
        score = float(row.get("epss", ""))
    except ValueError:
        return None
    name = row["cve"]
    return FeedFact(name, score=score) if name.startswith("CVE-") and 0.0 <= score <= 1.0 else None
