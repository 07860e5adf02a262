"""What verified attestations say, as small facts: enough for every rule, so that a changed policy needs no bytes again.

in-toto/attestation spec/predicates; slsa.dev/spec; cosign specs/COSIGN_PREDICATE_SPEC.md and its vuln specification.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

PREDICATE_TYPES: Mapping[str, tuple[str, ...]] = {
    "slsa-provenance": ("https://slsa.dev/provenance/v0.2", "https://slsa.dev/provenance/v1"),
    "slsa-vsa": ("https://slsa.dev/verification_summary/v1",),
    "spdx": ("https://spdx.dev/Document",),
    "cyclonedx": ("https://cyclonedx.org/bom",),
    "vuln": ("https://cosign.sigstore.dev/attestation/vuln/v1", "https://in-toto.io/attestation/vulns"),
    "openvex": ("https://openvex.dev/ns",),
    "test-result": ("https://in-toto.io/attestation/test-result",),
    "custom": ("https://cosign.sigstore.dev/attestation/v1",),
}
"""Short name -> predicate types. A type without a version stands for each of its versions: ``…/v0.2`` below it."""

MOST_CLAIMS = 256
LONGEST_CLAIM = 1024


def is_of_type(predicate_type: str, wanted: str) -> bool:
    """True when a predicate type is the wanted one: a short name of ``PREDICATE_TYPES``, or the URI itself."""
    for uri in PREDICATE_TYPES.get(wanted, (wanted,)):
        if predicate_type == uri:
            return True
        version = predicate_type.removeprefix(f"{uri}/v")
        if wanted in PREDICATE_TYPES and version != predicate_type and version.replace(".", "").isdigit():
            return True
    return False


@dataclass(frozen=True, slots=True)
class Provenance:
    """SLSA provenance v0.2 or v1: who built it, from what. Empty texts for what it does not say."""

    version: str
    """``v0.2`` | ``v1``."""
    builder: str
    """The builder's id, a URI."""
    build_type: str
    source: str = ""
    """URI of the source repository, without ``git+``, reference or ``.git``."""
    source_ref: str = ""
    source_digest: str = ""
    """The commit."""
    materials: int = 0
    """Dependencies that it lists."""
    unpinned: tuple[str, ...] = ()
    """URIs of those without a digest, the first sixteen."""
    invocation: str = ""
    said_at: datetime | None = None
    """When the build finished; else when it started."""


@dataclass(frozen=True, slots=True)
class Summary:
    """SLSA verification summary: somebody else's verdict."""

    verifier: str
    resource: str
    policy: str
    passed: bool
    levels: tuple[str, ...]
    said_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class VulnerabilityScan:
    """cosign's or in-toto's report of a vulnerability scanner."""

    scanner: str
    """Its URI."""
    version: str
    results: int | None
    """Vulnerabilities in the report; None where its form does not tell."""
    said_at: datetime | None = None
    """When the scan finished."""


@dataclass(frozen=True, slots=True)
class ExploitabilityStatements:
    """OpenVEX: which vulnerabilities matter."""

    author: str
    statements: int
    said_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class TestReport:
    """in-toto test result."""

    __test__ = False

    passed: bool
    result: str
    """``PASSED`` | ``WARNED`` | ``FAILED``."""
    failed_tests: int
    said_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class BillOfMaterials:
    """SPDX or CycloneDX; what it lists is read as an SBOM."""

    format: str
    """``spdx`` | ``cyclonedx``."""
    said_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class OtherPredicate:
    """Any other type: its scalar members."""

    said_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class UnreadPredicate:
    """A predicate that does not have the shape of its type. It satisfies nothing that asks for that type."""

    detail: str
    said_at: datetime | None = None


PredicateFacts = (
    Provenance
    | Summary
    | VulnerabilityScan
    | ExploitabilityStatements
    | TestReport
    | BillOfMaterials
    | OtherPredicate
    | UnreadPredicate
)


@dataclass(frozen=True, slots=True)
class Predicate:
    """What one attestation says."""

    facts: PredicateFacts
    claims: Mapping[str, str] = field(default_factory=dict)
    """JSON pointer (RFC 6901) -> text, number, true or false there: the ``MOST_CLAIMS`` nearest to the top, each
    at most ``LONGEST_CLAIM`` characters. Empty for SBOMs and VEX, which are documents."""
