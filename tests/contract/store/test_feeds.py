"""Imports of feeds and what they make of components: the same on SQLite and PostgreSQL."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest

from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import ConflictError, NotFoundError
from gatekeeper.core.evidence import Trust
from gatekeeper.core.feed import FeedKind
from gatekeeper.core.match import Unjudged
from gatekeeper.core.severity import Severity
from gatekeeper.database import Database
from gatekeeper.ports.vulnerabilities import CarriedSbom, FeedFact, FeedProblem, FeedSpec
from tests.contract.store.knowledge import (
    DEBIAN,
    MATCHER,
    PYPI,
    advisories,
    document,
    load,
    load_facts,
    node_of,
    publish,
    record,
    scan_of,
)
from tests.contract.store.samples import HOUR, NOW

OLD, NEW = "pkg:pypi/requests@1.5", "pkg:pypi/requests@2.1"
KEV = FeedSpec("kev", FeedKind.KEV, "", "kev.json")
EPSS = FeedSpec("epss", FeedKind.EPSS, "", "epss.csv")


def test_an_advisory_meets_components_that_were_there_before_and_that_come_after(store: Database) -> None:
    store.keep_documents((document("before", OLD, NEW),), MATCHER)
    load(store, [record("GHSA-1", aliases=["CVE-2026-1"])])
    store.keep_documents((document("after", OLD, "pkg:pypi/requests@1.6"),), MATCHER)
    assert advisories(store, "before") == ["GHSA-1"]
    (found,) = node_of(store, "before").vulnerabilities
    assert (found.match.component, found.match.fixed) == (OLD, ("2.0",))
    assert found.match.rating.severity is Severity.CRITICAL
    assert (found.trust, found.match.aliases) == (Trust.SIGNED, ("CVE-2026-1",))
    assert [one.match.component for one in node_of(store, "after").vulnerabilities] == [
        OLD,
        "pkg:pypi/requests@1.6",
    ]


def test_readers_see_the_old_feed_until_the_new_one_is_published(store: Database) -> None:
    store.keep_documents((document("sbom", OLD),), MATCHER)
    load(store, [record("GHSA-1")])
    under = store.begin_import(PYPI, sha256="2" * 64, now=NOW)
    store.add_records(under, [record("GHSA-1", fixed="1.0"), record("GHSA-2")], (), MATCHER, done=2, now=NOW)
    assert advisories(store, "sbom") == ["GHSA-1"]
    publish(store, under)
    assert advisories(store, "sbom") == ["GHSA-2"]


def test_a_withdrawn_record_matches_no_longer(store: Database) -> None:
    store.keep_documents((document("sbom", OLD),), MATCHER)
    load(store, [record("GHSA-1")])
    load(store, [record("GHSA-1", modified="2026-05-02T00:00:00Z", withdrawn="2026-05-02T00:00:00Z")])
    assert advisories(store, "sbom") == []


def test_what_a_whole_import_leaves_out_is_gone_and_what_a_partial_one_leaves_out_stays(
    store: Database,
) -> None:
    store.keep_documents((document("sbom", OLD),), MATCHER)
    load(store, [record("GHSA-1"), record("GHSA-2")])
    load(store, [record("GHSA-3")], complete=False)
    assert sorted(advisories(store, "sbom")) == ["GHSA-1", "GHSA-2", "GHSA-3"]
    assert store.feed("osv-pypi").records == 3
    load(store, [record("GHSA-3")])
    assert advisories(store, "sbom") == ["GHSA-3"]


def test_another_text_changes_no_verdict(store: Database) -> None:
    store.keep_documents((document("sbom", OLD),), MATCHER)
    first = load(store, [record("GHSA-1")])
    again = load(store, [record("GHSA-1", modified="2026-05-03T00:00:00Z", summary="clearer", details="x")])
    assert (again.change, again.groups) == (0, 0)
    assert scan_of(store, "sbom").change == first.change
    assert store.feed("osv-pypi").as_of == datetime(2026, 5, 3, tzinfo=UTC)


def test_an_interrupted_import_goes_on_where_it_was(store: Database, other: Database) -> None:
    store.keep_documents((document("sbom", OLD),), MATCHER)
    under = store.begin_import(PYPI, sha256="1" * 64, now=NOW)
    store.add_records(under, [record("GHSA-1")], (), MATCHER, done=1, now=NOW)
    again = other.begin_import(PYPI, sha256="1" * 64, now=NOW)
    assert (again.version, again.done) == (under.version, 1)
    other.add_records(again, [record("GHSA-2")], (), MATCHER, done=2, now=NOW)
    publish(other, again)
    assert sorted(advisories(store, "sbom")) == ["GHSA-1", "GHSA-2"]


def test_an_import_of_other_content_clears_the_interrupted_one_away(store: Database) -> None:
    store.keep_documents((document("sbom", OLD),), MATCHER)
    load(store, [record("GHSA-0")])
    under = store.begin_import(PYPI, sha256="1" * 64, now=NOW)
    store.add_records(under, [record("GHSA-0", fixed="1.0"), record("GHSA-1")], (), MATCHER, done=2, now=NOW)
    other = store.begin_import(PYPI, sha256="2" * 64, now=NOW)
    assert (other.version, other.done) == (under.version, 0)
    with pytest.raises(ConflictError, match="took the place"):
        store.add_records(under, [record("GHSA-3")], (), MATCHER, done=3, now=NOW)
    store.add_records(other, [record("GHSA-2")], (), MATCHER, done=1, now=NOW)
    publish(store, other, complete=False)
    assert sorted(advisories(store, "sbom")) == ["GHSA-0", "GHSA-2"]


def test_a_finding_keeps_since_when_it_and_its_fix_could_be_known(store: Database) -> None:
    store.keep_documents((document("sbom", OLD),), MATCHER)
    load(store, [record("GHSA-0", package="flask")])
    days = [datetime(2026, 5, day, tzinfo=UTC) for day in (1, 2, 3)]
    for day, fixed in zip(days, (None, "2.0", "1.9"), strict=True):
        told = record("GHSA-1", fixed=fixed, modified=day.isoformat())
        load(store, [told], complete=False, now=NOW + HOUR)
    (found,) = node_of(store, "sbom").vulnerabilities
    assert (found.known_at, found.fix_known_at) == (days[0], days[1])
    assert found.match.fixed == ("1.9",)


def test_what_was_public_before_the_first_import_could_have_been_known_then(store: Database) -> None:
    store.keep_documents((document("sbom", OLD),), MATCHER)
    load(store, [record("GHSA-1")])
    (found,) = node_of(store, "sbom").vulnerabilities
    assert found.known_at == found.fix_known_at == datetime(2026, 4, 1, tzinfo=UTC)


def test_problems_are_told_and_old_rows_are_swept(store: Database) -> None:
    load(store, [record("GHSA-1")])
    under = store.begin_import(PYPI, sha256="2" * 64, now=NOW)
    problem = FeedProblem("GHSA-9.json", "advisory-malformed", "no JSON\0")
    store.add_records(under, [record("GHSA-1", fixed="3.0")], [problem], MATCHER, done=2, now=NOW)
    publish(store, under)
    assert store.feed("osv-pypi").problems == 1
    (told,) = store.feed_problems("osv-pypi", limit=10)
    assert (told.record, told.reason_code) == ("GHSA-9.json", "advisory-malformed")
    assert store.sweep() == 1
    assert [found.content for found in store.feed_records("osv-pypi", after=0, limit=10)] == [
        record("GHSA-1", fixed="3.0").raw
    ]
    with pytest.raises(NotFoundError, match="osv-pypi"):
        store.feed("osv-debian")


def test_exploits_and_scores(store: Database) -> None:
    store.keep_documents((document("sbom", OLD),), MATCHER)
    load(store, [record("GHSA-1", aliases=["CVE-2026-1"])])
    for spec, fact in ((KEV, FeedFact("CVE-2026-1", at=NOW)), (EPSS, FeedFact("CVE-2026-1", score=0.25))):
        assert load_facts(store, spec, [fact]).groups == 1
    (found,) = node_of(store, "sbom").vulnerabilities
    assert (found.exploited_at, found.epss) == (NOW, "0.25000")
    assert load_facts(store, EPSS, [FeedFact("CVE-2026-1", score=0.2549)]).groups == 0
    assert load_facts(store, EPSS, [FeedFact("CVE-2026-1", score=0.6)]).groups == 1
    assert load_facts(store, EPSS, [FeedFact("CVE-2026-2", score=0.9)]).groups == 1
    (found,) = node_of(store, "sbom").vulnerabilities
    assert found.epss == ""


def test_the_end_of_a_release_belongs_to_the_operating_system(store: Database) -> None:
    purl = "pkg:deb/debian/openssl@3.0.1?distro=debian-12"
    store.keep_documents((document("sbom", purl, system=DEBIAN),), MATCHER)
    ends = FeedSpec("endoflife", FeedKind.END_OF_LIFE, "", "full.json")
    load_facts(store, ends, [FeedFact("debian:12", at=NOW), FeedFact("debian:11", at=NOW - HOUR)])
    node = node_of(store, "sbom")
    assert node.end_of_life is not None
    assert (node.end_of_life.product, node.end_of_life.cycle, node.end_of_life.at) == ("debian", "12", NOW)


def test_what_cannot_be_judged_is_told(store: Database) -> None:
    store.keep_documents(
        (document("sbom", OLD, "pkg:npm/left-pad@1.0", "pkg:pypi/requests@strange"),), MATCHER
    )
    load(store, [record("GHSA-1")])
    node = node_of(store, "sbom")
    assert {gap.reason for gap in node.gaps} == {
        Unjudged.ECOSYSTEM_NOT_COVERED,
        Unjudged.VERSION_UNORDERABLE,
    }
    assert node.ecosystems == ("PyPI", "npm")
    assert node.unjudged == 1
    scan = scan_of(store, "sbom").scan
    assert node.untold == ("npm",)
    assert scan.outage(FeedKind.OSV, NOW, [node]) is None
    assert scan.outage(FeedKind.OSV, NOW, [dataclasses.replace(node, ecosystems=("npm",))]) is not None
    assert scan.outage(FeedKind.OSV, NOW + timedelta(days=3), [node]) is not None
    assert scan.outage(FeedKind.KEV, NOW) is not None


def test_a_name_is_one_kind_of_feed(store: Database) -> None:
    load(store, [record("GHSA-1")])
    with pytest.raises(ConflictError, match="kind osv"):
        store.begin_import(FeedSpec("osv-pypi", FeedKind.KEV, "", "x"), sha256="1", now=NOW)


def test_only_one_fetches_a_feed_and_only_when_it_is_due(store: Database, other: Database) -> None:
    token = store.claim_feed(PYPI, now=NOW, lease_for=HOUR, forced=False)
    assert token is not None
    assert other.claim_feed(PYPI, now=NOW, lease_for=HOUR, forced=True) is None
    store.end_fetch(
        "osv-pypi", token, error="answered 503", renewed_at=None, cursor=None, next_due=NOW + HOUR
    )
    assert store.feed("osv-pypi").error == "answered 503"
    assert other.claim_feed(PYPI, now=NOW, lease_for=HOUR, forced=False) is None
    assert other.claim_feed(PYPI, now=NOW, lease_for=HOUR, forced=True) is not None
    assert other.claim_feed(PYPI, now=NOW + 2 * HOUR, lease_for=HOUR, forced=False) is not None


def test_the_sha256_of_what_was_imported_is_kept(store: Database) -> None:
    found = [record("GHSA-1")]
    load(store, found)
    assert store.feed("osv-pypi").sha256 == Digest.of(found[0].raw).encoded


def test_a_scan_of_what_stays_unknown_leaves_nothing(store: Database) -> None:
    load(store, [record("GHSA-1")])
    unknown = document("sbom", OLD)
    nodes = {unknown.document: (CarriedSbom(unknown.document, Trust.SIGNED),)}
    for _ in range(2):
        scan = store.scan_unkept((unknown,), nodes, MATCHER, max_age=timedelta(days=3)).scan
        (node,) = scan.nodes
        assert [one.match.advisory for one in node.vulnerabilities] == ["GHSA-1"]
        assert store.document(unknown.document) is None
