"""An image that nobody scanned is given to the configured scanner; what that says is evidence made by us."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from gatekeeper.cli import main
from gatekeeper.config.settings import ScannerSettings
from gatekeeper.core.digest import Digest
from gatekeeper.core.manifest import OCI_MANIFEST
from gatekeeper.core.policy import Mode, RuleSet
from gatekeeper.core.rules.package_denied import PackageDenied
from gatekeeper.core.rules.rule import Rule
from gatekeeper.core.rules.sbom_missing import SbomMissing
from gatekeeper.core.rules.sboms import SbomTrust
from gatekeeper.core.rules.scan_evidence_missing import ScanEvidenceMissing
from gatekeeper.core.rules.vulnerability_severity import VulnerabilitySeverity
from gatekeeper.demo.images import image, index, referrer
from gatekeeper.demo.oci_registry.behaviour import Behaviour, TokenAuthentication
from gatekeeper.demo.registry import EmbeddedRegistry
from gatekeeper.ports.scanners import Makes
from gatekeeper.signatures.signing import attestation_layer, tagged
from gatekeeper.workflow.answer import AnswerState
from tests.fakes.package_databases import ALPINE_RELEASE, APK_INSTALLED, layer
from tests.fakes.scanner_adapter import (
    DOCUMENT,
    VULNERABILITY,
    ScannerAdapter,
    metadata,
    reply,
    sbom_capability,
)
from tests.integration.sbom.conftest import layered
from tests.integration.workflow.world import ALICE, PASSWORD, SCOPE, USER, World, a_world, policy_of
from tests.judges.tools import find

HAS_ONE = SbomMissing(trust=SbomTrust.GENERATED)
SCANNED = ScanEvidenceMissing(trust=SbomTrust.GENERATED)


@pytest.fixture
def adapter() -> Iterator[ScannerAdapter]:
    with ScannerAdapter(metadata=metadata(VULNERABILITY, sbom_capability())) as made:
        yield made
        assert made.complaints == []


def judged_by(world: World, *rules: Rule) -> None:
    world.policy = policy_of(dataclasses.replace(SCOPE, mode=Mode.OBSERVE), rules=RuleSet("default", rules))


def use(world: World, *scanners: ScannerSettings) -> None:
    world.scanners = scanners
    world.restart()


@pytest.fixture
def guarded(tmp_path: Path, adapter: ScannerAdapter) -> Iterator[World]:
    """Its registry gives nothing without a token."""
    with a_world(tmp_path, Behaviour(authentication=TokenAuthentication({USER: PASSWORD}))) as world:
        use(world, ScannerSettings("fake", adapter.url))
        yield world


def test_an_image_without_an_sbom_is_scanned_once(guarded: World, adapter: ScannerAdapter) -> None:
    judged_by(guarded, HAS_ONE, PackageDenied(packages=("pkg:npm/is-odd",), trust=SbomTrust.GENERATED))
    digest = guarded.push("app/web", "1.0")
    guarded.rounds(6)
    assert guarded.status("app/web:1.0").state is AnswerState.PASSED
    (request,) = adapter.scans
    assert request["artifact"] == {
        "repository": "app/web",
        "digest": str(digest),
        "mime_type": OCI_MANIFEST,
    }
    judged_by(guarded, PackageDenied(packages=("pkg:npm/left-pad",)))
    guarded.rounds(2)
    assert guarded.status("app/web:1.0").reason_code == "package-denied:pkg:npm/left-pad"
    assert len(adapter.scans) == 1


def test_the_scanner_may_pull_from_this_repository_and_nothing_else(
    guarded: World, adapter: ScannerAdapter
) -> None:
    judged_by(guarded, HAS_ONE)
    digest = guarded.push("app/web", "1.0")
    guarded.push("app/other", "1.0")
    guarded.rounds(2)
    given = next(scan for scan in adapter.scans if scan["artifact"]["repository"] == "app/web")["registry"]
    assert given["authorization"].startswith("Bearer ")
    assert PASSWORD not in json.dumps(given)

    def status(method: str, path: str) -> int:
        asked = Request(
            f"{given['url']}{path}", method=method, headers={"Authorization": given["authorization"]}
        )
        try:
            with urlopen(asked, timeout=10) as answer:
                return int(answer.status)
        except HTTPError as error:
            with error:
                return error.code

    assert status("GET", f"/v2/app/web/manifests/{digest}") == 200
    assert status("POST", "/v2/app/web/blobs/uploads/") in (401, 403)
    assert status("DELETE", f"/v2/app/web/manifests/{digest}") in (401, 403)
    assert status("GET", "/v2/app/other/manifests/1.0") in (401, 403)


def test_where_only_our_login_would_do_nothing_is_handed_over(world: World, adapter: ScannerAdapter) -> None:
    judged_by(world, HAS_ONE)
    use(world, ScannerSettings("fake", adapter.url))
    world.push("app/web", "1.0")
    world.rounds(2)
    assert adapter.scans[0]["registry"] == {"url": f"http://{world.registry.host}"}


def test_what_we_made_counts_no_further_than_the_rule_says(guarded: World) -> None:
    judged_by(guarded, SbomMissing(trust=SbomTrust.SIGNED))
    guarded.push("app/web", "1.0")
    guarded.settle()
    assert guarded.status("app/web:1.0").state is AnswerState.FAILED
    judged_by(guarded, HAS_ONE)
    guarded.rounds(2)
    assert guarded.status("app/web:1.0").state is AnswerState.PASSED


@pytest.mark.parametrize("trouble", ["away", "junk", "refuses", "never ends"])
def test_a_scanner_in_trouble_is_an_outage_and_never_fails_an_image(
    guarded: World, adapter: ScannerAdapter, trouble: str
) -> None:
    judged_by(guarded, HAS_ONE, SCANNED)
    where = adapter.url
    match trouble:
        case "away":
            with ScannerAdapter() as gone:
                where = gone.url
        case "junk":
            adapter.document = "what is no SBOM"
        case "refuses":
            adapter.queue("report", *[reply(500, {"error": {"message": "disk full"}})] * 50)
        case _:
            adapter.queue("report", *[reply(302, Retry_After="60")] * 50)
    use(guarded, ScannerSettings("fake", where, timeout=timedelta(seconds=2)))
    guarded.push("app/web", "1.0")
    guarded.settle()
    answer = guarded.status("app/web:1.0")
    assert answer.state is not AnswerState.FAILED
    assert answer.state is not AnswerState.PASSED
    adapter.answers["report"].clear()
    adapter.document = dict(DOCUMENT)
    use(guarded, ScannerSettings("fake", adapter.url))
    guarded.rounds(3, every=timedelta(hours=1))
    assert guarded.status("app/web:1.0").state is AnswerState.PASSED


def test_a_report_is_evidence_and_fails_what_it_says(guarded: World, adapter: ScannerAdapter) -> None:
    judged_by(guarded, SCANNED)
    use(guarded, ScannerSettings("fake", adapter.url, makes=(Makes.REPORT,)))
    guarded.push("app/web", "1.0")
    guarded.rounds(3)
    assert guarded.status("app/web:1.0").state is AnswerState.PASSED
    judged_by(guarded, VulnerabilitySeverity(trust=SbomTrust.GENERATED, grace_high=timedelta(0)))
    guarded.rounds(2)
    answer = guarded.status("app/web:1.0")
    assert answer.state is AnswerState.FAILED
    assert "CVE-2026-0001" in answer.reason_code
    assert len(adapter.scans) == 1


def test_a_trusted_sbom_needs_no_scanner_and_an_unsigned_one_does(
    guarded: World, adapter: ScannerAdapter
) -> None:
    judged_by(guarded, HAS_ONE)
    digest = guarded.push("app/signed", "1.0")
    name = f"{guarded.registry.host}/app/signed"
    attested = tagged(
        digest, [attestation_layer(ALICE, name, digest, "https://cyclonedx.org/bom", DOCUMENT)], ".att"
    )
    for blob in attested.blobs:
        guarded.registry.store.put_blob("app/signed", blob)
    assert attested.tag is not None
    guarded.registry.store.put_manifest("app/signed", attested.manifest, OCI_MANIFEST, tags=(attested.tag,))
    built = image({"a": "b"}, user="1000")
    guarded.push("app/unsigned", "1.0", built=built)
    hanging = referrer(built, "application/vnd.cyclonedx+json", json.dumps(DOCUMENT).encode())
    hanging.store_in(guarded.registry.store, "app/unsigned")
    guarded.rounds(3)
    assert guarded.status("app/signed:1.0").state is AnswerState.PASSED
    assert guarded.status("app/unsigned:1.0").state is AnswerState.PASSED
    assert [scan["artifact"]["repository"] for scan in adapter.scans] == ["app/unsigned"]


def test_each_platform_is_scanned_by_itself(guarded: World, adapter: ScannerAdapter) -> None:
    judged_by(guarded, HAS_ONE)
    platforms = [image({"a": name}, platform=name) for name in ("linux/amd64", "linux/arm64")]
    guarded.push("app/many", "1.0", built=index(platforms))
    guarded.rounds(3)
    assert guarded.status("app/many:1.0").state is AnswerState.PASSED
    assert {Digest.parse(scan["artifact"]["digest"]) for scan in adapter.scans} == {
        Digest.parse(one.digest) for one in platforms
    }


@pytest.mark.judge("syft")
@pytest.mark.timeout(300)
def test_check_lets_syft_scan(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    built = layered(layer({"etc/os-release": ALPINE_RELEASE, "lib/apk/db/installed": APK_INSTALLED}))
    with EmbeddedRegistry() as registry:
        built.store_in(registry.store, "team/app", "1")
        config = tmp_path / "config.toml"
        config.write_text(
            f'[[registries]]\nhost = "{registry.host}"\nplain_http = true\n'
            f'[[scanners]]\nname = "syft"\nprogram = "syft"\npath = "{find("syft")}"\n'
        )
        (tmp_path / "policy.toml").write_text(
            '[[policies.p.rules]]\nrule = "sbom-missing"\ntrust = "generated"\n'
            '[[policies.p.rules]]\nrule = "package-denied"\npackages = ["pkg:apk/alpine/libcrypto3"]\n'
            'trust = "generated"\n'
            f'[[scopes]]\nname = "all"\nrepositories = ["{registry.host}/**"]\npolicy = "p"\n'
        )
        code = main(["check", f"{registry.host}/team/app:1", "--config", str(config), "--output", "json"])
    text = capsys.readouterr().out
    assert code == 1, text
    found = json.loads(text)["answer"]["verdict"]["findings"]
    assert [(one["reason_code"], one["result"]) for one in found] == [
        ("sbom-present", "satisfied"),
        ("package-denied:pkg:apk/alpine/libcrypto3", "violated"),
    ]
