"""The evaluation algorithm of the OSV schema, by example and against the schema's own text."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from gatekeeper.core.advisory import AffectedPackage, RangeEvent, VersionRange
from gatekeeper.core.advisory_terms import EventKind, RangeKind
from gatekeeper.core.match import Affectedness, Ground
from gatekeeper.vulnerabilities.evaluation import evaluate, make_ready
from tests.unit.vulnerabilities.slow_matcher import is_vulnerable

AFFECTED, UNAFFECTED, INDETERMINATE = (
    Affectedness.AFFECTED,
    Affectedness.UNAFFECTED,
    Affectedness.INDETERMINATE,
)


def package(
    *ranges: list[dict[str, str]],
    versions: tuple[str, ...] = (),
    ecosystem: str = "PyPI",
    kind: RangeKind = RangeKind.ECOSYSTEM,
) -> AffectedPackage:
    return AffectedPackage(
        ecosystem,
        "thing",
        ranges=tuple(
            VersionRange(
                kind,
                tuple(RangeEvent(EventKind(name), text) for event in events for name, text in event.items()),
            )
            for events in ranges
        ),
        versions=versions,
    )


def answer(version: str, affected: AffectedPackage) -> Affectedness:
    return evaluate(make_ready(affected), version).affectedness


@pytest.mark.parametrize(
    ("version", "events", "expected"),
    [
        ("0.1", [{"introduced": "0"}, {"fixed": "1.0"}], AFFECTED),
        ("1.0", [{"introduced": "0"}, {"fixed": "1.0"}], UNAFFECTED),
        ("1.0", [{"introduced": "0"}, {"last_affected": "1.0"}], AFFECTED),
        ("1.0.post1", [{"introduced": "0"}, {"last_affected": "1.0"}], UNAFFECTED),
        ("99", [{"introduced": "1"}], AFFECTED),
        ("0.9", [{"introduced": "1"}], UNAFFECTED),
        # Unsorted, as records are.
        ("3.1", [{"fixed": "4"}, {"introduced": "3"}, {"fixed": "2"}, {"introduced": "0"}], AFFECTED),
        ("2.1", [{"fixed": "4"}, {"introduced": "3"}, {"fixed": "2"}, {"introduced": "0"}], UNAFFECTED),
        # A stretch that begins where another ends.
        ("2.5", [{"introduced": "1"}, {"fixed": "2"}, {"introduced": "2"}, {"fixed": "3"}], AFFECTED),
        ("1", [{"introduced": "1"}, {"fixed": "1"}], UNAFFECTED),
        ("2", [{"introduced": "1"}, {"introduced": "2"}, {"fixed": "3"}], AFFECTED),
        ("5", [{"introduced": "0"}, {"limit": "4"}], UNAFFECTED),
        ("3", [{"introduced": "0"}, {"limit": "4"}], AFFECTED),
        ("5", [{"introduced": "0"}, {"limit": "4"}, {"limit": "6"}], AFFECTED),
        ("5", [{"introduced": "0"}, {"limit": "4"}, {"limit": "*"}], AFFECTED),
        ("5", [], UNAFFECTED),
        ("5", [{"fixed": "9"}], UNAFFECTED),
    ],
)
def test_ranges(version: str, events: list[dict[str, str]], expected: Affectedness) -> None:
    assert answer(version, package(events)) is expected


def test_the_reason_names_the_stretch_and_its_fix() -> None:
    ready = make_ready(
        package(
            [
                {"introduced": "0"},
                {"fixed": "1.5"},
                {"introduced": "2.0"},
                {"fixed": "2.3"},
                {"introduced": "3"},
            ]
        )
    )
    whys = [evaluate(ready, version).why for version in ("1.0", "2.1", "3.1")]
    assert [(why.text, why.fixed) for why in whys if why] == [
        ("< 1.5", "1.5"),
        (">= 2.0, < 2.3", "2.3"),
        (">= 3", ""),
    ]
    assert [text for _, text in ready.fixes] == ["1.5", "2.3"]


def test_listed_versions_count_outside_every_range() -> None:
    affected = package([{"introduced": "2"}, {"fixed": "3"}], versions=("1.0", "2.5", "2004-odd"))
    assert answer("1.0.0", affected) is AFFECTED, "1.0.0 is the same release as 1.0"
    assert answer("2004-odd", affected) is AFFECTED
    assert answer("1.1", affected) is UNAFFECTED
    found = evaluate(make_ready(affected), "2004-odd")
    assert found.why is not None
    assert found.why.ground is Ground.VERSIONS


def test_a_version_without_order_is_compared_as_text_and_else_not_judged() -> None:
    assert answer("odd", package([{"introduced": "1"}, {"fixed": "3"}])) is INDETERMINATE
    assert answer("odd", package([{"introduced": "0"}])) is AFFECTED, "every version is"
    assert answer("odd", package(versions=("1.0",))) is UNAFFECTED, "the list is complete"
    assert answer("odd", package([{"introduced": "1"}], versions=("odd",))) is AFFECTED


def test_a_range_without_order_is_not_judged_unless_another_part_decides() -> None:
    bad = [{"introduced": "0"}, {"fixed": "0.2.0-n653"}]
    assert answer("1.0", package(bad)) is INDETERMINATE
    assert answer("1.0", package(bad, versions=("1.0",))) is AFFECTED
    assert answer("1.0", package(bad, [{"introduced": "0"}, {"fixed": "2"}])) is AFFECTED


def test_an_unknown_version_is_affected_only_when_every_version_is() -> None:
    assert answer("", package([{"introduced": "0"}])) is AFFECTED
    assert answer("", package([{"introduced": "0"}, {"fixed": "1"}])) is INDETERMINATE


def test_commits_are_counted_never_matched() -> None:
    commits = package(
        [{"introduced": "0"}, {"fixed": "6879efc2c1596d11a6a6ad296f80063b558d5e0f"}], kind=RangeKind.GIT
    )
    assert make_ready(commits).commits
    assert answer("1.0", commits) is INDETERMINATE
    listed = package([{"introduced": "0"}], versions=("1.0",), kind=RangeKind.GIT)
    assert answer("1.0", listed) is AFFECTED
    assert answer("1.1", listed) is UNAFFECTED


def test_an_ecosystem_without_order_is_matched_by_equality() -> None:
    android = package([{"introduced": "12"}], versions=("13-next",), ecosystem="Android")
    assert answer("13-next", android) is AFFECTED
    assert answer("14", android) is INDETERMINATE
    assert answer("14", package(versions=("13",), ecosystem="Android")) is UNAFFECTED


def test_a_semver_range_of_an_ecosystem_without_order_is_semantic() -> None:
    events = [{"introduced": "1.0.0"}, {"fixed": "1.0.1"}]
    affected = package(events, ecosystem="Newest Ecosystem", kind=RangeKind.SEMVER)
    assert answer("1.0.0", affected) is AFFECTED
    assert answer("1.0.1", affected) is UNAFFECTED


VERSIONS = st.sampled_from(["0", "0.1", "1", "1.0", "1.0rc1", "1.0.post1", "1.5", "2", "2.0.1", "3", "10"])
EVENTS = st.lists(
    st.tuples(st.sampled_from(["introduced", "fixed", "last_affected"]), VERSIONS).map(
        lambda pair: {pair[0]: pair[1]}
    )
    | st.sampled_from(["2", "3", "*"]).map(lambda limit: {"limit": limit}),
    max_size=5,
)


@given(
    version=VERSIONS,
    ranges=st.lists(
        st.fixed_dictionaries({"type": st.sampled_from(["ECOSYSTEM", "GIT"]), "events": EVENTS}), max_size=3
    ),
    versions=st.lists(VERSIONS, max_size=2),
)
def test_agrees_with_the_text_of_the_schema(version: str, ranges: list[Any], versions: list[str]) -> None:
    def compare(left: str, right: str) -> int:
        return (Version(left) > Version(right)) - (Version(left) < Version(right))

    affected = AffectedPackage(
        "PyPI",
        "thing",
        ranges=tuple(
            VersionRange(
                RangeKind(found["type"]),
                tuple(
                    RangeEvent(EventKind(name), text)
                    for event in found["events"]
                    for name, text in event.items()
                ),
            )
            for found in ranges
        ),
        versions=tuple(versions),
    )
    expected = is_vulnerable(version, {"ranges": ranges, "versions": versions}, compare)
    given_answer = answer(version, affected)
    if given_answer is INDETERMINATE:
        assert make_ready(affected).commits
    else:
        assert (given_answer is AFFECTED) == expected
