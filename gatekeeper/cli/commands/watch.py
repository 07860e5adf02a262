"""``gatekeeper watch``: what happens, as it happens."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from gatekeeper.cli.desk import Where, chooses_desk
from gatekeeper.cli.options import (
    OutputOption,
)
from gatekeeper.cli.output import Output
from gatekeeper.cli.text import harmless
from gatekeeper.core.policy import matches_any

PAGE = 500
PAUSE = 1.0
"""Seconds between two looks when there was nothing new."""


@chooses_desk
def watch(
    after: Annotated[
        int | None,
        typer.Option("--after", min=0, metavar="ID", help="Begin after this event; 0: with the oldest kept."),
    ] = None,
    kind: Annotated[
        list[str] | None,
        typer.Option("--kind", metavar="GLOB", help="Only these kinds of events; repeat for several."),
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="End when everything that is there was told.")] = False,
    output: OutputOption = Output.TABLE,
    *,
    where: Where,
) -> None:
    """Follow verdicts, cases, brakes and trouble as they are recorded: the stream that webhooks are told.

    One line for an event; with `--output json` one JSON object a line. Begins with what happens from now on. Ends
    with Ctrl-C.
    """
    kinds = tuple(kind or ("**",))
    with where.desk(registries=False) as desk:
        seen = after if after is not None else int(desk.events(0, 1)["newest"])
        try:
            while True:
                page = desk.events(seen, PAGE)
                for event in page["items"]:
                    seen = event["id"]
                    if matches_any(kinds, event["kind"]):
                        _tell(output, event)
                if len(page["items"]) == PAGE:
                    continue
                if once:
                    return
                time.sleep(PAUSE)
        except KeyboardInterrupt:
            return


def _tell(output: Output, event: dict[str, Any]) -> None:
    line = json.dumps(event) if output is Output.JSON else "  ".join(_words(event))
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _words(event: dict[str, Any]) -> Sequence[str]:
    detail = event["detail"]
    told = [str(event["id"]), event["at"][:19] + "Z", event["kind"], event["subject"], event["reason"]]
    told += [f"{name}={detail[name]}" for name in ("state", "repository", "tags") if detail.get(name)]
    return [harmless(word) for word in (*told, f"by {event['actor']}") if word]
