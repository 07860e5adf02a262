"""Which SBOMs of an image count, and how far: what the rules about SBOMs and their components have in common.

An unsigned SBOM may raise findings, but never clear an image: whoever can push may leave packages out of it. So a
component that a rule refuses is refused whoever lists it, and nothing is satisfied without a trusted document.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from gatekeeper.core.component import Component, SbomDocument, SbomFormat
from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import Cause
from gatekeeper.core.evidence import Absent, NodeEvidence, Sbom, Sboms, Trust, Unavailable
from gatekeeper.core.rules.rule import Check, Context
from gatekeeper.core.rules.signed import Named, SignedVia, candidates_in, places_of
from gatekeeper.core.rules.unasked import unasked
from gatekeeper.core.verdict import Level, Result

READ_FORMATS = frozenset(SbomFormat)
REMEDY = (
    "Attach an SBOM to the digest: `syft REPOSITORY@DIGEST -o cyclonedx-json`, "
    "then `cosign attest --type cyclonedx --predicate FILE`."
)


class SbomTrust(StrEnum):
    """How far an SBOM must be trusted to count: this rung of the ladder or a higher one."""

    SIGNED = "signed"
    """By a signer of the policy: the SBOM itself, or the index that binds it by digest."""
    REGISTRY = "registry"
    """Or made by the registry's own scanner (Harbor)."""
    GENERATED = "generated"
    """Or made by us from the image's layers, or by a scanner that is configured."""
    ANY = "any"
    """Or by anybody who can push."""


_RUNGS = {
    SbomTrust.SIGNED: frozenset[Trust](),
    SbomTrust.REGISTRY: frozenset({Trust.REGISTRY}),
    SbomTrust.GENERATED: frozenset({Trust.REGISTRY, Trust.GENERATED}),
    SbomTrust.ANY: frozenset(Trust),
}
"""Which documents count without a signature."""


@dataclass(frozen=True, slots=True)
class NodeSboms:
    """The SBOMs of one image, its index's included, in canonical order."""

    node: NodeEvidence
    found: tuple[Sbom, ...]
    trusted: tuple[Sbom, ...]
    """Those of a read format that count as far as the rule demands."""
    gap: Unavailable | None
    """What could not be asked or read beside them."""

    @property
    def platform(self) -> str | None:
        """For messages."""
        return str(self.node.platform) if self.node.platform else None

    @property
    def read(self) -> tuple[Sbom, ...]:
        """Those of a format that is read, whoever wrote them."""
        return tuple(sbom for sbom in self.found if sbom.format in READ_FORMATS)

    def untrusted(self) -> Check:
        """What is said where no SBOM is trusted enough to clear the image."""
        if self.gap is not None:
            return unasked(self.gap, self.node.digest, self.platform)
        if self.read:
            unsigned = all(
                sbom.trust in (Trust.UNSIGNED, Trust.REGISTRY, Trust.GENERATED) for sbom in self.read
            )
            code = "sbom-unsigned" if unsigned else "sbom-by-other-signer"
            message = (
                "There is an SBOM, but nobody signed it."
                if unsigned
                else "There is an SBOM, but signed by nobody whom this rule names."
            )
            return self.check(Result.VIOLATED, code, message, REMEDY, self.read[0].document, settles=True)
        if self.found:
            message = f"There is an SBOM, but its format {self.found[0].format[:80]!r} cannot be read."
            return self.check(Result.VIOLATED, "sbom-unreadable", message, REMEDY, self.found[0].document)
        return self.check(
            Result.VIOLATED, "sbom-missing", "There is no SBOM.", REMEDY, Absent("sbom"), settles=True
        )

    def check(
        self,
        result: Result,
        reason_code: str,
        message: str,
        remedy: str,
        basis: Digest | Absent | Unavailable,
        *,
        settles: bool = False,
        level: Level | None = None,
    ) -> Check:
        """A Check about this image."""
        return Check(
            result,
            reason_code,
            message,
            remedy,
            self.node.digest,
            basis,
            self.platform,
            settles=settles,
            level=level,
        )


def sboms_of(context: Context, trust: SbomTrust, names: tuple[str, ...]) -> Iterator[NodeSboms]:
    """For each image that is judged. ``names``: whose signature counts; empty: any signer of the policy."""
    named = Named.of(context, names, 1)
    root = context.evidence.root
    for node in context.images:
        places = (node.sboms,) if node.digest == root.digest else (node.sboms, root.sboms)
        vouching = candidates_in(places_of(context, node, SignedVia.ANY))
        signed = frozenset(item.signature for item in vouching if item.signature and named.reached((item,)))
        found = sorted(
            (item for place in places if isinstance(place, Sboms) for item in place.items),
            key=lambda item: (item.document, item.carrier),
        )
        trusted = [
            item
            for item in found
            if item.format in READ_FORMATS
            and (
                item.trust in _RUNGS[trust]
                or (
                    item.trust in (Trust.SIGNED, Trust.SIGNED_INDEX)
                    and not signed.isdisjoint(item.signatures)
                )
            )
        ]
        yield NodeSboms(node, tuple(found), tuple(trusted), _gap(places))


def _gap(places: tuple[Sboms | Absent | Unavailable, ...]) -> Unavailable | None:
    gaps = [place for place in places if isinstance(place, Unavailable)]
    gaps += [place.gap for place in places if isinstance(place, Sboms) and place.gap is not None]
    return min(
        gaps, key=lambda gap: (gap.cause.blames_content, gap.source, gap.cause, gap.detail), default=None
    )


@dataclass(frozen=True, slots=True)
class Contents:
    """What documents of one image list."""

    documents: tuple[tuple[Sbom, SbomDocument], ...]
    lost: Unavailable | None
    """A document whose components are not at hand."""

    @property
    def components(self) -> Iterator[tuple[Sbom, Component]]:
        """Every component with the SBOM that lists it."""
        return ((sbom, component) for sbom, document in self.documents for component in document.components)


def contents_of(context: Context, sboms: tuple[Sbom, ...]) -> Contents:
    """The content of documents, each once."""
    found: dict[Digest, tuple[Sbom, SbomDocument]] = {}
    lost = None
    for sbom in sboms:
        document = context.inventory.of(sbom.document)
        if document is not None:
            found.setdefault(sbom.document, (sbom, document))
        else:
            detail = f"the components of {sbom.document} are not kept"
            lost = Unavailable("sbom-components", Cause.VANISHED, detail)
    return Contents(tuple(found.values()), lost)
