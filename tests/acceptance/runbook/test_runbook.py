"""The situations of docs/operations.md, played on Debian's registry and PostgreSQL: each ends with nothing lost."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from urllib.request import urlopen

import pytest

from gatekeeper.demo.story_images import Publisher
from gatekeeper.signatures.signing import SigningKey
from tests.acceptance.runbook.house import House, RegistryOnFiles
from tests.judges.servers import PostgresServer, Program, scratch

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
    with house.daemon() as program:
        house.judged(program, "good:1.0", 0)
        house.judged(program, "old:1.0", 1, reason_code="user-root")
        assert house.cases() == []
        house.policy(mode="enforce")
        told = house.json("policy", "preview")
        assert (told["failing"], told["turned"]) == (1, 0)
        assert told["would"] == [["propose (seen-before-enforcement)", 1]]
        house.reload(program)
        house.until(program, lambda: house.cases("proposed"))
        new = house.push("new", "1.0", user="0")
        house.gone_from_tag(program, "new", "1.0", new.digest)
        (case,) = house.cases("proposed")
        assert (case["digest"], case["why_proposed"]) == (old.digest, "seen-before-enforcement")
    assert house.shown("shop/old", "1.0") == old.digest
    assert house.shown("shop/good", "1.0") == good.digest
    assert house.shown("quarantine/shop/new", f"1.0--{new.digest[7:19]}") == new.digest
    house.whole()


def test_a_false_positive_at_night(house: House) -> None:
    """Hold, look, release for a day: the tag is back, the rest goes on."""
    wrong = house.push("web", "1.0", user="0")
    with house.daemon() as program:
        house.gone_from_tag(program, "web", "1.0", wrong.digest)
        assert house.run("hold", "on", "--reason", "false positive?").code == 0
        another = house.push("api", "1.0", user="0")
        house.judged(program, "api:1.0", 1, reason_code="user-root")
        (case,) = house.cases("open")
        shown = house.json("quarantine", "show", case["id"])
        assert {
            finding["rule"] for finding in shown["verdict"]["findings"] if finding["result"] == "violated"
        } == {"user-root"}
        release = ("quarantine", "release", case["id"], "--reason", "known, ticket 7", "--expires", "1d")
        assert house.run(*release).code == 0
        assert house.shown("shop/web", "1.0") != wrong.digest, "the hold stops the restore too"
        assert house.shown("shop/api", "1.0") == another.digest
        assert house.run("hold", "off", "--reason", "looked at it").code == 0
        house.back_at_tag(program, "web", "1.0", wrong.digest)
        house.judged(program, "web:1.0", 0, reason_code="passed-with-waiver")
        house.gone_from_tag(program, "api", "1.0", another.digest)
    (release_row,) = [row for row in house.json("waiver", "list")["items"] if row["case"] == case["id"]]
    assert (release_row["state"], release_row["reason"]) == ("active", "known, ticket 7")
    house.whole()


def test_a_registry_outage(house: House) -> None:
    """What passed is answered, nothing is acted on, it is told of, and work resumes by itself."""
    house.configure(max_blind="2s")
    good = house.push("good", "1.0")
    bad = house.push("bad", "1.0", user="0", text="first")
    with house.daemon() as program:
        house.judged(program, "good:1.0", 0)
        house.gone_from_tag(program, "bad", "1.0", bad.digest)
        house.registry.stop()
        house.until(program, lambda: ready(house, program)["blind"])
        by_digest = f"good@{good.digest}"
        assert house.status(by_digest).code == 0, "a recorded pass needs no registry"
        assert house.status("good:1.0").code == 5, "a tag cannot be resolved"
        (row,) = house.json("registry", "list")["items"]
        assert row["blind"] == row["repositories"] > 0
        assert house.cases("proposed") == []
        house.registry.start()
        late = house.push("late", "1.0", user="0")
        house.gone_from_tag(program, "late", "1.0", late.digest)
        house.until(program, lambda: not ready(house, program)["blind"])
    assert house.shown("shop/good", "1.0") == good.digest
    house.whole()


def test_a_registry_restored_from_a_backup(house: House) -> None:
    """Much has vanished at once: nothing is recorded as gone until somebody says that it is so."""
    first = [house.push("web", f"1.{number}") for number in range(4)]
    house.registry.stop()
    copy = house.registry.backup()
    house.registry.start()
    later = [house.push("web", f"2.{number}") for number in range(12)]
    with house.daemon() as program:
        house.judged(program, "web:2.11", 0)
        house.judged(program, "web:1.0", 0)
        house.registry.put_back(copy)
        house.until(program, lambda: house.json("registry", "list")["items"][0]["doubt"])
        doubted = house.json("hold", "show")
        assert "registry-doubted" in {brake["name"] for brake in doubted["brakes"]}
        for built in (*first, *later):
            assert house.status(f"web@{built.digest}").code == 0, "what passed is still known"
        host = house.registry.host
        assert house.run("registry", "accept", host, "--reason", "restored from Sunday's backup").code == 0
        house.until(program, lambda: house.status("web:1.0", "--wait", "5s").code == 0)
        again = house.push("web", "2.0", text="pushed again")
        house.judged(program, "web:2.0", 0)
    assert house.shown("shop/web", "2.0") == again.digest
    assert house.shown("shop/web", "1.3") == first[3].digest
    house.whole()


def test_expired_credentials(
    postgres_server: PostgresServer, postgres_url: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The registry refuses us; the new secret is put in place, and no restart is needed."""
    with scratch() as folder:
        registry = RegistryOnFiles(folder, password="plum-tree-1")
        registry.start()
        try:
            house = House(registry, postgres_server, postgres_url, tmp_path_factory.mktemp("site") / "house")
            house.configure(max_blind="2s")
            assert house.run("migrate").code == 0
            good = house.push("good", "1.0")
            with house.daemon() as program:
                house.judged(program, "good:1.0", 0)
                registry.admit("plum-tree-2")
                house.until(program, lambda: ready(house, program)["blind"])
                assert "unauthorized" in program.said()
                assert house.status(f"good@{good.digest}").code == 0
                (house.directory / "registry-password").write_text("plum-tree-2")
                bad = house.push("bad", "1.0", user="0")
                house.gone_from_tag(program, "bad", "1.0", bad.digest)
                house.until(program, lambda: not ready(house, program)["blind"])
                assert "plum-tree-1" not in program.said()
                assert "plum-tree-2" not in program.said()
            house.whole()
        finally:
            registry.stop()


def test_a_key_rotation(house: House) -> None:
    """Add the new key, sign with it, take the old one out: what only the old one signed is counted, not acted on."""
    house.site.stage.config.write_text(house.site.stage.config.read_text() + "\n[caps]\nper_change = 1\n")
    old = [house.push("web", f"1.{number}") for number in range(3)]
    with house.daemon() as program:
        for number in range(3):
            house.judged(program, f"web:1.{number}", 0)
        house.keys = {**house.keys, "next": SigningKey.generate()}
        house.policy()
        house.reload(program)
        new = house.push("web", "2.0", key="next")
        house.judged(program, "web:2.0", 0)
        house.keys = {"next": house.keys["next"]}
        house.policy()
        house.reload(program)
        house.judged(program, "web:1.0", 1, reason_code="signature-by-unknown-key")
        pending = house.until(
            program,
            lambda: ((found := house.json("policy", "pending")["change"])["turned"] == 3 and found) or None,
        )
        assert [house.shown("shop/web", f"1.{number}") for number in range(3)] == [one.digest for one in old]
        assert {case["why_proposed"] for case in house.cases("proposed")} == {"change-not-accepted"}
        with house.client() as client:
            publisher = Publisher(client, house.site.stage.host, lambda: datetime.now(UTC))
            publisher.sign("shop/web", old[0], house.keys["next"])
        house.judged(program, "web:1.0", 0)
        accept = ("policy", "accept", pending["revision"], "--reason", "the old key is retired")
        assert house.run(*accept).code == 0
        for number in (1, 2):
            house.gone_from_tag(program, "web", f"1.{number}", old[number].digest)
    assert house.shown("shop/web", "1.0") == old[0].digest
    assert house.shown("shop/web", "2.0") == new.digest
    house.whole()


def test_a_database_that_is_away(house: House) -> None:
    """Reads answer 4 with the reason, nothing is planned, and work resumes by itself."""
    good = house.push("good", "1.0")
    with house.daemon() as program:
        house.judged(program, "good:1.0", 0)
        digests: list[str] = []

        def away() -> None:
            answered = house.status(f"good@{good.digest}")
            assert answered.code == 4, answered
            assert answered.json["reason_code"] == "database-unavailable"
            assert house.run("quarantine", "list").code == 4
            digests.append(house.push("bad", "1.0", user="0").digest)
            house.until(program, lambda: program.said().count("tick failed") > 3)
            assert house.shown("shop/bad", "1.0") == digests[0]

        house.without_database(away)
        house.gone_from_tag(program, "bad", "1.0", digests[0])
        assert house.status(f"good@{good.digest}").code == 0
    house.whole()
