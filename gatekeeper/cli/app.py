"""The tree of commands."""

from __future__ import annotations

from typing import Annotated

import typer

from gatekeeper import __version__
from gatekeeper.cli.coercion import HELP_NAMES, read_plainly
from gatekeeper.cli.commands import (
    audit,
    breaker,
    config,
    conformance,
    feed,
    hold,
    notification,
    policy,
    quarantine,
    registry,
    sbom,
    sign,
    token,
    trust,
    waiver,
)
from gatekeeper.cli.commands.affected import affected
from gatekeeper.cli.commands.check import check
from gatekeeper.cli.commands.demo import demo
from gatekeeper.cli.commands.explain import explain
from gatekeeper.cli.commands.match import match
from gatekeeper.cli.commands.migrate import migrate
from gatekeeper.cli.commands.promote import promote
from gatekeeper.cli.commands.run import run
from gatekeeper.cli.commands.status import status
from gatekeeper.cli.commands.verify import verify
from gatekeeper.cli.commands.verify_vsa import verify_vsa
from gatekeeper.cli.commands.watch import watch

app = typer.Typer(
    name="gatekeeper",
    help="Judges every image of a container registry against a written policy, and acts on it reversibly.",
    epilog="Exit codes: 0 passed, 1 failed or quarantined, 2 usage, 3 configuration, 4 not known (yet), "
    "5 image, registry, database or server cannot be reached, 6 not allowed, 70 our own fault.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": HELP_NAMES, "max_content_width": 110},
)

for verb in (demo, run, check, verify, status, explain, promote):
    app.command()(verb)
app.add_typer(quarantine.app, name="quarantine")
app.add_typer(waiver.app, name="waiver")
app.add_typer(hold.app, name="hold")
app.add_typer(registry.app, name="registry")
app.add_typer(breaker.app, name="breaker")
app.add_typer(policy.app, name="policy")
app.add_typer(trust.app, name="trust")
app.add_typer(conformance.app, name="conformance", hidden=True)
app.add_typer(config.app, name="config")
app.add_typer(sbom.app, name="sbom")
app.command()(match)
app.command()(affected)
app.add_typer(feed.app, name="feed")
app.command()(migrate)
app.command()(watch)
app.add_typer(notification.app, name="notification")
app.add_typer(audit.app, name="audit")
app.add_typer(token.app, name="token")
app.add_typer(sign.app, name="sign")
app.command("verify-vsa")(verify_vsa)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"gatekeeper {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    """The options before a command."""


def command() -> typer.core.TyperGroup:
    """The whole command line, ready to run."""
    made = typer.main.get_command(app)
    assert isinstance(made, typer.core.TyperGroup), "the root has commands below it"
    read_plainly(made)
    return made
