"""What no feed tells of, by release: the daemon's store says what ``gatekeeper match`` says."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from gatekeeper.core.evidence import Trust
from gatekeeper.core.feed import FeedKind
from gatekeeper.core.match import Unjudged
from gatekeeper.core.scan import NodeScan
from gatekeeper.database import Database, tables
from gatekeeper.ports.vulnerabilities import CarriedSbom, FeedRecord, FeedSpec
from gatekeeper.vulnerabilities.assessment import Assessment, assess
from gatekeeper.vulnerabilities.sources import opened
from tests.contract.store.knowledge import (
    MATCHER,
    MAX_AGE,
    component,
    document,
    load,
    node_of,
    publish,
    record,
    scan_of,
)
from tests.contract.store.samples import NOW
from tests.contract.store.test_reevaluation import asked, is_due, judged

OS_FEED = FeedSpec("osv-debian", FeedKind.OSV, "Debian", "all.zip")
MIXED = FeedSpec("osv", FeedKind.OSV, "", "mine.json")
WHEEZY = "pkg:deb/debian/openssl@1.0.1e-2?distro=debian-7"
BOOKWORM = "pkg:deb/debian/openssl@3.0.9-1?distro=debian-12"


def told(ecosystem: str, name: str = "A-1") -> FeedRecord:
    return record(name, "unused", ecosystem=ecosystem)


def gaps(node: NodeScan) -> list[str]:
    return [gap.detail for gap in node.gaps if gap.reason is Unjudged.ECOSYSTEM_NOT_COVERED]


def test_another_release_is_not_covered(store: Database) -> None:
    store.keep_documents((document("wheezy", WHEEZY), document("bookworm", BOOKWORM)), MATCHER)
    load(store, [told("Debian:12")], OS_FEED)
    old, new = node_of(store, "wheezy"), node_of(store, "bookworm")
    assert (gaps(old), old.unjudged, old.untold) == (
        ["the feeds hold no advisory of Debian:7"], 1, ("Debian:7",),
    )  # fmt: skip
    assert (gaps(new), new.unjudged, new.untold) == ([], 0, ())
    assert scan_of(store, "wheezy").scan.outage(FeedKind.OSV, NOW, [old]) is not None
    assert scan_of(store, "bookworm").scan.outage(FeedKind.OSV, NOW, [new]) is None


def test_a_mixed_feed_covers_what_its_records_name(store: Database) -> None:
    store.keep_documents((document("sbom", WHEEZY, BOOKWORM, "pkg:npm/a@1", "pkg:pypi/b@1"),), MATCHER)
    load(store, [told("Debian:12"), told("PyPI", "A-2")], MIXED)
    assert gaps(node_of(store, "sbom")) == [
        "the feeds hold no advisory of Debian:7",
        "the feeds hold no advisory of npm",
    ]
    assert node_of(store, "sbom").unjudged == 2


def test_a_feed_of_one_ecosystem_covers_no_other(store: Database) -> None:
    store.keep_documents((document("sbom", "pkg:npm/a@1"),), MATCHER)
    load(store, [told("PyPI"), told("npm", "A-2")])
    assert gaps(node_of(store, "sbom")) == ["the feeds hold no advisory of npm"]


def test_a_version_that_covers_the_release_makes_its_images_due(store: Database) -> None:
    store.keep_documents((document("wheezy", WHEEZY), document("bookworm", BOOKWORM)), MATCHER)
    load(store, [told("Debian:12")], OS_FEED)
    judged(store, "old", "wheezy")
    judged(store, "new", "bookworm")
    load(store, [told("Debian:7", "A-2")], OS_FEED, complete=False)
    assert [is_due(store, name) for name in ("old", "new")] == [True, False]
    assert gaps(node_of(store, "wheezy")) == []


def test_a_complete_version_that_names_it_no_more_makes_them_due_too(store: Database) -> None:
    store.keep_documents((document("wheezy", WHEEZY), document("bookworm", BOOKWORM)), MATCHER)
    load(store, [told("Debian:12"), told("Debian:7", "A-2")], OS_FEED)
    judged(store, "old", "wheezy")
    judged(store, "new", "bookworm")
    load(store, [told("Debian:12")], OS_FEED)
    assert [is_due(store, name) for name in ("old", "new")] == [True, False]
    assert gaps(node_of(store, "wheezy")) == ["the feeds hold no advisory of Debian:7"]


def test_an_import_counts_when_it_is_published_and_never_when_it_was_abandoned(store: Database) -> None:
    store.keep_documents((document("wheezy", WHEEZY),), MATCHER)
    load(store, [told("Debian:12")], OS_FEED)
    under = store.begin_import(OS_FEED, sha256="1" * 64, now=NOW)
    store.add_records(under, [told("Debian:7", "A-2")], (), MATCHER, done=1, now=NOW)
    assert gaps(node_of(store, "wheezy")) == ["the feeds hold no advisory of Debian:7"]
    other = store.begin_import(OS_FEED, sha256="2" * 64, now=NOW)
    store.add_records(other, [told("Debian:11", "A-3")], (), MATCHER, done=1, now=NOW)
    publish(store, other)
    assert gaps(node_of(store, "wheezy")) == ["the feeds hold no advisory of Debian:7"]
    with store._link.reading() as connection:
        labels = connection.execute(select(tables.feed_ecosystem.c.label)).scalars().all()
    assert labels == ["Debian:11"]


def test_affected_counts_images_of_a_release_that_no_feed_tells_of(store: Database) -> None:
    store.keep_documents((document("wheezy", WHEEZY), document("bookworm", BOOKWORM)), MATCHER)
    load(store, [record("A-1", "unused", ecosystem="Debian:12", aliases=["CVE-2026-1"])], MIXED)
    judged(store, "old", "wheezy")
    judged(store, "new", "bookworm")
    answer = asked(store, verify=True)
    assert (answer.not_judged.images, answer.not_judged.not_covered) == (1, 1)
    assert answer.differences == ()


def match_says(folder: Path, records: Sequence[FeedRecord], purls: Sequence[str]) -> Assessment:
    feed = folder / "feed.json"
    feed.write_text(json.dumps([json.loads(one.raw) for one in records]))
    with opened([feed], cache=None, told=lambda _: None) as index:
        return assess(document("x", *purls).content, index)


PURLS = [
    WHEEZY,
    BOOKWORM,
    "pkg:deb/debian/root-openssl@3.0.9-1?distro=debian-12",
    "pkg:deb/ubuntu/openssl@3.0.2-0ubuntu1?distro=ubuntu-22.04",
    "pkg:deb/ubuntu/openssl@3.0.2-0ubuntu1%2Bfips?distro=ubuntu-22.04",
    "pkg:apk/alpine/busybox@1.36?distro=alpine-3.20.1",
    "pkg:apk/wolfi/busybox@1.36?distro=wolfi-20230201",
    "pkg:rpm/redhat/openssl@3.0.7-1.el9_2?distro=rhel-9.2",
    "pkg:rpm/redhat/openssl@3.0.7-1.el9?distro=rhel-9.4",
    "pkg:rpm/rocky/openssl@3.0.7-1.el9?distro=rocky-9.4",
    "pkg:rpm/suse/openssl@3-1?distro=sles-15.5",
    "pkg:rpm/opensuse/openssl@3-1?distro=opensuse-leap-15.6",
    "pkg:rpm/photon/openssl@3-1?distro=photon-4.0",
    "pkg:npm/left-pad@1.0",
    "pkg:pypi/requests@1.0",
]
LABELS = [
    "Debian", "Debian:7", "Debian:12", "Root", "Root:Debian:12", "Ubuntu:22.04:LTS", "Ubuntu:Pro:FIPS:22.04:LTS",
    "Alpine:v3.20", "Alpine:v3.19", "Wolfi", "Red Hat:enterprise_linux:9::baseos", "Red Hat:rhel_eus:9.2::baseos",
    "Rocky Linux:9", "Rocky Linux:8", "SUSE:Linux Enterprise Server 15 SP5", "SUSE:Linux Micro 6.0",
    "openSUSE:Leap 15.6", "Photon OS:4.0", "npm", "PyPI", "pypi",
]  # fmt: skip


@given(
    purls=st.lists(st.sampled_from(PURLS), min_size=1, max_size=6, unique=True),
    labels=st.lists(st.sampled_from(LABELS), min_size=1, max_size=5, unique=True),
    sbom_first=st.booleans(),
)
@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_the_daemon_and_match_say_the_same(
    store: Database, tmp_path: Path, purls: list[str], labels: list[str], sbom_first: bool
) -> None:
    records = [told(label, f"A-{number}") for number, label in enumerate(labels)]
    sbom = document(f"{sbom_first} {purls}", *map(component, purls))
    if sbom_first:
        store.keep_documents((sbom,), MATCHER)
    load(store, records, MIXED)
    store.keep_documents((sbom,), MATCHER)
    carried = {sbom.document: (CarriedSbom(sbom.document, Trust.SIGNED),)}
    (node,) = store.scan(carried, MATCHER, max_age=MAX_AGE).scan.nodes
    said = match_says(tmp_path, records, purls)
    missed = Counter(gap.detail for gap in said.gaps if gap.reason is Unjudged.ECOSYSTEM_NOT_COVERED)
    assert set(gaps(node)) == set(missed)
    assert node.unjudged == missed.total() == said.components - said.judged
