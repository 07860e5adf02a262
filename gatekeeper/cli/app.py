"""The tree of commands."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Annotated

import typer

from gatekeeper import __version__
from gatekeeper.cli.coercion import HELP_NAMES, read_plainly

COMMANDS = (
    "demo", "run", "check", "verify", "status", "explain", "promote", "quarantine", "waiver", "hold", "registry",
    "breaker", "policy", "trust", "conformance", "config", "sbom", "match", "affected", "feed", "migrate", "watch",
    "notification", "doctor", "audit", "token", "sign", "verify-vsa",
    "decommission",
)  # fmt: skip
"""In the order of the help. Each is a module of ``commands`` with a function of its name, or an ``app`` of commands."""

_HIDDEN = frozenset({"conformance"})


def _tree(names: Sequence[str]) -> typer.Typer:
    """An application with these commands; their modules, and nothing else, are loaded."""
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
    app.callback()(_root)
    for name in names:
        written = name.replace("-", "_")
        module = importlib.import_module(f"gatekeeper.cli.commands.{written}")
        if hasattr(module, "app"):
            app.add_typer(module.app, name=name, hidden=name in _HIDDEN)
        else:
            app.command(name)(getattr(module, written))
    return app


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"gatekeeper {__version__}")
        raise typer.Exit


def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    """The options before a command."""


def command(arguments: Sequence[str] = ()) -> typer.core.TyperGroup:
    """The command line, ready to run: all of it, or only what ``arguments`` begin with."""
    first = arguments[0] if arguments else ""
    made = typer.main.get_command(_tree((first,) if first in COMMANDS else COMMANDS))
    assert isinstance(made, typer.core.TyperGroup), "the root has commands below it"
    read_plainly(made)
    return made
