"""Attachments that are too many, too large or in a format that is not read: none of them is "nothing there"."""

from __future__ import annotations

import dataclasses
import json
from datetime import timedelta

import pytest

from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import Cause
from gatekeeper.core.evidence import Candidates, Evidence, NodeEvidence, Outcome, Sboms, Trust
from gatekeeper.core.lifecycle import CaseState
from gatekeeper.core.manifest import OCI_MANIFEST, Descriptor
from gatekeeper.core.policy import RuleSet
from gatekeeper.core.rules.sbom_missing import SbomMissing
from gatekeeper.core.rules.sboms import SbomTrust
from gatekeeper.demo.images import Built, image, index, referrer
from gatekeeper.ports import Attachment
from gatekeeper.signatures.signing import (
    attestation_bundle,
    attestation_layer,
    signature_layer,
    tagged,
)
from gatekeeper.workflow.answer import AnswerState
from gatekeeper.workflow.collect import collect
from tests.integration.workflow.world import ALICE, SCOPE, SETTLE, World, policy_of

CYCLONEDX = "https://cyclonedx.org/bom"


def ask_for_sboms(world: World, rule: SbomMissing) -> None:
    world.policy = policy_of(SCOPE, rules=RuleSet("default", (rule,)))


def store(world: World, path: str, attachment: Attachment) -> None:
    for blob in attachment.blobs:
        world.registry.store.put_blob(path, blob)
    tags = (attachment.tag,) if attachment.tag is not None else ()
    world.registry.store.put_manifest(path, attachment.manifest, OCI_MANIFEST, tags=tags)


def evidence(world: World, digest: Digest, **limits: int) -> Evidence:
    """As it would be gathered now."""
    repository = world.repository("app/web")
    scoped = world.policy.resolve(repository)
    assert scoped is not None
    collector = world.app.room.collector
    collector = dataclasses.replace(collector, limits=dataclasses.replace(collector.limits, **limits))  # type: ignore[arg-type]
    return collect(collector, repository, digest, scoped, world.policy).evidence


def candidates(world: World, digest: Digest) -> Candidates:
    found = evidence(world, digest).root.signatures
    assert isinstance(found, Candidates)
    return found


def sboms(world: World, digest: Digest) -> Sboms:
    found = evidence(world, digest).root.sboms
    assert isinstance(found, Sboms)
    return found


def test_a_signature_manifest_with_more_layers_than_are_read_is_no_missing_signature(world: World) -> None:
    digest = world.push("app/web", "1.0")
    layer = signature_layer(ALICE, f"{world.registry.host}/app/web", digest)
    store(world, "app/web", tagged(digest, [layer] * 1001))
    world.settle()

    gap = candidates(world, digest).gap
    assert gap is not None
    assert gap.cause is Cause.OVER_CAP
    answer = world.status("app/web:1.0")
    assert (answer.state, answer.exit_code) == (AnswerState.INDETERMINATE, 4)
    assert world.shown("app/web", "1.0") == str(digest)
    assert world.cases() == []

    world.rounds(3, every=timedelta(hours=12))
    (case,) = (case for case in world.cases() if case.digest == digest)
    assert (case.state, case.why_proposed) == (CaseState.PROPOSED, "indeterminate-by-content")


def test_a_thousand_layers_of_signatures_are_read(world: World) -> None:
    digest = world.push("app/web", "1.0")
    layer = signature_layer(ALICE, f"{world.registry.host}/app/web", digest)
    store(world, "app/web", tagged(digest, [layer] * 1000))
    world.rounds(2)
    assert world.status("app/web:1.0").state is AnswerState.PASSED


def test_a_subject_with_more_layers_than_are_read_is_blamed_for_its_size(world: World) -> None:
    small = image({"a": "b"})
    document = json.loads(small.raw)
    document["layers"] *= 1001
    large = Built(json.dumps(document).encode(), small.media_type, small.pieces)
    digest = world.push("app/web", "1.0", built=large)
    world.rounds(2)
    assert {gap.cause for gap in evidence(world, digest).unavailable} == {Cause.OVER_CAP}


@pytest.mark.parametrize("form", ["tag", "bundle"])
def test_a_large_attestation_is_read(world: World, form: str) -> None:
    ask_for_sboms(world, SbomMissing(trust=SbomTrust.SIGNED))
    digest = world.push("app/web", "1.0")
    component = {"type": "library", "name": "musl", "version": "1", "description": "x" * 1000}
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "components": [component] * 10_000,
    }
    name = f"{world.registry.host}/app/web"
    stored = world.registry.store.manifest("app/web", str(digest))
    assert stored is not None
    subject = Descriptor(stored.media_type, digest, len(stored.raw))
    attached = (
        tagged(digest, [attestation_layer(ALICE, name, digest, CYCLONEDX, document)], ".att")
        if form == "tag"
        else attestation_bundle(ALICE, subject, CYCLONEDX, document, name=name, created=world.clock.now())
    )
    assert max(map(len, attached.blobs)) > 12 * 1024 * 1024
    store(world, "app/web", attached)
    world.rounds(2)
    assert world.status("app/web:1.0").state is AnswerState.PASSED
    (found,) = sboms(world, digest).items
    assert (found.components, found.trust) == (10_000, Trust.SIGNED)


def test_attested_scan_reports_and_vex_are_evidence_and_what_cannot_be_read_is_an_anomaly(
    world: World,
) -> None:
    digest = world.push("app/web", "1.0")
    name = f"{world.registry.host}/app/web"
    report = {
        "scanner": {"uri": "pkg:trivy", "result": {"SchemaVersion": 2, "Results": []}},
        "metadata": {"scanFinishedOn": "2026-01-01T00:00:00Z"},
    }
    statement = {
        "vulnerability": {"name": "CVE-1"},
        "products": [{"@id": "pkg:npm/a"}],
        "status": "fixed",
    }
    openvex = {"@context": "https://openvex.dev/ns/v0.2.0", "author": "Team", "statements": [statement]}
    layers = [
        attestation_layer(ALICE, name, digest, "https://cosign.sigstore.dev/attestation/vuln/v1", report),
        attestation_layer(ALICE, name, digest, "https://openvex.dev/ns", openvex),
        attestation_layer(ALICE, name, digest, "https://openvex.dev/ns/v0.2.0", {"statements": []}),
    ]
    store(world, "app/web", tagged(digest, layers, ".att"))
    root = evidence(world, digest).root
    (attested,) = root.reports
    assert (attested.report.format, attested.report.vulnerabilities) == ("cosign-vuln trivy", ())
    (vex,) = root.vex
    assert [said.status for said in vex.content.statements] == ["fixed"]
    signatures = {item.signature for item in candidates(world, digest).items}
    assert {*attested.signatures, *vex.signatures} <= signatures
    assert ("vex-malformed",) in {item.anomalies for item in candidates(world, digest).items}


@pytest.mark.parametrize(
    ("media_type", "content"),
    [
        ("text/spdx", b"Sometext: 1\n"),
        ("application/vnd.cyclonedx+xml", b'<?xml version="1.0"?><bom/>'),
        ("application/vnd.syft+json", b'{"components":[],"schema":{"version":"16.0.0"}}'),
    ],
)
def test_an_sbom_in_a_format_that_is_not_read_is_named_as_such(
    world: World, media_type: str, content: bytes
) -> None:
    ask_for_sboms(world, SbomMissing())
    built = image({"a": "b"}, user="1000")
    digest = world.push("app/web", "1.0", built=built)
    referrer(built, media_type, content).store_in(world.registry.store, "app/web")
    world.rounds(2)

    found = sboms(world, digest)
    assert found.gap is None
    (sbom,) = found.items
    assert (sbom.format, sbom.components, sbom.trust) == (media_type, 0, Trust.UNSIGNED)
    answer = world.status("app/web:1.0")
    assert answer.reason_code == "sbom-unreadable"


def test_a_signed_sbom_in_a_format_that_is_not_read_is_named_by_its_predicate(world: World) -> None:
    ask_for_sboms(world, SbomMissing())
    digest = world.push("app/web", "1.0")
    layer = attestation_layer(
        ALICE,
        f"{world.registry.host}/app/web",
        digest,
        "https://spdx.dev/Document",
        "SPDXVersion: SPDX-1.2\n",
    )
    store(world, "app/web", tagged(digest, [layer], ".att"))
    world.rounds(2)
    (candidate,) = candidates(world, digest).items
    assert candidate.outcome is Outcome.VERIFIED
    (sbom,) = sboms(world, digest).items
    assert (sbom.format, sbom.components, sbom.trust) == ("https://spdx.dev/Document", 0, Trust.SIGNED)


def test_junk_that_bears_the_name_of_a_format_is_not_read_as_one(world: World) -> None:
    ask_for_sboms(world, SbomMissing(minimum_components=0))
    built = image({"a": "b"}, user="1000")
    digest = world.push("app/web", "1.0", built=built)
    junk = referrer(built, "application/spdx+json", b"nothing", media_type="spdx-json")
    junk.store_in(world.registry.store, "app/web")
    world.rounds(2, every=SETTLE)
    assert world.status(f"app/web@{digest}").reason_code == "sbom-unreadable"


@pytest.mark.parametrize("limits", [{"attached": 5}, {"attached_bytes": 2_000}])
def test_all_that_hangs_on_an_index_and_its_children_has_one_ceiling(
    world: World, limits: dict[str, int]
) -> None:
    children = [image({"a": "1"}), image({"a": "2"}, platform="linux/arm64")]
    digest = world.push("app/web", "1.0", built=index(children))
    for child in children:
        for number in range(3):
            content = json.dumps(
                {"bomFormat": "CycloneDX", "specVersion": "1.6", "x": "y" * 500, "n": number}
            )
            referrer(child, "application/vnd.cyclonedx+json", content.encode()).store_in(
                world.registry.store, "app/web"
            )

    def junk(node: NodeEvidence) -> bool:
        return (
            isinstance(node.sboms, Sboms)
            and node.sboms.gap is not None
            and node.sboms.gap.cause is Cause.JUNK
        )

    assert [junk(child) for child in evidence(world, digest).children] == [False, False]
    assert [junk(child) for child in evidence(world, digest, **limits).children] == [
        limits == {"attached": 5},
        True,
    ]
