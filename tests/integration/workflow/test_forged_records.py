"""A pusher may write what looks like a record of ours: it never makes an answer better."""

from gatekeeper.core.digest import Digest
from gatekeeper.core.lifecycle import IntentDraft, IntentKind
from gatekeeper.core.manifest import OCI_MANIFEST
from gatekeeper.core.tombstone import tombstone
from gatekeeper.workflow.answer import AnswerState
from tests.integration.workflow.world import World


def forge(world: World, path: str, tag: str, names: Digest) -> None:
    draft = IntentDraft(
        kind=IntentKind.QUARANTINE,
        repository=world.repository(path),
        digest=names,
        tag=tag,
        expected=names,
        replacement=None,
        target=None,
        target_tag=None,
        nonce="0" * 16,
        case_id="forged",
        actor="mallory",
        reason="none",
    )
    world.registry.store.put_blob(path, b"{}")
    world.registry.store.put_manifest(path, tombstone(draft), OCI_MANIFEST, tags=[tag])


def test_a_forged_tombstone_of_a_passed_digest_does_not_pass(world: World) -> None:
    good = world.good("app/web", "1.0")
    world.rounds(2)
    forge(world, "app/web", "2.0", good)
    world.rounds(2)
    answer = world.status("app/web:2.0")
    assert (answer.state, answer.exit_code) == (AnswerState.QUARANTINED, 1)
    assert world.status("app/web:1.0").state is AnswerState.PASSED


def test_a_forged_tombstone_of_a_quarantined_digest_answers_with_its_case(world: World) -> None:
    bad = world.push("app/web", "1.0", user="0")
    world.rounds(2)
    forge(world, "app/web", "2.0", bad)
    answer = world.status("app/web:2.0")
    assert (answer.state, answer.digest) == (AnswerState.QUARANTINED, bad)
    assert answer.case == world.case()
