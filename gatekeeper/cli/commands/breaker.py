"""``gatekeeper breaker``: what opened when a cap was used up."""

from __future__ import annotations

import typer

from gatekeeper.cli.desk import Where, chooses_desk
from gatekeeper.cli.options import (
    OutputOption,
    ReasonOption,
)
from gatekeeper.cli.output import Output, show
from gatekeeper.cli.views.brakes import brakes_blocks

app = typer.Typer(
    help="It opens above a cap: then everything is proposed only.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command("show")
@chooses_desk
def show_breaker(
    output: OutputOption = Output.TABLE,
    *,
    where: Where,
) -> None:
    """Whether the breaker is open, since when and why."""
    with where.asking(registries=False) as desk:
        brakes = desk.brakes()
    show(output, brakes, lambda: brakes_blocks(brakes))


@app.command()
@chooses_desk
def close(
    reason: ReasonOption,
    output: OutputOption = Output.TABLE,
    *,
    where: Where,
) -> None:
    """Let enforcement act again. Exit code 1 when the breaker is not open."""
    with where.desk(registries=False) as desk:
        brakes = desk.close_breaker(reason)
    show(output, brakes, lambda: brakes_blocks(brakes))
