"""``gatekeeper config``: is it right, what can be written, what holds."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import typer

from gatekeeper.cli.options import ConfigOption, OutputOption
from gatekeeper.cli.output import Block, Facts, Line, Output, Rows, show
from gatekeeper.core.exit_codes import ExitCode

app = typer.Typer(help="The configuration and the policy.", no_args_is_help=True, rich_markup_mode=None)


class Which(StrEnum):
    """One of the two files."""

    CONFIG = "config"
    POLICY = "policy"


@app.command("check")
def check_files(
    ask: Annotated[
        bool, typer.Option("--ask", help="Also ask every registry: reachable, signed in, offers a catalog?")
    ] = False,
    output: OutputOption = Output.TABLE,
    config: ConfigOption = None,
) -> None:
    """Read both files and tell every problem at once. Exit code 3 when there is one.

    With --ask every registry is asked too; where one offers no catalog, only repositories named without a wildcard
    are watched. Exit code 5 when one cannot be asked.

    Where the database can be reached, cases that wait in repositories which these files leave out are warnings.
    """
    from gatekeeper.cli.diagnosing import dropped_cases
    from gatekeeper.config.load import find_config
    from gatekeeper.config.reload import load_configuration

    path = find_config(config)
    loaded = load_configuration(path)
    dropped, not_asked = dropped_cases(loaded)
    warnings = list(loaded.warnings)
    warnings += [
        f"{one['cases']} cases wait in {one['repository']}, which is left out: release or restore them, or run "
        f"`gatekeeper decommission {one['repository'].partition('/')[0]}`"
        for one in dropped
    ]
    if not_asked is not None:
        warnings.append(f"whether cases are left out could not be asked: {not_asked}")
    registries: list[dict[str, Any]] = [
        {"host": entry.connection.host} for entry in loaded.settings.registries
    ]
    if ask:
        from gatekeeper.cli.diagnosing import ask_registries

        registries = ask_registries(loaded.settings)
    unreachable = any(registry.get("state") == "unavailable" for registry in registries)
    found: dict[str, Any] = {
        "state": "failed" if unreachable else "passed",
        "reason_code": "registry-unavailable" if unreachable else "configuration-usable",
        "exit_code": int(ExitCode.UNREACHABLE if unreachable else ExitCode.PASSED),
        "config": str(path),
        "policy": str(loaded.settings.policy),
        "policy_revision": loaded.policy.revision,
        "registries": registries,
        "scopes": [
            {
                "name": scope.name,
                "policy": scope.policy,
                "mode": str(scope.mode),
                "action": str(scope.action),
                "repositories": list(scope.repositories),
            }
            for scope in loaded.policy.scopes
        ],
        "cases_left_out": dropped,
        "warnings": warnings,
    }
    show(output, found, lambda: _checked_blocks(found))
    raise typer.Exit(found["exit_code"])


def _checked_blocks(found: dict[str, Any]) -> list[Block]:
    return [
        Facts([(name.replace("_", " "), found[name]) for name in ("config", "policy", "policy_revision")]),
        Rows(
            ["registry", "state", "message"],
            [
                [entry["host"], entry.get("state", "not asked"), entry.get("message")]
                for entry in found["registries"]
            ],
            empty="there is no [[registries]] table: nothing is watched",
        ),
        Rows(
            ["scope", "policy", "mode", "action", "repositories"],
            [
                [
                    scope["name"],
                    scope["policy"],
                    scope["mode"],
                    scope["action"],
                    ", ".join(scope["repositories"]),
                ]
                for scope in found["scopes"]
            ],
        ),
        *(Line(f"warning: {warning}") for warning in found["warnings"]),
        Line("both files can be used"),
    ]


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
