"""``gatekeeper audit``: the append-only trail."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gatekeeper.cli.audit_export import Format
from gatekeeper.cli.options import ConfigOption, OutputOption, ReasonOption, past_option
from gatekeeper.cli.output import Facts, Output, Rows, show, tell

if TYPE_CHECKING:
    from gatekeeper.ports import AuditQuestion, Store

app = typer.Typer(help="The append-only, hash-chained trail.", no_args_is_help=True, rich_markup_mode=None)

SinceOption = Annotated[
    datetime | None,
    typer.Option("--since", metavar="TIME", parser=past_option, help="From then on: 2026-11-01, or 7d ago."),
]
UntilOption = Annotated[
    datetime | None,
    typer.Option("--until", metavar="TIME", parser=past_option, help="Before then: 2026-12-01, or 1h ago."),
]
ActorOption = Annotated[
    list[str] | None,
    typer.Option(
        "--actor",
        metavar="GLOB",
        help="Who: `token:*/pipeline`, `local:**`, `gatekeeper`; repeat for several.",
    ),
]
AboutOption = Annotated[
    str | None,
    typer.Option(
        "--image",
        metavar="IMAGE",
        help="About a registry/repository (or a glob of them), an image by digest, or whatever a tag showed.",
    ),
]


@app.command("list")
def list_rows(
    since: SinceOption = None,
    until: UntilOption = None,
    actor: ActorOption = None,
    image: AboutOption = None,
    limit: Annotated[
        int, typer.Option("--limit", min=1, max=100_000, help="The newest so many of what fits.")
    ] = 100,
    output: OutputOption = Output.TABLE,
    config: ConfigOption = None,
) -> None:
    """Who did what, when and why: verdicts, reviews, waivers, promotions, brakes, actions."""
    from collections import deque

    from gatekeeper.cli.local import local_store
    from gatekeeper.workflow.audit_report import report

    with local_store(config) as store:
        question = _question(store, image, since, until, actor)
        newest = deque(report(store, question, full=False), maxlen=limit)
    plain = {"items": [told.plain for told in newest], "next": None}
    show(
        output,
        plain,
        lambda: [
            Rows(
                ["row", "at", "actor", "action", "subject", "reason"],
                [
                    [
                        str(told.row.seq),
                        f"{told.row.at:%Y-%m-%d %H:%M:%S}",
                        told.row.actor if told.authenticated else f"{told.row.actor} (unauthenticated)",
                        told.row.action,
                        told.row.subject,
                        told.row.reason,
                    ]
                    for told in newest
                ],
                empty="nothing fits",
            )
        ],
    )


@app.command()
def export(
    since: SinceOption = None,
    until: UntilOption = None,
    actor: ActorOption = None,
    image: AboutOption = None,
    form: Annotated[
        Format,
        typer.Option(
            "--format", help="jsonl: every row with the policy and evidence of its moment; csv: flat."
        ),
    ] = Format.JSONL,
    to: Annotated[
        Path | None, typer.Option("--to", metavar="FILE", help="A new file; left out: standard output.")
    ] = None,
    config: ConfigOption = None,
) -> None:
    """For an auditor: each row that fits, with the policy text and the evidence it rested on.

    Each row carries its hash and the one before, so that a complete export can be verified by itself; the sha256 of
    a policy's or an evidence's canonical JSON is the digest that the row names.
    """
    from gatekeeper.cli.audit_export import written
    from gatekeeper.cli.local import local_store
    from gatekeeper.workflow.audit_report import report

    with local_store(config) as store:
        question = _question(store, image, since, until, actor)
        count = written(report(store, question, full=form is Format.JSONL), form, to)
    tell(f"{count} rows exported")


@app.command()
def verify(
    expect: Annotated[
        str | None,
        typer.Option(
            "--expect", metavar="SEQ:HASH", help="A head noted earlier: finds truncation and rewriting."
        ),
    ] = None,
    archive: Annotated[
        list[Path] | None,
        typer.Option("--archive", metavar="FILE", help="Archives, oldest first: verified as the beginning."),
    ] = None,
    output: OutputOption = Output.TABLE,
    config: ConfigOption = None,
) -> None:
    """Check the whole chain. Exit code 1 when a row was changed, is missing or was reordered."""
    from gatekeeper.cli.audit_chain import verify_chain
    from gatekeeper.cli.local import local_store
    from gatekeeper.workflow.audit_report import read_archive

    with local_store(config) as store:
        found = verify_chain(store, expect, [read_archive(file) for file in archive or ()])
    show(
        output,
        found,
        lambda: [
            Facts(
                [("state", found["state"]), ("reason", found["reason_code"]), ("message", found["message"])]
            ),
            Facts([("head", found["head"])]),
        ],
    )
    raise typer.Exit(found["exit_code"])


@app.command()
def head(output: OutputOption = Output.TABLE, config: ConfigOption = None) -> None:
    """The newest row as SEQ:HASH. Keep it outside this machine, for `audit verify --expect`."""
    from gatekeeper.cli.local import local_store

    with local_store(config) as store:
        newest = store.head()
    show(
        output,
        {"seq": newest.seq, "hash": newest.hash, "head": str(newest)},
        lambda: [Facts([("head", str(newest))])],
    )


@app.command()
def archive(
    reason: ReasonOption,
    before: Annotated[
        datetime,
        typer.Option(
            "--before", metavar="TIME", parser=past_option, help="Rows older than this: 2026-01-01, 365d."
        ),
    ],
    to: Annotated[Path, typer.Option("--to", metavar="FILE", help="A new file (JSON lines).")],
    output: OutputOption = Output.TABLE,
    config: ConfigOption = None,
) -> None:
    """Move old rows into a file, so that the database does not grow for ever. The chain stays verifiable.

    Keep the file: `audit verify --archive FILE` joins it to what is left. The row that tells of it names its sha256.
    """
    from gatekeeper.cli.acting import actor, now
    from gatekeeper.cli.local import local_store
    from gatekeeper.workflow.audit_report import archive as move

    with local_store(config) as store:
        done = move(store, to, before=before, actor=actor(), reason=reason, now=now())
    plain = {"file": str(done.file), "rows": done.rows, "head": str(done.head), "content": str(done.content)}
    show(output, plain, lambda: [Facts([(name, str(value)) for name, value in plain.items()])])


def _question(
    store: Store,
    image: str | None,
    since: datetime | None,
    until: datetime | None,
    actor: Iterable[str] | None,
) -> AuditQuestion:
    import dataclasses

    from gatekeeper.workflow.audit_report import asked_about

    if since is not None and until is not None and since >= until:
        raise typer.BadParameter(
            f"{since:%Y-%m-%dT%H:%MZ} is not before --until {until:%Y-%m-%dT%H:%MZ}", param_hint="--since"
        )
    question = asked_about(store, image)
    return dataclasses.replace(question, since=since, until=until, actors=tuple(actor or ()))
