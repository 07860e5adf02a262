"""Our order of versions beside the ecosystem's own tool, or the public library that implements it."""

from __future__ import annotations

import random
import shutil
import subprocess
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from univers import versions as univers

from gatekeeper.vulnerabilities.versions.schemes import SCHEMES
from tests.judges import tools


def ours(scheme: str, left: str, right: str) -> int:
    key = SCHEMES[scheme].key
    return (key(left) > key(right)) - (key(left) < key(right))


PIECES = ("0", "1", "9", "10", "a", "rc1", "~", "~rc", "+b1", ".", "-", "+deb12u1", "ubuntu", ".0")


def test_dpkg_compares_alike() -> None:
    program = shutil.which("dpkg")
    if program is None:
        tools.absent("dpkg", "a Debian machine")
    chance = random.Random(5)
    made = [
        chance.choice(["", "", "1:"]) + "1" + "".join(chance.choices(PIECES, k=chance.randrange(1, 5)))
        for _ in range(160)
    ]
    compared = 0
    for left, right in pairwise(made):
        wanted = {-1: "lt", 0: "eq", 1: "gt"}[ours("deb", left, right)]
        command = [program, "--compare-versions", left, wanted, right]
        answer = subprocess.run(command, check=False, stderr=subprocess.DEVNULL).returncode
        assert answer != 1, f"dpkg does not find {left} {wanted} {right}"
        compared += answer == 0  # 2: it refuses one of them
    assert compared > 60


SHAPES: dict[str, tuple[Any, str]] = {
    "gem": (univers.RubygemsVersion, r"[0-9](\.([0-9]{1,2}|a|b|rc)){0,4}"),
    "nuget": (univers.NugetVersion, r"[0-9](\.[0-9]{1,2}){1,3}(-(alpha|beta|RC)(\.[1-9][0-9]?)?)?"),
    "deb": (univers.DebianVersion, r"([0-9]:)?[0-9][0-9a-c.+~]{0,5}(-[0-9a-c.+~]{1,3})?"),
    # Without _git and its kin, which the library refuses, although Alpine uses them.
    "apk": (univers.AlpineLinuxVersion, r"[1-9](\.[1-9][0-9]?){1,2}[a-b]?(_(alpha|beta|rc|p)[1-9])?-r[0-9]"),
    "rpm": (univers.RpmVersion, r"([0-9]:)?[0-9](\.[0-9]{1,2}){0,2}-[0-9]\.el[789]"),
    "semver": (univers.SemverVersion, r"[0-9]\.[0-9]\.[0-9]{1,2}(-(alpha|beta|rc)(\.[1-9][0-9]?)?)?"),
    # Without words after a point and without ga, final and release, where the library strays from Maven.
    "maven": (univers.MavenVersion, r"[1-9](\.[1-9][0-9]?){0,2}(-(alpha|beta|rc|sp|x)(-[1-9])?)?"),
}


@pytest.mark.parametrize("scheme", sorted(SHAPES))
def test_univers_compares_alike(scheme: str) -> None:
    library, shape = SHAPES[scheme]
    versions = st.from_regex(shape, fullmatch=True)

    @settings(deadline=None)
    @given(left=versions, right=versions)
    def alike(left: str, right: str) -> None:
        mine, other = library(left), library(right)
        assert ours(scheme, left, right) == (mine > other) - (mine < other)

    alike()


def test_where_univers_is_wrong() -> None:
    """Why it judges here and does not serve: scanning asks about exactly these."""
    with pytest.raises(univers.InvalidVersion):
        univers.AlpineLinuxVersion("1.2.4_git20230717-r4")
    assert ours("apk", "1.2.4_git20230717-r4", "1.2.4-r9") == 1
    one, other = univers.ComposerVersion("1.2.3.4"), univers.ComposerVersion("1.2.3.5")
    assert one >= other
    assert one <= other
    assert ours("composer", "1.2.3.4", "1.2.3.5") == -1
