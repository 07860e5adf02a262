"""What people have to hear of: each event is provoked through the daemon and read by a webhook's receiver."""

from __future__ import annotations

import base64
import dataclasses
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.core.lifecycle import CaseState
from gatekeeper.core.policy import Policy
from gatekeeper.core.signer import ManagedKey, Signer
from gatekeeper.core.trust import NotationTrust, StoreKind, TrustRoot, WhenStale
from gatekeeper.demo.registry_faults import Match, Status
from gatekeeper.demo.sigstore.instance import VirtualSigstore
from gatekeeper.workflow import waive
from gatekeeper.workflow.brakes import summary
from tests.fakes import notary
from tests.fakes.certificates import Authority
from tests.fakes.webhook_receiver import WebhookReceiver
from tests.integration.workflow.world import ALICE, START, World

HOUR = timedelta(hours=1)
DAY = 24 * HOUR
READS = "GET|HEAD"


def about(receiver: WebhookReceiver, *kinds: str) -> list[tuple[str, str, str]]:
    """(kind, subject, reason) of what was received of these kinds, each signed."""
    assert all(message.signed for message in receiver.received)
    return [
        (kind, message.event["subject"], message.event["data"]["reason"])
        for message in receiver.received
        if (kind := message.event["type"].removeprefix("gatekeeper.")).startswith(kinds)
    ]


def test_verdicts_cases_the_breaker_and_the_hold(told: World, receiver: WebhookReceiver) -> None:
    told.caps_for(per_run=1, per_repository=5, per_hour=5)
    for number in range(2):
        told.sign("app/web", told.push("app/web", f"1.{number}", user="0", text=str(number)))
    told.rounds(2)
    told.app.hold_on(actor="ann", reason="incident")
    told.rounds(1)
    told.app.hold_off(actor="ann", reason="over")
    told.rounds(1)
    kinds = [kind for kind, _, _ in about(receiver, "")]
    assert {kind: kinds.count(kind) for kind in set(kinds)} == {
        "verdict-recorded": 2,
        "case-opened": 1,
        "case-proposed": 2,
        "breaker-opened": 1,
        "hold-on": 1,
        "hold-off": 1,
    }
    assert about(receiver, "breaker") == [("breaker-opened", "breaker", "cap-per-run")]
    assert about(receiver, "hold-on") == [("hold-on", "hold", "incident")]
    assert len(told.cases(CaseState.PROPOSED)) == 1


def test_a_waiver_that_ends(told: World, receiver: WebhookReceiver) -> None:
    made = waive.add(
        told.app.room, rule="user-root", digest=None, repositories="**/app/web", reason="ticket 7",
        owner="team web", expires_at=told.clock.now() + 30 * DAY, actor="ann",
    )  # fmt: skip
    told.rounds(1)
    assert about(receiver, "waiver-ending") == []
    told.rounds(3, every=9 * DAY)
    assert [subject for _, subject, _ in about(receiver, "waiver-ending")] == [f"waiver {made.id}"]


def test_one_repository_that_cannot_be_read(told: World, receiver: WebhookReceiver) -> None:
    told.good("app/web", "1.0")
    told.good("app/api", "1.0")
    told.rounds(1)
    away = told.registry.faults.add(Match(READS, "app/web/"), Status(403))
    told.rounds(8, every=HOUR)
    name = str(told.repository("app/web"))
    ((kind, subject, reason),) = about(receiver, "repository", "registry")
    assert (kind, subject) == ("repository-unreadable", name)
    assert "forbidden" in reason
    told.registry.faults.remove(away)
    told.rounds(4, every=HOUR)
    assert [(kind, subject) for kind, subject, _ in about(receiver, "repository", "registry")] == [
        ("repository-unreadable", name),
        ("repository-readable", name),
    ]


@pytest.mark.parametrize("status", [401, 503])
def test_a_registry_that_is_away_is_told_of_once_and_not_by_its_repositories(
    told: World, receiver: WebhookReceiver, status: int
) -> None:
    for number in range(4):
        told.good(f"app/n{number}", "1.0")
    told.rounds(1)
    away = told.registry.faults.add(Match(), Status(status))
    told.rounds(10, every=HOUR)
    told.restart()
    told.rounds(3, every=HOUR)
    host = f"registry {told.registry.host}"
    ((kind, subject, reason),) = about(receiver, "repository", "registry")
    assert (kind, subject) == ("registry-unreadable", host)
    assert reason.startswith("4 of 4 repositories were not read since")
    told.registry.faults.remove(away)
    told.rounds(4, every=HOUR)
    assert [kind for kind, _, _ in about(receiver, "repository", "registry")] == [
        "registry-unreadable",
        "registry-readable",
    ]


def test_a_repository_told_of_before_its_registry_is_readable_only_when_it_is(
    told: World, receiver: WebhookReceiver
) -> None:
    told.good("app/web", "1.0")
    told.good("app/api", "1.0")
    told.rounds(1)
    web = told.registry.faults.add(Match(READS, "app/web/"), Status(503))
    told.rounds(8, every=HOUR)
    whole = told.registry.faults.add(Match(), Status(503))
    told.rounds(8, every=HOUR)
    told.registry.faults.remove(whole)
    told.rounds(3, every=HOUR)
    told.registry.faults.remove(web)
    told.rounds(3, every=HOUR)
    assert [kind for kind, _, _ in about(receiver, "repository", "registry")] == [
        "repository-unreadable",
        "registry-unreadable",
        "registry-readable",
        "repository-readable",
    ]


@pytest.mark.parametrize("status", [401, 403, 503])
def test_a_list_of_repositories_that_is_kept_from_us_is_no_empty_estate(
    told: World, receiver: WebhookReceiver, status: int
) -> None:
    """From the very first day: no repository is known that could be blind."""
    refused = told.registry.faults.add(Match("GET", "_catalog"), Status(status))
    told.good("app/web", "1.0")
    told.rounds(5, every=HOUR)
    assert about(receiver, "registry") == []
    assert summary(told.app.room).blind == ()
    told.rounds(3, every=HOUR)
    ((kind, subject, reason),) = about(receiver, "registry")
    assert (kind, subject) == ("registry-unreadable", f"registry {told.registry.host}")
    assert reason.startswith("its list of repositories was not read since 2026-11-24")
    (row,) = summary(told.app.room).blind
    assert row.unlisted_since is not None
    told.registry.faults.remove(refused)
    told.rounds(1)
    assert [kind for kind, _, _ in about(receiver, "registry")] == [
        "registry-unreadable",
        "registry-readable",
    ]
    assert summary(told.app.room).blind == ()


def test_a_registry_without_a_catalog_is_not_unreadable(told: World, receiver: WebhookReceiver) -> None:
    told.registry.faults.add(Match("GET", "_catalog"), Status(404))
    told.rounds(9, every=HOUR)
    assert about(receiver, "registry") == []


def jwt(begins: datetime, ends: datetime) -> str:
    parts = ({"alg": "none"}, {"iat": int(begins.timestamp()), "exp": int(ends.timestamp())})
    texts = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts]
    return ".".join((*texts, "c2lnbmVk"))


def test_a_login_that_ends(told: World, receiver: WebhookReceiver) -> None:
    end = START + 60 * DAY
    told.password = jwt(START, end)
    told.restart()
    told.rounds(1)
    told.rounds(1, every=45 * DAY)
    assert about(receiver, "credential") == []
    told.rounds(2, every=DAY)
    login = f"login of {told.registry.host}"
    assert about(receiver, "credential") == [
        (
            "credential-ending",
            login,
            f"ends at {end:%Y-%m-%d %H:%M} UTC; the registry refuses us from then on",
        )
    ]
    told.password = jwt(START + 40 * DAY, START + 100 * DAY)
    told.restart()
    told.rounds(1)
    assert [kind for kind, _, _ in about(receiver, "credential")] == [
        "credential-ending",
        "credential-renewed",
    ]


def test_a_client_certificate_that_ends(told: World, receiver: WebhookReceiver, tmp_path: Path) -> None:
    folder = tmp_path / "certificates"
    folder.mkdir()
    told.clock.moment = datetime.now(UTC)
    told.client_certificate = str(Authority(folder).issue("gatekeeper"))
    told.restart()
    told.rounds(1)
    assert about(receiver, "credential") == []
    told.rounds(1, every=7 * HOUR)
    ((_, subject, reason),) = about(receiver, "credential-ending")
    assert subject == f"client certificate of {told.registry.host}"
    assert reason.startswith("ends at ")


def with_root(policy: Policy, **members: Any) -> Policy:
    content = VirtualSigstore.since(START - DAY).trusted_root_json()
    return dataclasses.replace(policy, trust_roots=(TrustRoot("private", content, "root.json", **members),))


def with_key(policy: Policy, **window: datetime) -> Policy:
    signer = Signer("alice", (ManagedKey(ALICE.public, **window),))
    return dataclasses.replace(policy, signers={"alice": signer})


def with_store(policy: Policy, ends: datetime) -> Policy:
    root = notary.issue(
        "root", notary.key("p256", "ending root"), authority=True, begins=START - 300 * DAY, ends=ends
    )
    files = notary.store(StoreKind.CA, "acme", root)
    trust = NotationTrust("site", notary.document(), files, "trustpolicy.json")
    return dataclasses.replace(policy, notation=(trust,))


END = START + 40 * DAY
ENDINGS: dict[str, tuple[Callable[[Policy], Policy], Callable[[Policy], Policy], str]] = {
    "what the publisher of a trust root says": (
        lambda policy: with_root(policy, expires_at=END, when_stale=WhenStale.INDETERMINATE),
        lambda policy: with_root(policy, expires_at=END + 90 * DAY),
        "trust root private",
    ),
    "the last key of a signer": (
        lambda policy: with_key(policy, not_after=END),
        with_key,
        "key alice.pub of signer alice",
    ),
    "a certificate in a trust store": (
        lambda policy: with_store(policy, END),
        lambda policy: with_store(policy, END + 300 * DAY),
        "certificate 'CN=root,O=Acme\\, Inc.,ST=WA,C=US' in trust store ca:acme of site",
    ),
}


@pytest.mark.parametrize("what", ENDINGS)
def test_trust_material_that_ends(told: World, receiver: WebhookReceiver, what: str) -> None:
    ending, renewed, named = ENDINGS[what]
    told.policy = ending(told.policy)
    told.rounds(1, every=20 * DAY)
    assert about(receiver, "trust-root") == []
    told.rounds(4, every=2 * DAY)
    ((kind, subject, reason),) = about(receiver, "trust-root")
    assert (kind, subject) == ("trust-root-ending", named)
    assert reason.startswith(f"ends at {END:%Y-%m-%d %H:%M} UTC; ")
    told.policy = renewed(told.policy)
    told.rounds(1)
    assert [kind for kind, _, _ in about(receiver, "trust-root")] == [
        "trust-root-ending",
        "trust-root-renewed",
    ]
