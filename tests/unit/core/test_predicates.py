"""What attestations say: the predicates that real builders and scanners write, read into small facts."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.core.canonical import from_plain, to_plain
from gatekeeper.core.predicate import (
    MOST_CLAIMS,
    BillOfMaterials,
    ExploitabilityStatements,
    OtherPredicate,
    Predicate,
    Provenance,
    Summary,
    TestReport,
    UnreadPredicate,
    VulnerabilityScan,
    is_of_type,
)
from gatekeeper.core.predicate_reading import read_predicate

_AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
_V1 = "https://slsa.dev/provenance/v1"
_V02 = "https://slsa.dev/provenance/v0.2"
_COMMIT = "c27d339ee6075c1f744c5d4b200f7901aad2c369"

GITHUB = {
    "buildDefinition": {
        "buildType": "https://actions.github.io/buildtypes/workflow/v1",
        "externalParameters": {
            "workflow": {
                "ref": "refs/heads/main",
                "repository": "https://github.com/octo/hello",
                "path": ".github/workflows/ci.yml",
            }
        },
        "internalParameters": {"github": {"event_name": "push"}},
        "resolvedDependencies": [
            {"uri": "git+https://github.com/octo/hello@refs/heads/main", "digest": {"gitCommit": _COMMIT}}
        ],
    },
    "runDetails": {
        "builder": {"id": "https://github.com/octo/hello/.github/workflows/ci.yml@refs/heads/main"},
        "metadata": {"invocationId": "https://github.com/octo/hello/actions/runs/1/attempts/1"},
    },
}
GENERATOR_V02 = {
    "builder": {"id": "https://github.com/slsa-framework/slsa-github-generator/x.yml@refs/tags/v1.9.0"},
    "buildType": "https://github.com/slsa-framework/slsa-github-generator/container@v1",
    "invocation": {
        "configSource": {
            "uri": "git+https://github.com/octo/hello@refs/tags/v1",
            "digest": {"sha1": _COMMIT},
            "entryPoint": ".github/workflows/release.yml",
        }
    },
    "metadata": {"buildStartedOn": "2026-03-01T11:00:00Z", "buildFinishedOn": "2026-03-01T12:00:00Z"},
    "materials": [
        {"uri": "git+https://github.com/octo/hello@refs/tags/v1", "digest": {"sha1": _COMMIT}},
        {"uri": "pkg:docker/alpine@latest"},
    ],
}
BUILDKIT_V1: dict[str, Any] = {
    "buildDefinition": {
        "buildType": "https://github.com/moby/buildkit/blob/master/docs/attestations/slsa-definitions.md",
        "externalParameters": {
            "configSource": {
                "uri": "https://github.com/octo/hello.git#refs/heads/main",
                "digest": {"sha1": _COMMIT},
                "path": "Dockerfile",
            },
            "request": {"frontend": "dockerfile.v0"},
        },
        "resolvedDependencies": [
            {"uri": "pkg:docker/golang@1.22?platform=linux%2Famd64", "digest": {"sha256": "a" * 64}}
        ],
    },
    "runDetails": {"builder": {"id": ""}, "metadata": {"finishedOn": "2026-03-01T12:00:00Z"}},
}


def read(kind: str, document: object) -> Predicate:
    return read_predicate(kind, json.dumps(document).encode())


def test_provenance_of_github_actions() -> None:
    assert read(_V1, GITHUB).facts == Provenance(
        version="v1",
        builder="https://github.com/octo/hello/.github/workflows/ci.yml@refs/heads/main",
        build_type="https://actions.github.io/buildtypes/workflow/v1",
        source="https://github.com/octo/hello",
        source_ref="refs/heads/main",
        source_digest=_COMMIT,
        materials=1,
        invocation="https://github.com/octo/hello/actions/runs/1/attempts/1",
    )


def test_provenance_of_the_older_version() -> None:
    assert read(_V02, GENERATOR_V02).facts == Provenance(
        version="v0.2",
        builder="https://github.com/slsa-framework/slsa-github-generator/x.yml@refs/tags/v1.9.0",
        build_type="https://github.com/slsa-framework/slsa-github-generator/container@v1",
        source="https://github.com/octo/hello",
        source_ref="refs/tags/v1",
        source_digest=_COMMIT,
        materials=2,
        unpinned=("pkg:docker/alpine@latest",),
        said_at=_AT,
    )


def test_provenance_without_a_builder_says_nothing_that_could_be_trusted() -> None:
    facts = read(_V1, BUILDKIT_V1).facts
    assert facts == UnreadPredicate("`id` is absent or no text")
    built = {**BUILDKIT_V1, "runDetails": {**BUILDKIT_V1["runDetails"], "builder": {"id": "https://ci"}}}
    facts = read(_V1, built).facts
    assert isinstance(facts, Provenance)
    assert (facts.source, facts.source_ref, facts.source_digest) == (
        "https://github.com/octo/hello",
        "refs/heads/main",
        _COMMIT,
    )


@pytest.mark.parametrize(
    ("kind", "document", "facts"),
    [
        (
            "https://slsa.dev/verification_summary/v1",
            {
                "verifier": {"id": "https://gate.test"},
                "timeVerified": "2026-03-01T12:00:00Z",
                "resourceUri": "pkg:oci/app",
                "policy": {"uri": "https://gate.test/policy"},
                "verificationResult": "FAILED",
                "verifiedLevels": ["FAILED"],
            },
            Summary("https://gate.test", "pkg:oci/app", "https://gate.test/policy", False, ("FAILED",), _AT),
        ),
        (
            "https://cosign.sigstore.dev/attestation/vuln/v1",
            {
                "invocation": {"parameters": None},
                "scanner": {
                    "uri": "pkg:github/aquasecurity/trivy@1",
                    "version": "1",
                    "result": {"Results": []},
                },
                "metadata": {"scanFinishedOn": "2026-03-01T12:00:00Z"},
            },
            VulnerabilityScan("pkg:github/aquasecurity/trivy@1", "1", None, _AT),
        ),
        (
            "https://in-toto.io/attestation/vulns/v0.2",
            {
                "scanner": {"uri": "pkg:x", "version": "2", "result": [{"id": "CVE-1"}]},
                "metadata": {"scanFinishedOn": "2026-03-01T12:00:00Z"},
            },
            VulnerabilityScan("pkg:x", "2", 1, _AT),
        ),
        (
            "https://openvex.dev/ns/v0.2.0",
            {"author": "sec", "timestamp": "2026-03-01T12:00:00Z", "statements": [{}, {}]},
            ExploitabilityStatements("sec", 2, _AT),
        ),
        (
            "https://in-toto.io/attestation/test-result/v0.1",
            {"result": "FAILED", "failedTests": ["a"], "configuration": []},
            TestReport(False, "FAILED", 1),
        ),
        ("https://spdx.dev/Document", '{"spdxVersion": "SPDX-2.3"}', BillOfMaterials("spdx")),
        (
            "https://cyclonedx.org/bom",
            {"metadata": {"timestamp": "2026-03-01T12:00:00+00:00"}},
            BillOfMaterials("cyclonedx", _AT),
        ),
        (
            "https://cosign.sigstore.dev/attestation/v1",
            {"Data": "hello", "Timestamp": "2026-03-01T12:00:00Z"},
            OtherPredicate(_AT),
        ),
        ("https://example.test/own/v1", {"ok": True}, OtherPredicate()),
        ("https://example.test/own/v1", [], UnreadPredicate("the predicate is no JSON object")),
        (_V1, {"buildDefinition": {}}, UnreadPredicate("`runDetails` is absent or no object")),
        ("https://openvex.dev/ns", {}, UnreadPredicate("`statements` is absent or no list")),
    ],
)
def test_predicates_are_typed(kind: str, document: object, facts: object) -> None:
    found = read(kind, document)
    assert found.facts == facts
    assert from_plain(Predicate, json.loads(json.dumps(to_plain(found)))) == found


def test_claims_are_named_by_json_pointers() -> None:
    found = read("https://example.test/own", {"a": {"b/c": 1, "d~": [True, None, "x"]}, "n": 1.5})
    assert found.claims == {"/a/b~1c": "1", "/a/d~0/0": "true", "/a/d~0/2": "x", "/n": "1.5"}
    many = read("https://example.test/own", {"long": "x" * 5000, "list": list(range(5000))})
    assert len(many.claims) == MOST_CLAIMS
    assert "/long" not in many.claims
    deep = read("https://example.test/own", {"a": {"b": [{"c": "x"}] * 500}, "z": {"id": "who"}})
    assert deep.claims["/z/id"] == "who"


@pytest.mark.parametrize(
    ("kind", "wanted", "is_it"),
    [
        (_V1, "slsa-provenance", True),
        (_V02, "slsa-provenance", True),
        (_V1, _V1, True),
        (_V02, _V1, False),
        ("https://openvex.dev/ns/v0.2.0", "openvex", True),
        ("https://openvex.dev/ns/v0.2.0", "https://openvex.dev/ns", False),
        ("https://openvex.dev/ns/evil", "openvex", False),
        ("https://openvex.dev/nsv1", "openvex", False),
        ("https://evil.test/https://openvex.dev/ns", "openvex", False),
    ],
)
def test_types_by_name_or_exactly(kind: str, wanted: str, is_it: bool) -> None:
    assert is_of_type(kind, wanted) is is_it


_NAMES = st.sampled_from(
    [
        "builder",
        "id",
        "buildType",
        "buildDefinition",
        "runDetails",
        "resolvedDependencies",
        "digest",
        "uri",
        "scanner",
        "result",
        "metadata",
        "statements",
        "externalParameters",
        "workflow",
        "materials",
        "source",
    ]
)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=4),
    max_leaves=12,
)
_KINDS = st.sampled_from([_V1, _V02, "https://openvex.dev/ns", "https://cyclonedx.org/bom", "x"])


@given(_KINDS, _JSON)
def test_anything_becomes_facts(kind: str, document: object) -> None:
    read(kind, document)
