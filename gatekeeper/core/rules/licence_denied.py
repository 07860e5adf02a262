"""``licence-denied``: an image with a component under a licence that the policy refuses or wants reviewed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from gatekeeper.core.digest import Digest
from gatekeeper.core.licence_policy import LicenceLists, Permission
from gatekeeper.core.package_pattern import parse_pattern
from gatekeeper.core.rules.rule import Check, Context
from gatekeeper.core.rules.sboms import Contents, NodeSboms, SbomTrust, contents_of, sboms_of
from gatekeeper.core.rules.unasked import unasked
from gatekeeper.core.verdict import Level, Result


@dataclass(frozen=True, slots=True)
class LicenceDenied:
    """Fails each image of which any SBOM lists a component under a denied licence."""

    id: ClassVar[str] = "licence-denied"
    optional: ClassVar[frozenset[str]] = frozenset({"allow", "deny", "review", "except_packages"})

    level: Level = Level.FAIL
    allow: tuple[str, ...] = ()
    """Licences that are accepted; with this list every other known licence is denied."""
    deny: tuple[str, ...] = ()
    """Licences that are refused: ``AGPL-*``, ``SSPL-1.0``."""
    review: tuple[str, ...] = ()
    """Licences that are told, at ``review_level``."""
    review_level: Level = Level.WARN
    except_packages: tuple[str, ...] = ()
    """Package patterns that are not looked at: your own packages, the distribution's."""
    trust: SbomTrust = SbomTrust.SIGNED
    signers: tuple[str, ...] = ()
    """Whose signature counts; empty: that of any signer of the policy."""

    def __post_init__(self) -> None:
        for package in self.except_packages:
            parse_pattern(package)

    def check(self, context: Context) -> Iterator[Check]:
        """One Check for each image and refused expression; one for an image without any."""
        for sboms in sboms_of(context, self.trust, self.signers):
            if not (self.allow or self.deny or self.review) and sboms.gap is None:
                message = "The rule lists no licence, and a rule that refuses nothing passes nothing."
                remedy = "Give `allow`, `deny` or `review` in the policy, or switch the rule off."
                yield sboms.check(Result.VIOLATED, "no-licence-listed", message, remedy, sboms.node.digest)
                continue
            contents = contents_of(context, sboms.read)
            yield from (refused := tuple(self._refused(sboms, contents)))
            if any(check.level is None for check in refused):
                continue
            if not sboms.trusted:
                yield sboms.untrusted()
            elif contents.lost is not None:
                yield unasked(contents.lost, sboms.node.digest, sboms.platform)
            else:
                message = "No SBOM lists a component under a denied licence."
                basis = sboms.trusted[0].document
                yield sboms.check(Result.SATISFIED, "no-denied-licence", message, "", basis)

    def _refused(self, sboms: NodeSboms, contents: Contents) -> Iterator[Check]:
        lists = LicenceLists(self.allow, self.deny, self.review)
        skipped = [parse_pattern(package) for package in self.except_packages]
        found: dict[tuple[Permission, str], list[tuple[Digest, str]]] = {}
        for sbom, component in contents.components:
            permission = lists.permission(component.licence)
            if permission not in (Permission.DENIED, Permission.REVIEW):
                continue
            if any(pattern.fits(component) for pattern in skipped):
                continue
            name = f"{component.name} {component.version}".strip()[:120]
            key = (permission, str(component.licence)[:200])
            found.setdefault(key, []).append((sbom.document, name))
        for (permission, expression), where in sorted(found.items()):
            names = sorted({name for _, name in where})
            shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
            denied = permission is Permission.DENIED
            yield sboms.check(
                Result.VIOLATED,
                f"licence-denied:{expression}" if denied else f"licence-review:{expression}",
                f"{shown}: {expression} is {'denied' if denied else 'to be reviewed'}.",
                "Replace the component, or have its licence reviewed and waived.",
                min(document for document, _ in where),
                level=None if denied else self.review_level,
            )
