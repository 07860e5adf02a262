"""``gatekeeper conformance``: the command line that the conformance suite of Sigstore clients drives. Hidden."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gatekeeper.cli.output import tell
from gatekeeper.core.errors import MalformedError
from gatekeeper.core.exit_codes import ExitCode

if TYPE_CHECKING:
    from gatekeeper.core.trust import PublicKey
    from gatekeeper.signatures.bundle_check import Artifact, Expected

app = typer.Typer(
    help="What the conformance suite of Sigstore clients drives.", no_args_is_help=True, rich_markup_mode=None
)
_DIGEST = re.compile(r"sha256:([0-9a-f]{64})", re.ASCII)
_MOST_ARTIFACT_BYTES = 1 << 30


@app.callback()
def _group() -> None:
    """Keeps the command below its name, though there is only one."""


@app.command("verify-bundle")
def verify_bundle(
    artifact: Annotated[
        str, typer.Argument(metavar="FILE_OR_DIGEST", help="The artifact, or sha256: and its digest.")
    ],
    bundle: Annotated[Path, typer.Option("--bundle", metavar="FILE", help="The Sigstore bundle.")],
    identity: Annotated[
        str | None, typer.Option("--certificate-identity", metavar="TEXT", help="Who must have signed.")
    ] = None,
    issuer: Annotated[
        str | None, typer.Option("--certificate-oidc-issuer", metavar="URL", help="Who must vouch for it.")
    ] = None,
    key: Annotated[
        Path | None, typer.Option("--key", metavar="FILE", help="Public key, instead of an identity.")
    ] = None,
    trusted_root: Annotated[
        Path | None,
        typer.Option("--trusted-root", metavar="FILE", help="Trust root; left out: the public-good one."),
    ] = None,
    staging: Annotated[bool, typer.Option("--staging", help="The trust root of Sigstore's staging.")] = False,
) -> None:
    """Verify one bundle of one artifact. Exit code 0: it holds; 1: it does not."""
    from gatekeeper.signatures import bundle_check
    from gatekeeper.signatures.keyless.trust_root import read_trust_roots
    from gatekeeper.signatures.known_instances import PUBLIC_GOOD, STAGING, TRUSTED_ROOT, shipped
    from gatekeeper.signatures.refusal import RefusedError

    signer = _signer(identity, issuer, key)
    name = STAGING if staging else PUBLIC_GOOD
    content = shipped(name, TRUSTED_ROOT) if trusted_root is None else _read(trusted_root, 4 << 20)
    try:
        roots = read_trust_roots(content, str(trusted_root or name))
        bundle_check.check_bundle(_read(bundle, 32 << 20), _artifact(artifact), roots, signer)
    except RefusedError as refused:
        tell(f"refused, {refused.code}: {refused.message}")
        raise typer.Exit(ExitCode.FAILED) from refused
    tell("verified")


def _signer(identity: str | None, issuer: str | None, key: Path | None) -> Expected | PublicKey:
    from gatekeeper.signatures.bundle_check import Expected
    from gatekeeper.signatures.keys import load_public_key

    if key is not None and identity is None and issuer is None:
        return load_public_key(_read(key, 1 << 20), str(key))
    if key is not None or identity is None or issuer is None:
        raise typer.BadParameter(
            "give --certificate-identity with --certificate-oidc-issuer, or --key and neither"
        )
    return Expected(identity, issuer)


def _artifact(text: str) -> Artifact:
    from gatekeeper.signatures.bundle_check import Artifact

    digest = _DIGEST.fullmatch(text)
    if digest is not None and not Path(text).exists():
        return Artifact(bytes.fromhex(digest[1]))
    return Artifact.of(_read(Path(text), _MOST_ARTIFACT_BYTES))


def _read(file: Path, most: int) -> bytes:
    try:
        with file.open("rb") as stream:
            content = stream.read(most + 1)
    except OSError as error:
        raise MalformedError(
            f"{file} cannot be read: {error.strerror}", reason_code="file-unreadable"
        ) from error
    if len(content) > most:
        raise MalformedError(f"{file} is larger than {most} bytes", reason_code="file-too-large")
    return content
