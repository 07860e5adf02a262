"""SPDX 3: every shape that the serialization allows, the profiles' packages, licences said as elements."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gatekeeper.core.component import SbomDocument
from gatekeeper.sbom.reader import Reader

CONTEXT = "https://spdx.org/rdf/3.0.1/spdx-context.jsonld"
CREATION = {"type": "CreationInfo", "@id": "_:c", "specVersion": "3.0.1", "created": "2026-01-02T03:04:05Z"}
PACKAGE = {"type": "software_Package", "spdxId": "urn:p", "creationInfo": "_:c", "name": "left-pad"}
LISTED = "https://spdx.org/licenses/"


def read(*elements: Any, **members: Any) -> SbomDocument:
    return Reader().read(json.dumps({"@context": CONTEXT, "@graph": list(elements), **members}).encode())


def test_a_document_of_one_element_needs_no_graph() -> None:
    document = Reader().read(json.dumps({"@context": CONTEXT, **PACKAGE, "creationInfo": CREATION}).encode())
    assert [one.name for one in document.components] == ["left-pad"]
    assert document.version == "3.0.1"
    assert document.created is not None


def test_what_stands_where_the_graph_belongs_is_counted() -> None:
    document = Reader().read(json.dumps({"@context": CONTEXT, "@graph": PACKAGE}).encode())
    assert (document.components, document.unreadable) == ((), 1)


def test_packages_of_the_profiles_are_components() -> None:
    document = read(
        CREATION,
        {
            **PACKAGE,
            "type": "ai_AIPackage",
            "name": "model",
            "software_packageUrl": "pkg:huggingface/a/model@1",
        },
        {**PACKAGE, "type": "dataset_DatasetPackage", "name": "texts"},
        {"type": "software_File", "spdxId": "urn:f", "name": "a.txt"},
        {"type": "software_Snippet", "spdxId": "urn:s", "name": "lines"},
    )
    assert [(one.name, one.kind) for one in document.components] == [
        ("model", "machine-learning-model"),
        ("texts", "data"),
    ]


PURL = {"externalIdentifierType": "packageUrl", "identifier": "pkg:npm/left-pad@1.0.0"}
SHA = {"type": "Hash", "algorithm": "sha256", "hashValue": "a" * 64}


@pytest.mark.parametrize("identifiers", [PURL, [PURL], [{"externalIdentifierType": "gitoid"}, PURL]])
def test_a_single_value_is_as_good_as_a_list(identifiers: Any) -> None:
    (component,) = read(CREATION, {**PACKAGE, "externalIdentifier": identifiers}).components
    assert component.purl == "pkg:npm/left-pad@1.0.0"


@pytest.mark.parametrize(
    ("hashes", "expected"),
    [
        (SHA, ("sha256:" + "a" * 64,)),
        ([SHA], ("sha256:" + "a" * 64,)),
        (["_:h"], ("sha1:" + "b" * 40,)),
        ([{"type": "PackageVerificationCode", "algorithm": "sha1", "hashValue": "c" * 40}], ()),
        ("_:nowhere", ()),
        (None, ()),
    ],
)
def test_digests_stand_in_the_package_or_are_named(hashes: Any, expected: tuple[str, ...]) -> None:
    named = {"type": "Hash", "@id": "_:h", "algorithm": "sha1", "hashValue": "b" * 40}
    (component,) = read(CREATION, named, {**PACKAGE, "verifiedUsing": hashes}).components
    assert component.digests == expected


def listed(name: str) -> dict[str, Any]:
    return {"type": "expandedlicensing_ListedLicense", "spdxId": f"urn:{name}", "name": name}


def expanded(kind: str, **members: Any) -> dict[str, Any]:
    named = {f"expandedlicensing_{name}": value for name, value in members.items()}
    return {"type": f"expandedlicensing_{kind}", "spdxId": "urn:said", **named}


LICENCES: dict[str, tuple[Any, str | None]] = {
    "an address of the list": (f"{LISTED}MIT", "MIT"),
    "nobody said": ("https://spdx.org/rdf/3.0.1/terms/ExpandedLicensing/NoAssertionLicense", None),
    "nobody said, short": ("expandedlicensing_NoneLicense", None),
    "a list of one": ([f"{LISTED}MIT"], "MIT"),
    "two at once": ([f"{LISTED}MIT", f"{LISTED}ISC"], "MIT AND ISC"),
    "all of": (expanded("ConjunctiveLicenseSet", member=[f"{LISTED}MIT", "urn:ISC"]), "MIT AND ISC"),
    "any of": (expanded("DisjunctiveLicenseSet", member=["urn:ISC", f"{LISTED}MIT"]), "ISC OR MIT"),
    "or later": (expanded("OrLaterOperator", subjectLicense="urn:GPL-2.0-only"), "GPL-2.0-or-later"),
    "with": (
        expanded(
            "WithAdditionOperator",
            subjectExtendableLicense="urn:GPL-2.0-only",
            subjectAddition="urn:Classpath-exception-2.0",
        ),
        "GPL-2.0-only WITH Classpath-exception-2.0",
    ),
    "in itself": (expanded("ConjunctiveLicenseSet", member=["urn:said", "urn:ISC"]), "LicenseRef-unreadable AND ISC"),
    "an expression": (
        {"type": "simplelicensing_LicenseExpression", "spdxId": "urn:said",
         "simplelicensing_licenseExpression": "MIT OR LicenseRef-1",
         "simplelicensing_customIdToUri": [{"key": "LicenseRef-1", "value": "urn:ISC"}]},
        "MIT OR ISC",
    ),
    "one's own": ({"type": "expandedlicensing_CustomLicense", "spdxId": "urn:said", "name": "Ours"}, "Ours"),
    "an unknown id": ("urn:nowhere", "urn:nowhere"),
}  # fmt: skip


@pytest.mark.parametrize("case", LICENCES)
def test_licences(case: str) -> None:
    said, expected = LICENCES[case]
    elements = [said] if isinstance(said, dict) else []
    relationship = {
        "type": "Relationship",
        "from": "urn:p",
        "to": "urn:said" if elements else said,
        "relationshipType": "hasDeclaredLicense",
    }
    parts = [listed(name) for name in ("ISC", "GPL-2.0-only")]
    parts.append({**listed("Classpath-exception-2.0"), "type": "expandedlicensing_ListedLicenseException"})
    (component,) = read(CREATION, PACKAGE, *parts, *elements, relationship).components
    assert (str(component.licence) if component.licence else None) == expected


def test_licences_tied_in_knots_cost_nothing() -> None:
    sets = [
        {"type": "expandedlicensing_ConjunctiveLicenseSet", "spdxId": f"urn:{level}",
         "expandedlicensing_member": [f"urn:{level + 1}"] * 100 + [f"urn:{level + 2}"] * 100}
        for level in range(3000)
    ]  # fmt: skip
    relationship = {"from": "urn:p", "to": ["urn:0"], "relationshipType": "hasConcludedLicense"}
    (component,) = read(CREATION, PACKAGE, *sets, relationship).components
    assert "LicenseRef-unreadable" in str(component.licence)


def test_what_the_document_is_about() -> None:
    sbom = {"type": "software_Sbom", "spdxId": "urn:s", "rootElement": ["urn:p"]}
    document = read(CREATION, sbom, PACKAGE, {**PACKAGE, "spdxId": "urn:q", "name": "other"})
    assert document.root is document.components[0]
    assert document.subject == "left-pad"
    several = read(CREATION, {**sbom, "rootElement": ["urn:p", "urn:q"]}, PACKAGE)
    assert several.root is None
