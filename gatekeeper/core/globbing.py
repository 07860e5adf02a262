"""``*`` stands for any text within a name; everything else is itself, upper or lower case."""

from __future__ import annotations

import re
from functools import lru_cache


def matches(glob: str, text: str) -> bool:
    """True when the glob fits the whole text."""
    return _compiled(glob.casefold()).fullmatch(text.casefold()) is not None


@lru_cache(maxsize=4096)
def _compiled(glob: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, re.split(r"\*+", glob))), re.DOTALL)
