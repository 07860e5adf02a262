"""``gatekeeper hold``: stop every registry write at once."""

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

app = typer.Typer(help="Stop every registry write at once.", no_args_is_help=True, rich_markup_mode=None)


@app.command()
def on(
    reason: ReasonOption,
    output: OutputOption = Output.TABLE,
    config: ConfigOption = None,
    server: ServerOption = None,
    token_file: TokenFileOption = None,
    ca_file: CaFileOption = None,
    insecure_http: InsecureOption = False,
) -> None:
    """Stop every registry write, in every daemon on this database, until `hold off`."""
    with Where(config, server, token_file, ca_file, insecure_http).desk(registries=False) as desk:
        brakes = desk.hold_on(reason)
    show(output, brakes, lambda: brakes_blocks(brakes))


@app.command()
def off(
    reason: ReasonOption,
    output: OutputOption = Output.TABLE,
    config: ConfigOption = None,
    server: ServerOption = None,
    token_file: TokenFileOption = None,
    ca_file: CaFileOption = None,
    insecure_http: InsecureOption = False,
) -> None:
    """Let registry writes go on."""
    with Where(config, server, token_file, ca_file, insecure_http).desk(registries=False) as desk:
        brakes = desk.hold_off(reason)
    show(output, brakes, lambda: brakes_blocks(brakes))


@app.command("show")
def show_hold(
    output: OutputOption = Output.TABLE,
    config: ConfigOption = None,
    server: ServerOption = None,
    token_file: TokenFileOption = None,
    ca_file: CaFileOption = None,
    insecure_http: InsecureOption = False,
) -> None:
    """Whether writes are stopped, by whom and why; and whether the breaker is open."""
    with Where(config, server, token_file, ca_file, insecure_http).asking(registries=False) as desk:
        brakes = desk.brakes()
    show(output, brakes, lambda: brakes_blocks(brakes))
