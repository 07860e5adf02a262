"""``gatekeeper feed``: vulnerability knowledge, from the network, from files, between sites."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from gatekeeper.cli.options import ConfigOption, OutputOption, ReasonOption
from gatekeeper.cli.output import Facts, Output, show

app = typer.Typer(
    help="Vulnerability feeds: advisories, known exploits, scores, ends of releases.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

PASSWORD = "GATEKEEPER_SIGNING_PASSWORD"  # noqa: S105 - the name of a variable
FeedArgument = Annotated[str, typer.Argument(metavar="FEED", help="Its name, as `feed list` shows it.")]


class Kind(StrEnum):
    """``core.feed.FeedKind``, without loading it for the help."""

    OSV = "osv"
    KEV = "kev"
    EPSS = "epss"
    ENDOFLIFE = "endoflife"


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is no time; write 2026-05-04 or 2026-05-04T12:00:00Z") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@app.command()
def update(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[FEED]...", help="Only these; else all that are configured."),
    ] = None,
    output: OutputOption = Output.TABLE,
    config: ConfigOption = None,
) -> None:
    """Fetch the configured feeds now. Readers see the old or the new version of each, never half of one.

    An interrupted import goes on where it was. Exit codes: 0 done or nothing new, 5 a source could not be reached.
    """
    from gatekeeper.cli import feeds

    answer = feeds.update(config, names or [])
    show(output, answer, lambda: feeds.outcome_blocks(answer))
    raise typer.Exit(int(answer["exit_code"]))


@app.command("import")
def import_feed(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="PATH...",
            help="OSV records (zip, JSON, JSON lines, a directory), a KEV catalog, an EPSS list, a list of "
            "endoflife.date, or a bundle of `feed export`. The content tells which.",
        ),
    ],
    name: Annotated[
        str | None,
        typer.Option(
            "--name", metavar="FEED", help="What it is called here; else its kind and ecosystem: osv-debian."
        ),
    ] = None,
    kind: Annotated[Kind | None, typer.Option("--kind", help="Refuse anything else.")] = None,
    as_of: Annotated[
        datetime | None,
        typer.Option(
            "--as-of",
            metavar="TIME",
            parser=_moment,
            help="When the file was fetched; else now. It ages from then.",
        ),
    ] = None,
    key: Annotated[
        list[Path] | None,
        typer.Option(
            "--key",
            metavar="FILE",
            help="Public key that a bundle must be signed by, beside feeds.bundle_keys. Can be given several times.",
        ),
    ] = None,
    output: OutputOption = Output.TABLE,
    config: ConfigOption = None,
) -> None:
    """Import feeds from files. Each replaces the feed of the same name as a whole.

    What a new version concerns is due at once: status, admission and promotion answer so from that moment.
    Of several paths, one that fails keeps nobody from the others and decides the exit code.
    """
    from gatekeeper.cli import feeds
    from gatekeeper.core.feed import FeedKind

    wanted = None if kind is None else FeedKind(str(kind))
    answer = feeds.import_paths(config, paths, name=name, kind=wanted, as_of=as_of, keys=key or [])
    show(output, answer, lambda: feeds.outcome_blocks(answer))
    raise typer.Exit(int(answer["exit_code"]))


@app.command("list")
def list_feeds(output: OutputOption = Output.TABLE, config: ConfigOption = None) -> None:
    """Every feed: how fresh it is, how many records it has, and whether it is held."""
    from gatekeeper.cli import feeds

    answer = feeds.listed(config)
    show(output, answer, lambda: feeds.list_blocks(answer))


@app.command("show")
def show_feed(name: FeedArgument, output: OutputOption = Output.TABLE, config: ConfigOption = None) -> None:
    """One feed, and the records that were set aside because they cannot be read."""
    from gatekeeper.cli import feeds

    answer = feeds.shown(config, name)
    show(output, answer, lambda: feeds.feed_blocks(answer))


@app.command()
def export(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The bundle to write (a tar file).")],
    key: Annotated[
        Path, typer.Option("--key", metavar="FILE", help="Private key to sign with: `sign key generate`.")
    ],
    feed: Annotated[
        list[str] | None,
        typer.Option("--feed", metavar="FEED", help="Only this feed. Can be given several times."),
    ] = None,
    password_file: Annotated[
        Path | None,
        typer.Option("--password-file", metavar="FILE", help=f"Password of the key; else {PASSWORD}."),
    ] = None,
    output: OutputOption = Output.TABLE,
    config: ConfigOption = None,
) -> None:
    """Write feeds as a signed bundle for a site without network; `feed import` verifies it there.

    A feed is no fresher there than it was here when it was exported.
    """
    from gatekeeper.cli import feeds

    text = password_file.read_text().strip() if password_file is not None else os.environ.get(PASSWORD)
    answer = feeds.export(config, file, feed or [], key, text.encode() if text else None)
    show(
        output,
        answer,
        lambda: [
            Facts(
                [("file", answer["file"]), ("feeds", ", ".join(answer["feeds"])), ("key", answer["key_id"])]
            )
        ],
    )


@app.command()
def accept(
    name: FeedArgument,
    reason: ReasonOption,
    output: OutputOption = Output.TABLE,
    config: ConfigOption = None,
) -> None:
    """Let a held version be acted on, within caps and brakes. Exit code 1 when nothing of the feed is held."""
    from gatekeeper.cli import feeds

    answer = feeds.accept(config, name, reason)
    show(output, answer, lambda: feeds.feed_blocks(answer))
