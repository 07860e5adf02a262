"""What every reason code means and what to do: one table, in files by what it is about.

``docs/reason-codes.md`` is ``render_markdown()``; a test compares.
"""

from __future__ import annotations

from collections.abc import Mapping

from gatekeeper.signatures.meanings.keyless import KEYLESS
from gatekeeper.signatures.meanings.notation import NOTATION
from gatekeeper.signatures.meanings.stored import STORED
from gatekeeper.signatures.reason_codes import Meaning, ReasonCode

MEANINGS: Mapping[ReasonCode, Meaning] = {**STORED, **KEYLESS, **NOTATION}


def remedy_of(code: str) -> str:
    """What a person can do about a candidate with this code; the empty string for a code of somebody else's."""
    return MEANINGS[ReasonCode(code)].remedy if code in tuple(ReasonCode) else ""


def render_markdown() -> str:
    """``docs/reason-codes.md``, whole."""
    lines = [
        "# Reason codes of signatures and attestations",
        "",
        "Generated from `gatekeeper/signatures/meanings`; a test compares the two.",
        "Every candidate that is found beside an image carries one of these, with its outcome.",
        "",
        "| code | outcome | meaning | what to do |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| `{code}` | {MEANINGS[code].outcome} | {MEANINGS[code].meaning} | {MEANINGS[code].remedy} |"
        for code in ReasonCode
    ]
    return "\n".join(lines) + "\n"
