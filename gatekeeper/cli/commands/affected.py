"""``gatekeeper affected``: what a vulnerability concerns."""

from __future__ import annotations

from typing import Annotated

import typer

from gatekeeper.cli.desk import Where, chooses_desk
from gatekeeper.cli.options import (
    OutputOption,
)
from gatekeeper.cli.output import Output, show
from gatekeeper.cli.views.affected import affected_blocks


@chooses_desk
def affected(
    vulnerability: Annotated[
        str, typer.Argument(metavar="ID", help="CVE-2021-44228, or any other id of the vulnerability.")
    ],
    repository: Annotated[
        str, typer.Option("--repository", metavar="GLOB", help="Only repositories that this glob matches.")
    ] = "**",
    limit: Annotated[int, typer.Option("--limit", min=1, help="List at most so many images.")] = 1000,
    verify: Annotated[
        bool, typer.Option("--verify", help="Rebuild the index from scratch and compare (local only, slow).")
    ] = False,
    output: OutputOption = Output.TABLE,
    *,
    where: Where,
) -> None:
    """Which images, tags and promotions a vulnerability concerns. No registry is asked.

    Always says how many could not be judged, and why: no SBOM, unsigned SBOMs only, components that no feed covers,
    feeds older than the vulnerability. Exit codes: 0 none is affected, 1 some are, 4 none was found but not all could
    be judged.
    """
    with where.desk(registries=False) as desk:
        answer = desk.affected(vulnerability, repository, limit, verify)
    show(output, answer, lambda: affected_blocks(answer))
    raise typer.Exit(int(answer["exit_code"]))
