"""Order of versions: ladders taken from each scheme's own specification, and laws that hold for every text."""

from __future__ import annotations

import contextlib
import functools
import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from gatekeeper.core.errors import MalformedError
from gatekeeper.vulnerabilities.versions.schemes import ECOSYSTEMS, SCHEMES, scheme_of

LADDERS: dict[str, list[str]] = {
    # deb-version(7) and Debian Policy 5.6.12; equal versions share a line.
    "deb": [
        "1.0~~",
        "1.0~~a",
        "1.0~",
        "1.0~rc1",
        "1.0 1.0-0 0:1.0 01.0",
        "1.0-0ubuntu1",
        "1.0-1~bpo12+1",
        "1.0-1",
        "1.0-1+b1",
        "1.0-1+deb12u1",
        "1.0-2",
        "1.0-10",
        "1.0a",
        "1.0+git2",
        "1.0+git10",
        "1.0.1",
        "1.1",
        "1:0.1",
        "2:0",
    ],
    # rpm-version(7) and the cases of rpm's tests/rpmvercmp.at.
    "rpm": [
        "1.0~rc1",
        "1.0~rc1^git1",
        "1.0~rc2",
        "1.0 0:1.0 1_0 (none):1.0",
        "1.0^",
        "1.0^git1~pre",
        "1.0^git1",
        "1.0^git2",
        "1.0a",
        "1.0.1",
        "1.1",
        "1.10",
        "1:0.1-1.el9",
        "1:0.1-1.el9_2",
        "1:0.1-2.el9",
    ],
    # apk-package(5) and apk-tools' test/version.data.
    "apk": [
        "1.0_alpha",
        "1.0_alpha1",
        "1.0_beta",
        "1.0_pre",
        "1.0_rc",
        "1.0_rc3",
        "1.0 1.0-r0",
        "1.0-r1",
        "1.0_cvs",
        "1.0_svn",
        "1.0_git",
        "1.0_git20230717-r4 1.0_git20230717~abc-r4",
        "1.0_hg",
        "1.0_p1",
        "1.0a",
        "1.0b",
        "1.01",
        "1.1",
        "1.2.4",
        "10",
    ],
    # SemVer 2.0.0 section 11.
    "semver": [
        "0.9.9",
        "1.0.0-0",
        "1.0.0-alpha 1.0.0-alpha+build 1.0-alpha",
        "1.0.0-alpha.1",
        "1.0.0-alpha.beta",
        "1.0.0-beta",
        "1.0.0-beta.2",
        "1.0.0-beta.11",
        "1.0.0-rc.1",
        "1.0.0 v1.0.0 1.0.0+a 1.0.0+b 1 1.0 1.0.0.0",
        "1.0.0.1",
        "1.0.1",
        "1.10.0",
    ],
    "go": ["1.20.14", "go1.21rc2 1.21.0-rc.2", "go1.21 v1.21.0", "go1.21.3 1.21.3", "v2.0.0+incompatible"],
    "pub": ["1.0.0-pre", "1.0.0-pre+1", "1.0.0", "1.0.0+1", "1.0.0+2", "1.0.0+a", "1.0.1"],
    "nuget": [
        "1.0.0-alpha 1.0.0-ALPHA",
        "1.0.0-beta",
        "1.0.0-beta.2",
        "1.0.0-beta.10",
        "1 1.0 1.0.0.0 1.0.0+x",
        "1.0.0.1",
        "1.0.1",
    ],
    # PEP 440, "Summary of permitted suffixes and relative ordering".
    "pep440": [
        "1.0.dev456",
        "1.0a1 1.0.alpha.1 1.0-A1",
        "1.0a2.dev456",
        "1.0a12.dev456",
        "1.0a12",
        "1.0b1.dev456",
        "1.0b2",
        "1.0b2.post345.dev456",
        "1.0b2.post345",
        "1.0rc1.dev456",
        "1.0rc1 1.0c1 1.0pre1",
        "1.0 1.0.0 v1 1",
        "1.0+abc.5",
        "1.0+abc.7",
        "1.0+5",
        "1.0.post456.dev34",
        "1.0.post456 1.0-456 1.0-r456",
        "1.0.15",
        "1.1.dev1",
        "1!0.1",
    ],
    # Gem::Version.
    "gem": [
        "1.0.a.2 1.0.a2",
        "1.0.b1",
        "1.0.rc1 1.0.0.rc1",
        "1.0 1 1.0.0",
        "1.0.1.pre",
        "1.0.1-1 1.0.1.pre.1",
        "1.0.1",
        "1.10",
    ],
    # composer/semver normalises to four numbers; then PHP version_compare.
    "composer": [
        "1.0.0-dev",
        "1.0.0-alpha1 1.0-a1 v1.0.0.0-alpha.1",
        "1.0.0-beta2",
        "1.0.0-RC1 1.0.0-rc1",
        "1.0.0 1.0 1 v1.0.0.0 1.0.0-stable 1.0.0+build.5",
        "1.0.0-patch1 1.0.0-p1",
        "1.0.0.1",
        "1.0.1",
        "1.10",
    ],
    # Maven: "Version Order Specification" and ComparableVersion's documentation.
    "maven": [
        "1-alpha",
        "1-alpha-1 1-alpha1 1-a1 1.0-alpha-1",
        "1-beta",
        "1-milestone",
        "1-rc 1-cr",
        "1-snapshot 1.0-SNAPSHOT",
        "1 1.0 1.0.0 1-ga 1-final 1.0.RELEASE",
        "1-sp",
        "1-abc",
        "1-xyz",
        "1-1",
        "1-2",
        "1-10",
        "1.0.1",
        "1.1",
        "1.10",
        "2",
    ],
    "hackage": ["0", "0.1", "0.1.0", "0.1.1", "0.2", "0.10", "1"],
    "r": ["0.1 0.01", "0.1-0 0.1.0 0.01.0", "0.1-2", "0.2", "0.75", "0.100", "1.0-1", "1.0.2"],
    "opam": ["1.0~beta", "1.0", "1.0-1", "1.0.1", "v1.0"],
}


@pytest.mark.parametrize("name", sorted(SCHEMES))
def test_ladder_of_the_specification(name: str) -> None:
    key = SCHEMES[name].key
    rungs = [[key(version) for version in line.split(" ")] for line in LADDERS[name]]
    for line, rung in zip(LADDERS[name], rungs, strict=True):
        assert len(set(rung)) == 1, f"not equal: {line}"
    for (lower, higher), (low_line, high_line) in zip(pairwise(rungs), pairwise(LADDERS[name]), strict=True):
        assert lower[0] < higher[0], f"{low_line} is not below {high_line}"


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("deb", "a:1"),
        ("deb", ""),
        ("deb", "1 2"),
        ("rpm", "x:1"),
        ("rpm", "1.1.\u03b1"),
        ("apk", "1.0-x"),
        ("apk", ".1"),
        ("semver", "(devel)"),
        ("semver", "latest"),
        ("go", "(devel)"),
        ("pep440", "1.0-bulbasaur"),
        ("gem", "x"),
        ("nuget", "1.0.x y"),
        ("composer", "dev-main"),
        ("composer", "1.x-dev"),
        ("composer", "1.0.x-dev"),
        ("hackage", "1.a"),
        ("r", "1..2"),
        ("maven", " "),
        ("maven", "9" * 2000),
    ],
)
def test_what_has_no_order_says_so(name: str, version: str) -> None:
    with pytest.raises(MalformedError) as refused:
        SCHEMES[name].key(version)
    assert refused.value.reason_code == "version-unorderable"


@pytest.mark.parametrize("name", sorted(SCHEMES))
@given(text=st.text(max_size=30))
def test_any_text_has_a_key_or_is_refused(name: str, text: str) -> None:
    with contextlib.suppress(MalformedError):
        assert SCHEMES[name].key(text), "no version sorts where the beginning of all is"


NUMBER_OF_ANY_LENGTH = st.integers(min_value=0, max_value=10**400)


@pytest.mark.parametrize("name", sorted(SCHEMES))
@given(first=NUMBER_OF_ANY_LENGTH, second=NUMBER_OF_ANY_LENGTH)
def test_numbers_sort_by_value_whatever_their_length(name: str, first: int, second: int) -> None:
    key = SCHEMES[name].key
    lower, higher = key(f"{first}.1"), key(f"{second}.1")
    assert (lower < higher, lower == higher) == (first < second, first == second)


DEBIAN = st.from_regex(r"([0-9]:)?[0-9][0-9a-c.+~]{0,6}(-[0-9a-c.+~]{1,4})?", fullmatch=True)


def _debian_compare(left: str, right: str) -> int:
    """Written from deb-version(7) alone, part by part."""

    def split(version: str) -> tuple[int, str, str]:
        epoch, colon, rest = version.partition(":")
        if not colon:
            epoch, rest = "0", version
        upstream, dash, revision = rest.rpartition("-")
        return int(epoch), *((upstream, revision) if dash else (rest, "0"))

    def order(letter: str) -> tuple[int, int]:
        if letter == "~":
            return (0, 0)
        if not letter:
            return (1, 0)
        return (2, ord(letter)) if letter.isalpha() else (3, ord(letter))

    def part(one: str, other: str) -> int:
        while one or other:
            heads = [re.match(r"[^0-9]*", text)[0] for text in (one, other)]  # type: ignore[index]
            for place in range(max(map(len, heads))):
                weights = [order(head[place : place + 1]) for head in heads]
                if weights[0] != weights[1]:
                    return -1 if weights[0] < weights[1] else 1
            one, other = one[len(heads[0]) :], other[len(heads[1]) :]
            numbers = [re.match(r"[0-9]*", text)[0] for text in (one, other)]  # type: ignore[index]
            values = [int(number or 0) for number in numbers]
            if values[0] != values[1]:
                return -1 if values[0] < values[1] else 1
            one, other = one[len(numbers[0]) :], other[len(numbers[1]) :]
        return 0

    ours, theirs = split(left), split(right)
    if ours[0] != theirs[0]:
        return -1 if ours[0] < theirs[0] else 1
    return part(ours[1], theirs[1]) or part(ours[2], theirs[2])


@given(left=DEBIAN, right=DEBIAN)
def test_debian_keys_sort_as_the_manual_page_compares(left: str, right: str) -> None:
    key = SCHEMES["deb"].key
    assert _sign(key(left), key(right)) == _debian_compare(left, right)


RPM = st.from_regex(r"([0-9]:)?[0-9][0-9a-cA.+~^_]{0,6}(-[0-9a-c.+~^]{1,4})?", fullmatch=True)


def _rpm_compare(left: str, right: str) -> int:  # noqa: C901 - as the C code goes, not made nicer
    """rpmvercmp.c, step by step."""

    def segments(one: str, other: str) -> int:  # noqa: C901 - see above
        while one or other:
            one, other = (re.sub(r"^[^0-9A-Za-z~^]+", "", text) for text in (one, other))
            if one.startswith("~") or other.startswith("~"):
                if not one.startswith("~"):
                    return 1
                if not other.startswith("~"):
                    return -1
                one, other = one[1:], other[1:]
                continue
            if one.startswith("^") or other.startswith("^"):
                if not one:
                    return -1
                if not other:
                    return 1
                if not one.startswith("^"):
                    return 1
                if not other.startswith("^"):
                    return -1
                one, other = one[1:], other[1:]
                continue
            if not (one and other):
                break
            kind = r"[0-9]+" if one[0].isdigit() else r"[A-Za-z]+"
            mine = re.match(kind, one)[0]  # type: ignore[index]
            found = re.match(kind, other)
            if found is None:
                return 1 if one[0].isdigit() else -1
            theirs = found[0]
            one, other = one[len(mine) :], other[len(theirs) :]
            ours: tuple[int, str] | str = mine
            its: tuple[int, str] | str = theirs
            if mine[0].isdigit():
                ours, its = (
                    (len(mine.lstrip("0")), mine.lstrip("0")),
                    (len(theirs.lstrip("0")), theirs.lstrip("0")),
                )
            if ours != its:
                return -1 if ours < its else 1  # type: ignore[operator]
        return bool(one) - bool(other)

    def split(version: str) -> tuple[int, str, str]:
        epoch, colon, rest = version.partition(":")
        if not colon:
            epoch, rest = "0", version
        upstream, _, release = rest.partition("-")
        return int(epoch), upstream, release

    ours, theirs = split(left), split(right)
    if ours[0] != theirs[0]:
        return -1 if ours[0] < theirs[0] else 1
    return segments(ours[1], theirs[1]) or segments(ours[2], theirs[2])


@given(left=RPM, right=RPM)
def test_rpm_keys_sort_as_rpmvercmp_compares(left: str, right: str) -> None:
    if ("-" in left) != ("-" in right):
        return  # rpm compares a release with none at all only where a dependency leaves it out
    key = SCHEMES["rpm"].key
    assert _sign(key(left), key(right)) == _rpm_compare(left, right)


PYPI = st.from_regex(
    r"([0-9]!)?[0-9]{1,2}(\.[0-9]{1,2}){0,3}((a|b|rc|\.alpha|-c)[0-9]?)?(\.post[0-9]?|-[0-9])?(\.dev[0-9]?)?(\+[a-c0-9]{1,2}(\.[a-c0-9]{1,2})?)?",
    fullmatch=True,
)


@given(left=PYPI, right=PYPI)
def test_pypi_keys_sort_as_packaging_compares(left: str, right: str) -> None:
    ours, theirs = Version(left), Version(right)
    key = SCHEMES["pep440"].key
    assert _sign(key(left), key(right)) == (ours > theirs) - (ours < theirs)


def _sign(left: bytes, right: bytes) -> int:
    return (left > right) - (left < right)


SHAPES = {
    "apk": r"[0-9]{1,2}(\.[0-9]{1,2}){0,2}[a-b]?(_(alpha|rc|git|p)[0-9]?){0,2}(-r[0-9])?",
    "composer": r"v?[0-9](\.[0-9]){0,4}(-?(dev|alpha|b|RC|p|x)[0-9]?)?",
    "gem": r"[0-9](\.([0-9]|a|rc)){0,4}",
    "maven": r"[0-9]([.-]?([0-2]|alpha|rc|sp|x|ga)){0,4}",
    "semver": r"v?[0-9](\.[0-9]){0,3}(-(a|b|0|10)(\.(a|1|10)){0,2})?",
}


@pytest.mark.parametrize("name", sorted(SHAPES))
def test_order_is_total(name: str) -> None:
    """Byte strings are totally ordered; what has to hold is that equal versions, and only they, have equal keys."""
    key = SCHEMES[name].key
    made = functools.partial(st.from_regex, fullmatch=True)

    @given(versions=st.lists(made(SHAPES[name]), min_size=3, max_size=3))
    def holds(versions: list[str]) -> None:
        first, second, third = sorted(versions, key=key)
        assert key(first) <= key(second) <= key(third)
        assert key(first + "") == key(first)

    holds()


@pytest.mark.parametrize(
    ("ecosystem", "scheme"),
    [
        ("Debian:12", "deb"),
        ("Ubuntu:22.04:LTS", "deb"),
        ("Ubuntu:Pro:18.04:LTS", "deb"),
        ("Alpine:v3.20", "apk"),
        ("Red Hat:enterprise_linux:9::appstream", "rpm"),
        ("Maven:https://maven.google.com", "maven"),
        ("npm", "semver"),
        ("Root:Alpine:3.18", "apk"),
        ("Root:PyPI", "pep440"),
        ("Echo", "deb"),
        ("Echo:npm", "semver"),
    ],
)
def test_suffixes_do_not_change_the_order(ecosystem: str, scheme: str) -> None:
    found = scheme_of(ecosystem)
    assert found is not None
    assert found.name == scheme


def test_ecosystems_without_order_are_named() -> None:
    assert {name for name, scheme in ECOSYSTEMS.items() if scheme is None} == {
        "Android",
        "FreeBSD",
        "GIT",
        "OSS-Fuzz",
        "Root",
    }
    assert scheme_of("No Such Ecosystem") is None
