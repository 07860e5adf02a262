"""``gatekeeper breaker``: what opened when a cap was used up."""

from __future__ import annotations

import typer

from gatekeeper.cli.desk import Where
from gatekeeper.cli.options import (
    CaFileOption,
    ConfigOption,
    InsecureOption,
    OutputOption,
    ReasonOption,
    ServerOption,
    TokenFileOption,
)
from gatekeeper.cli.output import Output, show
from gatekeeper.cli.render import brakes_blocks

app = typer.Typer(
    help="It opens above a cap: then everything is proposed only.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command("show")
def show_breaker(
    output: OutputOption = Output.TABLE,
    config: ConfigOption = None,
    server: ServerOption = None,
    token_file: TokenFileOption = None,
    ca_file: CaFileOption = None,
    insecure_http: InsecureOption = False,
) -> None:
    """Whether the breaker is open, since when and why."""
    with Where(config, server, token_file, ca_file, insecure_http).asking(registries=False) as desk:
        brakes = desk.brakes()
    show(output, brakes, lambda: brakes_blocks(brakes))


@app.command()
def close(
    reason: ReasonOption,
    output: OutputOption = Output.TABLE,
    config: ConfigOption = None,
    server: ServerOption = None,
    token_file: TokenFileOption = None,
    ca_file: CaFileOption = None,
    insecure_http: InsecureOption = False,
) -> None:
    """Let enforcement act again. Exit code 1 when the breaker is not open."""
    with Where(config, server, token_file, ca_file, insecure_http).desk(registries=False) as desk:
        brakes = desk.close_breaker(reason)
    show(output, brakes, lambda: brakes_blocks(brakes))
