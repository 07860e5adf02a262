"""Tombstones and case records: bytes that are a pure function of the draft, and that tell the whole case again."""

from __future__ import annotations

import dataclasses
import json

from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.core.lifecycle import Case, CaseState, IntentDraft, IntentKind
from gatekeeper.core.manifest import OCI_MANIFEST, Manifest, parse_manifest
from gatekeeper.core.policy import Action
from gatekeeper.core.reference import Repository
from gatekeeper.core.subject import SubjectKind, classify
from gatekeeper.core.tombstone import (
    case_annotations,
    case_record,
    read_case_record,
    read_tombstone,
    tombstone,
)
from tests.unit.core.builders import NOW, REPOSITORY, digest, manifest

FINGERPRINTS = frozenset({str(digest("f1")), str(digest("f2"))})
CASE = Case(
    "case-1", REPOSITORY, digest("app"), ("v1",), CaseState.OPEN, Action.QUARANTINE, "user-root", None,
    FINGERPRINTS, NOW, NOW,
)  # fmt: skip
DRAFT = IntentDraft(
    kind=IntentKind.QUARANTINE,
    repository=REPOSITORY,
    digest=digest("app"),
    tag="v1",
    expected=digest("app"),
    replacement=None,
    target=Repository("registry.example", "quarantine/team/app"),
    target_tag="v1--abc",
    nonce="0123456789abcdef",
    case_id="case-1",
    actor="daemon",
    reason="user-root",
    annotations=case_annotations(
        CASE.reason_code,
        CASE.fingerprints,
        opened_at=CASE.opened_at,
        who_can_release="reviewers",
        review="https://gatekeeper.example/case-1",
    ),
)


def opened(raw: bytes) -> Manifest:
    return parse_manifest(raw, content_type=OCI_MANIFEST, expected=None)


def test_the_same_draft_gives_the_same_bytes_and_another_nonce_gives_others() -> None:
    assert tombstone(DRAFT) == tombstone(dataclasses.replace(DRAFT))
    assert tombstone(DRAFT) != tombstone(dataclasses.replace(DRAFT, nonce="f" * 16))
    assert tombstone(DRAFT) != case_record(DRAFT)


def test_both_are_recognised_by_opening() -> None:
    assert classify(opened(tombstone(DRAFT))) is SubjectKind.TOMBSTONE
    assert classify(opened(case_record(DRAFT))) is SubjectKind.CASE_RECORD


def test_the_case_can_be_rebuilt_from_the_registry_alone() -> None:
    for facts in (read_tombstone(opened(tombstone(DRAFT))), read_case_record(opened(case_record(DRAFT)))):
        assert facts is not None
        assert facts.action is not None
        assert facts.opened_at is not None
        assert facts.tag is not None
        assert facts.case_id is not None
        rebuilt = Case(
            facts.case_id, facts.repository, facts.digest, (facts.tag,), CaseState.OPEN, facts.action,
            facts.reason_code, None, facts.fingerprints, facts.opened_at, facts.opened_at,
        )  # fmt: skip
        assert rebuilt == CASE
        assert (facts.nonce, facts.target, facts.target_tag) == (DRAFT.nonce, DRAFT.target, DRAFT.target_tag)
        assert (facts.who_can_release, facts.review) == ("reviewers", "https://gatekeeper.example/case-1")


def test_the_annotations_have_the_documented_names() -> None:
    annotations = json.loads(tombstone(DRAFT))["annotations"]
    for name in [
        "original-digest",
        "original-tag",
        "repository",
        "case",
        "nonce",
        "reason",
        "action",
        "opened-at",
        "fingerprints",
    ]:
        assert f"io.gatekeeper.{name}" in annotations
    assert {"io.gatekeeper.who-can-release", "io.gatekeeper.review"} <= set(annotations)


def test_one_is_not_read_as_the_other_and_an_image_as_neither() -> None:
    assert read_tombstone(opened(case_record(DRAFT))) is None
    assert read_case_record(opened(tombstone(DRAFT))) is None
    assert read_tombstone(manifest()) is None


def test_a_forged_tombstone_that_says_nothing_readable_is_read_as_none() -> None:
    for key, value in [
        ("io.gatekeeper.original-digest", "sha256:x"),
        ("io.gatekeeper.repository", "https://evil"),
        ("io.gatekeeper.original-tag", "-"),
        ("io.gatekeeper.action", "explode"),
        ("io.gatekeeper.target", ""),
    ]:
        content = json.loads(tombstone(DRAFT))
        content["annotations"][key] = value
        assert read_tombstone(opened(json.dumps(content).encode())) is None


@given(st.text(max_size=3000), st.sampled_from(IntentKind), st.one_of(st.none(), st.just("v2")))
def test_whatever_a_person_gives_as_reason_is_readable_again(
    reason: str, kind: IntentKind, tag: str | None
) -> None:
    draft = dataclasses.replace(DRAFT, reason=reason, kind=kind, tag=tag)
    facts = read_tombstone(opened(tombstone(draft)))
    assert facts is not None
    assert facts.reason == reason[:2000].encode("utf-8", "replace").decode()
    assert facts.tag == tag


def test_half_a_character_in_a_reason_does_not_make_an_unreadable_tombstone() -> None:
    draft = dataclasses.replace(DRAFT, reason="from a terminal: \udce9")
    assert read_tombstone(opened(tombstone(draft))) is not None
