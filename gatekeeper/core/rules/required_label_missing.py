"""``required-label-missing``: labels that every image must carry."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from gatekeeper.core.evidence import Absent, ConfigFacts
from gatekeeper.core.rules.rule import Check, Context
from gatekeeper.core.rules.unasked import config_unasked
from gatekeeper.core.verdict import Level, Result


@dataclass(frozen=True, slots=True)
class RequiredLabelMissing:
    """Fails an image without one of the labels, or with another value than the one demanded."""

    id: ClassVar[str] = "required-label-missing"

    level: Level = Level.FAIL
    labels: tuple[str, ...] = ()
    """``name`` (any value but the empty one) or ``name=value`` (exactly this value)."""

    def check(self, context: Context) -> Iterator[Check]:
        """One Check for each image and label."""
        for node in context.images:
            missing = config_unasked(node)
            if missing is not None:
                yield missing
                continue
            facts = node.config if isinstance(node.config, ConfigFacts) else None
            platform = str(node.platform) if node.platform else None
            basis = facts.digest if facts is not None else Absent("config")
            if not self.labels:
                message = "The rule names no label, and a rule that demands nothing passes nothing."
                remedy = "Name the labels in the policy, or switch the rule off."
                yield Check(
                    Result.VIOLATED, "no-label-required", message, remedy, node.digest, basis, platform
                )
            for label in self.labels:
                result, reason_code, message, remedy = _judge(label, facts)
                yield Check(result, reason_code, message, remedy, node.digest, basis, platform)


def _judge(label: str, facts: ConfigFacts | None) -> tuple[Result, str, str, str]:
    name, equals, wanted = label.partition("=")
    found = facts.labels.get(name) if facts is not None else None
    suffix = f":{name}"
    if not found:
        remedy = f'Add `LABEL {name}="{wanted or "…"}"` to the Dockerfile.'
        return Result.VIOLATED, f"label-missing{suffix}", f"The label {name!r} is missing or empty.", remedy
    if equals and found != wanted:
        remedy = f'Set `LABEL {name}="{wanted}"` in the Dockerfile.'
        message = f"The label {name!r} is {found[:200]!r}, not {wanted!r}."
        return Result.VIOLATED, f"label-has-other-value{suffix}", message, remedy
    return Result.SATISFIED, f"label-present{suffix}", f"The label {name!r} is there.", ""
