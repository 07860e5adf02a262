"""``gatekeeper sbom``: what an SBOM, or every SBOM of an image, says."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gatekeeper.cli.options import ConfigOption
from gatekeeper.cli.output import Chosen, Output, show
from gatekeeper.core.errors import MalformedError, NotFoundError

if TYPE_CHECKING:
    from gatekeeper.cli.views.sbom import Shown

app = typer.Typer(help="What is in an image, by its SBOMs.", no_args_is_help=True, rich_markup_mode=None)

_FILE_SUFFIXES = (".json", ".xml", ".spdx", ".cdx", ".tv", ".jsonl", ".sbom")


class SbomOutput(StrEnum):
    """``--output`` of ``sbom show``."""

    TABLE = "table"
    JSON = "json"
    CYCLONEDX = "cyclonedx"
    SPDX = "spdx"


def _choose(output: SbomOutput) -> SbomOutput:
    Chosen.format = Output.JSON if output is SbomOutput.JSON else Output.TABLE
    return output


@app.callback()
def _group() -> None:
    """Commands about SBOMs."""


@app.command(name="show")
def show_(
    target: Annotated[
        str,
        typer.Argument(
            metavar="FILE|IMAGE",
            help="A file, - for standard input, or registry/repository:tag (or @sha256:...) of an image.",
        ),
    ],
    platform: Annotated[
        str,
        typer.Option(
            "--platform",
            metavar="OS/ARCH[/VARIANT]",
            help="Which image of an index; else the only one, else this machine's.",
        ),
    ] = "",
    os_only: Annotated[
        bool,
        typer.Option(
            "--os-only",
            help="Where the image has no SBOM, read the package databases of its layers (apk, dpkg, RPM).",
        ),
    ] = False,
    plain_http: Annotated[
        bool,
        typer.Option("--plain-http", help="Speak http with the registry. Never fallen back to by itself."),
    ] = False,
    output: Annotated[
        SbomOutput,
        typer.Option(
            "--output",
            "-o",
            callback=_choose,
            is_eager=True,
            help="Tables for people, JSON for programs, or an SBOM as CycloneDX 1.6 or SPDX 2.3 JSON.",
        ),
    ] = SbomOutput.TABLE,
    config: ConfigOption = None,
) -> None:
    """Read an SBOM file, or every SBOM of an image, now. Needs no configuration, no daemon and no database.

    Files may be CycloneDX (JSON 1.2 to 1.7, XML), SPDX (2.2 and 2.3 as JSON or tag-value, 3.0 as JSON) or syft JSON,
    or an in-toto statement, DSSE envelope or Sigstore bundle around one (not verified). An image is asked for from its
    registry as docker's configuration signs in there; with --config, as that configuration says, whose policy's keys
    then tell signed SBOMs from others. Exit codes: 0 read, 1 the image has no SBOM, 2 not an SBOM, 4 an SBOM could not
    be asked for, 5 the image or the registry cannot be reached.
    """
    from gatekeeper.cli.views.sbom import plain_view, view_blocks

    shown = _file(target) if _is_file(target) else _image(target, platform, os_only, plain_http, config)
    if output in (SbomOutput.CYCLONEDX, SbomOutput.SPDX):
        _emit(shown, output)
        return
    view = plain_view(shown)
    show(Output(output.value), view, lambda: view_blocks(view))
    raise typer.Exit(view["exit_code"])


def _is_file(target: str) -> bool:
    if target == "-" or Path(target).is_file():
        return True
    return (
        target.startswith(("/", "./", "../"))
        or target in (".", "..")
        or ("@" not in target and target.lower().endswith(_FILE_SUFFIXES))
    )


def _file(target: str) -> Shown:
    from gatekeeper.cli.views.sbom import Shown, ShownDocument
    from gatekeeper.core.digest import Digest
    from gatekeeper.sbom.lenient import MAX_BYTES, too_large
    from gatekeeper.sbom.reader import Reader

    try:
        if target == "-":
            content = sys.stdin.buffer.read(MAX_BYTES + 1)
        else:
            with Path(target).open("rb") as stream:
                content = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise MalformedError(
            f"{target} cannot be read: {error.strerror}", reason_code="file-unreadable"
        ) from error
    try:
        if len(content) > MAX_BYTES:
            raise too_large(f"{MAX_BYTES} bytes")
        document = Reader().read_any(content)
    except MalformedError as error:
        name = "standard input" if target == "-" else target
        raise MalformedError(f"{name}: {error.message}", reason_code=error.reason_code) from error
    digest = Digest.of(content)
    return Shown(target, digest, None, (ShownDocument(digest, document),))


def _image(target: str, platform: str, os_only: bool, plain_http: bool, config: Path | None) -> Shown:
    from gatekeeper.cli.local import image_sboms
    from gatekeeper.cli.views.sbom import Shown, ShownDocument
    from gatekeeper.core.reference import parse_reference

    found = image_sboms(
        parse_reference(target), platform=platform, os_only=os_only, plain_http=plain_http, config=config
    )
    return Shown(
        f"{found.reference.repository}@{found.digest}",
        found.digest,
        None if found.platform is None else str(found.platform),
        tuple(ShownDocument(one.sbom.document, one.content, one.sbom) for one in found.documents),
        found.gaps,
    )


def _emit(shown: Shown, output: SbomOutput) -> None:
    from datetime import UTC, datetime

    from gatekeeper import __version__
    from gatekeeper.core.inventory import Described
    from gatekeeper.sbom.writer import Writer

    if not shown.read:
        raise NotFoundError(f"{shown.subject}: there is no SBOM that can be read", reason_code="sbom-missing")
    described = Described(
        shown.subject,
        str(shown.digest),
        tuple(digest for digest, _ in shown.read),
        shown.operating_system,
        shown.components,
    )
    writer = Writer(__version__)
    write = writer.cyclonedx if output is SbomOutput.CYCLONEDX else writer.spdx
    sys.stdout.write(write(described, now=datetime.now(UTC)))
