"""``image-too-old``: an image that was built longer ago than the policy accepts."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import ClassVar

from gatekeeper.core.evidence import Absent, ConfigFacts, NodeEvidence
from gatekeeper.core.rules.rule import Check, Context
from gatekeeper.core.rules.unasked import config_unasked
from gatekeeper.core.verdict import Level, Result

FIRST_BELIEVABLE = datetime(1981, 1, 1, tzinfo=UTC)
"""Reproducible builders write 0001, 1970 or (buildpacks) 1980 on purpose: that is no date, not an old one."""

_WEIGHTS = (Level.OFF, Level.WARN, Level.FAIL)


@dataclass(frozen=True, slots=True)
class ImageTooOld:
    """Fails an image older than ``max_age``; no date and a date in the future are answers of their own."""

    id: ClassVar[str] = "image-too-old"

    level: Level = Level.FAIL
    max_age: timedelta = timedelta(days=180)
    """Since ``created`` in the image's configuration."""
    no_date: Level = Level.WARN
    """How much it weighs that ``created`` is absent, unreadable, or before 1981: ``off``, ``warn`` or ``fail``."""
    future: Level = Level.FAIL
    """How much it weighs that ``created`` lies in the future: such an image would never grow old."""
    future_tolerance: timedelta = timedelta(hours=1)
    """How far the builder's clock may be ahead."""

    def check(self, context: Context) -> Iterator[Check]:
        """One Check for each image."""
        for node in context.images:
            unasked = config_unasked(node)
            if unasked is None:
                yield self._check_node(node, context.now)
            else:
                # Which answer it would have been is not known, so the heaviest of them stays open.
                yield dataclasses.replace(
                    unasked, level=max(self.level, self.no_date, self.future, key=_WEIGHTS.index)
                )

    def _check_node(self, node: NodeEvidence, now: datetime) -> Check:
        facts = node.config if isinstance(node.config, ConfigFacts) else None
        platform = str(node.platform) if node.platform else None
        created = facts.created if facts is not None else None
        if facts is None or created is None or created < FIRST_BELIEVABLE:
            return Check(
                Result.SATISFIED if self.no_date is Level.OFF else Result.VIOLATED,
                "image-without-date",
                "The image does not say when it was built.",
                "Let the build set `created`, for example with SOURCE_DATE_EPOCH of the last commit.",
                node.digest,
                facts.digest if facts is not None else Absent("config"),
                platform,
                level=None if self.no_date is Level.OFF else self.no_date,
            )
        if created > now + self.future_tolerance:
            return Check(
                Result.SATISFIED if self.future is Level.OFF else Result.VIOLATED,
                "image-from-the-future",
                f"The image says that it was built at {created.isoformat()}, which has not come yet.",
                "Set the clock of the machine that builds, and build again.",
                node.digest,
                facts.digest,
                platform,
                level=None if self.future is Level.OFF else self.future,
                deadline=created - self.future_tolerance,
            )
        return self._judge_age(node, facts, created, now)

    def _judge_age(self, node: NodeEvidence, facts: ConfigFacts, created: datetime, now: datetime) -> Check:
        platform = str(node.platform) if node.platform else None
        built = created.date().isoformat()
        if now - created > self.max_age:
            return Check(
                Result.VIOLATED,
                "image-too-old",
                f"The image was built on {built}, more than {_spoken(self.max_age)} ago.",
                "Build the image again on a current base image.",
                node.digest,
                facts.digest,
                platform,
            )
        return Check(
            Result.SATISFIED,
            "image-fresh",
            f"The image was built on {built}.",
            "",
            node.digest,
            facts.digest,
            platform,
            deadline=_after(created, self.max_age),
        )


def _spoken(age: timedelta) -> str:
    return f"{age.days} days" if age >= timedelta(days=1) else f"{int(age.total_seconds())} seconds"


def _after(created: datetime, age: timedelta) -> datetime | None:
    """The first moment at which the age is exceeded; None beyond the calendar."""
    try:
        return created + age + timedelta(microseconds=1)
    except OverflowError:
        return None
