"""``gatekeeper waiver``: deviations that people accept for a while."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from gatekeeper.cli.desk import Where, chooses_desk
from gatekeeper.cli.options import (
    OutputOption,
    ReasonOption,
    moment_option,
)
from gatekeeper.cli.output import Output, show
from gatekeeper.cli.views.waiver import waiver_blocks, waivers_blocks

app = typer.Typer(
    help="Deviations that people accept for a while.", no_args_is_help=True, rich_markup_mode=None
)


@app.command()
@chooses_desk
def add(
    rule: Annotated[
        str, typer.Option("--rule", metavar="RULE", help="The rule whose findings are accepted.")
    ],
    expires: Annotated[
        datetime,
        typer.Option(
            "--expires",
            "--until",
            metavar="WHEN",
            parser=moment_option,
            help="When it ends: 30d, 2026-12-31, 2026-12-31T18:00Z.",
        ),
    ],
    reason: ReasonOption,
    digest: Annotated[
        str | None,
        typer.Option("--digest", metavar="DIGEST", help="Only this digest, or this platform of an index."),
    ] = None,
    repository: Annotated[
        str | None,
        typer.Option("--repository", metavar="GLOB", help="Only these repositories (registry/path)."),
    ] = None,
    owner: Annotated[
        str | None, typer.Option("--owner", metavar="WHO", help="Who answers for it; you, if left out.")
    ] = None,
    output: OutputOption = Output.TABLE,
    *,
    where: Where,
) -> None:
    """Accept the findings of one rule until a time, for a digest, a glob of repositories, or both together.

    It holds everywhere from now on and ends to the second. It never reaches further than it says, whatever other
    waivers there are, and it never accepts what could not be asked.
    """
    with where.desk(registries=False) as desk:
        waiver = desk.add_waiver(
            rule=rule,
            digest=digest,
            repositories=repository,
            reason=reason,
            owner=owner,
            expires_at=expires.isoformat(),
        )
    show(output, waiver, lambda: waiver_blocks(waiver))


@app.command("list")
@chooses_desk
def list_waivers(
    ended: Annotated[bool, typer.Option("--all", help="Also those that have ended or were revoked.")] = False,
    output: OutputOption = Output.TABLE,
    *,
    where: Where,
) -> None:
    """Waivers and releases with their end, owner and uses, newest first."""
    with where.asking(registries=False) as desk:
        listing = desk.waivers(ended)
    show(output, listing, lambda: waivers_blocks(listing))


@app.command()
@chooses_desk
def revoke(
    waiver: Annotated[str, typer.Argument(metavar="ID", help="As `waiver list` shows it.")],
    reason: ReasonOption,
    output: OutputOption = Output.TABLE,
    *,
    where: Where,
) -> None:
    """End a waiver or release now. Of a revoked release the findings come back as a proposal."""
    with where.desk(registries=False) as desk:
        revoked = desk.revoke_waiver(waiver, reason)
    show(output, revoked, lambda: waiver_blocks(revoked))
