"""Could-not-ask is not no; junk is no hiding place."""

from datetime import timedelta

from gatekeeper.core.lifecycle import CaseState, IntentKind, IntentState
from gatekeeper.demo.images import Built, artifact, image, index
from gatekeeper.demo.registry import Match
from gatekeeper.demo.registry_faults import Status
from gatekeeper.workflow.answer import AnswerState
from tests.integration.workflow.world import MALLORY, MINUTE, SETTLE, World


def test_an_outage_never_quarantines(world: World) -> None:
    world.push("app/web", "1.0")
    fault = world.registry.faults.add(Match("GET", "/referrers/|\\.sig"), Status(503))
    world.rounds(2)
    world.rounds(4, every=timedelta(hours=24))
    answer = world.status("app/web:1.0")
    assert answer.exit_code == 4
    assert world.cases() == []

    world.registry.faults.remove(fault)
    world.settle()
    assert world.tombstone("app/web", "1.0")


def test_an_outage_of_the_whole_registry_changes_no_answer_but_its_age(world: World) -> None:
    world.good("app/web", "1.0")
    world.rounds(2)
    fault = world.registry.faults.add(Match(), Status(503))
    world.rounds(3)
    world.registry.faults.remove(fault)
    assert world.status("app/web:1.0").state is AnswerState.PASSED
    assert world.cases() == []


def test_junk_is_indeterminate_and_becomes_a_proposal_after_a_day(world: World) -> None:
    raw = image({"a": "b"}).raw[:-1] + b',"schemaVersion":2}'
    world.registry.store.put_manifest(
        "app/web", raw, "application/vnd.oci.image.manifest.v1+json", tags=["1.0"]
    )
    world.rounds(2)
    assert world.status("app/web:1.0").exit_code == 4
    world.rounds(1, every=timedelta(hours=23))
    assert world.cases() == []
    world.rounds(2, every=timedelta(hours=1))
    case = world.case()
    assert (case.state, case.why_proposed) == (CaseState.PROPOSED, "indeterminate-by-content")


def test_malformed_referrers_do_not_keep_an_image_from_quarantine(world: World) -> None:
    bad = world.push("app/web", "1.0", user="0")
    junk = b'{"schemaVersion":2,"schemaVersion":2,"subject":{"digest":"' + str(bad).encode() + b'"}}'
    world.registry.store.put_manifest(
        "app/web",
        junk,
        "application/vnd.oci.image.manifest.v1+json",
        tags=[f"{bad.tag_form}.sig"],
    )
    world.rounds(1)
    world.rounds(2, every=SETTLE)
    assert world.tombstone("app/web", "1.0")
    assert str(bad) in {world.shown("app/web", tag) for tag in world.ours("app/web")}


def test_a_referrer_that_is_listed_and_not_there_does_not_keep_an_image_from_quarantine(world: World) -> None:
    bad = world.push("app/web", "1.0", user="0")
    world.sign("app/web", bad, key=MALLORY, bundle=True)
    (referrer,) = world.registry.store.referrers("app/web", str(bad))
    world.registry.faults.add(Match("GET", f"manifests/{referrer.digest}"), Status(404))
    world.rounds(1)
    assert world.shown("app/web", "1.0") == str(bad), "one 404 is not gone"
    world.rounds(2)
    assert world.tombstone("app/web", "1.0")
    (intent,) = world.intents(world.case(), IntentKind.QUARANTINE)
    assert str(bad) in {world.shown("app/web", tag) for tag in world.ours("app/web")}
    assert intent.state is IntentState.CONFIRMED


def test_a_runnable_image_at_a_signature_tag_is_judged(world: World) -> None:
    good = world.good("app/web", "1.0")
    hostile = world.push("app/web", f"sha256-{'a' * 64}.sig", user="0", text="hostile")
    world.rounds(2)
    assert world.status(f"app/web@{hostile}").state is AnswerState.QUARANTINED
    assert world.status(f"app/web@{good}").state is AnswerState.PASSED


def test_an_image_at_a_tag_named_like_ours_is_judged(world: World) -> None:
    hostile = world.push("app/web", "gatekeeper-hold-0000000000000001-0", user="0", text="hostile")
    world.rounds(2)
    assert world.status(f"app/web@{hostile}").state is AnswerState.QUARANTINED


def test_charts_are_left_alone_unless_the_scope_judges_artifacts(world: World) -> None:
    chart = _chart()
    world.push("app/chart", "1.0", built=chart)
    world.rounds(2)
    answer = world.status("app/chart:1.0")
    assert (answer.state, answer.reason_code) == (AnswerState.NOT_COVERED, "not-an-image")


def _chart() -> Built:
    return artifact([], artifact_type="application/vnd.cncf.helm.config.v1+json")


def test_an_index_is_judged_by_its_children(world: World) -> None:
    both = index([image({"a": "1"}), image({"a": "1"}, user="0", platform="linux/arm64")])
    digest = world.push("app/web", "1.0", built=both)
    world.sign("app/web", digest)
    world.rounds(1)
    answer = world.status("app/web:1.0")
    assert answer.state is AnswerState.QUARANTINED
    assert answer.verdict is not None
    failed = [finding for finding in answer.verdict.findings if finding.counts]
    assert [finding.platform for finding in failed] == ["linux/arm64"]
    for child in both.children:
        world.registry.store.collect_untagged("app/web")
        assert world.registry.store.manifest("quarantine/app/web", child.digest) is not None
        assert world.registry.store.manifest("app/web", child.digest) is not None


def test_a_signature_of_one_child_does_not_sign_the_index(world: World) -> None:
    both = index([image({"a": "1"}), image({"a": "1"}, platform="linux/arm64")])
    world.push("app/web", "1.0", built=both)
    from gatekeeper.core.digest import Digest

    world.sign("app/web", Digest.parse(both.children[0].digest))
    world.settle()
    assert world.tombstone("app/web", "1.0")


def test_a_status_question_about_an_unseen_digest_puts_it_first_in_line(world: World) -> None:
    world.good("app/web", "1.0")
    world.rounds(1)
    fresh = world.good("app/web", "2.0", text="fresh")
    answer = world.status("app/web:2.0")
    assert (answer.state, answer.exit_code) == (AnswerState.UNKNOWN, 4)
    world.clock.advance(MINUTE / 60)
    daemon_claims = world.app.run_rounds(1)
    assert daemon_claims >= 1
    assert world.status(f"app/web@{fresh}").state is AnswerState.PASSED


def test_a_wait_runs_out_and_says_so(world: World) -> None:
    world.push("app/web", "1.0")
    world.rounds(1)
    before = world.clock.now()
    answer = world.status("app/web:1.0", wait=MINUTE)
    assert (answer.reason_code, answer.exit_code) == ("wait-ran-out", 4)
    assert world.clock.now() - before == MINUTE


def test_a_repository_outside_every_scope_is_answered_at_once(world: World) -> None:
    world.scope(repositories=("127.0.0.1:*/app/**",))
    world.push("other/web", "1.0")
    answer = world.status("other/web:1.0", wait=MINUTE)
    assert (answer.state, answer.reason_code, answer.exit_code) == (
        AnswerState.NOT_COVERED,
        "scope-missing",
        4,
    )


def test_a_digest_without_tags_that_the_registry_denies_twice_is_forgotten(world: World) -> None:
    digest = world.good("app/web", "1.0")
    world.rounds(2)
    world.registry.store.delete_manifest("app/web", str(digest))
    world.rounds(3)
    where = world.repository("app/web")
    assert world.app.room.store.status(where, digest, now=world.clock.now()) is not None
    world.rounds(3, every=timedelta(hours=6))
    assert world.app.room.store.status(where, digest, now=world.clock.now()) is None
