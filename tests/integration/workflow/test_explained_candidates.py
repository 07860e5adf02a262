"""What ``check`` and ``explain`` say of every signature and attestation that hangs on an image."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from gatekeeper.core.canonical import to_plain
from gatekeeper.core.policy import Action, Policy
from gatekeeper.core.reference import Reference
from gatekeeper.core.signer import Signer
from gatekeeper.workflow.check import explained_check
from tests.integration.workflow.world import ALICE, MALLORY, World


def _plain(value: object) -> dict[str, Any]:
    plain = json.loads(json.dumps(to_plain(value)))
    assert isinstance(plain, dict)
    return plain


def test_every_candidate_is_shown_with_what_became_of_it_and_what_to_do(world: World) -> None:
    world.scope(action=Action.REPORT)
    digest = world.push("app/web", "1.0")
    world.sign("app/web", digest)
    world.sign("app/web", digest, key=MALLORY, bundle=True)
    world.rounds(2)
    reference = Reference(world.repository("app/web"), "1.0", None)
    explained = _plain(world.app.explain(reference))
    good, strange = sorted(explained["candidates"], key=lambda one: one["outcome"], reverse=True)

    assert (good["form"], good["outcome"], good["reason_code"]) == (
        "cosign-signature-tag",
        "verified",
        "signature-verified",
    )
    assert (good["about"], good["purpose"], good["key_ids"]) == (str(digest), "signature", [ALICE.public.id])
    assert (good["signers"], good["why_not"], good["next"]) == (["alice"], "", "")
    assert good["found_at"] == ["cosign-tag"]
    assert good["first_seen"]
    for name in ("identity", "issuer", "log_index", "logged_at", "timestamped_at", "signed_at"):
        assert good[name] is None

    assert (strange["form"], strange["outcome"], strange["reason_code"]) == (
        "sigstore-bundle",
        "refused",
        "signature-not-by-trusted-key",
    )
    assert strange["signers"] == []
    assert strange["why_not"] == strange["detail"]
    assert strange["next"]

    checked = _plain(explained_check(world.app.room.collector, world.policy, reference))
    assert checked["candidates"] == [{**one, "first_seen": None} for one in explained["candidates"]]


def test_a_verified_signature_that_speaks_for_nobody_says_why(world: World) -> None:
    world.scope(action=Action.REPORT)
    world.good("app/web", "1.0")
    world.rounds(2)
    reference = Reference(world.repository("app/web"), "1.0", None)
    (found,) = world.app.explain(reference).candidates
    assert found.signers == ("alice",)
    world.policy = _retired(world)
    (found,) = explained_check(world.app.room.collector, world.policy, reference).candidates
    assert found.signers == ()
    assert "is retired since" in found.why_not


def _retired(world: World) -> Policy:
    key = dataclasses.replace(world.policy.signers["alice"].keys[0], retired_at=world.clock.now())
    return dataclasses.replace(world.policy, signers={"alice": Signer("alice", (key,))})
