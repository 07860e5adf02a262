"""The options that say whom to trust, and what they come to: the same for ``verify`` and ``verify-vsa``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gatekeeper.cli.output import tell

if TYPE_CHECKING:
    from gatekeeper.core.patterns import Pattern, PatternKind
    from gatekeeper.core.reference import Repository
    from gatekeeper.core.signer import Signer
    from gatekeeper.core.trust import NotationTrust, PublicKey, TrustMaterial, TrustRoot

KeyOption = Annotated[
    list[Path] | None,
    typer.Option("--key", "-k", metavar="FILE", help="PEM public key of a signer; repeat for several."),
]
IdentityOption = Annotated[
    list[str] | None,
    typer.Option(
        "--identity",
        metavar="TEXT",
        help="Identity in a Fulcio certificate (e-mail, URI), exactly as written.",
    ),
]
IdentityGlobOption = Annotated[
    list[str] | None,
    typer.Option(
        "--identity-glob", metavar="GLOB", help="The same by a glob: * within a path segment, ** across them."
    ),
]
IdentityRegexpOption = Annotated[
    list[str] | None,
    typer.Option(
        "--identity-regexp",
        metavar="REGEXP",
        help="The same by a regular expression, which matches the whole.",
    ),
]
IssuerOption = Annotated[
    list[str] | None,
    typer.Option("--issuer", metavar="URL", help="OpenID issuer of the identities, exactly as written."),
]
IssuerRegexpOption = Annotated[
    list[str] | None,
    typer.Option(
        "--issuer-regexp", metavar="REGEXP", help="The same by a regular expression over the whole."
    ),
]
TrustedRootOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--trusted-root",
        metavar="FILE",
        help="Sigstore trust root (trusted_root.json, JSON lines, ClientTrustConfig); public Sigstore's if left out.",
    ),
]
TrustDirectoryOption = Annotated[
    Path | None,
    typer.Option(
        "--trust-directory",
        metavar="DIR",
        help="Trust roots kept by `gatekeeper trust update` and `trust import`: every one there is used.",
    ),
]
WithoutLogOption = Annotated[
    bool,
    typer.Option(
        "--without-transparency-log",
        help="The given roots keep no transparency log: a signed timestamp is proof enough.",
    ),
]
WithoutCertificateLogOption = Annotated[
    bool,
    typer.Option("--without-certificate-log", help="The given roots log no certificates: none needs an SCT."),
]
PlainHttpOption = Annotated[
    bool, typer.Option("--plain-http", help="Speak http with the registry. Never fallen back to by itself.")
]
RegistryCaOption = Annotated[
    Path | None,
    typer.Option(
        "--ca-file", metavar="FILE", help="PEM bundle to trust for the registry instead of the system's."
    ),
]
AuthRealmOption = Annotated[
    list[str] | None,
    typer.Option(
        "--auth-realm",
        metavar="HOST",
        help="Further token service that the registry may send us to; repeatable.",
    ),
]


@dataclass(frozen=True, slots=True)
class Given:
    """Whom the command line says to trust."""

    keys: tuple[Path, ...] = ()
    identities: tuple[str, ...] = ()
    identity_globs: tuple[str, ...] = ()
    identity_regexps: tuple[str, ...] = ()
    issuers: tuple[str, ...] = ()
    issuer_regexps: tuple[str, ...] = ()
    trusted_roots: tuple[Path, ...] = ()
    trust_directory: Path | None = None
    transparency_log: bool = True
    certificate_log: bool = True
    notation_policy: Path | None = None
    notation_trust_store: Path | None = None

    def read(self, repository: Repository) -> tuple[TrustMaterial, tuple[Signer, ...]]:
        """What verification is done with, and the signers. Raises BadParameter for what cannot be used."""
        from gatekeeper.core.signer import ManagedKey, Signer
        from gatekeeper.core.trust import TrustMaterial

        keys = {public.id: public for path in self.keys for public in (_public_key(path),)}
        signers = [Signer(f"key {public.source}", (ManagedKey(public),)) for public in keys.values()]
        roots = self._roots()
        signers += self._identity_signers(roots)
        notation = self._notation(repository)
        if notation is not None:
            signers.append(Signer(f"notation {notation.source}", notation=(notation.name,)))
        if not signers:
            raise typer.BadParameter(
                "nobody is trusted, so nothing could be verified; "
                "give --key FILE, --identity with --issuer, or --notation-policy with --notation-trust-store"
            )
        material = TrustMaterial(tuple(keys.values()), roots, () if notation is None else (notation,))
        return material, tuple(signers)

    def _subjects(self) -> tuple[Pattern, ...]:
        from gatekeeper.core.patterns import PatternKind

        return (
            *_patterns(PatternKind.EXACT, self.identities, "--identity"),
            *_patterns(PatternKind.GLOB, self.identity_globs, "--identity-glob"),
            *_patterns(PatternKind.REGEXP, self.identity_regexps, "--identity-regexp"),
        )

    def _issuers(self) -> tuple[Pattern, ...]:
        from gatekeeper.core.patterns import PatternKind

        return (
            *_patterns(PatternKind.EXACT, self.issuers, "--issuer"),
            *_patterns(PatternKind.REGEXP, self.issuer_regexps, "--issuer-regexp"),
        )

    def _identity_signers(self, roots: tuple[TrustRoot, ...]) -> list[Signer]:
        from gatekeeper.core.identity import Identity
        from gatekeeper.core.signer import Signer

        subjects, issuers = self._subjects(), self._issuers()
        if subjects and not issuers:
            raise typer.BadParameter(
                "an identity needs the issuer that vouches for it: --issuer URL or --issuer-regexp REGEXP"
            )
        if issuers and not subjects:
            raise typer.BadParameter(
                "an issuer alone names nobody: --identity, --identity-glob or --identity-regexp"
            )
        return [
            Signer(
                f"identity {subject}",
                identities=tuple(
                    Identity(root.name, subject, issuer) for root in roots for issuer in issuers
                ),
            )
            for subject in subjects
        ]

    def _roots(self) -> tuple[TrustRoot, ...]:
        if self.trust_directory is not None:
            return (*_kept(self.trust_directory), *self._given_roots())
        if not self.trusted_roots:
            asked = self.identities or self.identity_globs or self.identity_regexps
            return (_public_good(),) if asked else ()
        return self._given_roots()

    def _given_roots(self) -> tuple[TrustRoot, ...]:
        from gatekeeper.core.errors import MalformedError
        from gatekeeper.core.trust import TrustRoot
        from gatekeeper.signatures.keyless.trust_root import MAX_BYTES, opened

        roots = []
        for number, path in enumerate(self.trusted_roots):
            content = _content(path, MAX_BYTES, "--trusted-root")
            root = TrustRoot(
                f"{number + 1}:{path.name}",
                content,
                str(path),
                transparency_log=self.transparency_log,
                certificate_log=self.certificate_log,
            )
            try:
                opened(root)
            except MalformedError as error:
                raise typer.BadParameter(f"{path}: {error.message}", param_hint="--trusted-root") from error
            roots.append(root)
        return tuple(roots)

    def _notation(self, repository: Repository) -> NotationTrust | None:
        if self.notation_policy is None and self.notation_trust_store is None:
            return None
        if self.notation_policy is None or self.notation_trust_store is None:
            raise typer.BadParameter("--notation-policy and --notation-trust-store go together")
        from gatekeeper.core.errors import MalformedError
        from gatekeeper.signatures.notation.trust import load_trust

        try:
            return load_trust(
                "notation", self.notation_policy, self.notation_trust_store, repository=str(repository)
            )
        except MalformedError as error:
            raise typer.BadParameter(error.message, param_hint="--notation-policy") from error


def _kept(directory: Path) -> tuple[TrustRoot, ...]:
    from datetime import UTC, datetime

    from gatekeeper.signatures.trust_store import BrokenRoot, listed

    roots = []
    for root in listed(directory):
        if isinstance(root, BrokenRoot):
            raise typer.BadParameter(root.problem, param_hint="--trust-directory")
        roots.append(root.as_trust_root())
        if roots[-1].stale(datetime.now(UTC)):
            tell(f"the trust root {root.name} is stale since {root.expires_at}; run: gatekeeper trust update")
    if not roots:
        raise typer.BadParameter(
            f"there is no trust root in {directory}; get one: gatekeeper trust update --directory {directory}",
            param_hint="--trust-directory",
        )
    return tuple(roots)


def _public_good() -> TrustRoot:
    from gatekeeper.signatures.known_instances import shipped_public_good

    return shipped_public_good()


def _patterns(kind: PatternKind, texts: tuple[str, ...], option: str) -> tuple[Pattern, ...]:
    from gatekeeper.core.errors import MalformedError
    from gatekeeper.core.patterns import Pattern

    try:
        return tuple(Pattern(kind, text) for text in texts)
    except MalformedError as error:
        raise typer.BadParameter(error.message, param_hint=option) from error


def _public_key(path: Path) -> PublicKey:
    from gatekeeper.core.errors import MalformedError
    from gatekeeper.signatures.keys import MAX_PEM_BYTES, load_public_key

    try:
        return load_public_key(_content(path, MAX_PEM_BYTES, "--key"), str(path))
    except MalformedError as error:
        raise typer.BadParameter(error.message, param_hint="--key") from error


def _content(path: Path, most: int, option: str) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(most + 1)
    except OSError as error:
        raise typer.BadParameter(f"{path} cannot be read: {error.strerror}", param_hint=option) from error
