"""What a scanner's report reads beside the scan."""

from __future__ import annotations

import dataclasses
import json

from gatekeeper.core.digest import Digest
from gatekeeper.core.evidence import Evidence
from gatekeeper.core.manifest import OCI_INDEX
from gatekeeper.database import Database
from gatekeeper.ports import WorkKind
from tests.contract.store.knowledge import load, record
from tests.contract.store.samples import (
    APP,
    HOUR,
    NOW,
    WEB,
    claim_one,
    digest,
    due,
    evidence,
    judgement,
    verdict,
    watch,
)

CHILD, SIBLING = digest("child"), digest("sibling")


def an_index(root: Digest, *children: Digest) -> Evidence:
    base = evidence(root)
    return dataclasses.replace(
        base,
        root=dataclasses.replace(base.root, media_type=OCI_INDEX),
        children=tuple(dataclasses.replace(base.root, digest=child) for child in children),
    )


def judge_index(store: Database, name: str, *children: Digest, hours: int = 0) -> Digest:
    now = NOW + hours * HOUR
    root = digest(name)
    watch(store, {name: root}, now=now)
    lease, subject = due(store, now=now)
    gathered = an_index(root, *children)
    raw = json.dumps({"manifests": [{"digest": str(child)} for child in children]}).encode()
    judged = verdict(subject, gathered=gathered, now=now)
    store.record(lease, judgement(subject, judged, gathered=gathered, raw_manifests={root: raw}), now=now)
    return root


def test_judged_indexes_that_name_an_image_are_found_the_newest_first(store: Database) -> None:
    old = judge_index(store, "old", CHILD, SIBLING)
    judge_index(store, "other", SIBLING, hours=1)
    new = judge_index(store, "new", CHILD, hours=2)
    assert store.indexes_naming(APP, CHILD) == (new, old)
    assert store.indexes_naming(WEB, CHILD) == ()
    assert store.indexes_naming(APP, digest("nobody")) == ()
    assert store.indexes_naming(APP, old) == ()


def test_an_index_that_was_dropped_tells_nothing_any_more(store: Database) -> None:
    root = judge_index(store, "old", CHILD)
    store.mark_due(APP, root, tag=None, priority=0, now=NOW + HOUR)
    store.drop_subject(claim_one(store, WorkKind.SUBJECT, now=NOW + HOUR), why="gone", now=NOW + HOUR)
    assert store.indexes_naming(APP, CHILD) == ()


def test_records_are_given_by_their_own_id_and_as_they_are_now(store: Database) -> None:
    first = record("GHSA-1", aliases=["CVE-2026-1"], details="first")
    load(store, [first, record("GHSA-2")])
    assert store.advisory_records(["GHSA-1", "CVE-2026-1", "GHSA-9"]) == {"GHSA-1": first.raw}
    newer = record(
        "GHSA-1", aliases=["CVE-2026-1"], details="newer", modified="2026-05-02T00:00:00Z", fixed="3.0"
    )
    load(store, [newer], now=NOW + HOUR)
    assert store.advisory_records(["GHSA-1", "GHSA-2"]) == {"GHSA-1": newer.raw}
    assert store.advisory_records([]) == {}
