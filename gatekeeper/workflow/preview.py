"""``preview``: what another policy would change, from recorded evidence alone. Nothing is written, nobody is asked.

The same ``decide`` and ``plan`` as the daemon's say it; only caps and brakes of the moment are left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from gatekeeper.core.decide import decide
from gatekeeper.core.digest import Digest
from gatekeeper.core.lifecycle import Budget, CaseFile
from gatekeeper.core.plan import Act, Plan, Propose, plan
from gatekeeper.core.policy import Policy, ScopedPolicy
from gatekeeper.core.reach import Reach, reach_of
from gatekeeper.core.reference import Repository
from gatekeeper.core.verdict import Result, State, Subject, Verdict
from gatekeeper.ports import JudgedSubject
from gatekeeper.workflow.collect import Collected
from gatekeeper.workflow.scanning import inventory_of, scan
from gatekeeper.workflow.workroom import Workroom

_PAGE = 500
_WITHOUT_CAPS = Budget(1, 1, 1)
NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class PreviewedRule:
    """What one rule would say."""

    rule: str
    failing: int
    """Images that it would make fail."""
    turned: int
    """Those of them that pass now."""


@dataclass(frozen=True, slots=True)
class PreviewedImage:
    """One image that would fail."""

    repository: Repository
    digest: Digest
    tags: tuple[str, ...]
    first_seen: datetime
    before: State
    rules: tuple[str, ...]
    reason_code: str
    would: str
    """What would follow: an action, or ``propose (why)``, or ``nothing``."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What a policy would change of what is known."""

    revision: str
    in_force: str | None
    judged: int
    turned: int
    """Images that pass now and would fail."""
    failing: int
    """Images that would fail, those that fail already included."""
    passing_again: int
    """Images that fail now and would pass."""
    unknown: int
    """Images of which recorded evidence cannot tell: it was verified with other keys, or never gathered."""
    uncovered: int
    """Images that no scope of the policy would judge."""
    rules: tuple[PreviewedRule, ...]
    would: tuple[tuple[str, int], ...]
    """What would follow, and for how many images that would fail."""
    images: tuple[PreviewedImage, ...]
    """Oldest first (by day), the most used of a day first: its tags count."""


def preview(room: Workroom, candidate: Policy) -> Preview:
    """Judges everything that was ever judged under ``candidate``, without waiting and without writing."""
    now = room.clock.now()
    change = room.store.policy_change(hosts=None, now=now)
    before, after = room.store.reach(), reach_of(candidate)
    found: list[tuple[JudgedSubject, Verdict, Plan]] = []
    counts: Counter[str] = Counter()
    for judged in all_judged(room):
        counts["judged"] += 1
        scoped = candidate.resolve(judged.repository)
        if scoped is None:
            counts["uncovered"] += 1
            continue
        if judged.evidence.trust != candidate.trust.digest:
            counts["unknown"] += 1
            continue
        verdict = judged_again(room, judged, scoped, now)
        if _failed(verdict):
            existing = judged.existing or _begins(before, after, judged)
            found.append((judged, verdict, _planned(judged, scoped, verdict, now, existing=existing)))
        elif _failed(judged.verdict):
            counts["passing_again"] += 1
    turned = sum(_turned(judged, verdict) for judged, verdict, _ in found)
    bulk = turned > room.caps.per_change
    images = sorted(
        (_image(judged, verdict, planned, bulk=bulk) for judged, verdict, planned in found), key=_order
    )
    return Preview(
        revision=candidate.revision,
        in_force=None if change is None else change.revision,
        judged=counts["judged"],
        turned=turned,
        failing=len(found),
        passing_again=counts["passing_again"],
        unknown=counts["unknown"],
        uncovered=counts["uncovered"],
        rules=_rules(images),
        would=tuple(Counter(image.would for image in images).most_common()),
        images=tuple(images),
    )


def all_judged(room: Workroom) -> Iterator[JudgedSubject]:
    """Every subject with its newest verdict and the evidence it rests on."""
    after = 0
    while page := room.store.judged_subjects(after=after, limit=_PAGE):
        yield from page
        after = page[-1].id


def judged_again(room: Workroom, judged: JudgedSubject, scoped: ScopedPolicy, now: datetime) -> Verdict:
    """What ``scoped`` says of recorded evidence."""
    subject = Subject(judged.repository, judged.digest, judged.tags, judged.first_seen)
    waivers = room.store.waivers(judged.repository, judged.digest)
    scanned, inventory = scan(room, judged.evidence), inventory_of(room, Collected(judged.evidence))
    return decide(scoped, subject, judged.evidence, waivers, now, scanned.scan, inventory=inventory)


def _begins(before: Reach | None, after: Reach, judged: JudgedSubject) -> bool:
    """True when loading the policy would draw a baseline there: it acts where the one in force does not."""
    name = str(judged.repository)
    return before is not None and after.acts_on(name) and not before.acts_on(name)


def _places(verdict: Verdict) -> tuple[str | None, ...]:
    return verdict.subject.tags or (None,)


def _failed(verdict: Verdict) -> bool:
    return any(verdict.state_at(tag) is State.FAILED for tag in _places(verdict))


def _turned(judged: JudgedSubject, verdict: Verdict) -> bool:
    return any(
        judged.verdict.state_at(tag) is State.PASSED and verdict.state_at(tag) is State.FAILED
        for tag in _places(verdict)
    )


def _planned(
    judged: JudgedSubject, scoped: ScopedPolicy, verdict: Verdict, now: datetime, *, existing: bool
) -> Plan:
    """The plan of the first failing tag that the scope watches; an emptied tag may still become a proposal."""
    tag = next(
        (tag for tag in judged.tags if scoped.scope.watches(tag) and verdict.state_at(tag) is State.FAILED),
        "",
    )
    file = CaseFile(tag, judged.digest, judged.case, judged.digest, None, existing=existing)
    return plan(file, verdict, scoped, _WITHOUT_CAPS, now)


def _image(judged: JudgedSubject, verdict: Verdict, planned: Plan, *, bulk: bool) -> PreviewedImage:
    would = NOTHING
    if isinstance(planned, Act):
        turned = bulk and _turned(judged, verdict)
        would = "propose (change-not-accepted)" if turned else str(planned.action)
    elif isinstance(planned, Propose):
        would = f"propose ({planned.why})"
    failing = [
        finding
        for finding in verdict.findings
        if finding.counts and finding.result is Result.VIOLATED and finding.tag in (None, *judged.tags)
    ]
    return PreviewedImage(
        repository=judged.repository,
        digest=judged.digest,
        tags=judged.tags,
        first_seen=judged.first_seen,
        before=State.FAILED if _failed(judged.verdict) else judged.verdict.state,
        rules=tuple(sorted({finding.rule for finding in failing})),
        reason_code=failing[0].reason_code,
        would=would,
    )


def _order(image: PreviewedImage) -> tuple[object, ...]:
    return (
        image.first_seen.date(),
        -len(image.tags),
        image.first_seen,
        str(image.repository),
        str(image.digest),
    )


def _rules(images: list[PreviewedImage]) -> tuple[PreviewedRule, ...]:
    failing = Counter(rule for image in images for rule in image.rules)
    turned = Counter(rule for image in images if image.before is State.PASSED for rule in image.rules)
    return tuple(PreviewedRule(rule, count, turned[rule]) for rule, count in failing.most_common())
