"""Verdicts hung on their images: when, in which form, once, superseded, taken away; never a reason to judge again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.core.attesting import AttachForm, AttestingTerms
from gatekeeper.core.digest import Digest
from gatekeeper.core.evidence import Candidates
from gatekeeper.core.lifecycle import Decision, Intent, IntentState
from gatekeeper.core.manifest import OCI_MANIFEST, Descriptor, ImageManifest, Manifest, parse_manifest
from gatekeeper.core.policy import Action, Mode, RuleSet
from gatekeeper.core.rules.user_root import UserRoot
from gatekeeper.core.verification_summary import SummaryResult, VerificationSummary
from gatekeeper.demo.registry import Behaviour
from gatekeeper.ports import Rewrite
from gatekeeper.signatures.attaching import appended, bundle_referrer
from gatekeeper.signatures.attestor import KeyAttestor
from gatekeeper.signatures.signing import SigningKey, attestation_layer, sign_with, signature_bundle, tagged
from gatekeeper.workflow.attested import Look
from gatekeeper.workflow.collect import collect
from gatekeeper.workflow.hold import hold_off, hold_on
from gatekeeper.workflow.workroom import Attesting
from tests.integration.workflow.world import ALICE, MALLORY, START, World, a_world, policy_of

VSA = SigningKey.generate("vsa.pub")
TERMS = AttestingTerms("https://gatekeeper.example.test", "https://gatekeeper.example.test/policy", "0")
LONG = timedelta(hours=7)


@contextmanager
def an_attesting_world(directory: Path, behaviour: Behaviour | None = None, **terms: Any) -> Iterator[World]:
    with a_world(directory, behaviour) as world:
        attesting(world, **terms)
        yield world


def attesting(world: World, **terms: Any) -> None:
    """As after a restart with another ``[signing]``."""
    signer = KeyAttestor(lambda: (VSA.to_pem(), None))
    room = replace(world.app.room, attesting=Attesting(replace(TERMS, **terms), signer))
    world.app = replace(world.app, room=room)


def summaries(world: World, path: str, digest: Digest) -> list[VerificationSummary]:
    """Ours, as they lie in the registry, newest first."""
    room = world.app.room
    assert room.attesting is not None
    look = Look(
        room.registries.get(world.registry.host),
        world.repository(path),
        room.signatures,
        room.attesting.signer,
        1 << 20,
        world.clock.now(),
    )
    stored = world.registry.store.manifest(path, str(digest))
    assert stored is not None
    return [own.summary for own in look.at(Descriptor(stored.media_type, digest, len(stored.raw))).ours]


def sign(world: World, path: str, digest: Digest, *, bundle: bool) -> None:
    """As a client does: found by the referrers API or by the fallback tag, whichever there is."""
    if not bundle:
        world.sign(path, digest)
        return
    registry = world.app.room.registries.get(world.registry.host)
    subject = registry.manifest(path, digest)
    attachment = signature_bundle(
        ALICE, Descriptor(subject.media_type, digest, len(subject.raw)), created=world.clock.now()
    )
    for blob in attachment.blobs:
        registry.put_blob(path, blob)
    registry.attach(
        path, parse_manifest(attachment.manifest, content_type=OCI_MANIFEST, expected=attachment.digest)
    )


def newest(world: World, path: str, digest: Digest) -> Intent | None:
    return world.app.room.store.newest_attestation(world.repository(path), digest)


BEHAVIOURS = {"referrers API": Behaviour(), "fallback tags": Behaviour.docker_registry_2()}


@pytest.fixture(params=BEHAVIOURS, ids=str)
def behaviour(request: pytest.FixtureRequest) -> Behaviour:
    return BEHAVIOURS[request.param]


@pytest.mark.parametrize("bundle", [False, True], ids=["legacy signature", "bundle"])
def test_a_passed_verdict_is_attached_once_in_the_form_that_is_there(
    tmp_path: Path, behaviour: Behaviour, bundle: bool
) -> None:
    with an_attesting_world(tmp_path, behaviour) as world:
        digest = world.push("app/web", "1.0")
        sign(world, "app/web", digest, bundle=bundle)
        world.rounds(2)
        (summary,) = summaries(world, "app/web", digest)
        assert summary.result is SummaryResult.PASSED
        assert summary.verifier == TERMS.verifier
        assert str(summary.policy_digest) == world.policy.revision
        assert world.repository("app/web").path in summary.resource
        has_tag = f"{digest.tag_form}.att" in world.registry.store.tags("app/web")
        assert has_tag is not bundle
        world.rounds(3)
        world.rounds(2, every=LONG)
        assert len(summaries(world, "app/web", digest)) == 1
        assert world.status("app/web:1.0").state == "passed"


def test_our_own_attestation_makes_no_subject_due_and_is_no_evidence(
    tmp_path: Path, behaviour: Behaviour
) -> None:
    with an_attesting_world(tmp_path, behaviour) as world:
        both = {bundle: world.push(f"app/{bundle}".lower(), "1.0") for bundle in (False, True)}
        for bundle, digest in both.items():
            sign(world, f"app/{bundle}".lower(), digest, bundle=bundle)
        world.rounds(1)
        decided = {bundle: world.status(f"app/{bundle}".lower() + ":1.0").decided_at for bundle in both}
        world.rounds(4)
        for bundle, digest in both.items():
            path = f"app/{bundle}".lower()
            assert len(summaries(world, path, digest)) == 1
            answer = world.status(f"{path}:1.0")
            assert answer.decided_at == decided[bundle], "it was judged again because of our own write"
        world.rounds(1, every=LONG)
        for bundle, digest in both.items():
            path = f"app/{bundle}".lower()
            row = world.app.room.store.status(world.repository(path), digest, now=world.clock.now())
            assert row is not None
            assert row.verdict is not None
            assert row.verdict.decided_at != decided[bundle]
            room = world.app.room
            scoped = room.policy().resolve(world.repository(path))
            assert scoped is not None
            found = collect(room.collector, world.repository(path), digest, scoped, room.policy())
            assert isinstance(found.evidence.root.signatures, Candidates)
            assert [one.predicate_type for one in found.evidence.root.signatures.items] == [
                "https://sigstore.dev/cosign/sign/v1" if bundle else None
            ]


def test_nothing_where_there_is_no_cosign_signature_or_no_enforcement(tmp_path: Path) -> None:
    with an_attesting_world(tmp_path) as world:
        scope, rules = world.policy.scopes[0], RuleSet("default", (UserRoot(),))
        world.policy = policy_of(scope, rules=rules)
        unsigned = world.push("app/unsigned", "1.0")
        world.rounds(2)
        assert newest(world, "app/unsigned", unsigned) is None
        world.policy = policy_of(replace(scope, mode=Mode.OBSERVE), rules=rules)
        watched = world.good("app/watched", "1.0")
        world.registry.clear_requests()
        world.rounds(2)
        assert newest(world, "app/watched", watched) is None
        assert set(world.methods()) <= {"GET", "HEAD"}
        world.policy = policy_of(replace(scope, protected_repositories=("**/app/watched",)), rules=rules)
        attesting(world, unsigned=AttachForm.BUNDLE)
        world.rounds(2)
        assert len(summaries(world, "app/unsigned", unsigned)) == 1
        assert newest(world, "app/watched", watched) is None


@pytest.mark.parametrize("keep", [0, 2])
@pytest.mark.parametrize("bundle", [False, True], ids=["legacy signature", "bundle"])
def test_another_policy_supersedes_and_only_so_many_are_kept(
    tmp_path: Path, behaviour: Behaviour, bundle: bool, keep: int
) -> None:
    with an_attesting_world(tmp_path, behaviour, keep=keep) as world:
        digest = world.push("app/web", "1.0")
        sign(world, "app/web", digest, bundle=bundle)
        revisions = []
        for hours in range(4):
            world.scope(recheck_after=timedelta(hours=20 + hours))
            world.rounds(2)
            revisions.append(world.policy.revision)
        found = [str(summary.policy_digest) for summary in summaries(world, "app/web", digest)]
        assert found == revisions[::-1][: keep + 1]
        assert world.status("app/web:1.0").state == "passed"


def test_a_hold_stops_it_and_nothing_is_lost(tmp_path: Path) -> None:
    with an_attesting_world(tmp_path) as world:
        digest = world.good("app/web", "1.0")
        hold_on(world.app.room, actor="rita", reason="look first")
        world.registry.clear_requests()
        world.rounds(2)
        assert set(world.methods()) <= {"GET", "HEAD"}
        planned = newest(world, "app/web", digest)
        assert planned is not None
        assert planned.state is IntentState.PLANNED
        hold_off(world.app.room, actor="rita", reason="fine")
        world.rounds(2)
        assert len(summaries(world, "app/web", digest)) == 1


def test_above_the_cap_they_wait_their_turn(tmp_path: Path) -> None:
    with an_attesting_world(tmp_path, per_hour=2) as world:
        digests = [world.good("app/web", f"1.{number}", text=str(number)) for number in range(5)]

        def attached() -> int:
            return sum(len(summaries(world, "app/web", digest)) for digest in digests)

        world.rounds(3)
        assert attached() == 2
        world.rounds(1, every=timedelta(hours=1))
        assert attached() == 4
        world.rounds(1, every=timedelta(hours=1))
        assert attached() == 5


def test_a_failed_verdict_is_attached_only_where_that_was_asked_for(tmp_path: Path) -> None:
    with an_attesting_world(tmp_path, failed=True) as world:
        world.scope(action=Action.REPORT)
        bad = world.push("app/web", "1.0", user="0")
        world.sign("app/web", bad)
        world.rounds(2)
        assert [summary.result for summary in summaries(world, "app/web", bad)] == [SummaryResult.FAILED]
        assert summaries(world, "app/web", bad)[0].levels == ("FAILED",)


def test_a_quarantined_image_loses_its_summary_even_when_it_passes(tmp_path: Path) -> None:
    with an_attesting_world(tmp_path) as world:
        digest = world.push("app/web", "1.0")
        world.settle()
        assert world.case().state == "open"
        world.sign("app/web", digest)
        world.rounds(3)
        assert summaries(world, "app/web", digest) == []
        world.app.review(world.case().id, Decision.RELEASE, actor="rita", reason="signed now")
        world.rounds(3)
        assert len(summaries(world, "app/web", digest)) == 1


def test_what_others_wrote_into_the_tag_stays(tmp_path: Path) -> None:
    with an_attesting_world(tmp_path, Behaviour.docker_registry_2()) as world:
        digest = world.good("app/web", "1.0")
        name, path = f"{world.registry.host}/app/web", "app/web"
        others = [
            attestation_layer(MALLORY, name, digest, f"https://example.test/{number}", {"number": number})
            for number in range(3)
        ]
        attachment = tagged(digest, others, ".att")
        registry = world.app.room.registries.get(world.registry.host)
        for blob in attachment.blobs:
            registry.put_blob(path, blob)
        assert attachment.tag is not None
        registry.put_manifest(path, attachment.manifest, attachment.media_type, tag=attachment.tag)
        world.rounds(2)
        assert len(summaries(world, path, digest)) == 1
        attesting(world, failed=False)
        world.scope(recheck_after=timedelta(hours=20))
        world.rounds(2)
        written = registry.manifest_at(path, attachment.tag)
        assert isinstance(written, ImageManifest)
        assert [layer.digest for layer in written.layers[:3]] == [Digest.of(one.content) for one in others]
        assert len(written.layers) == 4
        config = json.loads(registry.blob(path, written.config, cap=1 << 20))
        assert config["rootfs"]["diff_ids"] == [str(layer.digest) for layer in written.layers]
        assert len(config["history"]) == 4


def test_a_summary_that_is_there_already_is_not_written_again(tmp_path: Path, behaviour: Behaviour) -> None:
    """A database that was lost, or a crash between the write and its record."""
    with an_attesting_world(tmp_path, behaviour) as world:
        digest = world.good("app/web", "1.0")
        world.rounds(1)
        first = summaries(world, "app/web", digest)
        intent = newest(world, "app/web", digest)
        assert intent is not None
        again = replace(intent.draft, nonce="f" * 16)
        world.app.room.store.add_intents((again,), now=world.clock.now())
        world.registry.clear_requests()
        world.rounds(1)
        assert summaries(world, "app/web", digest) == first
        assert set(world.methods()) <= {"GET", "HEAD"}


def test_many_attach_at_once_and_nobody_is_lost(tmp_path: Path, behaviour: Behaviour) -> None:
    """Our writer and eight others on the same ``.att`` tag and the same fallback index."""
    with an_attesting_world(tmp_path, behaviour) as world:
        digest = world.good("app/web", "1.0")
        path, room = "app/web", world.app.room
        registry = room.registries.get(world.registry.host)
        subject = registry.manifest(path, digest)
        described = Descriptor(subject.media_type, digest, len(subject.raw))
        tag = f"{digest.tag_form}.att"

        def attach(number: int) -> None:
            key = SigningKey.generate(f"{number}.pub")
            statement = json.dumps({
                "_type": "https://in-toto.io/Statement/v1", "subject": [{"digest": {"sha256": digest.encoded}}],
                "predicateType": "https://example.test/v1", "predicate": {"number": number},
            }).encode()  # fmt: skip
            signed = sign_with(key, statement, "https://example.test/v1")
            layer = Digest.of(signed.envelope)

            def change(current: Manifest | None) -> Rewrite | None:
                assert current is None or isinstance(current, ImageManifest)
                if current is not None and any(one.digest == layer for one in current.layers):
                    return None
                config = b"" if current is None else registry.blob(path, current.config, cap=1 << 20)
                made = appended(current, config, signed.envelope, signed.annotations, subject=digest)
                for blob in made.blobs:
                    registry.put_blob(path, blob)
                return Rewrite(made.manifest, made.media_type)

            registry.rewrite(path, tag, change)
            made = bundle_referrer(signed.bundle, described, "https://example.test/v1", created=START)
            for blob in made.blobs:
                registry.put_blob(path, blob)
            registry.attach(
                path, parse_manifest(made.manifest, content_type=OCI_MANIFEST, expected=made.digest)
            )

        with ThreadPoolExecutor(9) as pool:
            work = [pool.submit(attach, number) for number in range(8)]
            work.append(pool.submit(world.rounds, 2))
            for done in work:
                done.result()
        world.rounds(2)
        assert len(summaries(world, path, digest)) == 1
        written = registry.manifest_at(path, tag)
        assert isinstance(written, ImageManifest)
        referrers = registry.referrers(path, digest)
        bundles = [one for one in referrers.items if one.tag is None]
        assert len(written.layers) + len(bundles) == 8 + 8 + 1


def test_a_failed_verdict_takes_the_old_summary_away_and_says_nothing(
    tmp_path: Path, behaviour: Behaviour
) -> None:
    with an_attesting_world(tmp_path, replace(behaviour, digest_delete=True)) as world:
        world.scope(action=Action.REPORT)
        for bundle in (False, True):
            sign(
                world,
                "app/web",
                world.push("app/web", f"b-{bundle}".lower(), text=str(bundle)),
                bundle=bundle,
            )
        digests = [
            Digest.parse(str(world.shown("app/web", f"b-{bundle}".lower()))) for bundle in (False, True)
        ]
        world.rounds(2)
        assert [len(summaries(world, "app/web", digest)) for digest in digests] == [1, 1]
        rules = (*world.policy.rule_sets["default"].rules, _never())
        world.policy = policy_of(world.policy.scopes[0], rules=RuleSet("default", rules))
        world.rounds(2)
        assert [world.status(f"app/web@{digest}").state for digest in digests] == ["failed", "failed"]
        assert [summaries(world, "app/web", digest) for digest in digests] == [[], []]
        assert f"{digests[0].tag_form}.att" not in world.registry.store.tags("app/web")
        world.rounds(3)
        assert [summaries(world, "app/web", digest) for digest in digests] == [[], []]


def _never() -> Any:
    from gatekeeper.core.rules.required_label_missing import RequiredLabelMissing

    return RequiredLabelMissing(labels=("org.example.never",))
