"""Values that the database stores come back equal, and equal values have one byte form."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.core.canonical import canonical_bytes, canonical_digest, from_plain, to_plain
from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import MalformedError
from gatekeeper.core.evidence import Absent, Evidence, Unavailable
from gatekeeper.core.lifecycle import Budget, Case, IntentDraft
from gatekeeper.core.policy import Scope
from gatekeeper.core.rules.rule import Rule
from gatekeeper.core.verdict import Verdict
from gatekeeper.core.waiver import Waiver
from tests.golden.reading import cases, judge
from tests.unit.core import strategies
from tests.unit.core.builders import NOW


def stored(value: object) -> Any:
    return json.loads(canonical_bytes(value))


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (Evidence, strategies.EVIDENCE),
        (IntentDraft, strategies.DRAFTS),
        (Case, strategies.CASES),
        (Waiver, strategies.WAIVERS),
        (Scope, strategies.SCOPES),
        (Budget, strategies.BUDGETS),
    ],
)
def test_what_is_stored_comes_back_equal(kind: type, values: st.SearchStrategy[object]) -> None:
    @given(values)
    def comes_back(value: object) -> None:
        again: object = from_plain(kind, stored(value))
        assert again == value
        assert canonical_bytes(again) == canonical_bytes(value)

    comes_back()


@given(strategies.RULES)
def test_a_rule_comes_back_equal(rule: Rule) -> None:
    assert from_plain(type(rule), stored(rule)) == rule


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_a_verdict_comes_back_equal(case: Any) -> None:
    verdict = judge(case)
    assert from_plain(Verdict, stored(verdict)) == verdict


@dataclass(frozen=True)
class Holder:
    basis: Digest | Absent | Unavailable


@given(st.one_of(strategies.DIGESTS, strategies.GAPS, st.just(Absent("sbom"))))
def test_each_kind_of_basis_is_told_apart(basis: Digest | Absent | Unavailable) -> None:
    assert from_plain(Holder, stored(Holder(basis))) == Holder(basis)


def test_what_has_no_canonical_form_is_refused() -> None:
    for value in (1.5, b"bytes", object(), datetime(2026, 1, 1)):  # noqa: DTZ001 - refused for that
        with pytest.raises(TypeError):
            to_plain(value)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda plain: plain.pop("root"),
        lambda plain: plain.update(root=None),
        lambda plain: plain.update(children={}),
        lambda plain: plain.update(children="abc"),
        lambda plain: plain.update(trust=5),
        lambda plain: plain.update(type="Verdict"),
        lambda plain: plain["root"].update(digest="sha256:x"),
        lambda plain: plain["root"].update(signatures="sha256:x"),
        lambda plain: plain["root"].update(signatures={"type": "Sboms", "items": []}),
    ],
)
def test_a_stored_value_of_another_shape_is_refused(spoil: Any) -> None:
    plain = json.loads((cases()[0] / "evidence.json").read_text(encoding="utf-8"))
    spoil(plain)
    with pytest.raises(MalformedError):
        from_plain(Evidence, plain)


def test_durations_keep_what_is_less_than_a_second() -> None:
    assert to_plain(timedelta(minutes=2)) == 120
    for span in (timedelta(milliseconds=1500), timedelta(microseconds=-1)):
        assert from_plain(timedelta, to_plain(span)) == span


def test_equal_moments_have_equal_digests() -> None:
    elsewhere = NOW.astimezone(timezone(timedelta(hours=5)))
    assert canonical_digest((NOW,)) == canonical_digest((elsewhere,))
