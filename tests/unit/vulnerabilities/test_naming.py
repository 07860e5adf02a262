"""What components are called where advisories name them, and which releases an advisory is about."""

from __future__ import annotations

import pytest

from gatekeeper.core.component import Component, OperatingSystem, SourcePackage
from gatekeeper.core.match import Unjudged
from gatekeeper.core.package_url import parse_purl
from gatekeeper.vulnerabilities.distributions import concerns
from gatekeeper.vulnerabilities.naming import names_of, normal_name, split_ecosystem


def component(purl: str, *, source: SourcePackage | None = None, version: str = "") -> Component:
    parsed = parse_purl(purl)
    return Component(parsed.name, version or parsed.version, purl, parsed, source=source)


def names(
    purl: str, *, source: SourcePackage | None = None, system: OperatingSystem | None = None
) -> list[tuple[str, str, str]]:
    found = names_of(component(purl, source=source), system)
    assert not isinstance(found, Unjudged), found
    return [(name.label, name.name, name.version) for name in found]


@pytest.mark.parametrize(
    ("purl", "expected"),
    [
        ("pkg:npm/%40angular/core@12.0.0", ("npm", "@angular/core", "12.0.0")),
        ("pkg:pypi/Zope.Interface@5.0", ("PyPI", "zope-interface", "5.0")),
        (
            "pkg:golang/github.com/Masterminds/goutils@v1.1.0",
            ("Go", "github.com/masterminds/goutils", "v1.1.0"),
        ),
        ("pkg:golang/stdlib@1.21.3", ("Go", "stdlib", "1.21.3")),
        ("pkg:golang/std@v1.21.3", ("Go", "stdlib", "v1.21.3")),
        (
            "pkg:maven/org.apache.logging.log4j/log4j-core@2.14.0",
            ("Maven", "org.apache.logging.log4j:log4j-core", "2.14.0"),
        ),
        ("pkg:cargo/smallvec@0.6.9", ("crates.io", "smallvec", "0.6.9")),
        ("pkg:gem/rack@2.0.0", ("RubyGems", "rack", "2.0.0")),
        ("pkg:nuget/Newtonsoft.Json@12.0.1", ("NuGet", "newtonsoft.json", "12.0.1")),
        ("pkg:composer/symfony/http-kernel@4.0", ("Packagist", "symfony/http-kernel", "4.0")),
        ("pkg:hex/phoenix@1.0", ("Hex", "phoenix", "1.0")),
        ("pkg:pub/http@0.13.0", ("Pub", "http", "0.13.0")),
        ("pkg:swift/github.com/vapor/vapor@4.0.0", ("SwiftURL", "github.com/vapor/vapor", "4.0.0")),
        ("pkg:github/actions/checkout@v4", ("GitHub Actions", "actions/checkout", "v4")),
        ("pkg:hackage/aeson@1.0", ("Hackage", "aeson", "1.0")),
        ("pkg:cran/readxl@1.0", ("CRAN", "readxl", "1.0")),
        ("pkg:bitnami/wordpress@6.2.0", ("Bitnami", "wordpress", "6.2.0")),
        ("pkg:julia/HTTP@1.0?uuid=x", ("Julia", "HTTP", "1.0")),
        ("pkg:opam/dune@3.0", ("opam", "dune", "3.0")),
        ("pkg:conan/openssl@3.0.0", ("ConanCenter", "openssl", "3.0.0")),
        ("pkg:vscode-extension/ms-python/python@2020.9", ("VSCode", "ms-python.python", "2020.9")),
    ],
)
def test_language_packages(purl: str, expected: tuple[str, str, str]) -> None:
    assert names(purl) == [expected]


@pytest.mark.parametrize(
    ("purl", "label"),
    [
        ("pkg:deb/debian/curl@7.88?distro=debian-12", "Debian:12"),
        ("pkg:deb/debian/curl@7.88?distro=debian-12.5", "Debian:12"),
        ("pkg:deb/debian/curl@7.88?distro=bookworm", "Debian:12"),
        ("pkg:deb/debian/curl@7.88?distro=debian-trixie", "Debian:13"),
        ("pkg:deb/debian/curl@7.88?distro=sid", "Debian:sid"),
        ("pkg:deb/ubuntu/curl@7.88?distro=ubuntu-22.04", "Ubuntu:22.04"),
        ("pkg:deb/ubuntu/curl@7.88?distro=jammy", "Ubuntu:22.04"),
        ("pkg:apk/alpine/curl@8.0-r0?distro=alpine-3.20.1", "Alpine:v3.20"),
        ("pkg:apk/alpine/curl@8.0-r0?distro=alpine-edge", "Alpine:edge"),
        ("pkg:apk/alpine/curl@8.0-r0?distro=3.20.1", "Alpine:v3.20"),
        ("pkg:apk/wolfi/curl@8.0-r0", "Wolfi"),
        ("pkg:apk/wolfi/curl@8.0-r0?distro=wolfi-20230201", "Wolfi"),
        ("pkg:apk/chainguard/curl@8.0-r0?distro=chainguard-20230214", "Chainguard"),
        ("pkg:apk/minimos/curl@8.0-r0", "MinimOS"),
        ("pkg:rpm/redhat/curl@7.76?distro=rhel-9.4", "Red Hat:9"),
        ("pkg:rpm/redhat/curl@7.76?distro=redhat-9.4", "Red Hat:9"),
        ("pkg:rpm/rocky/curl@7.76?distro=rocky-9.4", "Rocky Linux:9"),
        ("pkg:rpm/almalinux/curl@7.76?distro=almalinux-8.10", "AlmaLinux:8"),
        ("pkg:rpm/opensuse/curl@7.76?distro=opensuse-leap-15.5", "openSUSE:Leap 15.5"),
        ("pkg:rpm/opensuse/curl@7.76?distro=opensuse-tumbleweed-20240101", "openSUSE:Tumbleweed"),
        ("pkg:rpm/mageia/curl@7.76?distro=mageia-9", "Mageia:9"),
        ("pkg:rpm/photon/curl@7.76?distro=photon-4.0", "Photon OS:4.0"),
        ("pkg:rpm/azurelinux/curl@7.76?distro=azurelinux-3.0", "Azure Linux:3"),
        ("pkg:rpm/openeuler/curl@7.76?distro=openEuler-22.03", "openEuler:22.03"),
        ("pkg:deb/echo/curl@7.76", "Echo"),
    ],
)
def test_distributions(purl: str, label: str) -> None:
    (found,) = names(purl)
    assert found[0] == label


def test_the_document_names_the_release_where_the_purl_does_not() -> None:
    system = OperatingSystem("debian", "11", "Debian GNU/Linux 11 (bullseye)", "bullseye")
    assert names("pkg:deb/debian/curl@1", system=system) == [("Debian:11", "curl", "1")]
    testing = OperatingSystem("debian", "", "Debian GNU/Linux trixie/sid", "trixie")
    assert names("pkg:deb/debian/curl@1", system=testing) == [("Debian:13", "curl", "1")]


def test_debian_looks_for_the_source_package_alone() -> None:
    purl = "pkg:deb/debian/libssl3@3.0.11-1~deb12u1%2Bb1?distro=debian-12"
    assert names(purl, source=SourcePackage("openssl")) == [("Debian:12", "openssl", "3.0.11-1~deb12u1")]
    assert names(purl, source=SourcePackage("openssl", "3.0.11-1~deb12u1")) == [
        ("Debian:12", "openssl", "3.0.11-1~deb12u1")
    ]


def test_rpm_looks_for_both_and_keeps_the_epoch() -> None:
    purl = "pkg:rpm/redhat/openssl-libs@3.0.7-24.el9?epoch=1&distro=rhel-9.4"
    assert names(purl, source=SourcePackage("openssl", "3.0.7-24.el9")) == [
        ("Red Hat:9", "openssl-libs", "1:3.0.7-24.el9"),
        ("Red Hat:9", "openssl", "1:3.0.7-24.el9"),
    ]


def test_rebuilt_packages_are_looked_up_at_their_rebuilder_too() -> None:
    assert names("pkg:apk/alpine/root-curl@8.0-r0?distro=alpine-3.18.2")[-1][0] == "Root:Alpine:v3.18"
    assert names("pkg:pypi/root-django@4.0")[-1][0] == "Root:PyPI"


@pytest.mark.parametrize(
    ("purl", "why"),
    [
        ("pkg:deb/debian/curl@1", Unjudged.DISTRIBUTION_UNKNOWN),
        ("pkg:rpm/fedora/curl@1?distro=fedora-39", Unjudged.ECOSYSTEM_UNKNOWN),
        ("pkg:generic/openssl@1.1.1", Unjudged.ECOSYSTEM_UNKNOWN),
    ],
)
def test_what_cannot_be_looked_up_says_why(purl: str, why: Unjudged) -> None:
    assert names_of(component(purl), None) is why


def test_what_is_no_package_is_not_looked_up() -> None:
    assert names_of(Component("debian", "12", kind="operating-system"), None) == ()
    assert names_of(component("pkg:oci/app@sha256:00"), None) == ()
    assert names_of(Component("left-pad", "1.0", kind="library"), None) is Unjudged.NO_PURL
    assert names_of(Component("x", "1", "pkg:::", kind="library"), None) is Unjudged.MALFORMED_PURL


@pytest.mark.parametrize(
    ("purl", "suffix", "expected"),
    [
        ("pkg:deb/debian/a@1?distro=debian-12", "12", True),
        ("pkg:deb/debian/a@1?distro=debian-12", "11", False),
        ("pkg:deb/debian/a@1?distro=debian-12", "", True),
        ("pkg:deb/ubuntu/a@1?distro=ubuntu-22.04", "22.04:LTS", True),
        ("pkg:deb/ubuntu/a@1?distro=ubuntu-22.04", "22.04", True),
        ("pkg:deb/ubuntu/a@1?distro=ubuntu-22.04", "Pro:22.04:LTS", True),
        ("pkg:deb/ubuntu/a@1?distro=ubuntu-22.04", "Pro:FIPS:22.04:LTS", False),
        ("pkg:deb/ubuntu/a@1%2Bfips1?distro=ubuntu-22.04", "Pro:FIPS:22.04:LTS", True),
        ("pkg:deb/ubuntu/a@1?distro=ubuntu-22.04", "20.04:LTS", False),
        ("pkg:apk/alpine/a@1?distro=alpine-3.20.1", "v3.20", True),
        ("pkg:apk/alpine/a@1?distro=alpine-3.20.1", "v3.2", False),
        ("pkg:rpm/redhat/a@1?distro=rhel-9.4", "enterprise_linux:9::appstream", True),
        ("pkg:rpm/redhat/a@1?distro=rhel-9.4", "enterprise_linux:8::baseos", False),
        ("pkg:rpm/redhat/a@1?distro=rhel-9.4", "rhel_eus:9.4::appstream", True),
        ("pkg:rpm/redhat/a@1?distro=rhel-9.4", "rhel_eus:9.2::appstream", False),
        ("pkg:rpm/redhat/a@1-2.el9_2?distro=rhel-9.4", "rhel_eus:9.2::appstream", True),
        ("pkg:rpm/redhat/a@1?distro=rhel-9.4", "openshift:4.12::el9", False),
        ("pkg:rpm/rocky/a@1?distro=rocky-9.4", "9", True),
        ("pkg:rpm/suse/a@1?distro=sles-15.5", "Linux Enterprise Server 15 SP5", True),
        ("pkg:rpm/suse/a@1?distro=sles-15.5", "Linux Enterprise Module for Basesystem 15 SP5", True),
        ("pkg:rpm/suse/a@1?distro=sles-15.5", "Linux Enterprise Server 15 SP4-LTSS", False),
        ("pkg:rpm/suse/a@1?distro=sles-15.4", "Linux Enterprise Server 15 SP4-LTSS", True),
        ("pkg:rpm/suse/a@1?distro=sles-15.5", "Linux Enterprise Micro 5.5", False),
        ("pkg:rpm/suse/a@1?distro=sle-micro-5.5", "Linux Enterprise Micro 5.5", True),
        ("pkg:rpm/opensuse/a@1?distro=opensuse-leap-15.5", "Leap 15.5", True),
        ("pkg:rpm/opensuse/a@1?distro=opensuse-tumbleweed-20240101", "Tumbleweed", True),
        ("pkg:rpm/openeuler/a@1?distro=openEuler-22.03", "22.03-LTS-SP1", True),
        ("pkg:rpm/openeuler/a@1?distro=openEuler-22.03", "24.03-LTS", False),
    ],
)  # fmt: skip
def test_streams(purl: str, suffix: str, expected: bool) -> None:
    found = names_of(component(purl), None)
    assert not isinstance(found, Unjudged)
    assert found[0].release is not None
    assert concerns(suffix, found[0].release, found[0].version) is expected


def test_a_service_pack_is_read_from_the_name_of_the_system() -> None:
    system = OperatingSystem("openEuler", "22.03", "openEuler 22.03 (LTS-SP1)")
    found = names_of(component("pkg:rpm/openeuler/a@1"), system)
    assert not isinstance(found, Unjudged)
    assert found[0].release is not None
    assert concerns("22.03-LTS-SP1", found[0].release, "1")
    assert not concerns("22.03-LTS-SP3", found[0].release, "1")


def test_ecosystems_and_names_are_compared_in_their_normal_form() -> None:
    assert split_ecosystem("pypi") == ("PyPI", "")
    assert split_ecosystem("Red Hat:enterprise_linux:9::baseos") == ("Red Hat", "enterprise_linux:9::baseos")
    assert normal_name("PyPI", "Foo_Bar..baz") == "foo-bar-baz"
    assert normal_name("SwiftURL", "https://github.com/Vapor/vapor.git") == "github.com/vapor/vapor"
    assert normal_name("Maven", "Org:Art") == "Org:Art"
