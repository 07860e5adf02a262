"""What hangs on a digest, looked at before we attach to it: which of it is ours, and what others hung there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from gatekeeper.core.attesting import Neighbour, readable
from gatekeeper.core.errors import MalformedError, NotFoundError, UnavailableError
from gatekeeper.core.manifest import Descriptor, Manifest
from gatekeeper.core.reference import Repository
from gatekeeper.core.trust import TrustMaterial
from gatekeeper.core.verification_summary import PREDICATE_TYPE, VerificationSummary, read_summary
from gatekeeper.ports import AttestationSigner, FoundReferrer, Judged, Registry, SignatureVerifier, Wanted


@dataclass(frozen=True, slots=True)
class OwnSummary:
    """A verification summary that we signed, found in the registry."""

    carrier: Manifest
    position: int
    tag: str | None
    """The ``.att`` tag that names the carrier; None for a referrer."""
    summary: VerificationSummary


@dataclass(frozen=True, slots=True)
class Hanging:
    """Everything that hangs on one digest."""

    ours: tuple[OwnSummary, ...]
    """The newest first."""
    others: tuple[Neighbour, ...]


@dataclass(frozen=True, slots=True)
class Look:
    """Where and how is looked."""

    registry: Registry
    repository: Repository
    verifier: SignatureVerifier
    signer: AttestationSigner
    cap: int
    """Bytes of one candidate."""
    now: datetime

    def at(self, subject: Descriptor) -> Hanging:
        """Raises UnavailableError when not all of it could be asked: then nothing is known of the rest."""
        referrers = self.registry.referrers(self.repository.path, subject.digest)
        if referrers.gap is not None:
            raise UnavailableError(
                f"{referrers.gap.source}: {referrers.gap.detail}", cause=referrers.gap.cause
            )
        ours: list[OwnSummary] = []
        others: list[Neighbour] = []
        judged = Judged(subject, self.repository, self.now)
        for found in referrers.items:
            self._open(judged, found, ours, others)
        ours.sort(key=lambda own: own.summary.verified_at, reverse=True)
        return Hanging(tuple(ours), tuple(others))

    def _open(
        self, subject: Judged, found: FoundReferrer, ours: list[OwnSummary], others: list[Neighbour]
    ) -> None:
        try:
            manifest = self.registry.manifest(self.repository.path, found.descriptor.digest)
        except (NotFoundError, MalformedError):
            # Junk that nobody can read; it hides nothing from anybody.
            return
        for wanted in self.verifier.wanted(manifest, found_at=found.found_at, tag=found.tag):
            content = self._content(wanted)
            summary = None if content is None else self._own(subject, wanted, content)
            if summary is None:
                others.append(self._neighbour(subject, wanted, content))
            else:
                tag = found.tag if manifest.subject is None else None
                ours.append(OwnSummary(manifest, wanted.position, tag, summary))

    def _content(self, wanted: Wanted) -> bytes | None:
        if not wanted.fetch:
            return None
        try:
            return self.registry.blob(self.repository.path, wanted.descriptor, cap=self.cap)
        except NotFoundError:
            return None
        except UnavailableError as error:
            if error.cause.blames_content:
                return None
            raise

    def _own(self, subject: Judged, wanted: Wanted, content: bytes) -> VerificationSummary | None:
        statement = self.signer.ours(wanted, content, subject=subject)
        if statement is None or statement.predicate_type != PREDICATE_TYPE:
            return None
        try:
            return read_summary(statement.predicate)
        except MalformedError:
            return None

    def _neighbour(self, subject: Judged, wanted: Wanted, content: bytes | None) -> Neighbour:
        if content is None:
            return Neighbour(wanted.form, wanted.descriptor.media_type, readable=False)
        judged = self.verifier.verify(wanted, content, subject=subject, trust=TrustMaterial())
        return Neighbour(wanted.form, wanted.descriptor.media_type, readable(judged.candidate))
