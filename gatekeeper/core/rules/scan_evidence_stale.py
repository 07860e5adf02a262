"""``scan-evidence-stale``: an image that was last scanned too long ago."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from gatekeeper.core.grace import later
from gatekeeper.core.rules.rule import Check, Context
from gatekeeper.core.rules.sboms import SbomTrust
from gatekeeper.core.rules.scanned import Scanned, scanned_images
from gatekeeper.core.rules.unasked import unasked
from gatekeeper.core.scan_report import AttestedReport
from gatekeeper.core.verdict import Level, Result

_REMEDY = "Scan the image again with a fresh database and attest the report, or attach a signed SBOM."


@dataclass(frozen=True, slots=True)
class ScanEvidenceStale:
    """Fails an image whose newest scan report is too old. A trusted SBOM is matched with each new feed: never stale.

    A feed that is too old is no fault of the image: the rules about vulnerabilities are undetermined then.
    """

    id: ClassVar[str] = "scan-evidence-stale"

    level: Level = Level.FAIL
    max_age: timedelta = timedelta(days=7)
    """Since the scan."""
    max_database_age: timedelta = timedelta(days=3)
    """How old the scanner's database may have been when it scanned."""
    trust: SbomTrust = SbomTrust.SIGNED
    """How far an SBOM must be trusted to count."""
    signers: tuple[str, ...] = ()
    """Whose SBOMs and scan reports count; empty: any signer of the policy."""

    def check(self, context: Context) -> Iterator[Check]:
        """One Check for each image."""
        for scanned in scanned_images(context, trust=self.trust, signers=self.signers):
            yield self._check_one(scanned, context.now)

    def _check_one(self, scanned: Scanned, now: datetime) -> Check:
        sboms = scanned.sboms
        if sboms.trusted:
            message = "Its SBOM is matched again with every new feed."
            return sboms.check(
                Result.SATISFIED, "scan-evidence-fresh", message, "", sboms.trusted[0].document
            )
        judged = [self._judge(report, scanned, now) for report in scanned.reports]
        if judged:
            return min(judged, key=lambda check: (check.result is Result.VIOLATED, -_order(check.fails_at)))
        if sboms.gap is not None:
            return unasked(sboms.gap, scanned.node.digest, sboms.platform)
        message = "There is neither a trusted SBOM nor a trusted scan report."
        return scanned.check(Result.UNDETERMINED, "not-scanned", message, _REMEDY)

    def _judge(self, attested: AttestedReport, scanned: Scanned, now: datetime) -> Check:
        report, sboms = attested.report, scanned.sboms
        if report.scanned_at is None:
            message = "The scan report does not say when the image was scanned."
            return sboms.check(Result.VIOLATED, "scan-without-date", message, _REMEDY, attested.document)
        if report.database_at is not None and report.scanned_at - report.database_at > self.max_database_age:
            message = f"It was scanned with a database of {report.database_at:%Y-%m-%d}."
            return sboms.check(Result.VIOLATED, "scan-database-stale", message, _REMEDY, attested.document)
        until = later(report.scanned_at, self.max_age)
        when = f"{report.scanner[:80]} scanned it on {report.scanned_at:%Y-%m-%d %H:%M} UTC"
        if now > until:
            message = f"{when}, more than {self.max_age.days} days ago."
            return sboms.check(Result.VIOLATED, "scan-evidence-stale", message, _REMEDY, attested.document)
        return Check(
            Result.SATISFIED,
            "scan-evidence-fresh",
            f"{when}.",
            "",
            scanned.node.digest,
            attested.document,
            sboms.platform,
            deadline=later(until, timedelta(microseconds=1)),
            fails_at=later(until, timedelta(microseconds=1)),
        )


def _order(moment: datetime | None) -> float:
    return moment.timestamp() if moment is not None else 0.0
