"""``gatekeeper match``: an SBOM against advisories, at once."""

from __future__ import annotations

import atexit
import gc
from pathlib import Path
from typing import Annotated

import typer

from gatekeeper.cli.options import OutputOption
from gatekeeper.cli.output import Output, show
from gatekeeper.cli.starting import without


def match(
    sbom: Annotated[
        str, typer.Argument(metavar="SBOM", help="An SBOM in any format that is read; `-` reads stdin.")
    ],
    feed: Annotated[
        list[Path] | None,
        typer.Option(
            "--feed",
            metavar="PATH",
            help="OSV advisories: a JSON file, a zip (all.zip of an ecosystem), a directory of these, or a compiled "
            "index. Can be given several times.",
        ),
    ] = None,
    vex: Annotated[
        list[Path] | None,
        typer.Option(
            "--vex",
            metavar="FILE",
            help="OpenVEX, CSAF or CycloneDX statements that are trusted as given. Can be given several times.",
        ),
    ] = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Match an SBOM with advisories. Needs no daemon, registry, database or configuration.

    Feeds are compiled once and found ready the next time (in $XDG_CACHE_HOME/gatekeeper). What could not be judged is
    told, never taken for clean: no package URL, an ecosystem that the feeds do not cover, a version without order.
    A vulnerability that VEX excuses stays in the answer, with who excused it and why; a VEX document that cannot be
    read is a warning.
    Exit codes: 0 nothing found and everything judged, 1 vulnerabilities found, 2 the SBOM or a feed cannot be read,
    4 nothing found but not everything could be judged.
    """
    with without("typing_extensions"):
        # msgspec takes what it needs from the standard library then, in a tenth of the time.
        import msgspec  # noqa: F401
    # One answer and the end: nothing is worth being searched for garbage, not even by the interpreter when it ends.
    gc.disable()
    atexit.register(gc.freeze)
    from gatekeeper.cli.matching import blocks, indented, matched

    answer = matched(sbom, feed or [], vex or [])
    show(output, answer, lambda: blocks(answer), written=indented)
    raise typer.Exit(int(answer["exit_code"]))
