"""Package URLs, against the specification's Python implementation."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from packageurl import PackageURL

from gatekeeper.core.canonical import from_plain, to_plain
from gatekeeper.core.errors import MalformedError
from gatekeeper.core.package_url import LONGEST, PackageUrl, parse_purl

_REAL = [
    "pkg:deb/debian/libc6@2.36-9%2Bdeb12u9?arch=amd64&distro=debian-12&upstream=glibc",
    "pkg:deb/debian/libstdc%2B%2B6@12.2.0-14?arch=amd64&distro=debian-12&upstream=gcc-12%4012.2.0",
    "pkg:apk/alpine/musl@1.2.4_git20230717-r4?arch=x86_64&distro=alpine-3.20.1",
    "pkg:rpm/redhat/bash@5.1.8-6.el9_1?arch=x86_64&epoch=1&upstream=bash-5.1.8-6.el9_1.src.rpm&distro=rhel-9.2",
    "pkg:npm/%40angular/animation@12.3.1",
    "pkg:npm/@angular/animation@12.3.1",
    "pkg:npm/@babel/core",
    "pkg:pypi/Ruamel_Yaml@0.17",
    "pkg:golang/github.com/BurntSushi/toml@v1.2.0#cmd/tomlv",
    "pkg:golang/google.golang.org/genproto@abcdedf#/googleapis/api/annotations/",
    "pkg:golang/stdlib@1.21.3",
    "pkg:maven/org.apache.xmlgraphics/batik-anim@1.9.1?classifier=sources&repository_url=repo.spring.io/release",
    "pkg:docker/cassandra@sha256:244fd47e07d1004f0aed9c",
    "pkg:docker/customer/dockerimage@sha256%3A244fd47e07d1004f0aed9c?repository_url=gcr.io",
    "pkg:oci/App@sha256%3ABD?arch=amd64&repository_url=docker.io/library/app",
    "pkg:nuget/EnterpriseLibrary.Common@6.0.1304",
    "pkg:gem/ruby-advisory-db-check@0.12.4?platform=java",
    "pkg:composer/Laravel/Laravel@5.5.0",
    "pkg:hex/Bar/Foo@1",
    "pkg:pub/Some-Package@1.0",
    "pkg:hackage/a_b@1",
    "pkg:huggingface/microsoft/deberta-v3-base@559062AD13D311B87B2C455E67DCD5F1C8F65111",
    "pkg:cpan/goldbb/String-Escape@1",
    "pkg:generic/openssl@1.1.10g?checksum=sha256:de4d501267da&download_url=https://openssl.org/a.tgz%3Fx",
    "pkg:github/Package-url/Purl-Spec@244fd47e07d1004f0aed9c#everybody/loves/dogs",
    "pkg://deb/debian/curl@7.50.3-1?arch=i386",
    "pkg:type/name?a=&b=2",
    "pkg:bitnami/WordPress@6.2.0?arch=arm64",
    "pkg:cargo/rand@0.7.2",
    "pkg:swift/github.com/Alamofire/Alamofire@5.4.3",
    "pkg:deb/ubuntu/python3.10@3.10.12-1~22.04.3",
    "pkg:rpm/fedora/gcc-c++@1:13?epoch=0",
]


def _parts(purl: PackageUrl) -> tuple[object, ...]:
    return purl.type, purl.namespace, purl.name, purl.version, dict(purl.qualifiers), purl.subpath


def _oracle(text: str) -> tuple[object, ...]:
    """What the library reads, with what it forgets of the types' definitions: case of deb, and of rpm's vendors."""
    found = PackageURL.from_string(text)
    namespace = found.namespace or ""
    return (
        found.type,
        namespace.lower() if found.type in ("deb", "rpm") else namespace,
        found.name.lower() if found.type == "deb" else found.name,
        found.version or "",
        found.qualifiers,
        found.subpath or "",
    )


@pytest.mark.parametrize("text", _REAL)
def test_real_purls_are_read_as_the_reference_reads_them(text: str) -> None:
    purl = parse_purl(text)
    assert _parts(purl) == _oracle(text)
    assert str(purl) == PackageURL.from_string(text).to_string()
    assert parse_purl(str(purl)) == purl
    assert from_plain(PackageUrl, to_plain(purl)) == purl


_SEGMENT = st.text(alphabet="abzAZ019._-+~%@ é", min_size=1, max_size=6)
_TYPES = st.sampled_from(
    ["deb", "npm", "pypi", "golang", "maven", "oci", "generic", "apk", "rpm", "cpan", "pub"]
)


@settings(max_examples=400, deadline=None)
@example("npm", ["@x", "y"], "1", "", "")
@given(
    _TYPES,
    st.lists(_SEGMENT, min_size=1, max_size=3),
    st.text(alphabet="019.-+:~ab", max_size=5),
    st.sampled_from(["", "arch=amd64", "b=2&A=1", "x=&y=%20", "distro=debian-12"]),
    st.sampled_from(["", "a/b", "./a/../b"]),
)
def test_any_purl_is_read_as_the_reference_reads_it(
    kind: str, segments: list[str], version: str, query: str, subpath: str
) -> None:
    built = PackageURL(
        kind, "/".join(segments[:-1]) or None, segments[-1], version or None, query or None, subpath or None
    ) if segments[-1].strip() else None  # fmt: skip
    if built is None or not built.name:
        return
    text = built.to_string()
    try:
        wanted = _oracle(text)
    except ValueError:
        return
    assert _parts(parse_purl(text)) == wanted


@pytest.mark.parametrize(
    "text",
    ["", "pkg", "pkg:", "pkg:deb", "pkg:deb/", "deb/debian/x@1", "pkg:1x/y", "pkg:d%b/x", "pkg:deb/@1",
     "pkg:deb/x?a", "pkg:deb/x?a%20b=1", "pkg:deb/x?1a=2", "pkg:deb/" + "x" * LONGEST],
)  # fmt: skip
def test_what_is_no_purl_is_refused(text: str) -> None:
    with pytest.raises(MalformedError) as caught:
        parse_purl(text)
    assert caught.value.reason_code == "purl-malformed"


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=60).map(lambda text: f"pkg:{text}") | st.text(max_size=40))
def test_any_text_is_a_purl_with_a_canonical_form_or_a_typed_refusal(text: str) -> None:
    try:
        purl = parse_purl(text)
    except MalformedError:
        return
    assert purl.type
    assert purl.name
    assert "pkg:" in str(purl)


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("pkg:deb/Debian/Curl@7.50?arch=i386", "pkg:deb/debian/curl@7.50?arch=i386"),
        ("pkg:RPM/openSUSE/ImageMagick@7", "pkg:rpm/opensuse/ImageMagick@7"),
        ("pkg:vscode-extension/MS-Python/Python@1", "pkg:vscode-extension/ms-python/python@1"),
        ("pkg:npm/%40Angular/Core@1.0#./src/../lib/", "pkg:npm/%40Angular/core@1.0#src/lib"),
        ("PKG://generic/a@1%2B2?Z=1&a=&b=x%20y", "pkg:generic/a@1%2B2?b=x%20y&z=1"),
        (
            "pkg:docker/app@sha256%3Aab?repository_url=gcr.io",
            "pkg:docker/app@sha256:ab?repository_url=gcr.io",
        ),
    ],
)
def test_canonical_forms(text: str, canonical: str) -> None:
    assert str(parse_purl(text)) == canonical


def test_qualifiers_by_name_and_the_package_without_its_version() -> None:
    purl = parse_purl("pkg:deb/debian/libc6@2.36?distro=debian-12&upstream=glibc")
    assert purl.qualifier("upstream") == "glibc"
    assert not purl.qualifier("epoch")
    assert purl.package == ("deb", "debian", "libc6")
