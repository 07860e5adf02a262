"""The situations of docs/operations.md, played on Debian's registry and PostgreSQL: each ends with nothing lost."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from urllib.request import urlopen

import pytest

from gatekeeper.demo.story_images import Publisher
from gatekeeper.signatures.signing import SigningKey
from tests.acceptance.runbook.house import House
from tests.acceptance.runbook.script import played
from tests.judges.servers import Program

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def ready(house: House, program: Program) -> dict[str, object]:
    with urlopen(f"{house.site.server(program)}/readyz", timeout=30) as answered:
        found: dict[str, object] = json.load(answered)
        return found


def test_first_enforcement_on_an_old_estate(house: House) -> None:
    """Observe, preview, enforce: the old ones are proposals, only what comes now is acted on."""
    house.policy(mode="observe")
    good = house.push("good", "1.0")
    old = house.push("old", "1.0", user="0")
    house.start()
    house.judged(house.program, "good:1.0", 0)
    house.judged(house.program, "old:1.0", 1, reason_code="user-root")
    assert house.cases() == []
    house.policy(into="new-policy.toml", mode="enforce")
    with played(house, "First enforcement on an old estate") as script:
        told = script.type("gatekeeper policy preview").out
        assert "propose (seen-before-enforcement)" in told
        assert house.name("old") in told
        script.type("cp ")
        script.type("systemctl reload")
        (case,) = house.until(house.program, lambda: house.cases("proposed"))
        assert case["id"] in script.type("gatekeeper quarantine list").out
        assert "user-root" in script.type("gatekeeper quarantine show", CASE=case["id"]).out
    new = house.push("new", "1.0", user="0")
    house.gone_from_tag(house.program, "new", "1.0", new.digest)
    (case,) = house.cases("proposed")
    assert (case["digest"], case["why_proposed"]) == (old.digest, "seen-before-enforcement")
    assert house.shown("shop/old", "1.0") == old.digest
    assert house.shown("shop/good", "1.0") == good.digest
    assert house.shown("quarantine/shop/new", f"1.0--{new.digest[7:19]}") == new.digest
    house.whole()


def test_a_false_positive_at_night(house: House) -> None:
    """Hold, look, release for a day: the tag is back, the rest goes on."""
    wrong = house.push("web", "1.0", user="0")
    house.start()
    house.gone_from_tag(house.program, "web", "1.0", wrong.digest)
    with played(house, "False positive at night") as script:
        script.type("gatekeeper hold on")
        another = house.push("api", "1.0", user="0")
        house.judged(house.program, "api:1.0", 1, reason_code="user-root")
        (case,) = [one for one in house.cases("open") if one["digest"] == wrong.digest]
        assert case["id"] in script.type("gatekeeper quarantine list").out
        assert "user-root" in script.type("gatekeeper quarantine show", CASE=case["id"]).out
        script.type("gatekeeper quarantine release", CASE=case["id"])
        assert house.shown("shop/web", "1.0") != wrong.digest, "the hold stops the restore too"
        assert house.shown("shop/api", "1.0") == another.digest
        script.type("gatekeeper hold off")
    house.back_at_tag(house.program, "web", "1.0", wrong.digest)
    house.judged(house.program, "web:1.0", 0, reason_code="passed-with-waiver")
    house.gone_from_tag(house.program, "api", "1.0", another.digest)
    (release,) = [row for row in house.json("waiver", "list")["items"] if row["case"] == case["id"]]
    assert (release["state"], release["reason"]) == ("active", "known, ticket 7")
    house.whole()


def test_a_registry_outage(house: House) -> None:
    """What passed is answered, nothing is acted on, it is told of, and work resumes by itself."""
    house.configure(max_blind="2s")
    good = house.push("web", "1.0")
    bad = house.push("bad", "1.0", user="0", text="first")
    house.start()
    house.judged(house.program, "web:1.0", 0)
    house.gone_from_tag(house.program, "bad", "1.0", bad.digest)
    house.registry.stop()
    house.until(house.program, lambda: ready(house, house.program)["blind"])
    with played(house, "Registry outage") as script:
        assert house.name("") in script.type("gatekeeper registry list").out
        script.type("gatekeeper status", DIGEST=good.digest)
    assert house.status("web:1.0").code == 5, "a tag cannot be resolved"
    (row,) = house.json("registry", "list")["items"]
    assert row["blind"] == row["repositories"] > 0
    assert house.cases("proposed") == []
    house.registry.start()
    late = house.push("late", "1.0", user="0")
    house.gone_from_tag(house.program, "late", "1.0", late.digest)
    house.until(house.program, lambda: not ready(house, house.program)["blind"])
    assert house.shown("shop/web", "1.0") == good.digest
    house.whole()


def test_a_registry_restored_from_a_backup(house: House) -> None:
    """Much has vanished at once: nothing is recorded as gone until somebody says that it is so."""
    first = [house.push("web", f"1.{number}") for number in range(4)]
    house.registry.stop()
    copy = house.registry.backup()
    house.registry.start()
    later = [house.push("web", f"2.{number}") for number in range(12)]
    house.start()
    house.judged(house.program, "web:2.11", 0)
    house.judged(house.program, "web:1.0", 0)
    house.registry.put_back(copy)
    doubt = house.until(house.program, lambda: house.json("registry", "list")["items"][0]["doubt"])
    doubted = house.json("hold", "show")
    assert "registry-doubted" in {brake["name"] for brake in doubted["brakes"]}
    for built in (*first, *later):
        assert house.status(f"web@{built.digest}").code == 0, "what passed is still known"
    with played(house, "Registry restored from a backup") as script:
        assert doubt["reason"] in script.type("gatekeeper registry list").out
        script.type("gatekeeper registry accept")
    house.until(house.program, lambda: house.status("web:1.0", "--wait", "5s").code == 0)
    again = house.push("web", "2.0", text="pushed again")
    house.judged(house.program, "web:2.0", 0)
    assert house.shown("shop/web", "2.0") == again.digest
    assert house.shown("shop/web", "1.3") == first[3].digest
    house.whole()


def test_expired_credentials(guarded_house: House) -> None:
    """The registry refuses us; the new secret is put in place, and no restart is needed."""
    house = guarded_house
    house.configure(max_blind="2s")
    good = house.push("good", "1.0")
    house.start()
    house.judged(house.program, "good:1.0", 0)
    house.registry.admit("plum-tree-2")
    house.until(house.program, lambda: ready(house, house.program)["blind"])
    assert "unauthorized" in house.program.said()
    assert house.status(f"good@{good.digest}").code == 0
    (house.directory / "new-registry-password").write_text("plum-tree-2")
    with played(house, "Credentials expired") as script:
        assert house.name("") in script.type("gatekeeper registry list").out
        script.type("cp ")
        bad = house.push("bad", "1.0", user="0")
        house.gone_from_tag(house.program, "bad", "1.0", bad.digest)
        house.until(house.program, lambda: not ready(house, house.program)["blind"])
        assert house.name("") not in script.type("gatekeeper registry list").out
    assert "plum-tree-1" not in house.program.said()
    assert "plum-tree-2" not in house.program.said()
    house.whole()


def test_a_key_rotation(house: House) -> None:
    """Add the new key, sign with it, take the old one out: what only the old one signed is counted, not acted on."""
    house.site.stage.config.write_text(house.site.stage.config.read_text() + "\n[caps]\nper_change = 1\n")
    old = [house.push("web", f"1.{number}") for number in range(3)]
    house.start()
    for number in range(3):
        house.judged(house.program, f"web:1.{number}", 0)
    house.keys = {**house.keys, "next": SigningKey.generate()}
    house.policy()
    with played(house, "Key rotation") as script:
        script.type("systemctl reload")
        new = house.push("web", "2.0", key="next")
        house.judged(house.program, "web:2.0", 0)
        impact = script.type("gatekeeper trust impact").out
        assert all(built.digest[:19] in impact for built in old)
        house.keys = {"next": house.keys["next"]}
        house.policy()
        script.type("systemctl reload")
        house.judged(house.program, "web:1.0", 1, reason_code="signature-by-unknown-key")
        pending = house.until(
            house.program,
            lambda: ((found := house.json("policy", "pending")["change"])["turned"] == 3 and found) or None,
        )
        assert pending["revision"] in script.type("gatekeeper policy pending").out
        assert [house.shown("shop/web", f"1.{number}") for number in range(3)] == [one.digest for one in old]
        assert "change-not-accepted" in script.type("gatekeeper quarantine list").out
        with house.client() as client:
            publisher = Publisher(client, house.site.stage.host, lambda: datetime.now(UTC))
            publisher.sign("shop/web", old[0], house.keys["next"])
        house.judged(house.program, "web:1.0", 0)
        script.type("gatekeeper policy accept", REVISION=pending["revision"])
    for number in (1, 2):
        house.gone_from_tag(house.program, "web", f"1.{number}", old[number].digest)
    assert house.shown("shop/web", "1.0") == old[0].digest
    assert house.shown("shop/web", "2.0") == new.digest
    house.whole()


def test_a_database_that_is_away(house: House) -> None:
    """Reads answer 4 with the reason, nothing is planned, and work resumes by itself."""
    good = house.push("web", "1.0")
    house.start()
    house.judged(house.program, "web:1.0", 0)
    digests: list[str] = []

    def away() -> None:
        with played(house, "Database away") as script:
            script.type("gatekeeper status", code=4, DIGEST=good.digest)
        assert house.status(f"web@{good.digest}").json["reason_code"] == "database-unavailable"
        assert house.run("quarantine", "list").code == 4
        digests.append(house.push("bad", "1.0", user="0").digest)
        house.until(house.program, lambda: house.program.said().count("tick failed") > 3)
        assert house.shown("shop/bad", "1.0") == digests[0]

    house.without_database(away)
    house.gone_from_tag(house.program, "bad", "1.0", digests[0])
    assert house.status(f"web@{good.digest}").code == 0
    house.whole()
