"""``gatekeeper migrate``: the database's schema."""

from __future__ import annotations

import typer

from gatekeeper.cli.options import ConfigOption, OutputOption
from gatekeeper.cli.output import Facts, Output, show


def migrate(output: OutputOption = Output.TABLE, config: ConfigOption = None) -> None:
    """Bring the database to this version's schema. Makes a new one where there is none; safe to run again."""
    from gatekeeper.cli.schema import upgrade
    from gatekeeper.config.load import find_config, load_settings

    revision = upgrade(load_settings(find_config(config), check_secrets=False))
    found = {"state": "migrated", "reason_code": "schema-current", "exit_code": 0, "revision": revision}
    show(output, found, lambda: [Facts([("schema", revision)])])
    raise typer.Exit(0)
