"""``licence-unknown``: an image with components of which nobody can say what their licence permits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from gatekeeper.core.globbing import matches
from gatekeeper.core.licence_policy import unknown_parts
from gatekeeper.core.package_pattern import parse_pattern
from gatekeeper.core.rules.rule import Check, Context
from gatekeeper.core.rules.sboms import Contents, NodeSboms, SbomTrust, contents_of, sboms_of
from gatekeeper.core.rules.unasked import unasked
from gatekeeper.core.verdict import Level, Result

_NO_PACKAGES = frozenset({"operating-system", "file"})


@dataclass(frozen=True, slots=True)
class LicenceUnknown:
    """Fails each image of which any SBOM lists a component with a licence text that is on no list."""

    id: ClassVar[str] = "licence-unknown"
    optional: ClassVar[frozenset[str]] = frozenset({"accept", "except_packages"})

    level: Level = Level.FAIL
    undeclared: Level = Level.WARN
    """Weight of components without any licence."""
    accept: tuple[str, ...] = ()
    """Texts that are accepted although they are no SPDX identifier: ``LicenseRef-our-own``; ``*`` is any text."""
    except_packages: tuple[str, ...] = ()
    """Package patterns that are not looked at: your own packages, the distribution's."""
    trust: SbomTrust = SbomTrust.SIGNED
    signers: tuple[str, ...] = ()
    """Whose signature counts; empty: that of any signer of the policy."""

    def __post_init__(self) -> None:
        for package in self.except_packages:
            parse_pattern(package)

    def check(self, context: Context) -> Iterator[Check]:
        """At most one Check for unknown texts and one for undeclared licences of each image, else one that is
        satisfied.
        """
        for sboms in sboms_of(context, self.trust, self.signers):
            contents = contents_of(context, sboms.read)
            found = tuple(self._found(sboms, contents))
            yield from found
            if any(check.level is None for check in found):
                continue
            if not sboms.trusted:
                yield sboms.untrusted()
            elif contents.lost is not None:
                yield unasked(contents.lost, sboms.node.digest, sboms.platform)
            elif not found:
                message = "Every component that any SBOM lists has a known licence."
                basis = sboms.trusted[0].document
                yield sboms.check(Result.SATISFIED, "licences-known", message, "", basis)

    def _found(self, sboms: NodeSboms, contents: Contents) -> Iterator[Check]:
        skipped = [parse_pattern(package) for package in self.except_packages]
        unknown: set[str] = set()
        undeclared: set[str] = set()
        for _, component in contents.components:
            if component.kind in _NO_PACKAGES or any(pattern.fits(component) for pattern in skipped):
                continue
            name = f"{component.name} {component.version}".strip()[:120]
            if component.licence is None:
                undeclared.add(name)
                continue
            texts = [
                text
                for text in unknown_parts(component.licence)
                if not any(matches(entry, text) for entry in self.accept)
            ]
            if texts:
                unknown.add(f"{name} ({texts[0][:80]})")
        basis = min((sbom.document for sbom in sboms.read), default=sboms.node.digest)
        if unknown:
            message = f"{_some(unknown)}: no licence of the SPDX list."
            remedy = "Have the licence looked at, and accept its text in the policy or replace the component."
            yield sboms.check(Result.VIOLATED, "licence-unknown", message, remedy, basis)
        if undeclared:
            message = f"{_some(undeclared)}: no licence is declared."
            remedy = "Make the SBOM with a tool that reads licences, or except the packages in the policy."
            yield sboms.check(
                Result.VIOLATED, "licence-undeclared", message, remedy, basis, level=self.undeclared
            )


def _some(names: set[str]) -> str:
    shown = sorted(names)
    return ", ".join(shown[:5]) + (f" and {len(shown) - 5} more" if len(shown) > 5 else "")
