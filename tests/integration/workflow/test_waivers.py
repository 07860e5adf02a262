"""Waivers and releases that end: honest, narrow, and over to the second."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from gatekeeper.core.errors import ConflictError, MalformedError, NotFoundError
from gatekeeper.core.lifecycle import CaseState, Decision
from gatekeeper.core.policy import Mode
from gatekeeper.core.waiver import WaiverState
from gatekeeper.workflow import waive
from tests.integration.workflow.world import MINUTE, World

DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)


def waived(world: World, **asked: Any) -> waive.ListedWaiver:
    given: dict[str, Any] = {
        "rule": "user-root",
        "digest": None,
        "repositories": None,
        "reason": "ticket 7",
        "owner": "team web",
        "expires_at": world.clock.now() + DAY,
        "actor": "ann",
    }
    return waive.add(world.app.room, **{**given, **asked})


def root(world: World, path: str, tag: str = "1.0") -> Any:
    """Signed, and its user is root."""
    digest = world.push(path, tag, user="0", text=path)
    world.sign(path, digest)
    return digest


def audited(world: World, action: str) -> list[str]:
    rows = world.app.room.store.rows(after=0, limit=10_000)
    return [row.subject for row in rows if row.action == action]


def test_a_waived_image_passes_its_use_is_recorded_and_the_end_holds_to_the_second(world: World) -> None:
    world.scope(mode=Mode.PROPOSE)
    digest = root(world, "app/web")
    end = world.clock.now() + DAY
    made = waived(world, digest=str(digest), expires_at=end)
    world.rounds(1)
    answer = world.status("app/web:1.0")
    assert (answer.state, answer.reason_code, answer.exit_code) == ("passed", "passed-with-waiver", 0)
    (listed,) = waive.listing(world.app.room, ended=False)
    assert (listed.id, listed.uses, listed.owner, listed.state) == (
        made.id,
        1,
        "team web",
        WaiverState.ACTIVE,
    )
    world.rounds(3)
    assert audited(world, "waiver-used") == [f"waiver {made.id}"], "each use by an image is told once"

    world.clock.moment = end - SECOND
    world.app.run_rounds(1)
    assert world.status("app/web:1.0").exit_code == 0
    world.clock.moment = end
    assert world.status("app/web:1.0").exit_code == 4, "before anybody judged anew it does not pass any more"
    world.app.run_rounds(1)
    assert world.status("app/web:1.0").reason_code == "user-root"
    assert waive.listing(world.app.room, ended=False) == ()
    (over,) = waive.listing(world.app.room, ended=True)
    assert over.state is WaiverState.EXPIRED


def test_a_waiver_reaches_what_it_names_and_nothing_else(world: World) -> None:
    world.scope(mode=Mode.PROPOSE)
    for path in ("app/web", "app/api", "lib/web"):
        root(world, path)
    unsigned = world.push("app/unsigned", "1.0", user="0", text="both")
    waived(world, repositories=f"{world.registry.host}/app/*")
    world.settle()
    states = {path: world.status(f"{path}:1.0").exit_code for path in ("app/web", "app/api", "lib/web")}
    assert states == {"app/web": 0, "app/api": 0, "lib/web": 1}
    assert world.status(f"app/unsigned@{unsigned}").reason_code == "signature-missing"


def test_two_waivers_together_accept_nothing_that_neither_accepts_alone(world: World) -> None:
    """One names the digest elsewhere, the other the repository for another rule: their union is no waiver."""
    world.scope(mode=Mode.PROPOSE)
    digest = root(world, "app/web")
    waived(world, digest=str(digest), repositories=f"{world.registry.host}/lib/**")
    waived(world, rule="signature-missing", repositories=f"{world.registry.host}/app/**")
    world.rounds(1)
    assert world.status("app/web:1.0").reason_code == "user-root"


def test_a_waiver_puts_nothing_back_by_itself_but_proposes_it(world: World) -> None:
    root(world, "app/web")
    world.rounds(2)
    assert world.tombstone("app/web", "1.0")
    waived(world, repositories=f"{world.registry.host}/app/web")
    world.rounds(2)
    assert world.tombstone("app/web", "1.0")
    assert "release is proposed" in world.status(f"app/web@{world.case().digest}").message


def test_revoked_it_accepts_nothing_at_once(world: World) -> None:
    world.scope(mode=Mode.PROPOSE)
    digest = root(world, "app/web")
    made = waived(world, digest=str(digest))
    world.rounds(1)
    assert world.status("app/web:1.0").exit_code == 0
    revoked = waive.revoke(world.app.room, made.id, actor="bob", reason="not any more")
    assert revoked.state is WaiverState.REVOKED
    assert world.status("app/web:1.0").exit_code == 4
    world.rounds(1)
    assert world.status("app/web:1.0").exit_code == 1
    with pytest.raises(ConflictError):
        waive.revoke(world.app.room, made.id, actor="bob", reason="again")
    with pytest.raises(NotFoundError):
        waive.revoke(world.app.room, "w-none", actor="bob", reason="none")
    assert audited(world, "waiver-revoked") == [f"waiver {made.id}"]


def test_its_end_is_told_once_before_it_comes(world: World) -> None:
    made = waived(world, repositories=f"{world.registry.host}/app/**", expires_at=world.clock.now() + 9 * DAY)
    world.rounds(1)
    assert audited(world, "waiver-ending") == []
    world.rounds(3, every=DAY)
    assert audited(world, "waiver-ending") == [f"waiver {made.id}"]
    (listed,) = waive.listing(world.app.room, ended=False)
    assert listed.ending


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ({"rule": "no-such-rule"}, "waiver-rule-unknown"),
        ({"repositories": None}, "waiver-without-scope"),
        ({"repositories": "shop/web"}, "waiver-glob-malformed"),
        ({"digest": "sha256:short"}, None),
        ({"reason": "  "}, "reason-missing"),
        ({"after": timedelta()}, "waiver-end-passed"),
        ({"after": 90 * DAY + SECOND}, "waiver-too-long"),
    ],
)
def test_what_is_no_honest_waiver_is_refused(world: World, asked: dict[str, Any], reason: str | None) -> None:
    given = {"repositories": "registry.example.com/**", **asked}
    after = given.pop("after", DAY)
    with pytest.raises(MalformedError) as caught:
        waived(world, **given, expires_at=world.clock.now() + after)
    assert reason in (None, caught.value.reason_code)
    assert waive.listing(world.app.room, ended=True) == ()


def released(world: World, end: datetime) -> None:
    root(world, "app/web")
    world.rounds(2)
    world.app.review(world.case().id, Decision.RELEASE, actor="rita", reason="for now", expires_at=end)
    world.rounds(2)
    assert not world.tombstone("app/web", "1.0")
    assert world.status("app/web:1.0").exit_code == 0


def test_a_release_that_ends_becomes_a_proposal_and_no_quarantine(world: World) -> None:
    end = world.clock.now() + DAY
    released(world, end)
    world.clock.moment = end
    world.app.run_rounds(2, between=lambda: world.clock.advance(MINUTE))
    newest = world.cases()[0]
    assert (newest.state, newest.why_proposed) == (CaseState.PROPOSED, "release-ended")
    world.rounds(5, every=DAY)
    assert not world.tombstone("app/web", "1.0")
    assert world.status("app/web:1.0").exit_code == 1
    assert len(world.cases()) == 2


def test_a_revoked_release_is_a_proposal_too(world: World) -> None:
    released(world, world.clock.now() + DAY)
    (listed,) = waive.listing(world.app.room, ended=False)
    assert listed.case == world.case().id
    waive.revoke(world.app.room, listed.id, actor="bob", reason="no")
    world.rounds(3)
    assert world.cases()[0].why_proposed == "release-ended"
    assert not world.tombstone("app/web", "1.0")


def test_only_a_release_ends_and_not_in_the_past(world: World) -> None:
    root(world, "app/web")
    world.rounds(2)
    case, room = world.case().id, world.app
    with pytest.raises(MalformedError, match="only a release"):
        room.review(case, Decision.KEEP, actor="a", reason="r", expires_at=world.clock.now() + DAY)
    with pytest.raises(MalformedError, match="over"):
        room.review(case, Decision.RELEASE, actor="a", reason="r", expires_at=world.clock.now())
