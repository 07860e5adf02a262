"""Leases: one holder at a time, a rising token, fencing, and a fair share for every host."""

from __future__ import annotations

import threading
from collections import Counter

import pytest

from gatekeeper.core.errors import ConflictError
from gatekeeper.core.reference import Repository
from gatekeeper.database import Database
from gatekeeper.ports import Lease, WorkKind
from tests.contract.store.samples import (
    APP,
    FAR,
    HOUR,
    MINUTE,
    NOW,
    WEB,
    a_round,
    claim_one,
    digest,
    due,
    failed,
    judgement,
    watch,
)


def _many(count: int, host: str = "registry.example:5000") -> list[Repository]:
    return [Repository(host, f"team/app{number:03}") for number in range(count)]


def _claim(store: Database, limit: int, hosts: frozenset[str] | None = None) -> tuple[Lease, ...]:
    return store.claim(WorkKind.REPOSITORY, now=NOW, limit=limit, lease_for=5 * MINUTE, hosts=hosts)


def test_only_unknown_repositories_are_new(store: Database) -> None:
    assert store.add_repositories([APP, WEB], now=NOW) == 2
    assert store.add_repositories([APP, FAR, WEB], now=NOW) == 1
    assert store.add_repositories([], now=NOW) == 0


def test_two_claimers_never_get_the_same_row(store: Database, other: Database) -> None:
    store.add_repositories(_many(60), now=NOW)
    claimed: list[Lease] = []

    def work(database: Database) -> None:
        while leases := _claim(database, 4):
            claimed.extend(leases)

    threads = [threading.Thread(target=work, args=(database,)) for database in (store, other, store, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(Counter(lease.id for lease in claimed).values()) == 1
    assert len(claimed) == 60


def test_a_claimed_row_is_not_due_until_its_lease_expires(store: Database) -> None:
    store.add_repositories([APP], now=NOW)
    first = claim_one(store, WorkKind.REPOSITORY)
    assert store.claim(WorkKind.REPOSITORY, now=NOW + 4 * MINUTE, limit=9, lease_for=MINUTE) == ()
    second = claim_one(store, WorkKind.REPOSITORY, now=NOW + 5 * MINUTE)
    assert second.id == first.id
    assert second.token > first.token


def test_whoever_lost_the_lease_completes_nothing(store: Database) -> None:
    store.add_repositories([APP], now=NOW)
    stale = claim_one(store, WorkKind.REPOSITORY)
    taken = claim_one(store, WorkKind.REPOSITORY, now=NOW + 5 * MINUTE)
    with pytest.raises(ConflictError, match="lost"):
        store.repository(stale)
    with pytest.raises(ConflictError, match="lost"):
        store.record_round(stale, a_round({"v1": digest("one")}), now=NOW)
    store.release(stale, next_due=NOW + HOUR, error="too late")
    assert store.repository(taken).tags == {}
    store.record_round(taken, a_round({"v1": digest("two")}), now=NOW)
    assert store.observed(APP, "v1") == ((digest("two"), NOW),)


def test_a_completed_lease_cannot_be_completed_again(store: Database) -> None:
    store.add_repositories([APP], now=NOW)
    lease = claim_one(store, WorkKind.REPOSITORY)
    store.record_round(lease, a_round(), now=NOW)
    with pytest.raises(ConflictError):
        store.record_round(lease, a_round(), now=NOW)


def test_a_released_row_comes_back_when_it_was_said_to(store: Database) -> None:
    store.add_repositories([APP], now=NOW)
    store.release(claim_one(store, WorkKind.REPOSITORY), next_due=NOW + MINUTE, error="timeout: no answer")
    assert _claim(store, 1) == ()
    assert claim_one(store, WorkKind.REPOSITORY, now=NOW + MINUTE).token == 2


def test_a_subject_that_was_judged_by_a_stale_holder_stays_unjudged(store: Database) -> None:
    watch(store, {"v1": digest("one")})
    stale, subject = due(store)
    due(store, now=NOW + 5 * MINUTE)
    with pytest.raises(ConflictError):
        store.record(stale, judgement(subject, failed(subject)), now=NOW)
    row = store.status(APP, digest("one"), now=NOW)
    assert row is not None
    assert row.verdict is None


def test_claims_can_be_for_some_hosts_only(store: Database) -> None:
    store.add_repositories([APP, FAR], now=NOW)
    (lease,) = _claim(store, 5, frozenset({"far.example", "never.heard.of"}))
    assert lease.registry == "far.example"
    assert _claim(store, 5, frozenset({"never.heard.of"})) == ()
    assert _claim(store, 5, frozenset()) == ()


def test_a_large_registry_leaves_others_their_share(store: Database) -> None:
    store.add_repositories(_many(50), now=NOW)
    store.add_repositories(_many(3, "far.example"), now=NOW + MINUTE)
    leases = store.claim(WorkKind.REPOSITORY, now=NOW + MINUTE, limit=10, lease_for=MINUTE)
    assert Counter(lease.registry for lease in leases) == {"registry.example:5000": 7, "far.example": 3}


def test_a_registry_alone_takes_all_there_is(store: Database) -> None:
    store.add_repositories(_many(8), now=NOW)
    assert len(_claim(store, 6)) == 6
    assert len(_claim(store, 6)) == 2


def test_highest_priority_first_then_longest_due(store: Database) -> None:
    store.mark_due(APP, digest("sweep late"), tag=None, priority=0, now=NOW + MINUTE)
    store.mark_due(APP, digest("sweep early"), tag=None, priority=0, now=NOW)
    store.mark_due(APP, digest("asked for"), tag=None, priority=100, now=NOW + 2 * MINUTE)
    leases = store.claim(
        WorkKind.SUBJECT,
        now=NOW + HOUR,
        limit=3,
        lease_for=MINUTE,
        hosts=frozenset({APP.registry}),
    )
    assert [store.due_subject(lease).digest for lease in leases] == [
        digest("asked for"),
        digest("sweep early"),
        digest("sweep late"),
    ]
