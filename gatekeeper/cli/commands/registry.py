"""``gatekeeper registry``: what is known of whole registries, and whether they are believed."""

from __future__ import annotations

from typing import Annotated

import typer

from gatekeeper.cli.desk import Where, chooses_desk
from gatekeeper.cli.options import (
    OutputOption,
    ReasonOption,
)
from gatekeeper.cli.output import Output, show
from gatekeeper.cli.views.registries import registries_blocks

app = typer.Typer(
    help="Whole registries: read lately, and believed?", no_args_is_help=True, rich_markup_mode=None
)


@app.command("list")
@chooses_desk
def list_registries(
    output: OutputOption = Output.TABLE,
    *,
    where: Where,
) -> None:
    """Each registry: repositories, those that could not be read for too long, and whether it is doubted."""
    with where.asking(registries=False) as desk:
        listing = desk.registries()
    show(output, listing, lambda: registries_blocks(listing))


@app.command()
@chooses_desk
def accept(
    host: Annotated[str, typer.Argument(metavar="HOST", help="As `registry list` shows it.")],
    reason: ReasonOption,
    output: OutputOption = Output.TABLE,
    *,
    where: Where,
) -> None:
    """Believe a doubted registry: what its tags show now is recorded and judged, the newest first."""
    with where.desk(registries=False) as desk:
        listing = desk.accept_registry(host, reason)
    show(output, listing, lambda: registries_blocks(listing))
