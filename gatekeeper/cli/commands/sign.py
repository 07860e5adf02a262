"""``gatekeeper sign``: the key that verdicts are signed with."""

from __future__ import annotations

import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from gatekeeper.cli.options import ConfigOption, OutputOption
from gatekeeper.cli.output import Facts, Output, Rows, show, tell

app = typer.Typer(help="What verdicts are signed with.", no_args_is_help=True, rich_markup_mode=None)
key = typer.Typer(help="The signing key.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(key, name="key")

PASSWORD = "GATEKEEPER_SIGNING_PASSWORD"  # noqa: S105 - the name of a variable


class KeyFormat(StrEnum):
    """How a private key is written."""

    PKCS8 = "pkcs8"
    COSIGN = "cosign"


class Kind(StrEnum):
    """``signatures.signing.KeyKind``, without loading it for the help."""

    ECDSA_P256 = "ecdsa-p256"
    ED25519 = "ed25519"
    RSA_3072 = "rsa-3072"


@key.command()
def generate(
    prefix: Annotated[
        Path, typer.Argument(metavar="[PREFIX]", help="PREFIX.key and PREFIX.pub are written.")
    ] = Path("gatekeeper-vsa"),
    kind: Annotated[Kind, typer.Option("--kind", help="Both cosigns verify each of them.")] = Kind.ECDSA_P256,
    form: Annotated[
        KeyFormat,
        typer.Option(
            "--format", help="PKCS#8 PEM, or cosign's own encrypted form, which cosign can use too."
        ),
    ] = KeyFormat.PKCS8,
    password_file: Annotated[
        Path | None,
        typer.Option(
            "--password-file",
            metavar="FILE",
            help=f"Holds the password; else {PASSWORD}, else it is asked for.",
        ),
    ] = None,
    unencrypted: Annotated[
        bool, typer.Option("--unencrypted", help="Write the private key without a password (PKCS#8 only).")
    ] = False,
    output: OutputOption = Output.TABLE,
) -> None:
    """Make the key pair for attestations of verdicts. Files that exist are never written over.

    Use the key for nothing else: what it signs must not make an image count as signed.
    """
    private, public = prefix.with_name(prefix.name + ".key"), prefix.with_name(prefix.name + ".pub")
    for path in (private, public):
        if path.exists():
            raise typer.BadParameter(f"{path} exists already; choose another PREFIX", param_hint="PREFIX")
    if unencrypted and form is KeyFormat.COSIGN:
        raise typer.BadParameter(
            "cosign's form is always encrypted; use --format pkcs8", param_hint="--unencrypted"
        )
    password = None if unencrypted else _password(password_file)
    from gatekeeper.signatures.signing import KeyKind, SigningKey

    made = SigningKey.generate(str(private), KeyKind(kind.value))
    sealed = form is KeyFormat.COSIGN
    pem = made.to_sealed_pem(password or b"") if sealed else made.to_pem(password=password)
    _write(private, pem, 0o600)
    _write(public, made.public.spki_pem.encode(), 0o644)
    plain = {
        "state": "generated",
        "reason_code": "key-generated",
        "id": made.public.id,
        "kind": kind.value,
        "private_key": str(private),
        "public_key": str(public),
        "encrypted": password is not None,
    }
    tell(f"keep {private} where only gatekeeper can read it; give {public} to whoever verifies")
    show(
        output,
        plain,
        lambda: [Facts([("key", made.public.id), ("private", str(private)), ("public", str(public))])],
    )


def _password(file: Path | None) -> bytes:
    if file is not None:
        try:
            text = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise typer.BadParameter(
                f"{file} cannot be read: {error}", param_hint="--password-file"
            ) from error
        text = text.rstrip("\r\n")
    elif os.environ.get(PASSWORD):
        text = os.environ[PASSWORD]
    elif sys.stdin.isatty():
        text = typer.prompt("Password of the key", hide_input=True, confirmation_prompt=True, err=True)
    else:
        raise typer.BadParameter(
            f"there is no password: set {PASSWORD}, give --password-file FILE, or say --unencrypted"
        )
    if not text:
        raise typer.BadParameter("the password is empty; say --unencrypted if that is meant")
    return text.encode()


def _write(path: Path, content: bytes, mode: int) -> None:
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as stream:
            stream.write(content)
    except OSError as error:
        raise typer.BadParameter(
            f"{path} cannot be written: {error.strerror}", param_hint="PREFIX"
        ) from error


@key.command("list")
def list_keys(output: OutputOption = Output.TABLE, config: ConfigOption = None) -> None:
    """Publish the public keys that our attestations were signed with, the retired ones too."""
    from gatekeeper.cli.local import signing_keys

    keys: list[dict[str, Any]] = signing_keys(config)
    show(
        output,
        {"items": keys, "next": None},
        lambda: [
            Rows(
                ["key", "state", "source", "pem"],
                [[one["id"], one["state"], one["source"], one["pem"].replace("\n", "\\n")] for one in keys],
                empty="nothing signs with a managed key",
            )
        ],
    )
