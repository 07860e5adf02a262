"""SLSA Verification Summary Attestation v1: a verdict as others can check it (slsa.dev/spec/v1.1/verification_summary).

``summary_of`` makes one of a verdict, ``predicate`` is what is signed, ``read_summary`` reads anybody's.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from urllib.parse import quote

from gatekeeper.core import strict_json
from gatekeeper.core.canonical import canonical_digest
from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import MalformedError
from gatekeeper.core.reference import Repository
from gatekeeper.core.verdict import State, Verdict

PREDICATE_TYPE = "https://slsa.dev/verification_summary/v1"
UNEVALUATED = "SLSA_BUILD_LEVEL_UNEVALUATED"
"""The level of an image whose policy says nothing about SLSA levels."""
FAILED_LEVEL = "FAILED"
_SLSA_VERSION = "1.1"
_ENVELOPE_MEMBERS = frozenset({"verifier", "timeVerified", "resourceUri", "policy", "verificationResult"})


class SummaryResult(StrEnum):
    """``verificationResult``."""

    PASSED = "PASSED"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class InputAttestation:
    """Evidence the verdict rests on, as a SLSA ResourceDescriptor."""

    uri: str
    digest: Digest


@dataclass(frozen=True, slots=True)
class VerificationSummary:
    """What a VSA says of one subject."""

    verifier: str
    """``verifier.id``: who decided, a URI."""
    resource: str
    """``resourceUri``: where the subject is fetched from, a URI."""
    policy: str
    """``policy.uri``."""
    policy_digest: Digest | None
    """sha256 of the policy in its canonical form: the policy's revision."""
    result: SummaryResult
    levels: tuple[str, ...]
    """``verifiedLevels``; ``("FAILED",)`` of a failed one."""
    verified_at: datetime
    """``timeVerified``."""
    inputs: tuple[InputAttestation, ...] = ()

    @property
    def claim(self) -> Digest:
        """Equal for two summaries that say the same, whenever and on whatever evidence they were made."""
        return canonical_digest(
            (self.verifier, self.resource, self.policy, str(self.policy_digest), self.result, self.levels)
        )

    def predicate(self, version: str) -> Mapping[str, object]:
        """The predicate, ready for JSON. ``version``: of the program that decided."""
        policy: dict[str, object] = {"uri": self.policy}
        if self.policy_digest is not None:
            policy["digest"] = {self.policy_digest.algorithm: self.policy_digest.encoded}
        return {
            "verifier": {"id": self.verifier, "version": {"gatekeeper": version}},
            "timeVerified": self.verified_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "resourceUri": self.resource,
            "policy": policy,
            "inputAttestations": [
                {"uri": one.uri, "digest": {one.digest.algorithm: one.digest.encoded}} for one in self.inputs
            ],
            "verificationResult": str(self.result),
            "verifiedLevels": list(self.levels),
            "slsaVersion": _SLSA_VERSION,
        }


def resource_uri(repository: Repository, digest: Digest) -> str:
    """The package URL of an image (purl-spec, type ``oci``): one URI for one digest in one repository."""
    name = repository.path.rpartition("/")[2].lower()
    place = quote(f"{repository.registry}/{repository.path}", safe="/:")
    return f"pkg:oci/{quote(name)}@{quote(str(digest), safe='')}?repository_url={place}"


def summary_of(
    verdict: Verdict,
    *,
    verifier: str,
    policy: str,
    levels: tuple[str, ...],
    inputs: tuple[InputAttestation, ...] = (),
) -> VerificationSummary | None:
    """The summary of a verdict about its digest; None of one that is indeterminate: nothing was decided."""
    if verdict.state is State.INDETERMINATE:
        return None
    passed = verdict.state is State.PASSED
    subject = verdict.subject
    return VerificationSummary(
        verifier=verifier,
        resource=resource_uri(subject.repository, subject.digest),
        policy=policy,
        policy_digest=Digest.parse(verdict.policy_revision),
        result=SummaryResult.PASSED if passed else SummaryResult.FAILED,
        levels=levels if passed else (FAILED_LEVEL,),
        verified_at=verdict.decided_at,
        inputs=inputs,
    )


def read_summary(predicate: bytes) -> VerificationSummary:
    """A verified statement's predicate -> what it says. Raises MalformedError ``vsa-malformed``."""
    try:
        document = strict_json.loads(predicate)
    except MalformedError as error:
        raise _malformed(error.message) from error
    if not isinstance(document, dict):
        raise _malformed("the predicate is no JSON object")
    missing = sorted(_ENVELOPE_MEMBERS - set(document))
    if missing:
        raise _malformed(f"`{missing[0]}` is absent")
    policy = _object(document, "policy")
    levels = document.get("verifiedLevels", [])
    if not isinstance(levels, list) or not all(isinstance(level, str) for level in levels):
        raise _malformed("`verifiedLevels` is no list of strings")
    result = _text(document, "verificationResult")
    if result not in tuple(SummaryResult):
        raise _malformed(f"`verificationResult` is {result[:40]!r}, neither PASSED nor FAILED")
    return VerificationSummary(
        verifier=_text(_object(document, "verifier"), "id"),
        resource=_text(document, "resourceUri"),
        policy=str(policy.get("uri", "")),
        policy_digest=_digest(policy.get("digest")),
        result=SummaryResult(result),
        levels=tuple(levels),
        verified_at=_moment(_text(document, "timeVerified")),
    )


def _malformed(detail: str) -> MalformedError:
    return MalformedError(f"verification summary: {detail}", reason_code="vsa-malformed")


def _object(parent: Mapping[str, object], name: str) -> Mapping[str, object]:
    found = parent.get(name)
    if not isinstance(found, dict):
        raise _malformed(f"`{name}` is no object")
    return found


def _text(parent: Mapping[str, object], name: str) -> str:
    found = parent.get(name)
    if not isinstance(found, str) or not found:
        raise _malformed(f"`{name}` is absent or no text")
    return found


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise _malformed(f"`timeVerified` is {text[:40]!r}, no RFC 3339 time") from error
    if moment.tzinfo is None:
        raise _malformed("`timeVerified` has no time zone")
    return moment.astimezone(UTC)


def _digest(written: object) -> Digest | None:
    if not isinstance(written, dict) or "sha256" not in written:
        return None
    try:
        return Digest.parse(f"sha256:{written['sha256']}")
    except MalformedError as error:
        raise _malformed("`policy.digest` is no sha256") from error


def statement_of(summary: VerificationSummary, digest: Digest, *, name: str, version: str) -> bytes:
    """The in-toto statement v1 that is signed. ``name``: of the subject, ``registry/path``."""
    statement = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": name, "digest": {digest.algorithm: digest.encoded}}],
        "predicateType": PREDICATE_TYPE,
        "predicate": summary.predicate(version),
    }
    return json.dumps(statement, separators=(",", ":"), ensure_ascii=False).encode()


def summary_in(statement: bytes) -> VerificationSummary:
    """The summary inside a statement of our own. Raises MalformedError."""
    document = strict_json.loads(statement)
    if not isinstance(document, dict):
        raise _malformed("the statement is no JSON object")
    return read_summary(json.dumps(_object(document, "predicate")).encode())
