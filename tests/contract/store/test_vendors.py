"""What an OS package brought is judged by its distribution: by the daemon's store as by ``gatekeeper match``."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import update

from gatekeeper.core.component import Component
from gatekeeper.core.evidence import Trust
from gatekeeper.core.feed import FeedKind
from gatekeeper.database import Database, tables
from gatekeeper.ports import GatheredSbom
from gatekeeper.ports.vulnerabilities import CarriedSbom, FeedRecord, FeedSpec
from gatekeeper.vulnerabilities.assessment import assess
from gatekeeper.vulnerabilities.sources import opened
from tests.contract.store.knowledge import (
    DEBIAN,
    MATCHER,
    MAX_AGE,
    advisories,
    component,
    document,
    load,
    node_of,
    record,
)
from tests.contract.store.test_reevaluation import asked, is_due, judged

OS_FEED = FeedSpec("osv-debian", FeedKind.OSV, "Debian", "all.zip")
PACKAGE = component("pkg:deb/debian/python3-requests@1.5-1?distro=debian-12", "requests")
BROUGHT = component("pkg:pypi/requests@1.5", paths=("/usr/lib/python3/dist-packages/requests/METADATA",))
BY_PIP = component("pkg:pypi/requests@1.5", paths=("/usr/local/lib/python3.11/requests/METADATA",))
OF_PYPI = record("GHSA-1", aliases=["CVE-2026-1"])
OF_DEBIAN = record("DEBIAN-1", ecosystem="Debian:12", fixed="1.5-1")


def ours(name: str = "sbom", *more: Component) -> GatheredSbom:
    return document(name, PACKAGE, BROUGHT, *more, system=DEBIAN)


def test_the_distribution_judges_what_it_brought_and_nothing_else(store: Database) -> None:
    store.keep_documents((ours(), ours("both", BY_PIP)), MATCHER)
    load(store, [OF_DEBIAN], OS_FEED)
    load(store, [OF_PYPI])
    assert advisories(store, "sbom") == []
    assert advisories(store, "both") == ["GHSA-1"]
    assert node_of(store, "sbom").ecosystems == ("Debian:12",)


def test_without_a_feed_of_the_distribution_its_own_ecosystem_judges_it(store: Database) -> None:
    store.keep_documents((ours(),), MATCHER)
    load(store, [OF_PYPI])
    assert advisories(store, "sbom") == ["GHSA-1"]
    assert node_of(store, "sbom").ecosystems == ("Debian:12", "PyPI")
    load(store, [OF_DEBIAN], OS_FEED)
    assert advisories(store, "sbom") == []


def test_what_it_brought_needs_no_feed_of_its_own(store: Database) -> None:
    generic = dataclasses.replace(component("pkg:generic/requests@1.5"), brought_by=PACKAGE.purl)
    store.keep_documents((ours("sbom", generic),), MATCHER)
    load(store, [OF_DEBIAN], OS_FEED)
    node = node_of(store, "sbom")
    assert (node.gaps, node.unjudged, node.ecosystems) == ((), 0, ("Debian:12",))


def test_who_is_affected_and_who_is_due_agree_with_the_scan(store: Database) -> None:
    store.keep_documents((ours(), ours("both", BY_PIP)), MATCHER)
    load(store, [OF_DEBIAN], OS_FEED)
    load(store, [record("GHSA-0", package="flask")])
    judged(store, "patched", "sbom")
    judged(store, "pip", "both")
    load(store, [OF_PYPI], complete=False)
    assert [is_due(store, name) for name in ("patched", "pip")] == [False, True]
    answer = asked(store, verify=True)
    assert [image.tags for image in answer.images] == [("pip",)]
    assert len(answer.packages) == 1
    assert answer.differences == ()
    assert answer.not_judged.not_covered == 0


def test_a_document_that_an_older_version_kept_is_read_again(store: Database) -> None:
    store.keep_documents((document("sbom", PACKAGE, BY_PIP, system=DEBIAN),), MATCHER)
    load(store, [OF_DEBIAN], OS_FEED)
    load(store, [OF_PYPI])
    assert advisories(store, "sbom") == ["GHSA-1"]
    store.keep_documents((ours(),), MATCHER)
    assert advisories(store, "sbom") == ["GHSA-1"]  # a digest stands for one content: nothing to read again
    with store._link.writing() as connection:
        connection.execute(update(tables.sbom_document).values(reading=0))
    store.keep_documents((ours(),), MATCHER)
    assert advisories(store, "sbom") == []
    judged(store, "image", "sbom")
    assert asked(store, verify=True).differences == ()


def found_by_match(folder: Path, records: Sequence[FeedRecord], sbom: GatheredSbom) -> set[tuple[str, str]]:
    """(component, advisory) as ``gatekeeper match`` finds them."""
    feed = folder / "feed.json"
    feed.write_text(json.dumps([json.loads(one.raw) for one in records]))
    with opened([feed], cache=None, told=lambda _: None) as index:
        matches = assess(sbom.content, index).matches
    return {(match.component, name) for match in matches for name in match.advisories}


VERSIONS = st.sampled_from(["1.0", "1.5", "2.0", "2.1"])
NAMES = st.sampled_from(["requests", "flask"])
PLACES = st.sampled_from(["/usr/lib/python3/dist-packages/x", "/usr/local/lib/x", "/app/x", ""])
OS_PACKAGES = st.builds(
    lambda name, version: component(f"pkg:deb/debian/python3-{name}@{version}-1?distro=debian-12", name),
    NAMES,
    VERSIONS,
)
LANGUAGE_PACKAGES = st.builds(
    lambda name, version, place: component(f"pkg:pypi/{name}@{version}", paths=(place,) if place else ()),
    NAMES,
    VERSIONS,
    PLACES,
)
RECORDS = st.lists(
    st.tuples(st.sampled_from(["PyPI", "Debian:12"]), NAMES, st.sampled_from(["1.5", "2.0", "2.1"])),
    max_size=4,
)


@given(
    components=st.lists(st.one_of(OS_PACKAGES, LANGUAGE_PACKAGES), max_size=6),
    told=RECORDS,
    sbom_first=st.booleans(),
)
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_the_daemon_and_match_find_the_same(
    store: Database, tmp_path: Path, components: list[Component], told: list[Any], sbom_first: bool
) -> None:
    records = [record("A-PYPI", "unused"), record("A-DEBIAN", "unused", ecosystem="Debian:12")]
    records += [
        record(f"A-{number}", name, ecosystem=ecosystem, fixed=fixed)
        for number, (ecosystem, name, fixed) in enumerate(told)
    ]
    of_pypi = [one for one in records if one.advisory.affected[0].ecosystem == "PyPI"]
    sbom = document(f"{sbom_first} {components} {told}", *components, system=DEBIAN)
    if sbom_first:
        store.keep_documents((sbom,), MATCHER)
    load(store, of_pypi)
    load(store, [one for one in records if one not in of_pypi], OS_FEED)
    store.keep_documents((sbom,), MATCHER)
    nodes = {sbom.document: (CarriedSbom(sbom.document, Trust.SIGNED),)}
    (node,) = store.scan(nodes, MATCHER, max_age=MAX_AGE).scan.nodes
    found = {(one.match.component, name) for one in node.vulnerabilities for name in one.match.advisories}
    assert found == found_by_match(tmp_path, records, sbom)
    assert store.rebuild_differences(MATCHER) == ()
