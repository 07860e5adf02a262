"""Gatekeeper as Harbor's scanner, over a real socket: findings, waiting, failures."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import UnavailableError
from gatekeeper.core.feed import FeedKind
from gatekeeper.core.manifest import OCI_INDEX, OCI_MANIFEST
from gatekeeper.core.policy import Mode
from gatekeeper.core.reference import Repository
from gatekeeper.core.rules.sboms import SbomTrust
from gatekeeper.core.rules.scan_evidence_missing import ScanEvidenceMissing
from gatekeeper.core.rules.vulnerability_known_exploited import VulnerabilityKnownExploited
from gatekeeper.core.rules.vulnerability_severity import VulnerabilitySeverity
from gatekeeper.demo.images import Piece, artifact, image, index
from gatekeeper.ports.scanners import ImageToScan, PullAccess
from gatekeeper.sbom.reader import Reader
from gatekeeper.transport.client import Transport
from gatekeeper.transport.origin import origin_of
from gatekeeper.transport.settings import TransportSettings
from gatekeeper.vulnerabilities.scanner_client import ScannerClient
from gatekeeper.workflow import feeds
from gatekeeper.workflow.scanner_reports import PATIENCE
from tests.integration.web.harbor import (
    API,
    REPORT_1_0,
    REPORT_1_1,
    SBOM_REPORT,
    Harbor,
    a_harbor,
    fits,
)
from tests.integration.web.site import serving
from tests.integration.workflow.test_vulnerability_story import (
    CYCLONEDX,
    FLASK,
    LOG4J,
    UNRELATED,
    VULNERABILITY,
    advisory,
    rules,
)
from tests.integration.workflow.world import MALLORY, MINUTE

RECORD = advisory(
    details="JNDI features do not protect against attacker controlled endpoints.",
    references=[{"type": "WEB", "url": "https://logging.apache.org/log4j/2.x/security.html"}],
    severity=[{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H"}],
    database_specific={"severity": "CRITICAL", "cwe_ids": ["CWE-20", "CWE-502"]},
)


@pytest.fixture
def harbor(tmp_path: Path) -> Iterator[Harbor]:
    with a_harbor(tmp_path) as started:
        yield started


def judged(harbor: Harbor, *purls: str) -> Digest:
    """An image with a signed SBOM that was judged with a feed."""
    harbor.estate.feed(RECORD)
    digest = harbor.estate.push("app/web", "1.0", *purls)
    harbor.world.rounds(2)
    return digest


@contextmanager
def our_client(harbor: Harbor) -> Iterator[ScannerClient]:
    """Our own client, asking our own server; while it waits, the daemon works."""
    with closing(Transport(origin_of(harbor.site.url), TransportSettings())) as transport:
        yield ScannerClient(
            "ourselves",
            f"{harbor.site.url}{API}",
            transport,
            authorization=lambda: f"Bearer {harbor.token}",
            sleep=lambda _seconds: harbor.world.rounds(1),
        )


def asked(harbor: Harbor, digest: Digest) -> ImageToScan:
    host = harbor.world.registry.host
    return ImageToScan(Repository(host, "app/web"), digest, OCI_MANIFEST, PullAccess(f"http://{host}"))


def test_metadata_says_what_is_scanned_and_how_fresh_the_feeds_are(harbor: Harbor) -> None:
    harbor.estate.feed(RECORD)
    newest = "application/vnd.scanner.adapter.metadata+json; version=1.1"
    oldest = "application/vnd.scanner.adapter.metadata+json; version=1.0"
    for accept, capabilities in ((newest, 2), ("*/*", 2), (f"{newest}, {oldest};q=0.9", 2), (oldest, 1)):
        reply = harbor.site.ask("GET", f"{API}/metadata", token=harbor.token, headers={"Accept": accept})
        assert reply.status == 200
        fits("ScannerAdapterMetadata", reply.json)
        assert reply.headers["content-type"] == (oldest if accept == oldest else newest)
        assert len(reply.json["capabilities"]) == capabilities
        first = reply.json["capabilities"][0]
        assert first["produces_mime_types"] == [REPORT_1_0, REPORT_1_1]
        assert "application/vnd.docker.distribution.manifest.v2+json" in first["consumes_mime_types"]
        assert ("type" in first) is (capabilities == 2)
        updated = reply.json["properties"]["harbor.scanner-adapter/vulnerability-database-updated-at"]
        assert updated.startswith(f"{harbor.world.clock.now():%Y-%m-%dT%H:%M}")


def test_findings_of_a_judged_image_are_told_at_once_in_both_spellings(harbor: Harbor) -> None:
    digest = judged(harbor, LOG4J, FLASK)
    number = harbor.submit("app/web", digest)
    asked_before = len(harbor.world.registry.requests)
    replies = [harbor.report(number, accept) for accept in (REPORT_1_0, REPORT_1_1)]
    assert [reply.headers["content-type"] for reply in replies] == [REPORT_1_0, REPORT_1_1]
    assert replies[0].json == replies[1].json
    report = replies[1].json
    assert report["artifact"] == {
        "repository": "app/web",
        "digest": str(digest),
        "tag": "1.0",
        "mime_type": OCI_MANIFEST,
    }
    assert report["severity"] == "Critical"
    (found,) = report["vulnerabilities"]
    assert (found["id"], found["version"], found["fix_version"]) == ("CVE-2021-44228", "2.14.1", "2.15.0")
    assert found["preferred_cvss"] == {
        "score_v3": 10.0,
        "vector_v3": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H",
    }
    assert found["cwe_ids"] == ["CWE-20", "CWE-502"]
    assert "https://logging.apache.org/log4j/2.x/security.html" in found["links"]
    assert found["description"].startswith("JNDI features")
    (finding,) = found["vendor_attributes"]["findings"]
    assert (finding["rule"], finding["result"]) == ("vulnerability-severity", "violated")
    assert len(harbor.world.registry.requests) == asked_before


def test_a_report_looks_like_its_golden(harbor: Harbor) -> None:
    report = harbor.scanned("app/web", judged(harbor, LOG4J, FLASK))
    report["artifact"]["digest"] = "sha256:…"
    report["scanner"]["version"] = "…"
    golden = Path(__file__).parents[2] / "golden" / "scanner" / "report.json"
    assert report == json.loads(golden.read_text())


def test_a_later_feed_shows_in_the_next_report_without_the_registry(harbor: Harbor) -> None:
    harbor.estate.feed(UNRELATED)
    digest = harbor.estate.push("app/web", "1.0", LOG4J)
    harbor.world.rounds(2)
    assert harbor.scanned("app/web", digest)["vulnerabilities"] == []
    harbor.estate.feed(UNRELATED, RECORD)
    number = harbor.submit("app/web", digest)
    assert harbor.report(number).status == 302
    harbor.world.rounds(1)
    assert [one["id"] for one in harbor.report(number).json["vulnerabilities"]] == ["CVE-2021-44228"]


def test_what_a_signed_vex_excuses_is_told_beside_the_list(harbor: Harbor) -> None:
    digest = judged(harbor, LOG4J)
    harbor.estate.vex("app/web", digest)
    harbor.world.rounds(2)
    report = harbor.scanned("app/web", digest)
    assert (report["vulnerabilities"], report["severity"]) == ([], "Unknown")
    (excused,) = report["vendor_attributes"]["excused"]
    assert (excused["id"], excused["status"], excused["author"]) == (
        "CVE-2021-44228",
        "not_affected",
        "alice",
    )


def test_vex_excuses_only_for_every_rule_that_the_vulnerability_concerns(harbor: Harbor) -> None:
    digest = judged(harbor, LOG4J)
    harbor.estate.vex("app/web", digest)
    catalog = harbor.world.directory / "kev.json"
    catalog.write_text(
        json.dumps({"vulnerabilities": [{"cveID": "CVE-2021-44228", "dateAdded": "2021-12-10"}]})
    )
    feeds.import_file(
        harbor.world.app.room, catalog, name=None, kind=FeedKind.KEV, as_of=None, told=feeds.silent
    )
    for excusing, listed in (((), 1), (("alice",), 0)):
        harbor.world.policy = rules(
            VULNERABILITY, VulnerabilityKnownExploited(vex=excusing), mode=Mode.OBSERVE
        )
        harbor.world.rounds(3)
        assert len(harbor.scanned("app/web", digest)["vulnerabilities"]) == listed, excusing


def test_what_is_waived_stays_in_the_list_with_the_waiver(harbor: Harbor) -> None:
    digest = judged(harbor, LOG4J)
    body = {
        "rule": "vulnerability-severity",
        "digest": str(digest),
        "repositories": harbor.site.image("app/web"),
        "reason": "accepted for a test",
        "expires_at": harbor.site.later,
    }
    made = harbor.site.ask("POST", "/v1/waivers", body=body)
    assert made.status < 300, made.raw
    harbor.world.rounds(2)
    (found,) = harbor.scanned("app/web", digest)["vulnerabilities"]
    (finding,) = found["vendor_attributes"]["findings"]
    assert finding["waived_by"] == made.json["id"]


def test_the_day_it_will_fail_is_told(harbor: Harbor) -> None:
    harbor.estate.feed({**RECORD, "published": "2026-11-20T12:00:00Z"})
    digest = harbor.estate.push("app/web", "1.0", LOG4J)
    harbor.world.rounds(2)
    (found,) = harbor.scanned("app/web", digest)["vulnerabilities"]
    assert found["vendor_attributes"]["fails_at"] == "2026-11-27T12:00:00Z"


def test_an_image_nobody_knows_is_judged_and_then_told(harbor: Harbor) -> None:
    harbor.estate.feed(RECORD)
    digest = harbor.estate.push("app/web", "1.0", LOG4J)
    number = harbor.submit("app/web", digest)
    waiting = harbor.report(number)
    assert waiting.status == 302
    assert 0 < int(waiting.headers["refresh-after"]) < 128
    assert waiting.headers["location"] == f"{API}/scan/{number}/report"
    harbor.world.rounds(1)
    assert harbor.report(number).json["severity"] == "Critical"


def test_a_scan_survives_a_restart(harbor: Harbor) -> None:
    harbor.estate.feed(RECORD)
    digest = harbor.estate.push("app/web", "1.0", LOG4J)
    number = harbor.submit("app/web", digest)
    harbor.world.rounds(1)
    before = harbor.report(number).json
    with serving(harbor.world) as another:
        assert dataclasses.replace(harbor, site=another).report(number).json == before


def test_an_image_of_which_nobody_says_what_is_in_it_is_never_clean(harbor: Harbor) -> None:
    harbor.estate.feed(RECORD)
    bare = harbor.estate.push("app/bare", "1.0", key=None)
    strange = harbor.estate.push("app/strange", "1.0", LOG4J, key=MALLORY)
    for path, digest in (("app/bare", bare), ("app/strange", strange)):
        reason, message = harbor.failed(path, digest)
        assert reason == "not-scanned", path
        assert "Attach a signed SBOM or scan report" in message
        assert ("1 vulnerabilities are known" in message) is (digest == strange)


def test_evidence_may_still_arrive_before_a_scan_fails(harbor: Harbor) -> None:
    harbor.estate.feed(RECORD)
    digest = harbor.estate.push("app/web", "1.0", key=None)
    number = harbor.submit("app/web", digest)
    harbor.world.rounds(1)
    assert harbor.report(number).status == 302
    component = {"type": "library", "name": "log4j-core", "version": "2.14.1", "purl": LOG4J}
    harbor.estate.attest(
        "app/web",
        digest,
        CYCLONEDX,
        {"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [component]},
    )
    harbor.world.rounds(1)
    assert harbor.report(number).json["severity"] == "Critical"


def test_nobody_waits_longer_than_harbor_does(harbor: Harbor) -> None:
    harbor.estate.feed(RECORD)
    number = harbor.submit("app/web", harbor.estate.push("app/web", "1.0", LOG4J))
    seconds = []
    while (reply := harbor.report(number)).status == 302:
        seconds.append(int(reply.headers["refresh-after"]))
        harbor.world.clock.advance(MINUTE)
    assert reply.status == 500
    assert reply.json["reason_code"] == "scan-late"
    assert len(seconds) * MINUTE == PATIENCE < 30 * MINUTE
    assert seconds == sorted(seconds)
    assert seconds[0] < seconds[-1] <= 60


def test_feeds_that_are_too_old_fail_the_scan(harbor: Harbor) -> None:
    digest = judged(harbor, FLASK)
    assert harbor.scanned("app/web", digest)["vulnerabilities"] == []
    harbor.world.clock.advance(100 * 60 * MINUTE)
    number = harbor.submit("app/web", digest)
    harbor.world.rounds(2)
    reply = harbor.report(number)
    assert reply.status == 500
    assert "it was last renewed" in reply.json["error"]["message"]


def test_components_that_no_feed_covers_are_told_as_unknown(harbor: Harbor) -> None:
    report = harbor.scanned("app/web", judged(harbor, FLASK, "pkg:conda/numpy@1.0"))
    (doubt,) = report["vulnerabilities"]
    assert (doubt["id"], doubt["severity"]) == ("GATEKEEPER-UNJUDGED", "Unknown")
    assert doubt["package"] == "1 of 2 components"
    assert report["severity"] == "Unknown"


def test_a_signed_scan_report_is_told_where_there_is_no_sbom(harbor: Harbor) -> None:
    """What we said of one image, attested to another: our own report is read like any scanner's."""
    report = harbor.scanned("app/web", judged(harbor, LOG4J))
    now = f"{harbor.world.clock.now():%Y-%m-%dT%H:%M:%SZ}"
    for path, result in (("app/other", report), ("app/clean", {**report, "vulnerabilities": []})):
        digest = harbor.estate.push(path, "1.0", key=None)
        scanner = {"uri": "https://gatekeeper.example.com", "version": "1", "db": {"lastUpdate": now}}
        predicate = {
            "scanner": {**scanner, "result": result},
            "metadata": {"scanStartedOn": now, "scanFinishedOn": now},
        }
        harbor.estate.attest(path, digest, "https://cosign.sigstore.dev/attestation/vuln/v1", predicate)
        harbor.world.rounds(2)
        told = harbor.scanned(path, digest)
        assert [
            (one["id"], one["package"], one["version"], one["fix_version"], one["severity"])
            for one in told["vulnerabilities"]
        ] == [
            (one["id"], one["package"], one["version"], one["fix_version"], one["severity"])
            for one in result["vulnerabilities"]
        ]
        assert all("osv.dev" not in link for one in told["vulnerabilities"] for link in one["links"])


def test_an_sbom_without_packages_is_no_clean_image(harbor: Harbor) -> None:
    harbor.estate.feed(RECORD)
    digest = harbor.estate.push("app/web", "1.0")
    assert harbor.failed("app/web", digest)[0] == "nothing-to-judge"


def test_the_images_of_an_index_are_told_by_what_hangs_on_it(harbor: Harbor) -> None:
    world = harbor.world
    harbor.estate.feed(RECORD)
    children = [image({"etc/motd": name}, platform=f"linux/{name}") for name in ("amd64", "arm64")]
    whole = index(children)
    root = Digest.parse(whole.store_in(world.registry.store, "app/multi", "1.0"))
    component = {"type": "library", "name": "log4j-core", "version": "2.14.1", "purl": LOG4J}
    document = {"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [component]}
    harbor.estate.attest("app/multi", root, CYCLONEDX, document)
    world.rounds(2)
    for child in children:
        report = harbor.scanned("app/multi", Digest.parse(child.digest))
        assert report["artifact"]["digest"] == child.digest
        assert report["severity"] == "Critical"
    refused = harbor.post(harbor.request("app/multi", root, mime_type=OCI_INDEX))
    assert refused.status == 501
    reason, message = harbor.failed("app/multi", root)
    assert (reason, str(root) in message) == ("no-image", True)


def test_an_sbom_of_an_older_index_with_the_same_image_counts(harbor: Harbor) -> None:
    store = harbor.world.registry.store
    harbor.estate.feed(RECORD)
    child = image({"etc/motd": "both"}, platform="linux/amd64")
    old = Digest.parse(index([child]).store_in(store, "app/multi", "1.0"))
    component = {"type": "library", "name": "log4j-core", "version": "2.14.1", "purl": LOG4J}
    document = {"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [component]}
    harbor.estate.attest("app/multi", old, CYCLONEDX, document)
    harbor.world.rounds(2)
    other = image({"etc/motd": "other"}, platform="linux/arm64")
    index([child, other]).store_in(store, "app/multi", "2.0")
    harbor.world.settle()
    assert harbor.scanned("app/multi", Digest.parse(child.digest))["severity"] == "Critical"
    assert harbor.failed("app/multi", Digest.parse(other.digest))[0] == "not-scanned"


def test_a_tombstone_is_not_scanned_and_what_it_stands_for_is(harbor: Harbor) -> None:
    harbor.world.policy = rules()
    digest = judged(harbor, LOG4J)
    harbor.world.rounds(3)
    assert harbor.world.tombstone("app/web", "1.0")
    shown = harbor.world.shown("app/web", "1.0")
    assert shown is not None
    refused = harbor.post(harbor.request("app/web", Digest.parse(shown)))
    assert (refused.status, refused.json["reason_code"]) == (422, "tombstone")
    assert harbor.world.case().id in refused.json["error"]["message"]
    assert harbor.scanned("app/web", digest)["severity"] == "Critical"


def test_what_is_no_image_is_not_scanned(harbor: Harbor) -> None:
    chart = artifact(
        [Piece(b"chart", "application/vnd.cncf.helm.chart.content.v1.tar+gzip")],
        config=Piece(b"{}", "application/vnd.cncf.helm.config.v1+json"),
    )
    digest = Digest.parse(chart.store_in(harbor.world.registry.store, "app/chart", "1.0"))
    refused = harbor.post(harbor.request("app/chart", digest))
    assert (refused.status, refused.json["reason_code"]) == (422, "not-an-image")


def test_an_sbom_is_written_from_signed_documents_alone(harbor: Harbor) -> None:
    digest = judged(harbor, LOG4J, FLASK)
    number = harbor.submit("app/web", digest)
    for kind, member in (
        ("application/spdx+json", "packages"),
        ("application/vnd.cyclonedx+json", "components"),
    ):
        reply = harbor.report(number, SBOM_REPORT, sbom_media_type=kind)
        assert reply.status == 200, reply.raw
        assert reply.json["media_type"] == kind
        assert reply.json["sbom"][member]
        read = Reader().read_any(json.dumps(reply.json["sbom"]).encode())
        assert {LOG4J, FLASK} <= {one.purl for one in read.components}
    for query in ({}, {"sbom_media_type": "text/plain"}):
        assert harbor.report(number, SBOM_REPORT, **query).status == 400


def test_a_less_trusted_sbom_is_not_handed_to_the_registry_to_become_more_trusted(harbor: Harbor) -> None:
    harbor.world.policy = rules(
        ScanEvidenceMissing(trust=SbomTrust.ANY),
        VulnerabilitySeverity(trust=SbomTrust.ANY),
        mode=Mode.OBSERVE,
    )
    harbor.estate.feed(RECORD)
    digest = harbor.estate.push("app/strange", "1.0", LOG4J, key=MALLORY)
    harbor.world.settle()
    assert harbor.scanned("app/strange", digest)["severity"] == "Critical"
    reply = harbor.report(
        harbor.submit("app/strange", digest), SBOM_REPORT, sbom_media_type="application/spdx+json"
    )
    assert (reply.status, reply.json["reason_code"]) == (500, "sbom-unsigned")


def test_our_own_client_understands_us(harbor: Harbor) -> None:
    digest = judged(harbor, LOG4J)
    with our_client(harbor) as scanner:
        report = scanner.report(asked(harbor, digest))
        document = Reader().read_any(scanner.sbom(asked(harbor, digest)))
    assert [(one.id, one.fixed) for one in report.vulnerabilities] == [("CVE-2021-44228", ("2.15.0",))]
    assert report.scanned_at == harbor.world.clock.now()
    assert report.database_at is not None
    assert LOG4J in {one.purl for one in document.components}


def test_our_own_client_waits_for_a_new_image_and_is_told_of_failure(harbor: Harbor) -> None:
    harbor.estate.feed(RECORD)
    digest = harbor.estate.push("app/web", "1.0", LOG4J)
    bare = harbor.estate.push("app/web", "2.0", key=None)
    with our_client(harbor) as scanner:
        assert scanner.report(asked(harbor, digest)).vulnerabilities
        with pytest.raises(UnavailableError, match="Attach a signed SBOM or scan report"):
            scanner.report(asked(harbor, bare))


def test_an_outage_of_the_registry_is_no_answer(harbor: Harbor) -> None:
    digest = harbor.world.good("app/web", "1.0")
    harbor.world.registry.stop()
    reply = harbor.post(harbor.request("app/web", digest))
    assert reply.status == 503
    assert int(reply.headers["retry-after"]) > 0
