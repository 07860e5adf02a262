"""Who a Sigstore certificate must name: its subject alternative name, its issuer, and Fulcio's extensions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gatekeeper.core.evidence import Candidate
from gatekeeper.core.patterns import Pattern

FULCIO_FIELDS: Mapping[str, str] = {
    "github_workflow_trigger": "1.3.6.1.4.1.57264.1.2",
    "github_workflow_sha": "1.3.6.1.4.1.57264.1.3",
    "github_workflow_name": "1.3.6.1.4.1.57264.1.4",
    "github_workflow_repository": "1.3.6.1.4.1.57264.1.5",
    "github_workflow_ref": "1.3.6.1.4.1.57264.1.6",
    "build_signer_uri": "1.3.6.1.4.1.57264.1.9",
    "build_signer_digest": "1.3.6.1.4.1.57264.1.10",
    "runner_environment": "1.3.6.1.4.1.57264.1.11",
    "source_repository_uri": "1.3.6.1.4.1.57264.1.12",
    "source_repository_digest": "1.3.6.1.4.1.57264.1.13",
    "source_repository_ref": "1.3.6.1.4.1.57264.1.14",
    "source_repository_identifier": "1.3.6.1.4.1.57264.1.15",
    "source_repository_owner_uri": "1.3.6.1.4.1.57264.1.16",
    "source_repository_owner_identifier": "1.3.6.1.4.1.57264.1.17",
    "build_config_uri": "1.3.6.1.4.1.57264.1.18",
    "build_config_digest": "1.3.6.1.4.1.57264.1.19",
    "build_trigger": "1.3.6.1.4.1.57264.1.20",
    "run_invocation_uri": "1.3.6.1.4.1.57264.1.21",
    "source_repository_visibility": "1.3.6.1.4.1.57264.1.22",
    "deployment_environment": "1.3.6.1.4.1.57264.1.23",
    "token_subject": "1.3.6.1.4.1.57264.1.24",
}
"""Field name -> object identifier (fulcio docs/oid-info.md). The issuer (.1.1 and .1.8) is ``Candidate.issuer``."""


@dataclass(frozen=True, slots=True)
class Identity:
    """One keyless identity. Everything that is said has to match, under the trust root that is named."""

    trust_root: str
    subject: Pattern
    """Of the subject alternative name: e-mail address, URI, or Fulcio's otherName."""
    issuer: Pattern
    extensions: Mapping[str, Pattern] = field(default_factory=dict)
    """By name of ``FULCIO_FIELDS``."""

    def matches(self, candidate: Candidate) -> bool:
        """True when this verified candidate was signed by it."""
        return self.mismatch(candidate) is None

    def mismatch(self, candidate: Candidate) -> str | None:
        """The first thing in which the certificate differs, for people; None when it is this identity."""
        if candidate.identity is None or candidate.issuer is None or candidate.certificate is None:
            return "it has no Sigstore certificate"
        if self.trust_root not in candidate.trust_roots:
            return f"it does not hold under the trust root {self.trust_root}"
        if not self.subject.matches(candidate.identity):
            return f"the identity {candidate.identity!r} is not {self.subject}"
        if not self.issuer.matches(candidate.issuer):
            return f"the issuer {candidate.issuer!r} is not {self.issuer}"
        for name, pattern in self.extensions.items():
            written = candidate.certificate.extensions.get(name)
            if written is None:
                return f"the certificate has no {name}"
            if not pattern.matches(written):
                return f"{name} {written!r} is not {pattern}"
        return None
