"""Gives images to the configured scanners during collection, and adds what they say to what was found."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from gatekeeper.core.canonical import canonical_digest
from gatekeeper.core.component import SbomFormat
from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import NotOfferedError, UnavailableError
from gatekeeper.core.evidence import Form, Trust, Unavailable
from gatekeeper.core.manifest import ImageManifest
from gatekeeper.core.scan_report import AttestedReport
from gatekeeper.ports.scanners import ImageToScan, Makes
from gatekeeper.workflow.attached import Site
from gatekeeper.workflow.live_scans import Installed
from gatekeeper.workflow.pile import FoundSbom, Pile

_BETTER = frozenset({Trust.SIGNED, Trust.SIGNED_INDEX, Trust.REGISTRY})
"""An unsigned SBOM may leave packages out: one of ours is asked for beside it."""


def add_live_scans(site: Site, manifest: ImageManifest, pile: Pile, root: Pile) -> None:
    """Asks each scanner for what the image lacks, until one gave it.

    ``root``: of the index that lists the image; what hangs there counts for it too. A scanner that is away is a gap,
    never a reason to fail.
    """
    if _has_sbom(pile) or _has_sbom(root):
        return
    now = site.collector.clock.now()
    image = partial(_image, site, manifest)
    for installed in site.collector.live.scanners:
        if Makes.SBOM in installed.makes and not _has_sbom(pile, made_here=True):
            _add(site, installed, Makes.SBOM, image, manifest.digest, pile, now)
        if Makes.REPORT in installed.makes and not (
            _has_report(pile, installed, now) or _has_report(root, installed, now)
        ):
            _add(site, installed, Makes.REPORT, image, manifest.digest, pile, now)


def _add(
    site: Site,
    installed: Installed,
    makes: Makes,
    image: partial[ImageToScan],
    digest: Digest,
    pile: Pile,
    now: datetime,
) -> None:
    source = f"scanner {installed.scanner.name}"
    live = site.collector.live
    try:
        if makes is Makes.REPORT:
            report = live.report(installed, image, digest, now)
            document = canonical_digest(report)
            pile.reports.append(AttestedReport(digest, document, report, generated=True))
            return
        made = live.sbom(installed, image, digest, now, site.collector.sboms)
    except NotOfferedError:
        return
    except UnavailableError as error:
        pile.missing(Unavailable.of(source, error), signatures=False)
        return
    pile.add_read(FoundSbom(Form.SCANNER, digest, made.document, "", Trust.GENERATED, ()), made.content)


def _image(site: Site, manifest: ImageManifest) -> ImageToScan:
    access = site.registry.pull_access(site.repository.path)
    return ImageToScan(site.repository, manifest.digest, manifest.media_type, access)


def _has_sbom(pile: Pile, *, made_here: bool = False) -> bool:
    rungs = _BETTER | {Trust.GENERATED} if made_here else _BETTER
    return any(sbom.format in frozenset(SbomFormat) and sbom.trust in rungs for sbom in pile.sboms)


def _has_report(pile: Pile, installed: Installed, now: datetime) -> bool:
    return any(
        attested.report.scanned_at is not None and now - attested.report.scanned_at < installed.max_age
        for attested in pile.reports
    )
