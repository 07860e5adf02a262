"""``os-end-of-life``: an image on an operating system that gets no security fixes any more."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

from gatekeeper.core.feed import FeedKind
from gatekeeper.core.grace import later
from gatekeeper.core.rules.rule import Check, Context
from gatekeeper.core.rules.sboms import SbomTrust
from gatekeeper.core.rules.scanned import Scanned, scanned_images
from gatekeeper.core.verdict import Level, Result


@dataclass(frozen=True, slots=True)
class OsEndOfLife:
    """Fails an image whose operating system's support has ended. One without an operating system passes."""

    id: ClassVar[str] = "os-end-of-life"

    level: Level = Level.FAIL
    grace: timedelta = timedelta(0)
    """How long after the end such an image may stay."""
    unknown: Level = Level.WARN
    """How much it weighs that no feed tells when the release ends."""
    trust: SbomTrust = SbomTrust.SIGNED
    """How far an SBOM must be trusted to say which operating system it is."""
    signers: tuple[str, ...] = ()
    """Whose SBOMs count; empty: any signer of the policy."""

    def check(self, context: Context) -> Iterator[Check]:
        """One Check for each image."""
        outage = context.scan.outage(FeedKind.END_OF_LIFE, context.now)
        for scanned in scanned_images(context, trust=self.trust, signers=self.signers):
            uncleared = scanned.uncleared(outage)
            if outage is not None and uncleared is not None:
                yield uncleared
            else:
                yield self._check_one(scanned, context)

    def _check_one(self, scanned: Scanned, context: Context) -> Check:
        named = [scan for scan in scanned.scans if scan.operating_system is not None]
        ended = [scan for scan in named if scan.end_of_life is not None]
        for scan in ended:
            end = scan.end_of_life
            assert end is not None
            if end.at is None:
                continue
            fails_at = later(end.at, self.grace)
            name = f"{end.product} {end.cycle}"
            if context.now >= fails_at:
                message = f"Support of {name} ended on {end.at:%Y-%m-%d}: no fix will come any more."
                remedy = "Build the image on a release that is supported."
                return scanned.check(Result.VIOLATED, f"os-end-of-life:{name}"[:200], message, remedy)
            message = f"Support of {name} ends on {end.at:%Y-%m-%d}."
            return Check(
                Result.SATISFIED,
                "os-supported",
                message,
                "Plan the move to the next release.",
                scanned.node.digest,
                scanned.basis,
                scanned.sboms.platform,
                deadline=fails_at,
                fails_at=fails_at,
            )
        if ended:
            return scanned.check(Result.SATISFIED, "os-supported", "Its operating system is supported.")
        if named:
            system = named[0].operating_system
            assert system is not None
            name = f"{system.id} {system.version_id}".strip()[:80]
            return scanned.check(
                Result.SATISFIED if self.unknown is Level.OFF else Result.VIOLATED,
                "os-end-unknown",
                f"No feed tells when support of {name} ends.",
                "Import an end-of-life feed that names it, or set `unknown` in the policy.",
                level=None if self.unknown is Level.OFF else self.unknown,
            )
        uncleared = scanned.uncleared() if not scanned.matched else None
        if uncleared is not None:
            return uncleared
        return scanned.check(Result.SATISFIED, "no-operating-system", "Its SBOM names no operating system.")
