"""``gatekeeper quarantine``: cases, and what people decide about them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from gatekeeper.cli.desk import Where, chooses_desk
from gatekeeper.cli.options import (
    ConfigOption,
    OutputOption,
    ReasonOption,
    moment_option,
)
from gatekeeper.cli.output import Line, Output, show
from gatekeeper.cli.views.case import case_blocks, case_facts, cases_blocks, recovered_blocks
from gatekeeper.core.exit_codes import ExitCode
from gatekeeper.core.lifecycle import CaseState

app = typer.Typer(
    help="Cases: images that were taken out of the way, or should be.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
CaseArgument = Annotated[
    str, typer.Argument(metavar="CASE", help="Id of the case, as `quarantine list` shows it.")
]
OUTCOMES = {
    "release": "accepted; the tags are put back where they are absent or still ours",
    "keep": "reviewed; it stays where it is",
    "restore": "our action is undone; nothing was accepted, the findings stay",
}


@app.command("list")
@chooses_desk
def list_cases(
    state: Annotated[
        list[CaseState] | None, typer.Option("--state", help="Only these; else all that wait for a person.")
    ] = None,
    repository: Annotated[
        str, typer.Option("--repository", metavar="GLOB", help="Only these repositories.")
    ] = "**",
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="At most so many.")] = 100,
    after: Annotated[
        str | None, typer.Option("--after", metavar="CURSOR", help="The page after the one that named this.")
    ] = None,
    output: OutputOption = Output.TABLE,
    *,
    where: Where,
) -> None:
    """The cases, newest first."""
    states = tuple(str(one) for one in state or ())
    with where.asking(registries=False) as desk:
        listing = desk.cases(states, repository, limit, after)
    show(output, listing, lambda: cases_blocks(listing))


@app.command("show")
@chooses_desk
def show_case(
    case: CaseArgument,
    output: OutputOption = Output.TABLE,
    *,
    where: Where,
) -> None:
    """One case: why, what was done in the registry, and who did what."""
    with where.asking(registries=False) as desk:
        row = desk.case(case)
    show(output, row, lambda: case_blocks(row))


@app.command()
@chooses_desk
def release(
    case: CaseArgument,
    reason: ReasonOption,
    expires: Annotated[
        datetime | None,
        typer.Option(
            "--expires",
            "--until",
            metavar="WHEN",
            parser=moment_option,
            help="When it ends (30d, 2026-12-31): then it is proposed again, never acted on; left out: never.",
        ),
    ] = None,
    output: OutputOption = Output.TABLE,
    *,
    where: Where,
) -> None:
    """Accept exactly the findings that the case shows, and put the tags back. New findings act again."""
    _decide(where, case, "release", reason, output, expires)


@app.command()
@chooses_desk
def keep(
    case: CaseArgument,
    reason: ReasonOption,
    output: OutputOption = Output.TABLE,
    *,
    where: Where,
) -> None:
    """Reviewed: it stays quarantined. It may still be released or restored later."""
    _decide(where, case, "keep", reason, output)


@app.command()
@chooses_desk
def restore(
    case: CaseArgument,
    reason: ReasonOption,
    output: OutputOption = Output.TABLE,
    *,
    where: Where,
) -> None:
    """Undo our action: put the tags back and accept nothing. The findings come back as a proposal."""
    _decide(where, case, "restore", reason, output)


@app.command()
def recover(
    accept: Annotated[
        bool,
        typer.Option("--accept", help="Believe what was found and record it; without it nothing is written."),
    ] = False,
    reason: Annotated[
        str, typer.Option("--reason", "-r", metavar="TEXT", help="Why; needed with --accept.")
    ] = "",
    output: OutputOption = Output.TABLE,
    config: ConfigOption = None,
) -> None:
    """Rebuild the open cases from the registries alone, after the database was lost or put back from a backup.

    What a registry says is a pusher's word: look at the list first, then run it again with --accept. Exit code 4 when
    something could not be asked, so that the list may be incomplete.
    """
    if accept and not reason.strip():
        raise typer.BadParameter("--accept needs --reason: it goes into the audit trail under your name")
    from gatekeeper.cli.local import recover_cases

    found = recover_cases(config, reason if accept else None)
    show(output, found, lambda: recovered_blocks(found))
    raise typer.Exit(int(ExitCode.INDETERMINATE if found["unavailable"] else ExitCode.PASSED))


def _decide(
    where: Where, case: str, decision: str, reason: str, output: Output, expires: datetime | None = None
) -> None:
    with where.desk(registries=False) as desk:
        decided = desk.review(case, decision, reason, expires.isoformat() if expires is not None else None)
    show(output, decided, lambda: [case_facts(decided), Line(OUTCOMES[decision])])
