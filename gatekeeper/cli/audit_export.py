"""The audit trail as JSON lines or CSV."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from gatekeeper.core.errors import ConfigurationError, ConflictError
from gatekeeper.ports.audit import image_of

if TYPE_CHECKING:
    from gatekeeper.workflow.audit_report import Told

COLUMNS = (
    "seq", "at", "actor", "authenticated", "action", "subject", "reason",
    "repository", "digest", "tags", "state", "policy", "evidence", "detail", "prev_hash", "hash",
)  # fmt: skip

_FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n", "\N{FULLWIDTH EQUALS SIGN}", "\N{FULLWIDTH PLUS SIGN}",
    "\N{FULLWIDTH HYPHEN-MINUS}", "\N{FULLWIDTH COMMERCIAL AT}")  # fmt: skip


class Format(StrEnum):
    """``--format``."""

    JSONL = "jsonl"
    CSV = "csv"


def written(rows: Iterable[Told], form: Format, to: Path | None) -> int:
    """How many rows were written to a new file or standard output. Raises ConflictError, ConfigurationError."""
    if to is None:
        return _write(rows, form, sys.stdout)
    try:
        stream = to.open("x", encoding="utf-8", newline="")
    except FileExistsError:
        raise ConflictError(f"{to} exists; name a new file", reason_code="export-exists") from None
    except OSError as error:
        raise ConfigurationError(
            (f"{to} cannot be written: {error.strerror}",), reason_code="export-unwritable"
        ) from error
    with stream:
        return _write(rows, form, stream)


def _write(rows: Iterable[Told], form: Format, stream: TextIO) -> int:
    count = 0
    table = csv.writer(stream, lineterminator="\n")
    if form is Format.CSV:
        table.writerow(COLUMNS)
    for told in rows:
        if form is Format.CSV:
            table.writerow(_cells(told))
        else:
            stream.write(json.dumps(told.plain, ensure_ascii=True) + "\n")
        count += 1
    return count


def _cells(told: Told) -> list[str]:
    plain = told.plain
    detail = told.row.detail
    known = {**{name: detail.get(name, "") for name in COLUMNS}, **plain}
    known["repository"], known["digest"] = image_of(told.row)
    known |= {"policy": detail.get("policy", ""), "evidence": detail.get("evidence", "")}
    known["detail"] = json.dumps(plain["detail"], ensure_ascii=True)
    return [
        _cell(str(known[name]).lower() if name == "authenticated" else str(known[name])) for name in COLUMNS
    ]


def _cell(text: str) -> str:
    """A spreadsheet runs what begins like a formula (law 10): such text is quoted, as OWASP's "CSV Injection" says."""
    return f"'{text}" if text[:1] in _FORMULAS else text
