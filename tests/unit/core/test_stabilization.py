"""Since when a failure is the doing of feeds alone, and how long it is left alone for that."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from typing import Any

import pytest

from gatekeeper.core.digest import Digest
from gatekeeper.core.evidence import Absent
from gatekeeper.core.reference import Repository
from gatekeeper.core.stabilization import failed_by_feed_at, stabilizes_at
from gatekeeper.core.verdict import Finding, Level, Result, State, Subject, Verdict
from tests.unit.core.builders import NOW, digest

HOUR = timedelta(hours=1)
SUBJECT = Subject(Repository("registry.example", "app"), digest("app"), ("1.0",), NOW)


def finding(rule: str, result: Result = Result.VIOLATED, **more: Any) -> Finding:
    return Finding(
        rule=rule,
        level=Level.FAIL,
        result=result,
        reason_code=rule,
        message="",
        remedy="",
        digest=digest("app"),
        platform=None,
        tag=None,
        basis=Absent("x"),
        settles=False,
        fingerprint=rule,
        **more,
    )


def verdict(state: State, *findings: Finding, **more: Any) -> Verdict:
    made = Verdict(
        state=state,
        reason_code="x",
        subject=SUBJECT,
        scope="all",
        policy_revision="sha256:1",
        evidence=Digest.of(b"evidence"),
        trust="keys",
        evaluator=1,
        findings=findings,
        decided_at=NOW,
        recheck_at=NOW + HOUR,
    )
    return dataclasses.replace(made, **more)


PASSED = verdict(State.PASSED, finding("vulnerability-severity", Result.SATISFIED))
FAILED = verdict(State.FAILED, finding("vulnerability-severity"))
UNKNOWN = verdict(State.INDETERMINATE, finding("vulnerability-severity", Result.UNDETERMINED))
MIXED = verdict(State.FAILED, finding("vulnerability-epss"), finding("user-root"))
STRUCK = verdict(State.PASSED, finding("vulnerability-severity", Result.SATISFIED, fails_at=NOW))


@pytest.mark.parametrize(
    ("before", "since", "now", "expected"),
    [
        (PASSED, None, FAILED, NOW),
        (UNKNOWN, None, FAILED, NOW),
        # It goes on, whatever comes between but a pass.
        (FAILED, NOW - HOUR, FAILED, NOW - HOUR),
        (FAILED, NOW - HOUR, UNKNOWN, NOW - HOUR),
        (FAILED, NOW - HOUR, PASSED, None),
        # It failed before, for whatever reason: no feed turned it.
        (FAILED, None, FAILED, None),
        # A new image; another rule; a deadline that everybody was told of.
        (None, None, FAILED, None),
        (PASSED, None, MIXED, None),
        (STRUCK, None, FAILED, None),
        # Another policy, other evidence.
        (dataclasses.replace(PASSED, policy_revision="sha256:2"), None, FAILED, None),
        (dataclasses.replace(PASSED, evidence=Digest.of(b"other")), None, FAILED, None),
    ],
)
def test_since_when(before: Verdict | None, since: Any, now: Verdict, expected: Any) -> None:
    assert failed_by_feed_at(before, since, now, NOW) == expected


def test_only_what_feeds_alone_make_fail_is_left_alone() -> None:
    assert stabilizes_at(FAILED, "1.0", NOW, 2 * HOUR) == NOW + 2 * HOUR
    assert stabilizes_at(FAILED, "1.0", None, 2 * HOUR) is None
    assert stabilizes_at(MIXED, "1.0", NOW, 2 * HOUR) is None
    assert stabilizes_at(UNKNOWN, "1.0", NOW, 2 * HOUR) is None
