"""What keeps us from acting, as tables: ``hold``, ``breaker`` and whatever shows them beside its answer."""

from __future__ import annotations

from collections.abc import Sequence

from gatekeeper.cli.output import Block, Facts, Plain, Rows


def brakes_blocks(brakes: Plain) -> list[Block]:
    """``hold show`` and ``breaker show``."""
    hold, breaker = brakes["hold"], brakes["breaker"]
    facts: list[Block] = [
        Facts(
            [
                ("hold", f"on since {hold['since']} by {hold['actor']}: {hold['reason']}" if hold else "off"),
                ("breaker", f"open since {breaker['since']}: {breaker['reason']}" if breaker else "closed"),
                *(
                    (use["cap"].replace("_", " "), f"{use['used']} of {use['limit']} used in the last hour")
                    for use in brakes["caps"]
                ),
            ]
        )
    ]
    return facts + braked_blocks([one for one in brakes["brakes"] if one["name"] not in ("hold", "breaker")])


def braked_blocks(brakes: Sequence[Plain]) -> list[Block]:
    """What keeps us from acting: which, by whom, why, since when."""
    rows = [[brake["name"], brake["actor"], brake["reason"], brake["since"]] for brake in brakes]
    return [Rows(["brake", "by", "why", "since"], rows)] if rows else []
