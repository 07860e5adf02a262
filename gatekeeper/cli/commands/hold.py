"""``gatekeeper hold``: stop every registry write at once."""

from __future__ import annotations

import typer

from gatekeeper.cli.desk import Where, chooses_desk
from gatekeeper.cli.options import (
    OutputOption,
    ReasonOption,
)
from gatekeeper.cli.output import Output, show
from gatekeeper.cli.views.brakes import brakes_blocks

app = typer.Typer(help="Stop every registry write at once.", no_args_is_help=True, rich_markup_mode=None)


@app.command()
@chooses_desk
def on(
    reason: ReasonOption,
    output: OutputOption = Output.TABLE,
    *,
    where: Where,
) -> None:
    """Stop every registry write, in every daemon on this database, until `hold off`."""
    with where.desk(registries=False) as desk:
        brakes = desk.hold_on(reason)
    show(output, brakes, lambda: brakes_blocks(brakes))


@app.command()
@chooses_desk
def off(
    reason: ReasonOption,
    output: OutputOption = Output.TABLE,
    *,
    where: Where,
) -> None:
    """Let registry writes go on."""
    with where.desk(registries=False) as desk:
        brakes = desk.hold_off(reason)
    show(output, brakes, lambda: brakes_blocks(brakes))


@app.command("show")
@chooses_desk
def show_hold(
    output: OutputOption = Output.TABLE,
    *,
    where: Where,
) -> None:
    """Whether writes are stopped, by whom and why; and whether the breaker is open."""
    with where.asking(registries=False) as desk:
        brakes = desk.brakes()
    show(output, brakes, lambda: brakes_blocks(brakes))
