"""Leases that are renewed while work goes on, or given back before it began; a lost one is nobody's business."""

from __future__ import annotations

import pytest

from gatekeeper.core.errors import ConflictError
from gatekeeper.database import Database
from gatekeeper.ports import Lease, WorkKind
from tests.contract.store.samples import APP, MINUTE, NOW, WEB, claim_one


def _claimable(store: Database, minutes: int) -> tuple[Lease, ...]:
    return store.claim(WorkKind.REPOSITORY, now=NOW + minutes * MINUTE, limit=10, lease_for=5 * MINUTE)


def test_a_renewed_lease_is_nobody_elses(store: Database) -> None:
    store.add_repositories([APP], now=NOW)
    mine = claim_one(store, WorkKind.REPOSITORY)
    store.renew([mine], until=NOW + 9 * MINUTE)
    assert _claimable(store, 8) == ()
    assert store.repository(mine).repository == APP
    (theirs,) = _claimable(store, 9)
    assert theirs.token > mine.token


def test_a_lost_lease_is_not_renewed_into_the_hands_of_the_next(store: Database) -> None:
    store.add_repositories([APP], now=NOW)
    mine = claim_one(store, WorkKind.REPOSITORY)
    (theirs,) = _claimable(store, 5)
    store.renew([mine], until=NOW + 500 * MINUTE)
    store.give_back([mine])
    with pytest.raises(ConflictError):
        store.repository(mine)
    assert store.repository(theirs).repository == APP
    assert len(_claimable(store, 10)) == 1


def test_what_is_given_back_is_free_at_once(store: Database) -> None:
    store.add_repositories([APP, WEB], now=NOW)
    both = _claimable(store, 0)
    store.give_back(both[:1])
    (again,) = _claimable(store, 0)
    assert again.id == both[0].id
    with pytest.raises(ConflictError):
        store.repository(both[0])


def test_a_lease_that_was_given_back_is_not_renewed(store: Database) -> None:
    store.add_repositories([APP], now=NOW)
    mine = claim_one(store, WorkKind.REPOSITORY)
    store.give_back([mine])
    store.renew([mine], until=NOW + 9 * MINUTE)
    assert len(_claimable(store, 0)) == 1


def test_nothing_is_renewed_or_given_back_without_leases(store: Database) -> None:
    store.renew([], until=NOW)
    store.give_back([])
