"""``gatekeeper verify``: signatures and attestations of one image, by trust given on the line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gatekeeper.cli.options import ImageArgument, OutputOption
from gatekeeper.cli.output import Output, show
from gatekeeper.cli.trust_options import (
    AuthRealmOption,
    IdentityGlobOption,
    IdentityOption,
    IdentityRegexpOption,
    IssuerOption,
    IssuerRegexpOption,
    KeyOption,
    PlainHttpOption,
    RegistryCaOption,
    TrustDirectoryOption,
    TrustedRootOption,
    WithoutCertificateLogOption,
    WithoutLogOption,
)
from gatekeeper.core.rules.signed import SignedVia


def verify(
    image: ImageArgument,
    key: KeyOption = None,
    identity: IdentityOption = None,
    identity_glob: IdentityGlobOption = None,
    identity_regexp: IdentityRegexpOption = None,
    issuer: IssuerOption = None,
    issuer_regexp: IssuerRegexpOption = None,
    trusted_root: TrustedRootOption = None,
    trust_directory: TrustDirectoryOption = None,
    without_log: WithoutLogOption = False,
    without_certificate_log: WithoutCertificateLogOption = False,
    notation_policy: Annotated[
        Path | None,
        typer.Option(
            "--notation-policy", metavar="FILE", help="Notary Project trust policy (trustpolicy.json)."
        ),
    ] = None,
    notation_trust_store: Annotated[
        Path | None,
        typer.Option(
            "--notation-trust-store", metavar="DIR", help="Its trust store: the folder that holds x509/."
        ),
    ] = None,
    metadata: Annotated[
        list[str] | None,
        typer.Option(
            "--metadata",
            metavar="NAME=VALUE",
            help="User metadata that a notation signature must have signed.",
        ),
    ] = None,
    threshold: Annotated[
        int, typer.Option("--threshold", min=1, metavar="N", help="So many different signers are needed.")
    ] = 1,
    predicate_type: Annotated[
        str | None,
        typer.Option(
            "--type",
            metavar="PREDICATE-URI",
            help="Require a verified attestation of this predicate type instead of a signature; cosign's short "
            "names (slsaprovenance1, spdxjson, cyclonedx, vuln, openvex, custom ...) are read too.",
        ),
    ] = None,
    annotation: Annotated[
        list[str] | None,
        typer.Option("--annotation", "-a", metavar="NAME=VALUE", help="Annotation that must be signed."),
    ] = None,
    platform: Annotated[
        str | None,
        typer.Option("--platform", metavar="OS/ARCH[/VARIANT]", help="Judge that image of an index."),
    ] = None,
    signed_via: Annotated[
        SignedVia,
        typer.Option(
            "--signed-via",
            help="With --platform, whose signature counts: the image's own, that of the index that lists it, or any.",
        ),
    ] = SignedVia.ANY,
    signature_repository: Annotated[
        str | None,
        typer.Option(
            "--signature-repository",
            metavar="REPOSITORY",
            help="Look for signatures there too (COSIGN_REPOSITORY).",
        ),
    ] = None,
    plain_http: PlainHttpOption = False,
    ca_file: RegistryCaOption = None,
    auth_realm: AuthRealmOption = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Verify the signatures of one image. Needs no daemon, database or configuration; nothing is written.

    Every form is found and united: cosign's tags, Sigstore bundles and other referrers, the fallback tag, Notary
    Project signatures. Say who must have signed: --key, --identity with --issuer, or --notation-policy; each one
    is a signer, and with --key alone only keys count. Credentials are docker's.

    Exit codes: 0 verified, 1 refused or skipped, 2 usage, 4 inconclusive (something could not be asked), 5 the image
    cannot be resolved.
    """
    from gatekeeper.cli.one_shot import Connection, verify_image
    from gatekeeper.cli.trust_options import Given
    from gatekeeper.cli.verification import blocks

    given = Given(
        keys=tuple(key or ()),
        identities=tuple(identity or ()),
        identity_globs=tuple(identity_glob or ()),
        identity_regexps=tuple(identity_regexp or ()),
        issuers=tuple(issuer or ()),
        issuer_regexps=tuple(issuer_regexp or ()),
        trusted_roots=tuple(trusted_root or ()),
        trust_directory=trust_directory,
        transparency_log=not without_log,
        certificate_log=not without_certificate_log,
        notation_policy=notation_policy,
        notation_trust_store=notation_trust_store,
    )
    answer = verify_image(
        image,
        given,
        Connection(plain_http, ca_file, tuple(auth_realm or ())),
        threshold=threshold,
        predicate_type=predicate_type,
        annotations=tuple(annotation or ()),
        metadata=tuple(metadata or ()),
        platform=platform,
        signed_via=signed_via,
        signature_repository=signature_repository,
    )
    show(output, answer, lambda: blocks(answer))
    raise typer.Exit(int(answer["exit_code"]))
