"""Which files a feed consists of."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from gatekeeper.core.errors import MalformedError

_SUFFIXES = (".json", ".jsonl", ".ndjson", ".zip")


def files_of(source: Path) -> Iterator[Path]:
    """The files of a feed, in one order. Raises MalformedError ``feed-missing``."""
    if not source.exists():
        raise MalformedError(f"there is no feed {source}", reason_code="feed-missing")
    if not source.is_dir():
        yield source
        return
    for folder, names, files in os.walk(source):
        names.sort()
        for name in sorted(files):
            if name.endswith(_SUFFIXES) and not name.startswith("."):
                yield Path(folder) / name
