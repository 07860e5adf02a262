"""``gatekeeper trust``: the Sigstore trust roots that keyless signatures are verified with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gatekeeper.cli.options import ConfigOption, OutputOption, moment_option
from gatekeeper.cli.output import Facts, Output, Plain, Rows, show, tell
from gatekeeper.cli.views.trust_impact import impact_blocks
from gatekeeper.core.errors import ConfigurationError, MalformedError

if TYPE_CHECKING:
    from gatekeeper.core import trust
    from gatekeeper.signatures.keyless.trust_root import TrustRoot
    from gatekeeper.signatures.trust_store import KeptRoot

app = typer.Typer(
    help="Sigstore trust roots: who is trusted to vouch for keyless signatures.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

DirectoryOption = Annotated[
    Path | None,
    typer.Option(
        "--directory",
        metavar="DIR",
        help="Where trust roots are kept; left out: `trust.directory` of the configuration.",
    ),
]


@app.command()
def update(
    name: Annotated[
        str, typer.Argument(metavar="[NAME]", help="public-good, staging, github, or a name with --tuf-url.")
    ] = "public-good",
    tuf_url: Annotated[
        str | None,
        typer.Option(
            "--tuf-url", metavar="URL", help="TUF repository; left out: the known one of this name."
        ),
    ] = None,
    tuf_root: Annotated[
        Path | None,
        typer.Option(
            "--tuf-root",
            metavar="FILE",
            help="The repository's first root.json, from a source you trust; public-good and staging need none.",
        ),
    ] = None,
    directory: DirectoryOption = None,
    output: OutputOption = Output.TABLE,
    config: ConfigOption = None,
) -> None:
    """Fetch a trust root by TUF: verified from its first root on, into our own directory.

    A running daemon takes it with its next reload (SIGHUP).
    Exit code 5 when the repository cannot be reached; 2 when what it serves does not hold. The root that is there
    stays as it is then.
    """
    from gatekeeper.cli.acting import now
    from gatekeeper.cli.local import trust_settings
    from gatekeeper.wiring import update_trust_root

    first_root = None if tuf_root is None else _read(tuf_root)
    settings = trust_settings(config, directory)
    with _writing(settings.directory):
        kept = update_trust_root(settings, name, url=tuf_url, first_root=first_root, now=now())
    tell(f"trust root {kept.name} is up to date")
    plain = _plain(kept, now())
    show(output, plain, lambda: [_facts(plain)])


@app.command("import")
def import_root(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="trusted_root.json, JSON lines, or a ClientTrustConfig.")
    ],
    name: Annotated[
        str, typer.Option("--name", metavar="NAME", help="How policies call it.")
    ] = "public-good",
    version: Annotated[
        str, typer.Option("--version", metavar="TEXT", help="What its publisher calls this state of it.")
    ] = "",
    expires: Annotated[
        datetime | None,
        typer.Option(
            "--expires",
            metavar="WHEN",
            parser=moment_option,
            help="From when on it counts as stale: 180d, 2027-06-30.",
        ),
    ] = None,
    directory: DirectoryOption = None,
    output: OutputOption = Output.TABLE,
    config: ConfigOption = None,
) -> None:
    """Take a trust root from a file: for private instances, and where there is no network.

    A running daemon takes it with its next reload (SIGHUP).
    """
    from gatekeeper.cli.acting import now
    from gatekeeper.cli.local import trust_settings
    from gatekeeper.signatures.trust_store import KeptRoot, keep

    kept = KeptRoot(
        name=name,
        content=_read(file),
        source=str(file.resolve()),
        version=version,
        updated_at=now().replace(microsecond=0),
        expires_at=None if expires is None else expires.replace(microsecond=0),
    )
    place = trust_settings(config, directory).directory
    with _writing(place):
        keep(place, kept)
    plain = _plain(kept, now())
    show(output, plain, lambda: [_facts(plain)])


@app.command("list")
def list_roots(
    directory: DirectoryOption = None,
    output: OutputOption = Output.TABLE,
    config: ConfigOption = None,
) -> None:
    """Every trust root that is kept or that the policy names, with version, source, sha256 and expiry.

    With `--directory` only what is kept there.
    """
    from gatekeeper.cli.acting import now
    from gatekeeper.cli.local import policy_roots, trust_settings
    from gatekeeper.signatures.trust_store import BrokenRoot, listed

    place = trust_settings(config, directory).directory
    items = [
        {"name": root.name, "state": "broken", "problem": root.problem}
        if isinstance(root, BrokenRoot)
        else _plain(root, now())
        for root in listed(place)
    ]
    if directory is None:
        kept = {item["name"] for item in items}
        roots, problem = policy_roots(config)
        items += [_described(root, None, now()) for root in roots if root.name not in kept]
        if problem is not None:
            tell(f"the policy's own trust roots are not listed: {problem}")
    show(
        output,
        {"directory": str(place), "items": items},
        lambda: [
            Rows(
                [column.removesuffix("_at") for column in _COLUMNS],
                [[_cell(item, column) for column in _COLUMNS] for item in items],
                empty=f"there is no trust root in {place}; get one: gatekeeper trust update",
            )
        ],
    )


@app.command()
def impact(
    key: Annotated[
        str,
        typer.Argument(metavar="KEY", help="A key of the policy: its file as written there, or its id."),
    ],
    at: Annotated[
        datetime | None,
        typer.Option(
            "--at",
            metavar="WHEN",
            parser=moment_option,
            help="Retired or compromised since then; left out: now.",
        ),
    ] = None,
    output: OutputOption = Output.TABLE,
    config: ConfigOption = None,
) -> None:
    """Which images rest on a key, and what becomes of them when it is retired or compromised. Nothing is written.

    Read this before setting `retired_at` or `compromised_at` in the policy: signatures seen before a key was retired
    stay good; of a compromised key only those that a log or timestamp authority proves to be older.
    """
    from gatekeeper.cli.local import key_impact

    found = key_impact(config, key, at)
    show(output, found, lambda: impact_blocks(found))


_COLUMNS = ("name", "state", "version", "source", "sha256", "updated_at", "expires_at")
_PARTS = (
    "certificate_authorities",
    "transparency_logs",
    "certificate_logs",
    "timestamp_authorities",
    "left_out",
)


def _cell(item: Plain, column: str) -> str | None:
    if column == "source" and "problem" in item:
        return str(item["problem"])
    return None if item.get(column) is None else str(item[column])


def _plain(kept: KeptRoot, now: datetime) -> Plain:
    return _described(kept.as_trust_root(), kept.updated_at, now)


def _described(root: trust.TrustRoot, updated_at: datetime | None, now: datetime) -> Plain:
    from gatekeeper.core.canonical import to_plain
    from gatekeeper.signatures.keyless.trust_root import read_trust_roots

    return {
        "name": root.name,
        "state": "stale" if root.stale(now) else "current",
        "version": root.version or None,
        "source": root.source,
        "sha256": root.digest.encoded,
        "updated_at": to_plain(updated_at),
        "expires_at": to_plain(root.expires_at),
        "instances": [_instance(instance) for instance in read_trust_roots(root.content, root.name)],
    }


def _instance(root: TrustRoot) -> Plain:
    return {
        "certificate_authorities": [authority.uri for authority in root.certificate_authorities],
        "transparency_logs": [log.url for log in root.logs],
        "certificate_logs": [log.url for log in root.ct_logs],
        "timestamp_authorities": [authority.uri for authority in root.timestamp_authorities],
        "left_out": list(root.left_out),
    }


def _facts(plain: Plain) -> Facts:
    return Facts(
        [
            *((column.removesuffix("_at"), _cell(plain, column)) for column in _COLUMNS),
            *(
                (part.replace("_", " "), ", ".join(one for each in plain["instances"] for one in each[part]))
                for part in _PARTS
            ),
        ]
    )


def _read(file: Path) -> bytes:
    from gatekeeper.signatures.keyless.trust_root import MAX_BYTES

    try:
        with file.open("rb") as stream:
            return stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise MalformedError(
            f"{file} cannot be read: {error.strerror}", reason_code="file-unreadable"
        ) from error


@contextmanager
def _writing(directory: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ConfigurationError(
            (
                f"trust roots cannot be written to {directory}: {error.strerror}; name another: --directory DIR",
            ),
            reason_code="trust-directory-unwritable",
        ) from error
