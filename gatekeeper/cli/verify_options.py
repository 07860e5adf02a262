"""Options of ``gatekeeper verify`` alone: what is demanded beside trust."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gatekeeper.core.rules.signed import SignedVia

NotationPolicyOption = Annotated[
    Path | None,
    typer.Option("--notation-policy", metavar="FILE", help="Notary Project trust policy (trustpolicy.json)."),
]
NotationTrustStoreOption = Annotated[
    Path | None,
    typer.Option(
        "--notation-trust-store", metavar="DIR", help="Its trust store: the folder that holds x509/."
    ),
]
MetadataOption = Annotated[
    list[str] | None,
    typer.Option(
        "--metadata",
        metavar="NAME=VALUE",
        help="User metadata that a notation signature must have signed.",
    ),
]
ThresholdOption = Annotated[
    int, typer.Option("--threshold", min=1, metavar="N", help="So many different signers are needed.")
]
PredicateTypeOption = Annotated[
    str | None,
    typer.Option(
        "--type",
        metavar="PREDICATE-URI",
        help="Require a verified attestation of this predicate type instead of a signature; cosign's short "
        "names (slsaprovenance1, spdxjson, cyclonedx, vuln, openvex, custom ...) are read too.",
    ),
]
AnnotationOption = Annotated[
    list[str] | None,
    typer.Option("--annotation", "-a", metavar="NAME=VALUE", help="Annotation that must be signed."),
]
PlatformOption = Annotated[
    str | None,
    typer.Option("--platform", metavar="OS/ARCH[/VARIANT]", help="Judge that image of an index."),
]
SignedViaOption = Annotated[
    SignedVia,
    typer.Option(
        "--signed-via",
        help="With --platform, whose signature counts: the image's own, that of the index that lists it, or any.",
    ),
]
SignatureRepositoryOption = Annotated[
    str | None,
    typer.Option(
        "--signature-repository",
        metavar="REPOSITORY",
        help="Look for signatures there too (COSIGN_REPOSITORY).",
    ),
]
