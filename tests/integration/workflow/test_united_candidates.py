"""Signatures in every place and form are found, each once; junk hides nothing; caps are configured."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from gatekeeper.core.digest import Digest
from gatekeeper.core.evidence import Form, Outcome
from gatekeeper.core.manifest import OCI_EMPTY, OCI_INDEX, OCI_MANIFEST
from gatekeeper.core.policy import Action
from gatekeeper.core.reference import Reference
from gatekeeper.demo.images import image
from gatekeeper.workflow.answer import AnswerState
from gatekeeper.workflow.check import explained_check
from gatekeeper.workflow.explain import Explanation
from gatekeeper.workflow.workroom import TAG_LIST_AGE
from tests.integration.workflow.world import MALLORY, World


def _checked(world: World, path: str = "app/web", tag: str = "1.0") -> Explanation:
    reference = Reference(world.repository(path), tag, None)
    return explained_check(world.app.room.collector, world.policy, reference)


def _elsewhere(world: World, path: str = "signatures") -> None:
    world.scope(action=Action.REPORT, signature_repositories=(f"{world.registry.host}/{path}",))


def test_a_signature_in_a_signature_repository_counts(world: World) -> None:
    world.scope(action=Action.REPORT)
    digest = world.push("app/web", "1.0")
    world.sign("signatures", digest, of="app/web")
    assert _checked(world).answer.state is AnswerState.FAILED
    _elsewhere(world)
    found = _checked(world)
    assert found.answer.state is AnswerState.PASSED
    (candidate,) = found.candidates
    assert candidate.found_at == (f"cosign-tag of {world.registry.host}/signatures",)


def test_what_lies_in_both_repositories_is_one_candidate(world: World) -> None:
    _elsewhere(world)
    digest = world.push("app/web", "1.0")
    world.sign("app/web", digest)
    world.sign("signatures", digest, of="app/web")
    (candidate,) = _checked(world).candidates
    assert candidate.found_at == ("cosign-tag", f"cosign-tag of {world.registry.host}/signatures")


def test_a_signature_repository_for_each_image(world: World) -> None:
    _elsewhere(world, "mirror/{repository}")
    digest = world.push("app/web", "1.0")
    world.sign("mirror/app/web", digest, of="app/web", bundle=True)
    assert _checked(world).answer.state is AnswerState.PASSED


def test_an_unconfigured_signature_repository_leaves_the_image_undetermined(world: World) -> None:
    world.scope(action=Action.REPORT, signature_repositories=("elsewhere.test/signatures",))
    world.push("app/web", "1.0")
    answer = _checked(world).answer
    assert (answer.state, answer.reason_code) == (AnswerState.INDETERMINATE, "referrers-unavailable")
    assert "elsewhere.test is not configured" in answer.message


def test_the_daemon_looks_again_when_a_signature_repository_is_named(world: World) -> None:
    world.scope(action=Action.REPORT)
    digest = world.push("app/web", "1.0")
    world.sign("signatures", digest, of="app/web")
    world.settle()
    assert world.status("app/web:1.0").state is AnswerState.FAILED
    _elsewhere(world)
    world.rounds(2)
    assert world.status("app/web:1.0").state is AnswerState.PASSED


def _junk(world: World, digest: Digest, count: int) -> None:
    for _ in range(count):
        world.clock.advance(world.app.room.limits.interval)
        world.sign("app/web", digest, key=MALLORY, bundle=True)


def _capped(world: World, **limits: Any) -> None:
    room = world.app.room
    world.app = dataclasses.replace(
        world.app,
        room=dataclasses.replace(
            room, limits_in_force=lambda: dataclasses.replace(room.limits_in_force(), **limits)
        ),
    )


def test_junk_hides_no_good_signature_and_too_much_junk_is_no_unsigned(world: World) -> None:
    world.scope(action=Action.REPORT)
    digest = world.push("app/web", "1.0")
    _junk(world, digest, 6)
    _capped(world, referrers=4)
    answer = _checked(world).answer
    assert (answer.state, answer.reason_code) == (AnswerState.INDETERMINATE, "referrers-unavailable")
    world.sign("app/web", digest)
    world.clock.advance(TAG_LIST_AGE)
    assert _checked(world).answer.state is AnswerState.PASSED
    _capped(world, referrers=256)
    found = _checked(world)
    assert found.answer.state is AnswerState.PASSED
    assert sorted(one.outcome for one in found.candidates) == [Outcome.REFUSED] * 6 + [Outcome.VERIFIED]


def test_other_referrers_do_not_push_signatures_out(world: World) -> None:
    world.scope(action=Action.REPORT)
    digest = world.push("app/web", "1.0")
    store = world.registry.store
    subject = store.manifest("app/web", str(digest))
    assert subject is not None
    store.put_blob("app/web", b"{}")
    empty = {"mediaType": OCI_EMPTY, "digest": str(Digest.of(b"{}")), "size": 2}
    for number in range(40):
        other = {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "artifactType": "application/vnd.example.report",
            "config": empty,
            "layers": [empty],
            "subject": {"mediaType": OCI_MANIFEST, "digest": str(digest), "size": len(subject.raw)},
            "annotations": {"number": str(number)},
        }
        store.put_manifest("app/web", json.dumps(other).encode(), OCI_MANIFEST, tags=())
    world.sign("app/web", digest, bundle=True)
    _capped(world, referrers=4)
    assert _checked(world).answer.state is AnswerState.PASSED


def test_what_buildkit_says_is_shown_and_not_believed(world: World) -> None:
    world.scope(action=Action.REPORT)
    store = world.registry.store
    built = image({"etc/motd": "x"}, user="1000")
    child = built.store_in(store, "app/web")
    statement = json.dumps({"_type": "https://in-toto.io/Statement/v0.1"}).encode()
    config = b"{}"
    for blob in (statement, config):
        store.put_blob("app/web", blob)
    layer = {
        "mediaType": "application/vnd.in-toto+json",
        "digest": str(Digest.of(statement)),
        "size": len(statement),
        "annotations": {"in-toto.io/predicate-type": "https://slsa.dev/provenance/v1"},
    }
    attestation = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": {
                "mediaType": "application/vnd.oci.image.config.v1+json",
                "digest": str(Digest.of(config)),
                "size": len(config),
            },
            "layers": [layer],
        }
    ).encode()
    store.put_manifest("app/web", attestation, OCI_MANIFEST, tags=())
    stored = store.manifest("app/web", str(child))
    assert stored is not None
    index = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": OCI_INDEX,
            "manifests": [
                {
                    "mediaType": OCI_MANIFEST,
                    "digest": str(child),
                    "size": len(stored.raw),
                    "platform": {"os": "linux", "architecture": "amd64"},
                },
                {
                    "mediaType": OCI_MANIFEST,
                    "digest": str(Digest.of(attestation)),
                    "size": len(attestation),
                    "platform": {"os": "unknown", "architecture": "unknown"},
                    "annotations": {
                        "vnd.docker.reference.type": "attestation-manifest",
                        "vnd.docker.reference.digest": str(child),
                    },
                },
            ],
        }
    ).encode()
    store.put_manifest("app/web", index, OCI_INDEX, tags=("1.0",))
    found = _checked(world)
    (candidate,) = found.candidates
    assert (candidate.form, candidate.outcome) == (Form.BUILDKIT_ATTESTATION, Outcome.SKIPPED)
    assert candidate.predicate_type == "https://slsa.dev/provenance/v1"
    assert candidate.next
    assert found.answer.reason_code == "signature-missing"
