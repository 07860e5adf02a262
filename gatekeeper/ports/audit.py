"""The audit chain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One link of the audit chain."""

    seq: int
    at: datetime
    actor: str
    action: str
    subject: str
    reason: str
    detail: Mapping[str, str]
    prev_hash: str
    hash: str


@dataclass(frozen=True, slots=True)
class AuditHead:
    """``seq:hash`` of the newest audit row; 0 and 64 zeros when there is none."""

    seq: int
    hash: str

    def __str__(self) -> str:
        return f"{self.seq}:{self.hash}"


class AuditStore(Protocol):
    """The append-only chain."""

    def head(self) -> AuditHead:
        """The newest link."""
        ...

    def rows(self, *, after: int, limit: int) -> Sequence[AuditRow]:
        """Links in order."""
        ...

    def broken_at(self) -> str | None:
        """None when the whole chain verifies, else where and how it does not."""
        ...

    def append(
        self, *, actor: str, action: str, subject: str, reason: str, detail: Mapping[str, str], now: datetime
    ) -> AuditHead:
        """One more link."""
        ...
