"""``gatekeeper verify``: signatures and attestations of one image, by trust given on the line."""

from __future__ import annotations

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
from gatekeeper.cli.verify_options import (
    AnnotationOption,
    MetadataOption,
    NotationPolicyOption,
    NotationTrustStoreOption,
    PlatformOption,
    PredicateTypeOption,
    SignatureRepositoryOption,
    SignedViaOption,
    ThresholdOption,
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
    notation_policy: NotationPolicyOption = None,
    notation_trust_store: NotationTrustStoreOption = None,
    metadata: MetadataOption = None,
    threshold: ThresholdOption = 1,
    predicate_type: PredicateTypeOption = None,
    annotation: AnnotationOption = None,
    platform: PlatformOption = None,
    signed_via: SignedViaOption = SignedVia.ANY,
    signature_repository: SignatureRepositoryOption = None,
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
