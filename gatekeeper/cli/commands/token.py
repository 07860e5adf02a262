"""``gatekeeper token``: API tokens."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

import typer

from gatekeeper.cli.options import ConfigOption, OutputOption, duration_option
from gatekeeper.cli.output import Facts, Line, Output, Rows, show, tell
from gatekeeper.ports import TokenScope

app = typer.Typer(help="Tokens for the HTTP API and --server.", no_args_is_help=True, rich_markup_mode=None)
DEFAULT_LIFE = timedelta(days=90)


@app.command()
def create(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Who or what uses it; shown in the audit trail.")
    ],
    scope: Annotated[
        list[TokenScope],
        typer.Option("--scope", help="What it may do; repeat for several. admin includes all."),
    ],
    repository: Annotated[
        list[str] | None,
        typer.Option(
            "--repository",
            metavar="GLOB",
            help="Globs over registry/path it is bound to; ** (all) if left out.",
        ),
    ] = None,
    expires: Annotated[
        timedelta,
        typer.Option(
            "--expires",
            metavar="TIME",
            parser=duration_option,
            help="Life time: 24h, 90d.",
            show_default="90d",
        ),
    ] = DEFAULT_LIFE,
    output: OutputOption = Output.TABLE,
    config: ConfigOption = None,
) -> None:
    """Make a token. Its text is printed once and stored nowhere."""
    from gatekeeper.cli.acting import actor, now
    from gatekeeper.cli.local import local_store
    from gatekeeper.core.canonical import to_plain
    from gatekeeper.workflow import tokens

    with local_store(config) as store:
        made = tokens.create(
            store,
            name=name,
            scopes=frozenset(scope),
            repositories=tuple(repository or ("**",)),
            expires_at=now() + expires,
            now=now(),
            actor=actor(),
        )
    tell(f"token {made.token.id} for {name}; this is the only time its text is shown")
    show(output, {"token": to_plain(made.token), "text": made.text}, lambda: [Line(made.text)])


@app.command("list")
def list_tokens(output: OutputOption = Output.TABLE, config: ConfigOption = None) -> None:
    """Every token with what it may do. Texts are not stored and cannot be shown."""
    from gatekeeper.cli.local import local_store
    from gatekeeper.core.canonical import to_plain

    with local_store(config) as store:
        listing: dict[str, Any] = {"items": [to_plain(token) for token in store.tokens()], "next": None}
    show(
        output,
        listing,
        lambda: [
            Rows(
                ["id", "name", "scopes", "repositories", "expires", "revoked"],
                [
                    [
                        token["id"],
                        token["name"],
                        ", ".join(token["scopes"]),
                        ", ".join(token["repositories"]),
                        token["expires_at"],
                        token["revoked_at"],
                    ]
                    for token in listing["items"]
                ],
                empty="there is no token",
            )
        ],
    )


@app.command()
def revoke(
    token: Annotated[str, typer.Argument(metavar="ID", help="Id of the token, as `token list` shows it.")],
    output: OutputOption = Output.TABLE,
    config: ConfigOption = None,
) -> None:
    """End a token now. Exit code 5 when there is none with this id."""
    from gatekeeper.cli.acting import actor, now
    from gatekeeper.cli.local import local_store

    with local_store(config) as store:
        store.revoke_token(token, actor=actor(), now=now())
    show(
        output,
        {"state": "revoked", "reason_code": "token-revoked", "id": token},
        lambda: [Facts([("revoked", token)])],
    )
