"""What documents say of who brought a package: syft compares the files of OS packages with the places of others."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gatekeeper.core.component import SbomDocument
from gatekeeper.sbom import spdx, spdx_tag_value, syft

OWNER = "pkg:deb/debian/python3-yaml@6.0-3%2Bb2?distro=debian-12"
OWNED = "pkg:pypi/pyyaml@6.0"
PLACE = "/usr/lib/python3/dist-packages/PyYAML-6.0.dist-info/METADATA"
SENTENCE = "ownership-by-file-overlap: indicates that the parent package claims ownership of a child package"
FOUND = f"acquired package info from installed python package manifest file: {PLACE}, {PLACE[:-8]}RECORD"


def of_syft(*relationships: object) -> SbomDocument:
    artifacts: list[Any] = [
        {"id": "a", "name": "python3-yaml", "version": "6.0-3+b2", "type": "deb", "purl": OWNER},
        {"id": "b", "name": "pyyaml", "version": "6.0", "type": "python", "purl": OWNED},
    ]
    document = {"artifacts": artifacts, "artifactRelationships": list(relationships)}
    return syft.read(json.dumps(document).encode())


def of_spdx(*relationships: object) -> SbomDocument:
    packages = [
        {
            "SPDXID": f"SPDXRef-{name}",
            "name": name,
            "sourceInfo": source,
            "externalRefs": [{"referenceType": "purl", "referenceLocator": purl}],
        }
        for name, purl, source in (("a", OWNER, ""), ("b", OWNED, FOUND))
    ]
    document = {"spdxVersion": "SPDX-2.3", "packages": packages, "relationships": list(relationships)}
    return spdx.read(json.dumps(document).encode())


def of_tag_value(comment: str = SENTENCE) -> SbomDocument:
    lines = ["SPDXVersion: SPDX-2.3"]
    for name, purl in (("a", OWNER), ("b", OWNED)):
        lines += [f"PackageName: {name}", f"SPDXID: SPDXRef-{name}"]
        lines += [f"ExternalRef: PACKAGE-MANAGER purl {purl}", f"PackageSourceInfo: {FOUND}"]
    lines += ["Relationship: SPDXRef-a OTHER SPDXRef-b", f"RelationshipComment: {comment}"]
    return spdx_tag_value.read("\n".join(lines).encode())


def brought_by(document: SbomDocument) -> list[str]:
    return [component.brought_by for component in document.components]


SYFT = {"parent": "a", "child": "b", "type": "ownership-by-file-overlap"}
SPDX = {
    "spdxElementId": "SPDXRef-a",
    "relatedSpdxElement": "SPDXRef-b",
    "relationshipType": "OTHER",
    "comment": SENTENCE,
}


@pytest.mark.parametrize("document", [of_syft(SYFT), of_spdx(SPDX), of_tag_value()])
def test_the_owner_is_read(document: SbomDocument) -> None:
    assert brought_by(document) == ["", OWNER]


@pytest.mark.parametrize(
    "document",
    [
        of_syft(),
        of_syft({**SYFT, "type": "evident-by"}),
        # A language package owns nothing.
        of_syft({**SYFT, "parent": "b", "child": "a"}),
        of_syft({**SYFT, "parent": "nobody"}),
        # Not to be read: then its own ecosystem judges it.
        of_syft(SYFT, 7),
        of_spdx({**SPDX, "comment": "evident-by: ownership-by-file-overlap"}),
        of_tag_value("evident-by: a file"),
    ],
)
def test_what_is_no_ownership_brings_nothing(document: SbomDocument) -> None:
    assert brought_by(document) == ["", ""]


@pytest.mark.parametrize("document", [of_spdx(), of_tag_value()])
def test_spdx_of_syft_says_in_a_sentence_where_a_package_lies(document: SbomDocument) -> None:
    assert document.components[1].paths == (PLACE, f"{PLACE[:-8]}RECORD")
