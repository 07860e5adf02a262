"""A failure that only a feed brought must last before anything is acted on. The verdict itself never waits. Pure.

Else a record that appears and is withdrawn, or a score that swings around its threshold, moves tags back and forth.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from gatekeeper.core.verdict import State, Verdict

FEED_RULES = frozenset(
    {"os-end-of-life", "vulnerability-epss", "vulnerability-known-exploited", "vulnerability-severity"}
)
"""Rules whose answer a feed can turn while the image stays the same."""


def failed_by_feed_at(
    before: Verdict | None, since: datetime | None, verdict: Verdict, now: datetime
) -> datetime | None:
    """Since when it has failed by what feeds say alone; None when it passes, or failed by anything else.

    ``before`` and ``since``: the verdict before and this answer then. It goes on while it fails, and while it cannot be
    judged; passing in between begins anew. A new image, a changed policy, other evidence and a deadline that was told
    before are not the doing of a feed.
    """
    places = (None, *verdict.subject.tags)
    if all(verdict.state_at(tag) is State.PASSED for tag in places):
        return None
    if since is not None or before is None or not _same_question(before, verdict):
        return since
    turned = [
        tag
        for tag in places
        if verdict.state_at(tag) is State.FAILED and before.state_at(tag) is not State.FAILED
    ]
    told_before = before.fails_at is not None and before.fails_at <= now
    return now if turned and not told_before and all(_by_feeds(verdict, tag) for tag in turned) else None


def stabilizes_at(
    verdict: Verdict, tag: str | None, since: datetime | None, window: timedelta
) -> datetime | None:
    """Until when a failing tag is left alone; None when nothing of the kind holds it."""
    if since is None or verdict.state_at(tag) is not State.FAILED or not _by_feeds(verdict, tag):
        return None
    return since + window


def _same_question(before: Verdict, verdict: Verdict) -> bool:
    def asked(one: Verdict) -> tuple[object, ...]:
        return one.policy_revision, one.scope, one.evaluator, one.evidence, one.trust

    return asked(before) == asked(verdict)


def _by_feeds(verdict: Verdict, tag: str | None) -> bool:
    return all(finding.rule in FEED_RULES for finding in verdict.violations_at(tag))
