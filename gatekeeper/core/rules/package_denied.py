"""``package-denied``: an image with a package that nobody may ship."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from gatekeeper.core.package_pattern import parse_pattern
from gatekeeper.core.rules.rule import Check, Context
from gatekeeper.core.rules.sboms import SbomTrust, contents_of, sboms_of
from gatekeeper.core.rules.unasked import unasked
from gatekeeper.core.verdict import Level, Result


@dataclass(frozen=True, slots=True)
class PackageDenied:
    """Fails each image of which any SBOM lists one of the packages; passes only by a trusted one that lists none."""

    id: ClassVar[str] = "package-denied"

    level: Level = Level.FAIL
    packages: tuple[str, ...] = ()
    """Patterns: ``pkg:npm/event-stream@3.3.6``, ``pkg:deb/debian/telnet*``, or a bare name; ``*`` is any text."""
    trust: SbomTrust = SbomTrust.SIGNED
    signers: tuple[str, ...] = ()
    """Whose signature counts; empty: that of any signer of the policy."""

    def __post_init__(self) -> None:
        for package in self.packages:
            parse_pattern(package)

    def check(self, context: Context) -> Iterator[Check]:
        """One Check for each image and pattern that fits; one for an image without any."""
        for sboms in sboms_of(context, self.trust, self.signers):
            if not self.packages and sboms.gap is None:
                message = "The rule names no package, and a rule that refuses nothing passes nothing."
                remedy = "Name the packages in the policy, or switch the rule off."
                basis = sboms.node.digest
                yield sboms.check(Result.VIOLATED, "no-package-denied", message, remedy, basis)
                continue
            contents = contents_of(context, sboms.read)
            refused = False
            for pattern in self.packages:
                fitting = parse_pattern(pattern)
                found = [(sbom, one) for sbom, one in contents.components if fitting.fits(one)]
                if found:
                    refused = True
                    named = sorted({f"{one.name} {one.version}".strip()[:120] for _, one in found})
                    message = f"{', '.join(named[:5])} is in the image; {pattern} is denied."
                    remedy = "Build the image without it, or ask for a waiver that says why it is needed."
                    basis = min(sbom.document for sbom, _ in found)
                    yield sboms.check(Result.VIOLATED, f"package-denied:{pattern}", message, remedy, basis)
            if refused:
                continue
            if not sboms.trusted:
                yield sboms.untrusted()
            elif contents.lost is not None:
                yield unasked(contents.lost, sboms.node.digest, sboms.platform)
            else:
                message = "No SBOM lists a denied package."
                yield sboms.check(
                    Result.SATISFIED, "no-denied-package", message, "", sboms.trusted[0].document
                )
