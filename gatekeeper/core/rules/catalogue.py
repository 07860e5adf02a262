"""Every rule by its id. A new rule is one file here, one line below, one section in ``docs/rules.md``, two fixtures."""

from __future__ import annotations

from collections.abc import Mapping

from gatekeeper.core.rules.attestation_missing import AttestationMissing
from gatekeeper.core.rules.image_too_old import ImageTooOld
from gatekeeper.core.rules.licence_denied import LicenceDenied
from gatekeeper.core.rules.licence_unknown import LicenceUnknown
from gatekeeper.core.rules.os_end_of_life import OsEndOfLife
from gatekeeper.core.rules.package_denied import PackageDenied
from gatekeeper.core.rules.package_required import PackageRequired
from gatekeeper.core.rules.provenance_missing import ProvenanceMissing
from gatekeeper.core.rules.required_label_missing import RequiredLabelMissing
from gatekeeper.core.rules.rule import Rule
from gatekeeper.core.rules.sbom_coverage_low import SbomCoverageLow
from gatekeeper.core.rules.sbom_missing import SbomMissing
from gatekeeper.core.rules.sbom_untrusted import SbomUntrusted
from gatekeeper.core.rules.scan_evidence_missing import ScanEvidenceMissing
from gatekeeper.core.rules.scan_evidence_stale import ScanEvidenceStale
from gatekeeper.core.rules.signature_missing import SignatureMissing
from gatekeeper.core.rules.tag_latest import TagLatest
from gatekeeper.core.rules.user_root import UserRoot
from gatekeeper.core.rules.vulnerability_epss import VulnerabilityEpss
from gatekeeper.core.rules.vulnerability_known_exploited import VulnerabilityKnownExploited
from gatekeeper.core.rules.vulnerability_severity import VulnerabilitySeverity

_CLASSES: tuple[type[Rule], ...] = (
    AttestationMissing,
    ImageTooOld,
    LicenceDenied,
    LicenceUnknown,
    OsEndOfLife,
    PackageDenied,
    PackageRequired,
    ProvenanceMissing,
    RequiredLabelMissing,
    SbomCoverageLow,
    SbomMissing,
    SbomUntrusted,
    ScanEvidenceMissing,
    ScanEvidenceStale,
    SignatureMissing,
    TagLatest,
    UserRoot,
    VulnerabilityEpss,
    VulnerabilityKnownExploited,
    VulnerabilitySeverity,
)

RULES: Mapping[str, type[Rule]] = {rule.id: rule for rule in _CLASSES}
