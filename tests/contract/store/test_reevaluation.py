"""From a changed feed to the subjects that it concerns, and what a vulnerability concerns at all."""

from __future__ import annotations

import dataclasses
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gatekeeper.core.digest import Digest
from gatekeeper.core.evidence import Evidence, Form, Sbom, Sboms, Trust
from gatekeeper.core.feed import FeedKind
from gatekeeper.core.lifecycle import IntentKind, IntentState
from gatekeeper.core.reference import Repository
from gatekeeper.core.scan_report import AttestedReport, ReportedVulnerability, ScanReport
from gatekeeper.database import Database
from gatekeeper.ports import WorkKind
from gatekeeper.ports.vulnerabilities import AffectedAnswer, FeedFact, FeedSpec, NotJudged
from tests.contract.store.knowledge import MATCHER, MAX_AGE, document, load, load_facts, record, scan_of
from tests.contract.store.samples import (
    APP,
    FAR,
    HOUR,
    NOW,
    WEB,
    claim_one,
    digest,
    draft,
    due,
    evidence,
    failed,
    judgement,
    nothing,
    verdict,
    watch,
)

OLD, NEW = "pkg:pypi/requests@1.5", "pkg:pypi/requests@2.1"


def carrying(name: str, *, trust: Trust = Trust.SIGNED) -> Sboms:
    return Sboms(
        (
            Sbom(
                Form.SBOM_REFERRER,
                digest("carrier"),
                digest(name),
                "cyclonedx-json",
                trust,
                components=1,
                unreadable=0,
            ),
        )
    )


def judged(
    store: Database,
    image: str,
    sbom: str | None,
    *,
    repository: Repository = APP,
    trust: Trust = Trust.SIGNED,
    tag: str | None = None,
) -> None:
    """An image that was seen at a tag and judged with an SBOM."""
    watch(store, {tag or image: digest(image)}, repository=repository)
    lease, subject = due(store)
    assert subject.digest == digest(image)
    sboms: dict[str, Any] = {} if sbom is None else {"sboms": carrying(sbom, trust=trust)}
    gathered = evidence(subject.digest, **sboms)
    change = 0 if sbom is None else scan_of(store, sbom).change
    store.record(
        lease,
        judgement(subject, verdict(subject, gathered=gathered), gathered=gathered, change=change),
        now=NOW,
    )


def asked(store: Database, name: str = "CVE-2026-1", *, verify: bool = False) -> AffectedAnswer:
    return store.affected(name, MATCHER, repositories=("**",), limit=100, verify=verify)


def is_due(store: Database, image: str, repository: Repository = APP) -> bool:
    row = store.status(repository, digest(image), now=NOW)
    assert row is not None
    return row.due


def three_images(store: Database) -> None:
    store.keep_documents((document("old", OLD), document("new", NEW)), MATCHER)
    load(store, [record("GHSA-0", package="flask")])
    judged(store, "vulnerable", "old")
    judged(store, "fixed", "new")
    judged(store, "unknown", None)


def test_a_changed_feed_makes_what_it_concerns_due_at_once(store: Database) -> None:
    three_images(store)
    assert not is_due(store, "vulnerable")
    before = store.change_counter()
    load(store, [record("GHSA-1", aliases=["CVE-2026-1"])], complete=False)
    assert [is_due(store, name) for name in ("vulnerable", "fixed", "unknown")] == [True, False, False]
    assert store.change_counter() > before


def test_the_change_is_spread_to_workers_once_and_promoted_images_come_first(store: Database) -> None:
    store.keep_documents((document("old", OLD),), MATCHER)
    load(store, [record("GHSA-0", package="flask")])
    for image, repository in (("untagged", WEB), ("tagged", APP), ("promoted", APP)):
        judged(store, image, "old", repository=repository, tag=image if image != "untagged" else "moving")
    watch(store, {"moving": digest("something else")}, repository=WEB)
    lease, subject = due(store)
    store.record(lease, judgement(subject, verdict(subject)), now=NOW)
    promote(store, "promoted")
    store.spread_changes(now=NOW)
    load(store, [record("GHSA-1", aliases=["CVE-2026-1"])], complete=False)
    assert store.spread_changes(now=NOW) == 3
    assert store.spread_changes(now=NOW) == 0
    leases = store.claim(WorkKind.SUBJECT, now=NOW, limit=10, lease_for=HOUR)
    order = [store.due_subject(lease).digest for lease in leases]
    assert order == [digest(name) for name in ("promoted", "tagged", "untagged")]


def promote(store: Database, image: str) -> None:
    plain = dataclasses.replace(
        draft_for(image), target=Repository("registry.example:5000", "prod/app"), target_tag="live"
    )
    (intent_id,) = store.add_intents((plain,), now=NOW)
    lease = store.claim_intent(intent_id, now=NOW, lease_for=HOUR)
    assert lease is not None
    for state in (IntentState.COPIED, IntentState.WRITTEN, IntentState.CONFIRMED):
        store.advance(lease, state, note="", now=NOW)


def draft_for(image: str) -> Any:
    subject = dataclasses.make_dataclass("Due", ["repository", "digest"])(APP, digest(image))
    return dataclasses.replace(draft(subject, "promotion", kind=IntentKind.PROMOTE), tag=None, expected=None)


def test_who_is_judged_by_the_new_feed_is_due_no_longer(store: Database) -> None:
    three_images(store)
    load(store, [record("GHSA-1", aliases=["CVE-2026-1"])], complete=False)
    store.spread_changes(now=NOW)
    lease, subject = due(store)
    gathered = evidence(subject.digest, sboms=carrying("old"))
    store.record(
        lease,
        judgement(
            subject,
            dataclasses.replace(failed(subject), evidence=gathered.digest),
            {"vulnerable": nothing()},
            gathered=gathered,
            change=scan_of(store, "old").change,
        ),
        now=NOW,
    )
    assert not is_due(store, "vulnerable")


def test_a_fact_about_what_a_report_names_makes_its_subject_due_and_is_weighed(store: Database) -> None:
    kev = FeedSpec("kev", FeedKind.KEV, "", "kev.json")
    load_facts(store, kev, [FeedFact("CVE-2020-1", at=NOW)])
    store.weigh(share=0.2, minimum=0, now=NOW)
    for image, cve in (("vulnerable", "CVE-2026-1"), ("other", "CVE-2026-2")):
        watch(store, {image: digest(image)})
        lease, subject = due(store)
        gathered = reporting(subject.digest, cve)
        store.keep_reported((cve,))
        change = store.scan({}, MATCHER, max_age=MAX_AGE, reported=(cve,)).change
        found = verdict(subject, gathered=gathered)
        store.record(lease, judgement(subject, found, gathered=gathered, change=change), now=NOW)
    assert not is_due(store, "vulnerable")
    published = load_facts(store, kev, [FeedFact("CVE-2020-1", at=NOW), FeedFact("CVE-2026-1", at=NOW)])
    assert published.groups == 1
    assert [is_due(store, image) for image in ("vulnerable", "other")] == [True, False]
    scanned = store.scan({}, MATCHER, max_age=MAX_AGE, reported=("CVE-2026-1", "CVE-2026-2"))
    assert [told.name for told in scanned.scan.told] == ["CVE-2026-1"]
    assert scanned.acted is not None
    assert scanned.acted.told == ()
    assert store.weigh(share=0.2, minimum=0, now=NOW) == ()  # not judged again yet
    assert store.spread_changes(now=NOW) == 1
    assert asked(store, verify=True).differences == ()


def reporting(image: Digest, cve: str) -> Evidence:
    found = ScanReport("trivy", "trivy", NOW, NOW, (ReportedVulnerability("GHSA-1", (cve,), "openssl"),))
    attested = AttestedReport(digest("carrier"), digest(cve), found)
    plain = evidence(image)
    return dataclasses.replace(plain, root=dataclasses.replace(plain.root, reports=(attested,)))


def test_what_is_affected_and_what_cannot_be_told(store: Database) -> None:
    three_images(store)
    judged(store, "unsigned", "new", repository=FAR, trust=Trust.UNSIGNED)
    promote(store, "vulnerable")
    load(store, [record("GHSA-1", aliases=["CVE-2026-1"])], complete=False)
    answer = asked(store, verify=True)
    assert answer.advisories == ("GHSA-1",)
    (image,) = answer.images
    assert (image.repository, image.digest, image.tags) == (APP, digest("vulnerable"), ("vulnerable",))
    assert (image.promoted_to, image.due) == (("registry.example:5000/prod/app:live",), True)
    assert (answer.image_count, answer.tag_count, answer.promotion_count) == (1, 1, 1)
    (package,) = answer.packages
    assert (package.purl, package.fixed, package.indeterminate) == (OLD, "2.0", False)
    assert answer.not_judged.without_sbom == 1
    assert answer.not_judged.untrusted == 1
    assert (answer.not_judged.images, answer.not_judged.tags) == (2, 2)
    assert answer.differences == ()
    assert asked(store, "GHSA-1").images == answer.images


def test_an_image_whose_version_cannot_be_compared_is_not_taken_for_clean(store: Database) -> None:
    store.keep_documents((document("new", NEW), document("odd", "pkg:pypi/requests@latest")), MATCHER)
    load(store, [record("GHSA-1", aliases=["CVE-2026-1"], introduced="1.0")])
    judged(store, "fixed", "new")
    judged(store, "odd", "odd")
    answer = asked(store, verify=True)
    assert [(package.version, package.indeterminate) for package in answer.packages] == [("latest", True)]
    assert (answer.image_count, answer.not_judged) == (0, NotJudged(images=1, tags=1, not_comparable=1))


def test_a_vulnerability_that_no_feed_knows_may_be_newer_than_the_feeds(store: Database) -> None:
    three_images(store)
    answer = asked(store, "CVE-2099-1")
    assert (answer.advisories, answer.images) == ((), ())
    assert (answer.not_judged.feed_older, answer.not_judged.without_sbom) == (2, 1)


def test_aliases_are_followed_and_the_other_vulnerabilities_of_a_bulletin_are_not(store: Database) -> None:
    store.keep_documents((document("old", OLD),), MATCHER)
    judged(store, "vulnerable", "old")
    load(
        store,
        [
            record("GHSA-1", package="flask", aliases=["CVE-2026-1"]),
            record("PYSEC-1", aliases=["GHSA-1"]),
            record("DSA-1", package="flask", upstream=["CVE-2026-1", "CVE-2026-2"]),
            record("GHSA-2", package="flask", aliases=["CVE-2026-2"]),
        ],
    )
    answer = asked(store)
    assert answer.advisories == ("DSA-1", "GHSA-1", "PYSEC-1")
    assert answer.image_count == 1


def test_a_version_that_makes_too_much_fail_is_held_until_somebody_accepts_it(store: Database) -> None:
    three_images(store)
    assert store.weigh(share=0.2, minimum=0, now=NOW)[0].held is False
    load(store, [record("GHSA-1", aliases=["CVE-2026-1"])], complete=False)
    scanned = scan_of(store, "old")
    assert scanned.acted is not None
    assert scanned.scan.nodes[0].vulnerabilities
    assert not scanned.acted.nodes[0].vulnerabilities
    assert store.weigh(share=0.2, minimum=0, now=NOW) == ()  # not judged again yet
    store.spread_changes(now=NOW)
    turned(store)
    (weighed,) = store.weigh(share=0.2, minimum=0, now=NOW)
    assert (weighed.held, weighed.turned, weighed.judged) == (True, 1, 3)
    assert store.feed("osv-pypi").held
    assert asked(store).held
    store.sweep()
    assert scan_of(store, "old").acted is not None
    accepted = store.accept_feed("osv-pypi", actor="rita", reason="checked", now=NOW)
    assert (accepted.held, accepted.acted) == (False, accepted.version)
    assert scan_of(store, "old").acted is None
    assert is_due(store, "vulnerable")
    assert store.broken_at() is None


def test_a_version_that_makes_little_fail_is_accepted_once_everything_is_judged(store: Database) -> None:
    three_images(store)
    store.weigh(share=0.2, minimum=0, now=NOW)
    load(store, [record("GHSA-1", aliases=["CVE-2026-1"])], complete=False)
    store.spread_changes(now=NOW)
    turned(store)
    (weighed,) = store.weigh(share=0.2, minimum=1, now=NOW)
    assert not weighed.held
    assert is_due(store, "vulnerable")  # planned again, now as something that may be done


def test_what_no_scope_covers_any_more_keeps_no_version_waiting(store: Database) -> None:
    three_images(store)
    store.weigh(share=0.2, minimum=0, now=NOW)
    load(store, [record("GHSA-1", aliases=["CVE-2026-1"])], complete=False)
    store.spread_changes(now=NOW)
    lease = claim_one(store, WorkKind.SUBJECT)
    assert store.weigh(share=0.2, minimum=0, now=NOW) == ()
    store.release(lease, next_due=NOW + HOUR, error=None)
    (weighed,) = store.weigh(share=0.2, minimum=0, now=NOW)
    assert not weighed.held


def turned(store: Database) -> None:
    """The vulnerable image fails by the new version alone."""
    lease = claim_one(store, WorkKind.SUBJECT)
    subject = store.due_subject(lease)
    gathered = evidence(subject.digest, sboms=carrying("old"))
    change = scan_of(store, "old").change
    store.record(
        lease,
        judgement(
            subject,
            dataclasses.replace(failed(subject), evidence=gathered.digest),
            gathered=gathered,
            change=change,
            failed_by_change=change,
        ),
        now=NOW,
    )


VERSIONS = st.sampled_from(["1.0", "1.5", "2.0", "2.1", "3.0", "strange"])
PACKAGES = st.sampled_from(["requests", "flask"])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("sbom"), st.lists(st.tuples(PACKAGES, VERSIONS), max_size=4)),
        st.tuples(
            st.just("feed"),
            st.lists(
                st.tuples(st.integers(1, 4), PACKAGES, st.sampled_from(["1.5", "2.0", "2.1"]), st.booleans()),
                max_size=4,
            ),
            st.booleans(),
        ),
        st.tuples(st.just("sweep")),
    ),
    max_size=8,
)


@given(steps=STEPS)
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_a_full_rebuild_equals_the_incremental_result(store: Database, steps: list[tuple[Any, ...]]) -> None:
    """Whatever order SBOMs and feeds come in, whatever is edited, withdrawn, left out or swept away."""
    for number, step in enumerate(steps):
        if step[0] == "sbom":
            purls = [f"pkg:pypi/{name}@{version}" for name, version in step[1]]
            store.keep_documents((document(f"{number} {purls}", *purls),), MATCHER)
        elif step[0] == "feed":
            records = [
                record(
                    f"GHSA-{name}",
                    package,
                    fixed=fixed,
                    modified=f"2026-05-{number + 1:02}T00:00:00Z",
                    **({"withdrawn": "2026-05-02T00:00:00Z"} if gone else {}),
                )
                for name, package, fixed, gone in step[1]
            ]
            load(store, records, complete=step[2])
        else:
            store.weigh(share=1.0, minimum=0, now=NOW)
            store.sweep()
    assert store.rebuild_differences(MATCHER) == ()
