"""``gatekeeper run``: the daemon."""

from __future__ import annotations

from typing import Annotated

import typer

from gatekeeper.cli.options import ConfigOption


def run(
    migrate: Annotated[
        bool, typer.Option("--migrate", help="Bring the database to this version's schema first.")
    ] = False,
    config: ConfigOption = None,
) -> None:
    """The daemon: watches, judges, records, acts, answers.

    It also serves the HTTP API. SIGTERM ends it after the work under way; SIGHUP reads configuration and policy
    again and keeps the old ones when the new ones are bad. Refuses to start on an outdated database schema, unless
    --migrate.
    """
    from gatekeeper.cli.daemon import run_daemon

    run_daemon(config, migrate=migrate)
