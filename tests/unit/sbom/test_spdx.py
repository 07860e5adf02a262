"""SPDX JSON as tools write it, with cosmetic faults and without."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gatekeeper.core.component import Component, OperatingSystem
from gatekeeper.core.licence import Licence
from gatekeeper.core.package_url import parse_purl
from gatekeeper.sbom.licences import parse
from gatekeeper.sbom.reader import Reader
from tests.fakes.registry_dump import FIXTURES, repository


def _document(*packages: object, version: str = "SPDX-2.3", **members: object) -> bytes:
    return json.dumps({"spdxVersion": version, "packages": list(packages), **members}).encode()


def _package(**members: object) -> dict[str, object]:
    return {
        "name": "requests",
        "versionInfo": "2.31.0",
        "licenseConcluded": "NOASSERTION",
        "licenseDeclared": "Apache-2.0",
        "externalRefs": [
            {"referenceCategory": "SECURITY", "referenceType": "cpe23Type", "referenceLocator": "cpe:2.3:…"},
            {"referenceType": "purl", "referenceLocator": "pkg:pypi/requests@2.31.0"},
        ],
        **members,
    }


_READ = Component(
    "requests",
    "2.31.0",
    "pkg:pypi/requests@2.31.0",
    parse_purl("pkg:pypi/requests@2.31.0"),
    licences=("Apache-2.0",),
    cpes=("cpe:2.3:…",),
    licence=Licence("Apache-2.0"),
)


@pytest.mark.parametrize("version", ["SPDX-2.2", "SPDX-2.3"])
def test_both_versions(version: str) -> None:
    document = Reader().read(_document(_package(), version=version))
    assert (document.format, document.components, document.unreadable) == ("spdx-json", (_READ,), 0)


@pytest.mark.parametrize(
    ("concluded", "declared", "expected"),
    [
        ("MIT", "ISC", "MIT"),
        ("NOASSERTION", "ISC", "ISC"),
        ("NONE", "ISC", "ISC"),
        ("", "NONE", ""),
        ("NOASSERTION", "NOASSERTION", ""),
    ],
)
def test_the_concluded_licence_goes_before_the_declared(concluded: str, declared: str, expected: str) -> None:
    package = _package(licenseConcluded=concluded, licenseDeclared=declared)
    for faults in ([], [3]):
        assert Reader().read(_document(package, *faults)).components[0].licence == parse(expected)


@pytest.mark.parametrize("kind", ["purl", "PURL", "http://spdx.org/rdf/references/purl"])
def test_the_type_of_a_reference_may_be_an_address(kind: str) -> None:
    references = [
        {"referenceType": "npm", "referenceLocator": "requests@2"},
        {"referenceType": kind, "referenceLocator": " pkg:pypi/requests@2.31.0 "},
        {"referenceType": "http://spdx.org/rdf/references/cpe23Type", "referenceLocator": "cpe:2.3:…"},
    ]
    assert Reader().read(_document(_package(externalRefs=references))).components == (_READ,)


def test_a_reference_to_a_licence_keeps_its_exception() -> None:
    extracted = [
        {"licenseId": "LicenseRef-1", "name": "GPLv2"},
        {"licenseId": "LicenseRef-2", "name": "GPL-2.0-only WITH Classpath-exception-2.0"},
    ]
    said = (
        "LicenseRef-1 WITH Classpath-exception-2.0",
        "LicenseRef-2",
        "LicenseRef-2 WITH Bison-exception-2.2",
    )
    packages = [_package(licenseDeclared=text) for text in said]
    read = Reader().read(_document(*packages, hasExtractedLicensingInfos=extracted))
    assert [str(one.licence) for one in read.components] == [
        "GPL-2.0-only WITH Classpath-exception-2.0",
        "GPL-2.0-only WITH Classpath-exception-2.0",
        "LicenseRef-2 WITH Bison-exception-2.2",
    ]


_ROOT = {"name": "app", "SPDXID": "SPDXRef-app"}
_DESCRIBES = {
    "spdxElementId": "SPDXRef-DOCUMENT",
    "relationshipType": "DESCRIBES",
    "relatedSpdxElement": "SPDXRef-app",
}
_DESCRIBED_BY = {
    "spdxElementId": "SPDXRef-app",
    "relationshipType": "DESCRIBED_BY",
    "relatedSpdxElement": "SPDXRef-DOCUMENT",
}


@pytest.mark.parametrize(
    ("members", "found"),
    [
        ({"documentDescribes": ["SPDXRef-app"]}, True),
        ({"relationships": [_DESCRIBES]}, True),
        ({"relationships": [{**_DESCRIBED_BY, "comment": 'says "DESCRIBES" {'}]}, True),
        ({"documentDescribes": ["SPDXRef-app"], "relationships": [_DESCRIBES]}, True),
        ({"documentDescribes": ["SPDXRef-app", "SPDXRef-other"]}, False),
        ({"relationships": [{**_DESCRIBES, "spdxElementId": "SPDXRef-other"}]}, False),
        ({"relationships": "DESCRIBES"}, False),
        ({}, False),
    ],
)
def test_what_the_document_is_about(members: dict[str, Any], found: bool) -> None:
    read = Reader().read(_document(_package(), _ROOT, **members))
    assert (read.root == read.components[1]) is found


def test_trivys_packages_that_are_none() -> None:
    read = Reader().read(
        _document(
            {"name": "img", "SPDXID": "SPDXRef-ContainerImage-1"},
            {"name": "Debian", "SPDXID": "SPDXRef-OperatingSystem-1", "versionInfo": "12"},
            {
                "name": "package-lock.json",
                "SPDXID": "SPDXRef-Application-1",
                "primaryPackagePurpose": "APPLICATION",
            },
            version="SPDX-2.2",
        )
    )
    assert [(one.name, one.kind) for one in read.components] == [
        ("Debian", "operating-system"),
        ("package-lock.json", "file"),
    ]
    assert read.operating_system == OperatingSystem("debian", "12")


def test_the_image_itself_is_no_component() -> None:
    image = {"name": "img", "primaryPackagePurpose": "CONTAINER"}
    for faults in ([], [3]):
        assert Reader().read(_document(image, _package(), *faults)).components == (_READ,)


_COSMETIC: dict[str, tuple[dict[str, object], Component]] = {
    "version is a number": ({"name": "x", "versionInfo": 2}, Component("x", "2")),
    "references are an object": ({"name": "x", "externalRefs": {}}, Component("x")),
    "a reference is a string": ({"name": "x", "externalRefs": ["y"]}, Component("x")),
    "licence is null": ({"name": "x", "licenseDeclared": None}, Component("x")),
    "no download location": ({"name": "x"}, Component("x")),
}


@pytest.mark.parametrize("case", _COSMETIC)
def test_a_cosmetic_fault_costs_nothing(case: str) -> None:
    package, expected = _COSMETIC[case]
    document = Reader().read(_document(package, _package()))
    assert (document.components, document.unreadable) == ((expected, _READ), 0)


def test_a_creation_time_with_fractions_is_cosmetic() -> None:
    info = {"created": "2026-11-23T11:44:41.123456Z", "creators": "x"}
    assert Reader().read(_document(_package(), creationInfo=info)).components == (_READ,)


@pytest.mark.parametrize("bad", [7, None, "x", [], {}, {"name": ""}, {"name": []}])
def test_an_unreadable_package_is_counted_and_the_others_stay(bad: object) -> None:
    document = Reader().read(_document(bad, _package()))
    assert (document.components, document.unreadable) == ((_READ,), 1)


@pytest.mark.parametrize("packages", [None, {}, 1])
def test_a_document_without_packages_is_empty(packages: object) -> None:
    assert Reader().read(_document(packages=packages)).components == ()


def test_syfts_document_attached_by_oras() -> None:
    found = repository(FIXTURES / "signed_by_real_tools", "corpus/oras-sbom-spdx-json")
    (hanging,) = found.hanging_on(found.subject())
    (wanted,) = Reader().wanted(hanging.manifest, tag=None)
    document = Reader().read(found.blob(wanted.descriptor.digest))
    assert document.format == "spdx-json"
    assert document.unreadable == 0
    purls = [one.purl for one in document.components]
    assert "pkg:pypi/requests@2.31.0" in purls
    assert "pkg:deb/debian/libc6@2.36-9%2Bdeb12u9?arch=amd64&distro=debian-12&upstream=glibc" in purls
