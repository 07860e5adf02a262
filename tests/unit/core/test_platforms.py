"""Several spellings name one platform: what a runtime would choose is judged."""

import pytest

from gatekeeper.core.evidence import Platform
from gatekeeper.core.platforms import is_listed


@pytest.mark.parametrize(
    ("declared", "listed"),
    [
        (Platform("linux", "amd64"), "linux/amd64"),
        (Platform("Linux", "AMD64"), "linux/amd64"),
        (Platform("linux", "x86_64"), "linux/amd64"),
        (Platform("linux", "x86-64"), "linux/amd64"),
        (Platform("linux", "amd64", "v1"), "linux/amd64/v1"),
        (Platform("linux", "amd64"), "linux/x86_64"),
        (Platform("linux", "aarch64"), "linux/arm64/v8"),
        (Platform("linux", "arm64"), "linux/arm64/v8"),
        (Platform("linux", "arm64", "8"), "linux/arm64/v8"),
        (Platform("linux", "arm64", "v9"), "linux/arm64"),
        (Platform("linux", "armhf"), "linux/arm/v7"),
        (Platform("linux", "arm", "7"), "linux/arm"),
        (Platform("linux", "armel"), "linux/arm/v6"),
        (Platform("linux", "i386"), "linux/386"),
        (Platform("macos", "arm64"), "darwin/arm64"),
    ],
)
def test_every_spelling_that_runtimes_take_for_a_platform_is_listed(declared: Platform, listed: str) -> None:
    assert is_listed(declared, (listed,))
    assert is_listed(declared, ("plan9/mips", listed))


@pytest.mark.parametrize(
    ("declared", "listed"),
    [
        (Platform("linux", "amd64"), "linux/arm64"),
        (Platform("windows", "amd64"), "linux/amd64"),
        (Platform("linux", "arm64", "v9"), "linux/arm64/v8"),
        (Platform("linux", "arm", "v6"), "linux/arm/v7"),
        (Platform("linux", "amd64", "v3"), "linux/amd64/v1"),
        (Platform("unknown", "unknown"), "linux/amd64"),
    ],
)
def test_other_platforms_are_not(declared: Platform, listed: str) -> None:
    assert not is_listed(declared, (listed,))


@pytest.mark.parametrize("unknown", [None, Platform("", "amd64"), Platform("linux", "")])
def test_an_unknown_platform_may_be_any(unknown: Platform | None) -> None:
    assert is_listed(unknown, ("linux/amd64",))
