"""Realms: short texts that coverage answers of as it answers of the components themselves."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.core.component import Component, OperatingSystem
from gatekeeper.core.match import Unjudged
from gatekeeper.core.package_url import parse_purl
from gatekeeper.vulnerabilities.coverage import Coverage
from gatekeeper.vulnerabilities.naming import Named, names_of
from gatekeeper.vulnerabilities.realms import labels_of, read_realm, write_realm


def named(text: str, system: OperatingSystem | None = None) -> tuple[Named, ...]:
    purl = parse_purl(text)
    found = names_of(Component(purl.name, purl.version, text, purl), system)
    assert not isinstance(found, Unjudged)
    return found


@pytest.mark.parametrize(
    ("purl", "realm"),
    [
        ("pkg:pypi/requests@1", "PyPI"),
        ("pkg:cargo/serde@1", "crates.io"),
        ("pkg:deb/debian/openssl@1-1?distro=debian-7", "Debian:7"),
        ("pkg:deb/ubuntu/openssl@1-1?distro=ubuntu-22.04", "Ubuntu:22.04"),
        ("pkg:deb/ubuntu/openssl@1-1%2Bfips1?distro=ubuntu-22.04", "Ubuntu:22.04||||fips"),
        ("pkg:apk/alpine/zlib@1?distro=alpine-3.20.1", "Alpine:v3.20"),
        ("pkg:apk/wolfi/zlib@1?distro=wolfi", "Wolfi:"),
        ("pkg:rpm/rocky/zlib@1-1.el9?distro=rocky-9.4", "Rocky Linux:9|9.4"),
        ("pkg:rpm/redhat/zlib@1-1.el9_2?distro=rhel-9.2", "Red Hat:9|9.2|||.el9_2"),
        ("pkg:rpm/suse/zlib@1?distro=sle-micro-5.5", "SUSE:5.5|5.5|sle-micro"),
        ("pkg:deb/debian/root-zlib@1?distro=debian-12", "Debian:12+Root:Debian:12"),
        ("pkg:npm/%40root/zlib@1", "npm+Root:npm"),
    ],
)
def test_a_realm_is_short_and_read_as_it_was_written(purl: str, realm: str) -> None:
    assert write_realm(named(purl)) == realm
    assert write_realm(read_realm(realm)) == realm
    assert labels_of(realm) == tuple(name.label for name in named(purl))


def test_what_was_kept_before_releases_means_all_of_them() -> None:
    assert Coverage(["Debian:12"]).covers(read_realm("Debian"))
    assert not Coverage(["PyPI"]).covers(read_realm("Debian"))
    assert read_realm("") == ()


SYSTEMS = {
    "debian": ("deb", ["12", "12.5", "7", "sid"]),
    "ubuntu": ("deb", ["22.04", "24.10"]),
    "alpine": ("apk", ["3.20.1", "3.21_alpha20240807", "edge"]),
    "rhel": ("rpm", ["9.4", "9", "8.10"]),
    "rocky": ("rpm", ["9.4", "8"]),
    "sles": ("rpm", ["15.5", "15", "12.5"]),
    "sle-micro": ("rpm", ["5.5", "6.0"]),
    "openeuler": ("rpm", ["22.03", "24.03"]),
    "photon": ("rpm", ["4.0", "5.0"]),
    "mariner": ("rpm", ["2.0", "3.0"]),
    "opensuse-leap": ("rpm", ["15.6"]),
}
LABELS = [
    "Debian", "Debian:12", "Debian:7", "Debian:sid", "Ubuntu:22.04:LTS", "Ubuntu:24.10", "Ubuntu:Pro:FIPS:22.04:LTS",
    "Ubuntu:Pro:Realtime:22.04:LTS", "Alpine:v3.20", "Alpine:edge", "Red Hat:9", "Red Hat:enterprise_linux:8::baseos",
    "Red Hat:rhel_eus:9.4::appstream", "Red Hat:rhel_e4s:9.2::baseos", "Red Hat:openshift:4.1::el8", "Rocky Linux:9",
    "SUSE:Linux Enterprise Server 15 SP5", "SUSE:Linux Enterprise Server 12 SP5-LTSS", "SUSE:Linux Micro 6.0",
    "SUSE:Linux Enterprise Micro 5.5", "openEuler:22.03-LTS-SP3", "openEuler:24.03-LTS", "Photon OS:4.0",
    "Photon OS:5", "Azure Linux:2", "Azure Linux:3", "openSUSE:Leap 15.6",
]  # fmt: skip
NAMES = st.sampled_from(["", "openEuler 22.03 (LTS-SP3)", "openEuler 22.03 LTS", "Something 1 (codename)"])
PACKAGE_VERSIONS = st.sampled_from(
    ["1-1", "1-1.el9_2", "1-1.el9_4.2", "1-1.el8", "1-1+fips2", "1-1.realtime", "1"]
)


@given(
    system=st.sampled_from(sorted(SYSTEMS)), choice=st.integers(0, 3), name=NAMES, version=PACKAGE_VERSIONS
)
def test_a_realm_is_covered_when_the_component_is(system: str, choice: int, name: str, version: str) -> None:
    kind, releases = SYSTEMS[system]
    of = OperatingSystem(system, releases[choice % len(releases)], name=name)
    names = named(f"pkg:{kind}/x/zlib@{version.replace('+', '%2B')}", of)
    kept = read_realm(write_realm(names))
    for label in LABELS:
        assert Coverage([label]).covers(kept) == Coverage([label]).covers(names), label
