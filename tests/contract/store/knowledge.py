"""Advisories and components that meet, and what people do with feeds."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from gatekeeper.core.component import Component, OperatingSystem, SbomDocument, SbomFormat, SourcePackage
from gatekeeper.core.digest import Digest
from gatekeeper.core.evidence import Trust
from gatekeeper.core.feed import FeedKind
from gatekeeper.core.package_url import parse_purl
from gatekeeper.core.scan import NodeScan
from gatekeeper.database import Database
from gatekeeper.ports import GatheredSbom
from gatekeeper.ports.vulnerabilities import CarriedSbom, FeedFact, FeedRecord, FeedSpec, Published, Scanned
from gatekeeper.vulnerabilities.stored import StoredMatcher
from tests.contract.store.samples import NOW, digest

MATCHER = StoredMatcher()
DEBIAN = OperatingSystem("debian", "12")
PYPI = FeedSpec("osv-pypi", FeedKind.OSV, "PyPI", "all.zip")
MAX_AGE = timedelta(hours=72)


def record(
    name: str,
    package: str = "requests",
    *,
    ecosystem: str = "PyPI",
    introduced: str = "0",
    fixed: str | None = "2.0",
    modified: str = "2026-05-01T00:00:00Z",
    **more: Any,
) -> FeedRecord:
    """An advisory as OSV publishes it."""
    events = [{"introduced": introduced}] + ([{"fixed": fixed}] if fixed else [])
    document = {
        "id": name,
        "modified": modified,
        "published": "2026-04-01T00:00:00Z",
        "affected": [
            {
                "package": {"ecosystem": ecosystem, "name": package},
                "ranges": [{"type": "ECOSYSTEM", "events": events}],
            }
        ],
        "database_specific": {"severity": "CRITICAL"},
        **more,
    }
    raw = json.dumps(document).encode()
    return FeedRecord(MATCHER.read(raw), raw)


def component(purl: str, source: str | None = None, paths: tuple[str, ...] = ()) -> Component:
    parsed = parse_purl(purl)
    return Component(
        parsed.name,
        parsed.version,
        purl,
        parsed,
        source=None if source is None else SourcePackage(source),
        paths=paths,
    )


def document(name: str, *listed: str | Component, system: OperatingSystem | None = None) -> GatheredSbom:
    """``listed``: purls, or components where there is more to say."""
    components = tuple(component(one) if isinstance(one, str) else one for one in listed)
    content = SbomDocument(SbomFormat.CYCLONEDX_JSON, "1.6", components, operating_system=system)
    return GatheredSbom(digest(name), content)


def load(
    store: Database,
    records: Sequence[FeedRecord],
    spec: FeedSpec = PYPI,
    *,
    complete: bool = True,
    now: datetime = NOW,
) -> Published:
    """One whole import."""
    sha256 = Digest.of(b"".join(found.raw for found in records)).encoded
    under = store.begin_import(spec, sha256=sha256, now=now)
    store.add_records(under, records, (), MATCHER, done=len(records), now=now)
    return publish(store, under, complete=complete, now=now)


def load_facts(
    store: Database, spec: FeedSpec, facts: Sequence[FeedFact], *, now: datetime = NOW
) -> Published:
    sha256 = Digest.of(repr(facts).encode()).encoded
    under = store.begin_import(spec, sha256=sha256, now=now)
    store.add_facts(under, facts, (), done=len(facts), now=now)
    return publish(store, under, now=now)


def publish(
    store: Database,
    under: Any,
    *,
    complete: bool = True,
    now: datetime = NOW,
) -> Published:
    return store.publish(
        under,
        MATCHER,
        source="all.zip",
        complete=complete,
        fetched_at=now,
        cursor=None,
        now=now,
    )


def scan_of(store: Database, name: str, *, trust: Trust = Trust.SIGNED) -> Scanned:
    """The scan of one node that carries this document."""
    return store.scan({digest("node"): (CarriedSbom(digest(name), trust),)}, MATCHER, max_age=MAX_AGE)


def node_of(store: Database, name: str) -> NodeScan:
    node = scan_of(store, name).scan.of(digest("node"))
    assert node is not None
    return node


def advisories(store: Database, name: str) -> list[str]:
    return [one.match.advisory for one in node_of(store, name).vulnerabilities]
