"""What syft says of images and source trees, in each of its formats: grype, osv-scanner and we find the same in it.

One set of advisories for all three. Each difference has a name, and a reason.
"""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.cli import main
from tests.judges import advisories, syft_images
from tests.judges.advisories import Grype, OsvScanner, Record

pytestmark = [pytest.mark.slow, pytest.mark.judge("syft"), pytest.mark.judge("grype")]

Found = frozenset[tuple[str, str]]
"""(package URL, advisory)."""

RECORDS = {
    # name: ecosystem, package, introduced, fixed
    "of-another-source-name": ("Debian:12", "openssl", "0", "3.0.13-1~deb12u1"),
    "with-an-epoch": ("Debian:12", "zlib", "0", "1:1.2.13.dfsg-2"),
    "of-another-source-version": ("Debian:12", "util-linux", "0", "2.38.1-5+deb12u2"),
    "of-a-rebuilt-binary": ("Debian:12", "pyyaml", "0", "6.0-4"),
    "fixed-by-debian": ("Debian:12", "requests", "0", "2.28.1+dfsg-1"),
    "pypi-requests": ("PyPI", "requests", "0", "2.31.0"),
    "pypi-pyyaml": ("PyPI", "pyyaml", "0", "6.0.1"),
    "pypi-jinja2": ("PyPI", "jinja2", "0", "3.1.3"),
    "pypi-zope": ("PyPI", "zope-interface", "0", "6.1"),
    "pypi-django": ("PyPI", "django", "4.2", "4.2.2"),
    "pypi-newer-requests": ("PyPI", "requests", "2.32.0", "2.32.4"),
    "npm-semver": ("npm", "semver", "0", "7.5.2"),
    "npm-lodash": ("npm", "lodash", "0", "4.17.21"),
    "npm-scope": ("npm", "@babel/traverse", "0", "7.23.2"),
    "npm-prerelease": ("npm", "minimist", "0", "1.2.5"),
    "gem-rack": ("RubyGems", "rack", "0", "2.2.6.2"),
    "gem-prerelease": ("RubyGems", "nokogiri", "0", "1.13.0"),
    "maven-log4j": ("Maven", "org.apache.logging.log4j:log4j-core", "0", "2.15.0"),
    "go-library": ("Go", "golang.org/x/net", "0", "0.17.0"),
    "go-standard-library": ("Go", "stdlib", "0", "99.0.0"),
    "crate-time": ("crates.io", "time", "0.1.0", "0.2.23"),
    "crate-smallvec": ("crates.io", "smallvec", "0", "1.6.1"),
    "apk-of-another-origin": ("Alpine:v3.20", "openssl", "0", "3.3.1-r1"),
    "apk-fixed": ("Alpine:v3.20", "musl", "0", "1.2.5-r0"),
    "rpm-bash": ("Rocky Linux:9", "bash", "0", "0:5.1.8-10.el9"),
    "rpm-source": ("Rocky Linux:9", "openssl", "0", "1:3.0.7-28.el9_4"),
    "rpm-fixed": ("Rocky Linux:9", "openssl-libs", "0", "1:3.0.7-27.el9"),
}
EXPECTED = {
    "debian": {
        "of-another-source-name",
        "with-an-epoch",
        "of-another-source-version",
        "of-a-rebuilt-binary",
        "pypi-requests",
        "pypi-jinja2",
        "pypi-zope",
        "npm-lodash",
        "npm-scope",
        "gem-rack",
        "maven-log4j",
        "go-standard-library",
    },
    "alpine": {"pypi-jinja2", "apk-of-another-origin"},
    "rocky": {"rpm-bash", "rpm-source"},
    "sources": {
        "npm-lodash",
        "npm-prerelease",
        "crate-time",
        "crate-smallvec",
        "gem-rack",
        "gem-prerelease",
        "go-library",
        "pypi-django",
        "pypi-pyyaml",
    },
}
"""What the advisories say of each tree."""

GRYPE_ONLY = {
    # Debian's packages brought these. CycloneDX does not say who owns a file, so grype judges them by PyPI and npm; we
    # see by name, version and place whose they are.
    ("debian", "cyclonedx-json"): {"pypi-pyyaml", "npm-semver"},
    # Where a distribution's feed leaves out what nobody fixes (Alpine), grype judges by both feeds.
    ("alpine", "syft-json"): {"pypi-newer-requests"},
    ("alpine", "cyclonedx-json"): {"pypi-newer-requests"},
    ("alpine", "spdx-json"): {"pypi-newer-requests"},
}
NOT_BY_GRYPE = {
    # grype judges Rocky Linux by Red Hat's advisories, of which there are none here.
    "rocky": {"rpm-bash", "rpm-source"},
}
OSV_SCANNER_ONLY = {
    # It knows no owners of files at all.
    "debian": {"pypi-pyyaml", "npm-semver"},
    "alpine": {"pypi-newer-requests"},
}
NOT_BY_OSV_SCANNER = {
    # It looks for the name of the binary package, which none of these advisories has.
    "debian": {
        "of-another-source-name",
        "with-an-epoch",
        "of-another-source-version",
        "of-a-rebuilt-binary",
    },
    "alpine": {"apk-of-another-origin"},
    # It takes no version of a distribution from these package URLs.
    "rocky": {"rpm-bash", "rpm-source"},
}


def record(name: str) -> Record:
    ecosystem, package, introduced, fixed = RECORDS[name]
    kind = "SEMVER" if ecosystem in ("npm", "Go", "crates.io") else "ECOSYSTEM"
    events = [{"introduced": introduced}, {"fixed": fixed}]
    return {
        "schema_version": "1.6.0",
        "id": name,
        "modified": "2024-01-01T00:00:00Z",
        "published": "2024-01-01T00:00:00Z",
        "affected": [
            {
                "package": {"ecosystem": ecosystem, "name": package},
                "ranges": [{"type": kind, "events": events}],
            }
        ],
    }


@dataclass(frozen=True)
class World:
    """The advisories as each judge has them, and what syft made of each tree."""

    feed: Path
    grype: Grype
    osv_scanner: OsvScanner
    sboms: dict[str, dict[str, Path]]

    def ours(self, tree: str, form: str) -> dict[str, Any]:
        answer = io.StringIO()
        with contextlib.redirect_stdout(answer):
            main(["match", str(self.sboms[tree][form]), "--feed", str(self.feed), "--output", "json"])
        found: dict[str, Any] = json.loads(answer.getvalue())
        return found


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("syft")
    trees = {
        "debian": syft_images.debian() | {"usr/local/bin/app": syft_images.go_program(folder / "go")},
        "alpine": syft_images.alpine(),
        "rocky": syft_images.rocky(),
        "sources": syft_images.sources(),
    }
    sboms = {}
    for name, tree in trees.items():
        place = syft_images.as_directory if name == "sources" else syft_images.as_image
        sboms[name] = syft_images.sboms(place(folder / name, tree), folder / f"{name} sboms")
    records = [record(name) for name in RECORDS]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        yield World(
            advisories.write_feed(folder, records),
            Grype(folder / "grype", records),
            OsvScanner(folder / "osv", records),
            sboms,
        )


def matched(answer: dict[str, Any]) -> Found:
    return frozenset((match["purl"], name) for match in answer["matches"] for name in match["advisories"])


def names(found: Found) -> set[str]:
    return {name for _, name in found}


EVERY = [(tree, form) for tree in EXPECTED for form in syft_images.FORMATS]


@pytest.mark.parametrize(("tree", "form"), EVERY)
def test_every_format_says_the_same(tree: str, form: str, world: World) -> None:
    answer = world.ours(tree, form)
    assert (names(matched(answer)), answer["gaps"]) == (EXPECTED[tree], [])


@pytest.mark.parametrize(("tree", "form"), EVERY)
def test_grype_finds_the_same(tree: str, form: str, world: World) -> None:
    ours = matched(world.ours(tree, form))
    theirs = frozenset(world.grype.found(world.sboms[tree][form]))
    assert names(theirs - ours) == GRYPE_ONLY.get((tree, form), set())
    assert names(ours - theirs) == NOT_BY_GRYPE.get(tree, set())


@pytest.mark.judge("osv-scanner")
@pytest.mark.parametrize(("tree", "form"), [(tree, form) for tree, form in EVERY if form != "syft-json"])
def test_osv_scanner_finds_the_same(tree: str, form: str, world: World) -> None:
    ours = names(matched(world.ours(tree, form)))
    theirs = {found for *_, found in world.osv_scanner.found(world.sboms[tree][form])}
    assert theirs - ours == OSV_SCANNER_ONLY.get(tree, set())
    assert ours - theirs == NOT_BY_OSV_SCANNER.get(tree, set())


@pytest.mark.parametrize("form", syft_images.FORMATS)
def test_what_the_distribution_brought_is_told(form: str, world: World) -> None:
    told = world.ours("debian", form)["judged_by_vendor"]
    assert {(one["component"], one["package"].partition("@")[0]) for one in told} == {
        ("pkg:pypi/requests@2.28.1", "pkg:deb/debian/python3-requests"),
        ("pkg:pypi/pyyaml@6.0", "pkg:deb/debian/python3-yaml"),
        ("pkg:npm/semver@7.3.5", "pkg:deb/debian/node-semver"),
    }
