"""What ``doctor`` says of one thing: how it is, and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Health(StrEnum):
    """How a checked thing is. ``unreachable`` could not be asked, which says nothing about it."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One line. ``remedy`` is empty only where there is nothing to do."""

    check: str
    """What was looked at: ``clock``, ``catalog``, ``pull``, ``quarantine-repository`` …"""
    subject: str
    """``registry``, ``registry/repository``, ``database`` …"""
    health: Health
    reason_code: str
    message: str
    remedy: str = ""
