"""``gatekeeper policy``: what another policy would change, and whether what it changed is accepted."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gatekeeper.cli.desk import Where, chooses_desk
from gatekeeper.cli.options import (
    ConfigOption,
    OutputOption,
    ReasonOption,
)
from gatekeeper.cli.output import Output, show
from gatekeeper.cli.views.policy import policy_change_blocks, preview_blocks

app = typer.Typer(
    help="What a policy would change, and what it changed.", no_args_is_help=True, rich_markup_mode=None
)


@app.command()
def preview(
    policy: Annotated[
        Path | None,
        typer.Option("--policy", metavar="FILE", help="The policy to look at; else the configured one."),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=0, help="Show at most so many images.")] = 50,
    output: OutputOption = Output.TABLE,
    config: ConfigOption = None,
) -> None:
    """How many images would change under a policy, per rule; oldest and most used first. Nothing is written.

    Judged from recorded evidence; images whose evidence was verified with other keys are counted as unknown.
    """
    from gatekeeper.cli.local import preview_policy

    found = preview_policy(config, policy)
    found["images_left_out"] = max(0, len(found["images"]) - limit)
    found["images"] = found["images"][:limit]
    show(output, found, lambda: preview_blocks(found))


@app.command()
@chooses_desk
def pending(
    output: OutputOption = Output.TABLE,
    *,
    where: Where,
) -> None:
    """The policy in force, what it turned from passed to failed, and whether that was accepted."""
    with where.asking(registries=False) as desk:
        change = desk.policy_change()
    show(output, change, lambda: policy_change_blocks(change))


@app.command()
@chooses_desk
def accept(
    revision: Annotated[str, typer.Argument(metavar="REVISION", help="As `policy pending` shows it.")],
    reason: ReasonOption,
    output: OutputOption = Output.TABLE,
    *,
    where: Where,
) -> None:
    """Let what this revision turned into failed be acted on, within caps and brakes."""
    with where.desk(registries=False) as desk:
        change = desk.accept_policy(revision, reason)
    show(output, change, lambda: policy_change_blocks(change))
