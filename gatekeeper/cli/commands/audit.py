"""``gatekeeper audit``: the append-only trail."""

from __future__ import annotations

from typing import Annotated

import typer

from gatekeeper.cli.options import ConfigOption, OutputOption
from gatekeeper.cli.output import Facts, Output, show

app = typer.Typer(help="The append-only, hash-chained trail.", no_args_is_help=True, rich_markup_mode=None)


@app.command()
def verify(
    expect: Annotated[
        str | None,
        typer.Option(
            "--expect", metavar="SEQ:HASH", help="A head noted earlier: finds truncation and rewriting."
        ),
    ] = None,
    output: OutputOption = Output.TABLE,
    config: ConfigOption = None,
) -> None:
    """Check the whole chain. Exit code 1 when a row was changed, is missing or was reordered."""
    from gatekeeper.cli.audit_chain import verify_chain
    from gatekeeper.cli.local import local_store

    with local_store(config) as store:
        found = verify_chain(store, expect)
    show(
        output,
        found,
        lambda: [
            Facts(
                [("state", found["state"]), ("reason", found["reason_code"]), ("message", found["message"])]
            ),
            Facts([("head", found["head"])]),
        ],
    )
    raise typer.Exit(found["exit_code"])


@app.command()
def head(output: OutputOption = Output.TABLE, config: ConfigOption = None) -> None:
    """The newest row as SEQ:HASH. Keep it outside this machine, for `audit verify --expect`."""
    from gatekeeper.cli.local import local_store

    with local_store(config) as store:
        newest = store.head()
    show(
        output,
        {"seq": newest.seq, "hash": newest.hash, "head": str(newest)},
        lambda: [Facts([("head", str(newest))])],
    )
