"""Any evidence, policy, waiver, case and draft, for property tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import Cause
from gatekeeper.core.evidence import (
    Absent,
    Candidate,
    Candidates,
    ConfigFacts,
    Evidence,
    Form,
    NodeEvidence,
    Outcome,
    Platform,
    Purpose,
    Sbom,
    Sboms,
    Trust,
    Unavailable,
)
from gatekeeper.core.lifecycle import (
    Breaker,
    Budget,
    Case,
    CaseFile,
    CaseState,
    Hold,
    IntentDraft,
    IntentKind,
)
from gatekeeper.core.manifest import DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST
from gatekeeper.core.policy import Action, Artifacts, Mode, Scope
from gatekeeper.core.rules.image_too_old import ImageTooOld
from gatekeeper.core.rules.package_denied import PackageDenied
from gatekeeper.core.rules.required_label_missing import RequiredLabelMissing
from gatekeeper.core.rules.rule import Rule
from gatekeeper.core.rules.sbom_coverage_low import SbomCoverageLow
from gatekeeper.core.rules.sbom_missing import SbomMissing
from gatekeeper.core.rules.sbom_untrusted import SbomUntrusted
from gatekeeper.core.rules.sboms import SbomTrust
from gatekeeper.core.rules.signature_missing import SignatureMissing
from gatekeeper.core.rules.tag_latest import TagLatest
from gatekeeper.core.rules.user_root import UserRoot
from gatekeeper.core.verdict import Level, Subject
from gatekeeper.core.waiver import Waiver
from tests.unit.core.builders import NOW, REPOSITORY, digest

TEXTS = st.text(max_size=8)
DIGESTS = st.sampled_from([digest(name) for name in "abcdef"] + [Digest.of(b"long", "sha512")])
KEY_IDS = st.lists(st.sampled_from(["k1", "k2", "k3"]), max_size=2).map(tuple)
TIMES = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001 - zone follows
NEAR = st.integers(-100, 100).map(lambda hours: NOW + timedelta(hours=hours))
GAPS = st.builds(
    Unavailable, st.sampled_from(["referrers", "config", "candidate x"]), st.sampled_from(Cause), TEXTS
)
PLATFORMS = st.sampled_from(
    [Platform("linux", "amd64"), Platform("linux", "arm64", "v8"), Platform("windows", "amd64")]
)
LABELS = st.dictionaries(
    st.sampled_from(["team", "source"]), st.sampled_from(["core", "web", ""]), max_size=2
)
CANDIDATES = st.builds(
    Candidate,
    form=st.sampled_from(Form),
    carrier=DIGESTS,
    position=st.integers(0, 2),
    found_at=st.lists(st.sampled_from(["referrers-api", "fallback-tag"]), max_size=2).map(tuple),
    purpose=st.sampled_from(Purpose),
    outcome=st.sampled_from(Outcome),
    reason_code=st.sampled_from(["signature-verified", "subject-mismatch", "signature-not-by-trusted-key"]),
    detail=TEXTS,
    key_ids=KEY_IDS,
    identity=st.none() | TEXTS,
    signed_at=st.none() | TIMES,
    anomalies=st.lists(TEXTS, max_size=1).map(tuple),
    annotations=st.dictionaries(TEXTS, TEXTS, max_size=2),
)
SBOMS = st.builds(
    Sbom,
    form=st.sampled_from(Form),
    carrier=DIGESTS,
    document=DIGESTS,
    format=st.sampled_from(["cyclonedx-json", "spdx-json", "text/spdx"]),
    trust=st.sampled_from(Trust),
    signatures=st.lists(DIGESTS, max_size=1).map(tuple),
    components=st.integers(0, 3),
    unreadable=st.integers(0, 3),
)
SIGNATURES = st.one_of(
    st.builds(Candidates, st.lists(CANDIDATES, max_size=3).map(tuple), st.none() | GAPS),
    st.just(Absent("signature")),
    GAPS,
)
SBOM_ANSWERS = st.one_of(
    st.builds(Sboms, st.lists(SBOMS, max_size=2).map(tuple), st.none() | GAPS), st.just(Absent("sbom")), GAPS
)
CONFIGS = st.one_of(
    st.builds(
        ConfigFacts,
        digest=DIGESTS,
        user=st.sampled_from(["", "0", "1000", "nobody"]),
        labels=LABELS,
        created=st.none() | TIMES | NEAR,
        platform=st.none() | PLATFORMS,
    ),
    st.just(Absent("config")),
    GAPS,
)


def nodes(media_types: st.SearchStrategy[str]) -> st.SearchStrategy[NodeEvidence]:
    return st.builds(
        NodeEvidence, DIGESTS, media_types, st.none() | PLATFORMS, CONFIGS, SIGNATURES, SBOM_ANSWERS
    )


EVIDENCE = st.builds(
    Evidence,
    nodes(st.sampled_from([OCI_MANIFEST, OCI_INDEX])),
    st.lists(nodes(st.sampled_from([OCI_MANIFEST, DOCKER_MANIFEST])), max_size=3).map(tuple),
    st.just("key-set"),
    st.lists(GAPS, max_size=2).map(tuple),
)

LEVELS = st.sampled_from(Level)
SIGNER_NAMES = st.sampled_from([(), ("release",), ("release", "security")])
RULES: st.SearchStrategy[Rule] = st.one_of(
    st.builds(SignatureMissing, LEVELS, SIGNER_NAMES),
    st.builds(SbomMissing, LEVELS, st.sampled_from(SbomTrust), SIGNER_NAMES, st.integers(0, 2)),
    st.builds(SbomUntrusted, LEVELS, st.sampled_from(SbomTrust), SIGNER_NAMES),
    st.builds(SbomCoverageLow, LEVELS, st.integers(1, 100), st.sampled_from(SbomTrust), SIGNER_NAMES),
    st.builds(
        PackageDenied, LEVELS, st.sampled_from([(), ("nc",)]), st.sampled_from(SbomTrust), SIGNER_NAMES
    ),
    st.builds(UserRoot, LEVELS, st.booleans()),
    st.builds(TagLatest, LEVELS),
    st.builds(RequiredLabelMissing, LEVELS, st.sampled_from([(), ("team",), ("team=core", "source")])),
    st.builds(ImageTooOld, LEVELS, st.just(timedelta(hours=50)), LEVELS, LEVELS),
)
RULE_LISTS = st.lists(RULES, max_size=4).map(tuple)
TAG_SETS = st.lists(st.sampled_from(["latest", "v1", "v2"]), unique=True, max_size=3).map(sorted).map(tuple)
SPANS = st.integers(0, 200).map(lambda hours: timedelta(hours=hours)) | st.just(timedelta(milliseconds=1500))
SCOPES = st.builds(
    Scope,
    name=st.just("all"),
    repositories=st.just(("**",)),
    policy=st.just("default"),
    mode=st.sampled_from(Mode),
    action=st.sampled_from(Action),
    settle=SPANS,
    indeterminate_after=SPANS,
    recheck_after=SPANS,
    protected_tags=st.sampled_from([(), ("v1",), ("v*",)]),
    protected_repositories=st.sampled_from([(), ("registry.example/**",)]),
    empty_tags=st.booleans(),
    platforms=st.sampled_from([(), ("linux/amd64",), ("linux/arm64", "windows/amd64")]),
    artifacts=st.sampled_from(Artifacts),
)


def subjects(of: Evidence) -> st.SearchStrategy[Subject]:
    return st.builds(Subject, st.just(REPOSITORY), st.just(of.root.digest), TAG_SETS, NEAR)


WAIVERS = st.builds(
    Waiver,
    id=st.sampled_from(["w1", "w2", "w3"]),
    rule=st.sampled_from(["signature-missing", "user-root", "sbom-missing", "evidence", "policy"]),
    fingerprints=st.just(frozenset[str]()),
    digest=st.none() | DIGESTS,
    repository_glob=st.sampled_from(["**", "registry.example/team/*", "other/**"]),
    reason=TEXTS,
    owner=TEXTS,
    approver=st.none() | TEXTS,
    expires_at=st.none() | NEAR,
)
FINGERPRINTS = st.frozensets(st.sampled_from(["sha256:1", "sha256:2"]))
CASES = st.builds(
    Case,
    id=st.just("case-1"),
    repository=st.just(REPOSITORY),
    digest=DIGESTS,
    tags=TAG_SETS,
    state=st.sampled_from(CaseState),
    action=st.sampled_from(Action),
    reason_code=TEXTS,
    why_proposed=st.none() | st.sampled_from(["mode-propose", "restored-before"]),
    fingerprints=FINGERPRINTS,
    opened_at=TIMES,
    updated_at=TIMES,
)
CASE_FILES = st.builds(
    CaseFile,
    tag=st.sampled_from(["latest", "v1", "v2"]),
    points_at=DIGESTS,
    case=st.none() | CASES,
    predecessor=st.none() | DIGESTS,
    failing_since=st.none() | NEAR,
)
BUDGETS = st.builds(
    Budget,
    st.integers(-1, 3),
    st.integers(-1, 3),
    st.integers(-1, 3),
    st.none() | st.builds(Hold, TEXTS, TEXTS, TIMES),
    st.none() | st.builds(Breaker, TEXTS, TIMES),
)
DRAFTS = st.builds(
    IntentDraft,
    kind=st.sampled_from(IntentKind),
    repository=st.just(REPOSITORY),
    digest=DIGESTS,
    tag=st.none() | st.just("v1"),
    expected=st.none() | DIGESTS,
    replacement=st.none() | DIGESTS,
    target=st.none() | st.just(REPOSITORY),
    target_tag=st.none() | st.just("t"),
    nonce=st.just("0123456789abcdef"),
    case_id=st.none() | TEXTS,
    actor=TEXTS,
    reason=TEXTS,
    annotations=st.dictionaries(TEXTS, TEXTS, max_size=2),
)
