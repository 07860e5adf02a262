"""``gatekeeper decommission``: take back everything that we ever wrote to a registry."""

from __future__ import annotations

from typing import Annotated

import typer

from gatekeeper.cli.options import ConfigOption, OutputOption
from gatekeeper.cli.output import Output, show
from gatekeeper.cli.views.decommission import decommission_blocks


def decommission(
    registry: Annotated[str, typer.Argument(metavar="HOST", help="As `registry list` shows it.")],
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Print what is ours there and how it is undone; nothing is written."),
    ] = False,
    reason: Annotated[
        str,
        typer.Option("--reason", "-r", metavar="TEXT", help="Why; needed unless --dry-run."),
    ] = "",
    output: OutputOption = Output.TABLE,
    config: ConfigOption = None,
) -> None:
    """Take back everything that we ever wrote to a registry, as if we had never acted there.

    Replaced tags are restored (cases end as restored, under your name), then our tags, attestations, case records,
    tombstones and quarantine copies are deleted. What others pushed meanwhile stays. Run it again to go on where it
    stopped. Set the scopes to `observe` first, or a running daemon acts again. Promoted images stay: people asked for
    them. Exit codes: 0 nothing is left, 1 the registry keeps something, 5 a registry cannot be asked, 6 stopped by
    `hold on`.
    """
    if not dry_run and not reason.strip():
        raise typer.BadParameter(
            "needs --reason (it goes into the audit trail under your name), or --dry-run"
        )
    from gatekeeper.cli.local import decommission_registry

    done = decommission_registry(config, registry, dry_run=dry_run, reason=reason)
    show(output, done, lambda: decommission_blocks(done))
    raise typer.Exit(int(done["exit_code"]))
