"""What the repositories of a registry told lately, added up; and how they are spread once it is believed again."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from gatekeeper.core.doubt import Unrest
from gatekeeper.core.errors import NotFoundError
from gatekeeper.core.reference import Repository
from gatekeeper.database import Database
from gatekeeper.ports import Glance, Lease, WorkKind
from tests.contract.store.samples import APP, FAR, HOUR, MINUTE, NOW

FOUR = tuple(Repository(APP.registry, f"team/n{number}") for number in range(4))


def claimed(store: Database) -> Mapping[Repository, Lease]:
    """Every repository that is due."""
    leases = store.claim(WorkKind.REPOSITORY, now=NOW, limit=100, lease_for=HOUR)
    return {store.repository(lease).repository: lease for lease in leases}


def test_each_other_repository_counts_as_it_was_last_seen(store: Database) -> None:
    store.add_repositories([*FOUR, FAR], now=NOW)
    leases = claimed(store)
    long_ago, before, later = NOW, NOW + HOUR, NOW + 2 * HOUR
    for repository, known, changed, at in (
        (FAR, 100, 100, later),
        (FOUR[1], 10, 0, long_ago),
        (FOUR[2], 20, 5, before),
        (FOUR[3], 40, 0, later),
    ):
        glance = Glance(known, changed, NOW + 9 * HOUR)
        store.record_glance(leases[repository], glance, now=at)
    mine = leases[FOUR[0]]
    seen = store.unrest(mine, known=1, changed=1, since=NOW + MINUTE)
    assert seen == Unrest(known=71, looked_at=61, changed=6), (
        "what was looked at before the change says nothing"
    )
    old = store.unrest(mine, known=1, changed=1, since=later)
    assert old == Unrest(known=71, looked_at=21, changed=6), "an old change opens no sample"


def test_once_it_is_believed_each_repository_is_due_at_a_moment_of_its_own(store: Database) -> None:
    store.add_repositories([*FOUR, FAR], now=NOW)
    for repository, lease in claimed(store).items():
        store.record_glance(lease, Glance(3, 3, NOW + 9 * HOUR), now=NOW + MINUTE)
        assert repository in (*FOUR, FAR)
    store.doubt(APP.registry, reason="all of it moved", now=NOW + MINUTE)
    dues = [60.0 * number for number in range(len(FOUR))]
    believed = store.believe(
        APP.registry, actor="ann", reason="restored", now=NOW + HOUR, dues=dues, accepted=True
    )
    assert believed == len(FOUR)
    assert store.doubts() == ()
    for number in range(len(FOUR)):
        (lease,) = store.claim(
            WorkKind.REPOSITORY, now=NOW + HOUR + number * MINUTE, limit=9, lease_for=9 * HOUR
        )
        assert store.repository(lease).believed
        assert store.unrest(lease, known=0, changed=0, since=NOW).changed == 0
    with pytest.raises(NotFoundError):
        store.believe(APP.registry, actor="ann", reason="again", now=NOW + HOUR, dues=dues, accepted=True)
