"""A judgement is one transaction: evidence, verdict, components, cases, intents, outbox and audit."""

from __future__ import annotations

import dataclasses

import pytest
from sqlalchemy import func, select

from gatekeeper.core.component import Component
from gatekeeper.core.errors import Cause, ConflictError
from gatekeeper.core.evidence import Unavailable
from gatekeeper.core.licence import Licence, UnknownLicence
from gatekeeper.core.lifecycle import CaseState, IntentKind, IntentState
from gatekeeper.core.plan import ProposeRelease, Supersede
from gatekeeper.core.policy import Action
from gatekeeper.core.verdict import Result
from gatekeeper.database import Database, tables
from gatekeeper.ports import WorkKind
from gatekeeper.vulnerabilities.stored import StoredMatcher
from tests.contract.store.samples import (
    APP,
    HOUR,
    MINUTE,
    NOW,
    WEB,
    act,
    digest,
    draft,
    due,
    evidence,
    failed,
    finding,
    judgement,
    nothing,
    propose,
    quarantined,
    sbom,
    sbom_evidence,
    signed_evidence,
    verdict,
    watch,
)

MATCHER = StoredMatcher()

ONE = digest("one")


def _rows(store: Database, name: str) -> int:
    with store._link.reading() as connection:
        return connection.execute(select(func.count()).select_from(tables.metadata.tables[name])).scalar_one()


def _actions(store: Database) -> list[str]:
    return [row.action for row in store.rows(after=0, limit=100)]


def test_verdict_and_evidence_come_back_as_they_were(store: Database) -> None:
    watch(store, {"v1": ONE})
    lease, subject = due(store)
    gap = dataclasses.replace(
        evidence(ONE),
        unavailable=(Unavailable("referrers", Cause.TIMEOUT, "no answer"),),
        trust="\N{KEY} and more",
    )
    judged = verdict(subject, findings=[finding(ONE, "evidence", result=Result.UNDETERMINED)], gathered=gap)
    store.record(lease, judgement(subject, judged, gathered=gap), now=NOW)
    _, again = due(store, now=NOW + 6 * HOUR)
    assert again.previous is not None
    assert (again.previous.verdict, again.previous.evidence) == (judged, gap)
    assert again.undetermined_since == NOW


def test_a_judged_subject_is_due_again_when_its_evidence_or_verdict_is(store: Database) -> None:
    watch(store, {"v1": ONE})
    lease, subject = due(store)
    store.record(lease, judgement(subject, verdict(subject)), now=NOW)
    assert store.claim(WorkKind.SUBJECT, now=NOW + 5 * HOUR, limit=1, lease_for=MINUTE) == ()
    assert due(store, now=NOW + 6 * HOUR)[1].evidence_due == NOW + 6 * HOUR


def test_the_same_verdict_again_renews_its_times_only(store: Database) -> None:
    watch(store, {"v1": ONE})
    for now in (NOW, NOW + 6 * HOUR):
        lease, subject = due(store, now=now)
        store.record(lease, judgement(subject, failed(subject, now=now)), now=now)
    row = store.status(APP, ONE, now=NOW)
    assert row is not None
    assert row.verdict is not None
    assert row.verdict.decided_at == NOW + 6 * HOUR
    assert _rows(store, "verdict") == 1
    assert _actions(store) == ["verdict-recorded"]


def test_another_verdict_is_recorded_beside_the_first(store: Database) -> None:
    watch(store, {"v1": ONE})
    for now, reasons in ((NOW, ("a",)), (NOW + 6 * HOUR, ("a", "b"))):
        lease, subject = due(store, now=now)
        store.record(lease, judgement(subject, failed(subject, *reasons, now=now)), now=now)
    assert _rows(store, "verdict") == 2
    said = store.rows(after=0, limit=9)[1]
    assert said.subject == f"{APP}@{ONE}"
    assert said.detail["before"] == "failed"


def test_indeterminate_without_interruption_is_since_the_first_time(store: Database) -> None:
    watch(store, {"v1": ONE})
    since = []
    for hours, result in (
        (0, Result.UNDETERMINED),
        (6, Result.UNDETERMINED),
        (12, Result.VIOLATED),
        (18, Result.VIOLATED),
    ):
        lease, subject = due(store, now=NOW + hours * HOUR)
        since.append(subject.undetermined_since)
        judged = verdict(subject, findings=[finding(ONE, "x", result=result)], now=NOW + hours * HOUR)
        store.record(lease, judgement(subject, judged), now=NOW + hours * HOUR)
    assert since == [None, NOW, NOW, None]


def test_a_document_is_kept_once_for_everybody_who_carries_it(store: Database) -> None:
    components = (
        Component("openssl", "3.0.1", "pkg:deb/openssl@3.0.1", licence=Licence("Apache-2.0")),
        Component("bad\0name", licence=UnknownLicence("\ud800")),
    )
    for repository in (APP, WEB):
        watch(store, {"v1": ONE}, repository=repository)
        lease, subject = due(store)
        gathered = evidence(ONE, sboms=sbom_evidence(digest("document"), digest("unread document")))
        store.keep_documents((sbom("document", *components),), MATCHER)
        store.record(
            lease, judgement(subject, verdict(subject, gathered=gathered), gathered=gathered), now=NOW
        )
    counted = {
        name: _rows(store, name)
        for name in ("component", "component_group", "group_component", "image_document", "subject_group")
    }
    assert counted == {
        "component": 2,
        "component_group": 1,
        "group_component": 2,
        "image_document": 2,
        "subject_group": 2,
    }
    kept = store.document(digest("document"))
    assert kept is not None
    assert sorted(component.name for component in kept.components) == ["bad\0name", "openssl"]
    assert store.document(digest("unread document")) is None


def test_a_document_that_is_carried_no_longer_is_not_connected(store: Database) -> None:
    watch(store, {"v1": ONE})
    for hours, documents in ((0, ("first", "second")), (6, ("second",))):
        lease, subject = due(store, now=NOW + hours * HOUR)
        gathered = evidence(ONE, sboms=sbom_evidence(*(digest(name) for name in documents)))
        judged = verdict(subject, gathered=gathered, now=NOW + hours * HOUR)
        store.keep_documents(
            tuple(sbom(name, Component("a", "1"), Component(name)) for name in documents), MATCHER
        )
        store.record(lease, judgement(subject, judged, gathered=gathered), now=NOW)
    assert _rows(store, "image_document") == 1
    assert _rows(store, "subject_group") == 1
    assert _rows(store, "component") == 3


def test_manifests_are_kept_by_digest(store: Database) -> None:
    raw = b'{"schemaVersion": 2}\0'
    watch(store, {"v1": digest("plain"), "v2": ONE})
    for _ in range(2):
        lease, subject = due(store)
        kept = {} if subject.digest == ONE else {ONE: raw}
        store.record(lease, judgement(subject, verdict(subject), raw_manifests=kept), now=NOW)
    assert store.raw_manifest(ONE) == raw
    assert store.raw_manifest(digest("never seen")) is None


def test_bytes_that_come_later_are_kept_too(store: Database) -> None:
    watch(store, {"v1": ONE})
    for hours, kept in ((0, {}), (6, {ONE: b"{}"})):
        lease, subject = due(store, now=NOW + hours * HOUR)
        judged = verdict(subject, now=NOW + hours * HOUR)
        store.record(lease, judgement(subject, judged, raw_manifests=kept), now=NOW)
    assert store.raw_manifest(ONE) == b"{}"


def test_an_act_opens_a_case_with_its_intents(store: Database) -> None:
    subject, case_id = quarantined(store)
    row = store.case(case_id)
    assert (row.case.state, row.case.tags, row.case.why_proposed) == (CaseState.OPEN, ("v1",), None)
    assert (row.case.action, row.case.reason_code) == (Action.QUARANTINE, "signature-missing")
    assert row.case.fingerprints == {found.fingerprint for found in failed(subject).findings}
    (intent,) = row.intents
    assert intent.draft == dataclasses.replace(draft(subject, "v1"), case_id=case_id)
    assert intent.state is IntentState.PLANNED
    assert [said.action for said in row.history] == ["case-opened", "intent-planned"]
    assert row.verdict == failed(subject)
    assert _rows(store, "outbox") == 2


def test_a_second_tag_extends_the_case(store: Database) -> None:
    image = digest("image at v1")
    _, case_id = quarantined(store)
    watch(store, {"v2": image}, now=NOW + MINUTE)
    lease, subject = due(store, now=NOW + MINUTE)
    store.record(lease, judgement(subject, failed(subject, "another"), {"v2": act(subject, "v2")}), now=NOW)
    case = store.newest_case(APP, image)
    assert case is not None
    assert (case.id, case.tags) == (case_id, ("v1", "v2"))
    assert len(case.fingerprints) == 2


def test_a_proposal_is_written_once_and_becomes_the_open_case(store: Database) -> None:
    watch(store, {"v1": ONE, "v2": ONE})
    plans = {"v1": propose(), "v2": propose()}
    for hours in (0, 6):
        lease, subject = due(store, now=NOW + hours * HOUR)
        store.record(lease, judgement(subject, failed(subject, now=NOW + hours * HOUR), plans), now=NOW)
    proposed = store.newest_case(APP, ONE)
    assert proposed is not None
    assert (proposed.state, proposed.tags, proposed.why_proposed) == (
        CaseState.PROPOSED,
        ("v1", "v2"),
        "mode-propose",
    )
    assert _actions(store).count("case-proposed") == 1
    lease, subject = due(store, now=NOW + 12 * HOUR)
    store.record(lease, judgement(subject, failed(subject), {"v1": act(subject, "v1")}), now=NOW)
    opened = store.newest_case(APP, ONE)
    assert opened is not None
    assert (opened.id, opened.state, opened.tags, opened.why_proposed) == (
        proposed.id,
        CaseState.OPEN,
        ("v1",),
        None,
    )


def test_a_proposal_shows_what_is_found_now(store: Database) -> None:
    watch(store, {"v1": ONE})
    shown = []
    for hours, reasons in ((0, ("a", "b")), (6, ("b",))):
        lease, subject = due(store, now=NOW + hours * HOUR)
        judged = failed(subject, *reasons, now=NOW + hours * HOUR)
        store.record(lease, judgement(subject, judged, {"v1": propose()}), now=NOW)
        case = store.newest_case(APP, ONE)
        assert case is not None
        shown.append((case.id, case.fingerprints))
    assert shown[0][0] == shown[1][0]
    assert shown[1][1] < shown[0][1]


def test_what_was_acted_on_is_not_proposed_over(store: Database) -> None:
    image = digest("image at v1")
    _, case_id = quarantined(store)
    watch(store, {"prod": image}, now=NOW + MINUTE)
    lease, subject = due(store, now=NOW + MINUTE)
    store.record(lease, judgement(subject, failed(subject), {"prod": propose("protected")}), now=NOW)
    case = store.newest_case(APP, image)
    assert case is not None
    assert (case.id, case.state, case.tags) == (case_id, CaseState.OPEN, ("v1",))


def test_a_late_signature_proposes_the_release_once(store: Database) -> None:
    _, case_id = quarantined(store)
    for hours in (6, 12):
        lease, subject = due(store, now=NOW + hours * HOUR)
        plans = {"v1": ProposeRelease(case_id)}
        store.record(lease, judgement(subject, verdict(subject, now=NOW + hours * HOUR), plans), now=NOW)
    assert store.case(case_id).case.state is CaseState.OPEN
    assert [row.reason for row in store.case(case_id).history if row.action == "case-proposed"] == [
        "release-passes-now"
    ]


def test_a_proposal_that_lost_its_reason_is_superseded(store: Database) -> None:
    watch(store, {"v1": ONE})
    lease, subject = due(store)
    store.record(lease, judgement(subject, failed(subject), {"v1": propose()}), now=NOW)
    case = store.newest_case(APP, ONE)
    assert case is not None
    lease, subject = due(store, now=NOW + 6 * HOUR)
    judged = verdict(subject, now=NOW + 6 * HOUR)
    store.record(lease, judgement(subject, judged, {"v1": Supersede(case.id, "passed")}), now=NOW)
    assert store.case(case.id).case.state is CaseState.SUPERSEDED


def test_an_act_waits_while_another_intent_has_the_tag(store: Database) -> None:
    quarantined(store)
    watch(store, {"v1": ONE}, now=NOW + MINUTE)
    lease, subject = due(store, now=NOW + MINUTE)
    judged = failed(subject, now=NOW + MINUTE)
    store.record(lease, judgement(subject, judged, {"v1": act(subject, "v1")}), now=NOW + MINUTE)
    assert store.newest_case(APP, ONE) is None
    assert len(store.open_intents(repository=APP)) == 1
    row = store.status(APP, ONE, now=NOW)
    assert row is not None
    assert row.verdict == judged
    assert due(store, now=NOW + 2 * MINUTE)[1].digest == ONE


def test_anchors_are_recorded_and_do_not_stand_in_the_way(store: Database) -> None:
    watch(store, {"v1": ONE})
    lease, subject = due(store)
    anchor = dataclasses.replace(draft(subject, "v1", kind=IntentKind.ANCHOR), nonce="a" * 16, expected=None)
    plans = {"v1": act(subject, "v1")}
    store.record(lease, judgement(subject, failed(subject), plans, anchors=(anchor,)), now=NOW)
    assert {intent.draft.kind for intent in store.open_intents()} == {
        IntentKind.ANCHOR,
        IntentKind.QUARANTINE,
    }


def test_a_crash_in_the_middle_leaves_nothing(store: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    watch(store, {"v1": ONE})
    lease, subject = due(store)
    before = {name: _rows(store, name) for name in tables.metadata.tables}
    monkeypatch.setattr("gatekeeper.database.verdicts.touch", _crash)
    with pytest.raises(_CrashError):
        store.record(lease, judgement(subject, failed(subject), {"v1": act(subject, "v1")}), now=NOW)
    assert {name: _rows(store, name) for name in tables.metadata.tables} == before
    monkeypatch.undo()
    store.record(lease, judgement(subject, failed(subject), {"v1": nothing()}), now=NOW)
    assert store.broken_at() is None


class _CrashError(Exception):
    pass


def _crash(_connection: object) -> None:
    raise _CrashError


def test_a_judgement_without_a_lease_is_recorded_too(store: Database) -> None:
    watch(store, {"v1": ONE})
    lease, subject = due(store)
    store.record(None, judgement(subject, verdict(subject)), now=NOW)
    with pytest.raises(ConflictError):
        store.record(lease, judgement(subject, verdict(subject)), now=NOW)


def test_the_first_sight_of_a_signature_stays(store: Database) -> None:
    watch(store, {"v1": ONE})
    lease, subject = due(store)
    seen, unseen, refused = digest("seen"), digest("unseen"), digest("refused")
    gathered = signed_evidence(ONE, seen, refused=refused)
    store.record(lease, judgement(subject, verdict(subject), gathered=gathered), now=NOW)
    assert store.first_sightings(frozenset({seen, unseen, refused})) == {seen: NOW}
    lease, subject = due(store, now=NOW + 6 * HOUR)
    again = judgement(subject, verdict(subject), gathered=gathered)
    store.record(lease, again, now=NOW + 6 * HOUR)
    assert store.first_sightings(frozenset({seen})) == {seen: NOW}
    assert store.first_sightings(frozenset()) == {}
    many = frozenset(digest(f"other {number}") for number in range(1200)) | {seen}
    assert store.first_sightings(many) == {seen: NOW}
