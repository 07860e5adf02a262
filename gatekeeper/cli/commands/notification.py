"""``gatekeeper notification``: messages to webhooks."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from gatekeeper.cli.desk import Where, chooses_desk
from gatekeeper.cli.options import (
    ConfigOption,
    OutputOption,
    ReasonOption,
)
from gatekeeper.cli.output import Facts, Line, Output, Rows, show

app = typer.Typer(
    help="Messages to webhooks: given up, sent again, tried out.", no_args_is_help=True, rich_markup_mode=None
)


@app.command("list")
@chooses_desk
def list_dead(
    output: OutputOption = Output.TABLE,
    *,
    where: Where,
) -> None:
    """Dead letters: messages that a webhook did not take for so long that they were given up."""
    with where.desk(registries=False) as desk:
        page = desk.dead_letters()
    show(output, page, lambda: [_table(page["items"])])


@app.command()
@chooses_desk
def resend(
    reason: ReasonOption,
    ids: Annotated[
        list[int] | None, typer.Argument(metavar="[ID]...", help="Dead letters by their number.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="All of them.")] = False,
    output: OutputOption = Output.TABLE,
    *,
    where: Where,
) -> None:
    """Send dead letters again; the daemon delivers them."""
    if bool(ids) == every:
        raise typer.BadParameter("name the dead letters by their ID, or give --all")
    with where.desk(registries=False) as desk:
        done = desk.resend(None if every else list(ids or ()), reason)
    show(output, done, lambda: [Line(f"{done['resent']} messages are sent again")])


@app.command("test")
def try_webhook(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The webhook's name in the configuration.")],
    output: OutputOption = Output.TABLE,
    config: ConfigOption = None,
) -> None:
    """Send one message to a webhook now, recorded nowhere. Exit code 0 when it was taken."""
    from gatekeeper.cli.local import try_notification

    done = try_notification(config, name)
    show(output, done, lambda: [Facts([("webhook", done["webhook"]), ("state", done["state"])])])


def _table(letters: list[dict[str, Any]]) -> Rows:
    return Rows(
        ["id", "webhook", "given up", "attempts", "event", "subject", "why"],
        [
            [
                str(letter["id"]),
                letter["endpoint"],
                letter["dead_at"],
                str(letter["attempts"]),
                letter["event"]["kind"],
                letter["event"]["subject"],
                letter["error"],
            ]
            for letter in letters
        ],
        empty="no message was given up",
    )
