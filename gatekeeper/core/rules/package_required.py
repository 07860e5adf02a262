"""``package-required``: an image without a package that every image must have."""

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
class PackageRequired:
    """Fails each image of which no trusted SBOM lists every one of the packages."""

    id: ClassVar[str] = "package-required"

    level: Level = Level.FAIL
    packages: tuple[str, ...] = ()
    """Patterns: ``pkg:deb/debian/ca-certificates``, ``pkg:pypi/our-*``, or a bare name; ``*`` is any text."""
    trust: SbomTrust = SbomTrust.SIGNED
    signers: tuple[str, ...] = ()
    """Whose signature counts; empty: that of any signer of the policy."""

    def __post_init__(self) -> None:
        for package in self.packages:
            parse_pattern(package)

    def check(self, context: Context) -> Iterator[Check]:
        """One Check for each image and pattern."""
        for sboms in sboms_of(context, self.trust, self.signers):
            if not self.packages and sboms.gap is None:
                message = "The rule names no package, and a rule that demands nothing passes nothing."
                remedy = "Name the packages in the policy, or switch the rule off."
                basis = sboms.node.digest
                yield sboms.check(Result.VIOLATED, "no-package-required", message, remedy, basis)
                continue
            if not sboms.trusted:
                yield sboms.untrusted()
                continue
            contents = contents_of(context, sboms.trusted)
            for pattern in self.packages:
                wanted = parse_pattern(pattern)
                found = next((one for one in contents.components if wanted.fits(one[1])), None)
                if found is not None:
                    message = f"{found[1].name[:80]} {found[1].version[:40]} is in the image."
                    code, basis = f"package-present:{pattern}", found[0].document
                    yield sboms.check(Result.SATISFIED, code, message, "", basis)
                elif contents.lost is not None or sboms.gap is not None:
                    gap = contents.lost or sboms.gap
                    assert gap is not None
                    yield unasked(gap, sboms.node.digest, sboms.platform)
                else:
                    message = f"No trusted SBOM lists {pattern}."
                    remedy = "Add the package to the image, or build on a base image that has it."
                    basis = sboms.trusted[0].document
                    yield sboms.check(Result.VIOLATED, f"package-missing:{pattern}", message, remedy, basis)
