"""``gatekeeper config``: is it right, what can be written, what holds."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from gatekeeper.cli.options import ConfigOption, OutputOption
from gatekeeper.cli.output import Facts, Line, Output, Rows, show

app = typer.Typer(help="The configuration and the policy.", no_args_is_help=True, rich_markup_mode=None)


class Which(StrEnum):
    """One of the two files."""

    CONFIG = "config"
    POLICY = "policy"


@app.command("check")
def check_files(output: OutputOption = Output.TABLE, config: ConfigOption = None) -> None:
    """Read both files and tell every problem at once. Exit code 3 when there is one. Asks no registry."""
    from gatekeeper.config.load import find_config
    from gatekeeper.config.reload import load_configuration

    path = find_config(config)
    loaded = load_configuration(path)
    settings, policy = loaded.settings, loaded.policy
    found = {
        "state": "passed",
        "reason_code": "configuration-usable",
        "exit_code": 0,
        "config": str(path),
        "policy": str(settings.policy),
        "policy_revision": policy.revision,
        "registries": [entry.connection.host for entry in settings.registries],
        "scopes": [scope.name for scope in policy.scopes],
        "warnings": list(loaded.warnings),
    }
    show(
        output,
        found,
        lambda: [
            Facts(
                [
                    ("config", str(path)),
                    ("policy", str(settings.policy)),
                    ("policy revision", policy.revision),
                    (
                        "registries",
                        ", ".join(entry.connection.host for entry in settings.registries) or "none",
                    ),
                ]
            ),
            Rows(
                ["scope", "policy", "mode", "action", "repositories"],
                [
                    [scope.name, scope.policy, scope.mode, scope.action, ", ".join(scope.repositories)]
                    for scope in policy.scopes
                ],
            ),
            *(Line(f"warning: {warning}") for warning in loaded.warnings),
            Line("both files can be used"),
        ],
    )


@app.command()
def schema(
    which: Annotated[Which, typer.Argument(help="Which file's schema.")] = Which.CONFIG,
) -> None:
    """The JSON Schema of a file, for editors."""
    import json

    from gatekeeper.config.schema import config_schema, policy_schema

    typer.echo(json.dumps(config_schema() if which is Which.CONFIG else policy_schema(), indent=2))


@app.command("show")
def show_settings(
    redacted: Annotated[
        bool,
        typer.Option("--redacted/--places", help="Hide or show where secrets are kept; never what they are."),
    ] = True,
    output: OutputOption = Output.TABLE,
    config: ConfigOption = None,
) -> None:
    """What holds: file, environment and defaults together."""
    from gatekeeper.config.load import find_config
    from gatekeeper.config.shown import flat, shown_settings

    found = shown_settings(find_config(config), redacted=redacted)
    show(output, found, lambda: [Rows(["key", "value"], [[key, value] for key, value in flat(found)])])
