"""CycloneDX JSON as tools write it, with cosmetic faults and without."""

from __future__ import annotations

import json

import pytest

from gatekeeper.core.component import Component
from gatekeeper.core.errors import MalformedError
from gatekeeper.core.licence import Licence
from gatekeeper.core.package_url import parse_purl
from gatekeeper.sbom.licences import parse
from gatekeeper.sbom.reader import Reader


def _bom(*components: object, **members: object) -> bytes:
    return json.dumps(
        {"bomFormat": "CycloneDX", "specVersion": "1.6", "components": list(components), **members}
    ).encode()


_REQUESTS = {
    "type": "library",
    "name": "requests",
    "version": "2.31.0",
    "purl": "pkg:pypi/requests@2.31.0",
    "licenses": [{"license": {"id": "Apache-2.0"}}],
}
_READ = Component(
    "requests",
    "2.31.0",
    "pkg:pypi/requests@2.31.0",
    parse_purl("pkg:pypi/requests@2.31.0"),
    kind="library",
    licences=("Apache-2.0",),
    licence=Licence("Apache-2.0"),
)


@pytest.mark.parametrize("version", ["1.2", "1.3", "1.4", "1.5", "1.6", "1.7", "1.10"])
def test_every_version_in_json(version: str) -> None:
    document = Reader().read(_bom(_REQUESTS, specVersion=version))
    assert (document.format, document.components, document.unreadable) == ("cyclonedx-json", (_READ,), 0)


def test_nested_components_are_components_in_the_documents_order() -> None:
    inner = {"name": "c", "components": [{"name": "d"}]}
    document = Reader().read(_bom({"name": "a", "components": [{"name": "b"}, inner]}, {"name": "e"}))
    assert [one.name for one in document.components] == ["a", "b", "c", "d", "e"]


def test_the_image_itself_is_no_component_and_an_application_is() -> None:
    container = {"component": {"type": "container", "name": "img", "components": [{"name": "inside"}]}}
    assert [one.name for one in Reader().read(_bom(_REQUESTS, metadata=container)).components] == [
        "inside",
        "requests",
    ]
    application = {"component": {"type": "application", "name": "app", "purl": "pkg:maven/g/app@1"}}
    assert [one.name for one in Reader().read(_bom(_REQUESTS, metadata=application)).components] == [
        "app",
        "requests",
    ]


_LICENCES = [
    ([], ""),
    ([{"license": {"id": "MIT"}}], "MIT"),
    ([{"license": {"name": "Our own"}}], "Our own"),
    ([{"expression": "MIT OR Apache-2.0"}], "MIT OR Apache-2.0"),
    ([{"license": {"id": "MIT"}}, {"license": {"id": "ISC"}}], "MIT AND ISC"),
    ([{"license": {"id": "MIT"}}, {"license": {"id": "MIT"}}], "MIT"),
    ([{"expression": "MIT OR ISC"}, {"license": {"id": "BSD-3-Clause"}}], "(MIT OR ISC) AND BSD-3-Clause"),
    ([{"license": {"name": "NOASSERTION"}}], ""),
    ([{"license": {}}], ""),
    ([{}], ""),
]


@pytest.mark.parametrize(("licences", "expected"), _LICENCES)
@pytest.mark.parametrize("gear", ["fast", "slow"])
def test_licences(licences: list[object], expected: str, gear: str) -> None:
    faults = [] if gear == "fast" else [7]
    document = Reader().read(_bom({"name": "x", "licenses": licences}, *faults))
    assert document.components[0].licence == parse(expected)
    assert document.unreadable == len(faults)


_COSMETIC: dict[str, tuple[object, Component]] = {
    "version is a number": ({"name": "x", "version": 1.5}, Component("x", "1.5")),
    "version is null": ({"name": "x", "version": None}, Component("x")),
    "purl is an object": ({"name": "x", "purl": {}}, Component("x")),
    "purl is no purl": ({"name": "x", "purl": "nonsense"}, Component("x", "", "nonsense")),
    "licences are a string": ({"name": "x", "licenses": "MIT"}, Component("x")),
    "licence is a string": ({"name": "x", "licenses": ["MIT"]}, Component("x")),
    "no name but a purl": (
        {"purl": "pkg:npm/x@1"},
        Component("x", "1", "pkg:npm/x@1", parse_purl("pkg:npm/x@1")),
    ),
    "hashes of nonsense": ({"name": "x", "hashes": 5}, Component("x")),
}


@pytest.mark.parametrize("case", _COSMETIC)
def test_a_cosmetic_fault_costs_nothing(case: str) -> None:
    item, expected = _COSMETIC[case]
    document = Reader().read(_bom(item, _REQUESTS))
    assert (document.components, document.unreadable) == ((expected, _READ), 0)


@pytest.mark.parametrize("bad", [7, None, "x", [], {}, {"name": ""}, {"name": False}, {"version": "1"}])
def test_an_unreadable_component_is_counted_and_the_others_stay(bad: object) -> None:
    document = Reader().read(_bom(bad, _REQUESTS))
    assert (document.components, document.unreadable) == ((_READ,), 1)


def test_a_byte_order_mark_and_a_missing_version_are_cosmetic() -> None:
    assert Reader().read(b"\xef\xbb\xbf" + _bom(_REQUESTS)).components == (_READ,)
    assert Reader().read(_bom(_REQUESTS, specVersion=None)).components == (_READ,)
    named = json.dumps(
        {"$schema": "http://cyclonedx.org/schema/bom-1.5.schema.json", "components": [_REQUESTS]}
    )
    assert Reader().read(named.encode()).components == (_READ,)


@pytest.mark.parametrize("components", [None, {}, "x"])
def test_a_document_without_a_component_list_is_empty(components: object) -> None:
    assert Reader().read(_bom(components=components)).components == ()


@pytest.mark.parametrize("version", ["2.0", "1", "1.6.1", "x"])
def test_a_version_that_is_not_known_is_said_to_be(version: str) -> None:
    with pytest.raises(MalformedError) as caught:
        Reader().read(_bom(specVersion=version))
    assert caught.value.reason_code == "sbom-format-unsupported"


def test_trivys_files_are_no_packages() -> None:
    lock = {
        "type": "application",
        "name": "package-lock.json",
        "properties": [{"name": "aquasecurity:trivy:Class", "value": "lang-pkgs"}],
    }
    assert [one.kind for one in Reader().read(_bom(lock, _REQUESTS)).components] == ["file", "library"]


@pytest.mark.parametrize(
    ("root", "name"),
    [
        ({"type": "application", "name": "app", "version": "1"}, "app"),
        ({"type": "application", "purl": "pkg:generic/app@1"}, "app"),
        ({"type": "container", "name": "img", "components": [{"name": "x"}]}, None),
        ({"type": "application", "components": [{"name": "x"}]}, None),
        (None, None),
    ],
)
def test_what_the_document_is_about(root: object, name: str | None) -> None:
    document = Reader().read(_bom(_REQUESTS, metadata={"component": root}))
    assert (document.root.name if document.root else None) == name


def test_what_the_later_versions_add_is_passed_over() -> None:
    component = {
        **_REQUESTS,
        "mime-type": "text/x-python", "scope": "required", "modified": False, "isExternal": False,
        "pedigree": {"ancestors": [{"type": "library", "name": "ancestor"}], "patches": [{"type": "backport"}]},
        "omniborId": ["gitoid:blob:sha1:a"], "swhid": ["swh:1:cnt:a"], "tags": ["x"],
        "evidence": {"identity": [{"field": "purl", "concludedValue": "pkg:pypi/other@1"}], "licenses": [
            {"license": {"id": "ISC"}}], "callstack": {"frames": []}},
        "licenses": [{"license": {"id": "Apache-2.0", "bom-ref": "l", "licensing": {"altIds": ["x"]}}}],
    }  # fmt: skip
    document = _bom(
        component,
        specVersion="1.7",
        services=[{"name": "service", "services": [{"name": "inner"}]}],
        formulation=[{"components": [{"name": "tool"}]}],
        compositions=[{"aggregate": "incomplete"}],
        dependencies=[{"ref": "a", "dependsOn": ["a"]}],
        declarations={}, definitions={}, citations=[], annotations=[], signature={},
        vulnerabilities=[{"id": "CVE-1"}],
    )  # fmt: skip
    assert Reader().read(document).components == (_READ,)
