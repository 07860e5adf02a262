"""Options that several commands share, and what they mean."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from gatekeeper.cli.output import Chosen, Output
from gatekeeper.config.quantities import parse_duration


def _choose(output: Output) -> Output:
    Chosen.format = output
    return output


def duration_option(text: str) -> timedelta:
    """A duration on the command line. Raises BadParameter: exit code 2."""
    try:
        return parse_duration(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} {error}") from error


def moment_option(text: str) -> datetime:
    """A time on the command line: a duration from now on, or a date with or without time; UTC where it says no zone.

    Raises BadParameter: exit code 2.
    """
    try:
        return datetime.now(UTC) + parse_duration(text)
    except (ValueError, OverflowError):
        pass
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise typer.BadParameter(
            f"{text!r} is neither a duration (30d, 12h) nor a time (2026-12-31, 2026-12-31T18:00Z)"
        ) from error


def past_option(text: str) -> datetime:
    """A time on the command line: a duration ago, or a date with or without time; UTC where it says no zone.

    Raises BadParameter: exit code 2.
    """
    try:
        return datetime.now(UTC) - parse_duration(text)
    except (ValueError, OverflowError):
        return moment_option(text)


OutputOption = Annotated[
    Output,
    typer.Option(
        "--output", "-o", callback=_choose, help="Tables for people or JSON for programs.", is_eager=True
    ),
]
ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        metavar="FILE",
        help="Configuration file; else GATEKEEPER_CONFIG, ./config.toml, /etc/gatekeeper/config.toml.",
    ),
]
ServerOption = Annotated[
    str | None,
    typer.Option(
        "--server",
        metavar="URL",
        envvar="GATEKEEPER_SERVER",
        help="Ask this daemon instead of the database; the token comes from GATEKEEPER_TOKEN or --token-file.",
    ),
]
TokenFileOption = Annotated[
    Path | None,
    typer.Option(
        "--token-file", metavar="FILE", envvar="GATEKEEPER_TOKEN_FILE", help="File with the API token."
    ),
]
CaFileOption = Annotated[
    Path | None,
    typer.Option(
        "--ca-file", metavar="FILE", envvar="GATEKEEPER_CA_FILE", help="PEM bundle to trust for --server."
    ),
]
InsecureOption = Annotated[
    bool, typer.Option("--insecure-http", help="Allow a token to go over plain http to another machine.")
]
ReasonOption = Annotated[
    str,
    typer.Option("--reason", "-r", metavar="TEXT", help="Why; goes into the audit trail under your name."),
]
WaitOption = Annotated[
    timedelta | None,
    typer.Option(
        "--wait", metavar="TIME", parser=duration_option, help="Wait so long for a verdict: 30s, 5m, 1h."
    ),
]
ImageArgument = Annotated[
    str, typer.Argument(metavar="IMAGE", help="registry/repository:tag or registry/repository@sha256:...")
]
