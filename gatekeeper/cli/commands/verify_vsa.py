"""``gatekeeper verify-vsa``: does a trusted verifier say that this image passed?"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer

from gatekeeper.cli.options import ImageArgument, OutputOption, duration_option
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
)


def verify_vsa(
    image: ImageArgument,
    verifier_id: Annotated[
        str, typer.Option("--verifier-id", metavar="URI", help="Whose summary is believed: `verifier.id`.")
    ],
    key: KeyOption = None,
    identity: IdentityOption = None,
    identity_glob: IdentityGlobOption = None,
    identity_regexp: IdentityRegexpOption = None,
    issuer: IssuerOption = None,
    issuer_regexp: IssuerRegexpOption = None,
    trusted_root: TrustedRootOption = None,
    trust_directory: TrustDirectoryOption = None,
    resource_uri: Annotated[
        str | None,
        typer.Option(
            "--resource-uri",
            metavar="URI",
            help="`resourceUri` that the summary must name; left out: this image in this repository.",
        ),
    ] = None,
    level: Annotated[
        list[str] | None,
        typer.Option("--level", metavar="LEVEL", help="Level that must be verified; repeat for several."),
    ] = None,
    policy_digest: Annotated[
        str | None,
        typer.Option("--policy-digest", metavar="sha256:HEX", help="The policy it must have been judged by."),
    ] = None,
    max_age: Annotated[
        timedelta | None,
        typer.Option("--max-age", metavar="TIME", parser=duration_option, help="At most so old: 24h, 30d."),
    ] = None,
    platform: Annotated[
        str | None,
        typer.Option(
            "--platform", metavar="OS/ARCH[/VARIANT]", help="Of that image of an index, or the index."
        ),
    ] = None,
    plain_http: PlainHttpOption = False,
    ca_file: RegistryCaOption = None,
    auth_realm: AuthRealmOption = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Check a SLSA verification summary of one image, ours or anybody's. Needs no configuration; nothing is written.

    The newest summary of the verifier decides. Give the verifier's --key (retired ones too), or --identity with
    --issuer.

    Exit codes: 0 passed, 1 failed or no such summary, 2 usage, 4 inconclusive, 5 the image cannot be resolved.
    """
    from gatekeeper.cli.one_shot import Connection, verify_summary
    from gatekeeper.cli.trust_options import Given
    from gatekeeper.cli.verification import summary_blocks

    given = Given(
        keys=tuple(key or ()),
        identities=tuple(identity or ()),
        identity_globs=tuple(identity_glob or ()),
        identity_regexps=tuple(identity_regexp or ()),
        issuers=tuple(issuer or ()),
        issuer_regexps=tuple(issuer_regexp or ()),
        trusted_roots=tuple(trusted_root or ()),
        trust_directory=trust_directory,
    )
    answer = verify_summary(
        image,
        given,
        Connection(plain_http, ca_file, tuple(auth_realm or ())),
        verifier=verifier_id,
        resource=resource_uri,
        levels=tuple(level or ()),
        policy_digest=policy_digest,
        max_age=max_age,
        platform=platform,
    )
    show(output, answer, lambda: summary_blocks(answer))
    raise typer.Exit(int(answer["exit_code"]))
