"""SPDX tag-value: whatever stands between a package and its tags, nothing of it is lost or invented."""

from __future__ import annotations

import pytest

from gatekeeper.core.component import SbomDocument
from gatekeeper.sbom.reader import Reader

HEAD = "SPDXVersion: SPDX-2.3\nSPDXID: SPDXRef-DOCUMENT\nDocumentName: doc\n"
TAGS = "PackageVersion: 1.0\nExternalRef: PACKAGE-MANAGER purl pkg:npm/a@1.0\nPackageLicenseDeclared: MIT\n"


def read(body: str) -> SbomDocument:
    return Reader().read((HEAD + body).encode())


@pytest.mark.parametrize(
    "between",
    [
        "Annotator: Person: x\nAnnotationDate: 2026-01-01T00:00:00Z\nAnnotationComment: y\nSPDXREF: SPDXRef-a\n",
        "Relationship: SPDXRef-a CONTAINS SPDXRef-f\nRelationshipComment: <text>z</text>\n",
        "FileName: ./x\nSPDXID: SPDXRef-f\nFileChecksum: SHA1: "
        + "b" * 40
        + "\nLicenseConcluded: GPL-2.0-only\n",
        "SnippetSPDXID: SPDXRef-s\nSnippetFromFileSPDXID: SPDXRef-f\nSnippetName: n\n",
        "Reviewer: Person: x\nReviewDate: 2026-01-01T00:00:00Z\n",
        "PackageComment: <text>\nPackageName: not a package\n\nPackageVersion: 9\n</text>\n",
        "PackageComment: <text>one line</text> and more\n",
        "# a comment\n\n   \n",
    ],
    ids=["annotation", "relationship", "file", "snippet", "review", "text", "text on a line", "comment"],
)
def test_a_package_keeps_its_tags(between: str) -> None:
    document = read(f"PackageName: a\nSPDXID: SPDXRef-a\n{between}{TAGS}")
    (package,) = document.components
    assert (package.version, package.purl, package.licences) == ("1.0", "pkg:npm/a@1.0", ("MIT",))
    assert document.unreadable == 0


def test_tags_of_the_document_may_stand_at_its_end() -> None:
    document = read("PackageName: a\nCreator: Tool: late-1\nCreated: 2026-01-01T00:00:00Z\n")
    assert document.tools == ("late-1",)
    assert document.created is not None


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_any_end_of_line(end: str) -> None:
    document = Reader().read((HEAD + "PackageName: a\n" + TAGS).replace("\n", end).encode())
    assert [one.version for one in document.components] == ["1.0"]


@pytest.mark.parametrize("separator", ["\u2028", "\u2029", "\x0b", "\x0c", "\x85", "\x1c"])
def test_only_ends_of_lines_end_a_line(separator: str) -> None:
    document = read(f"PackageName: a\nPackageSummary: b{separator}PackageName: c\n{TAGS}")
    assert ([one.name for one in document.components], document.unreadable) == (["a"], 0)


def test_a_text_that_hides_what_follows_is_counted() -> None:
    document = read("PackageName: a\nPackageComment: <text>open\nPackageName: b\n")
    assert ([one.name for one in document.components], document.unreadable) == (["a"], 1)
    assert document.unread[0].place == "line 5"


@pytest.mark.parametrize(
    "relationship", ["SPDXRef-DOCUMENT DESCRIBES SPDXRef-a", "SPDXRef-a DESCRIBED_BY SPDXRef-DOCUMENT"]
)
def test_what_the_document_is_about(relationship: str) -> None:
    document = read(f"PackageName: a\nSPDXID: SPDXRef-a\nPackageName: b\nRelationship: {relationship}\n")
    assert document.root is document.components[0]


def test_a_reference_may_be_named_by_address() -> None:
    document = read(
        "PackageName: a\n"
        "ExternalRef: PACKAGE_MANAGER http://spdx.org/rdf/references/purl pkg:npm/a@1\n"
        "ExternalRef: SECURITY http://spdx.org/rdf/references/cpe23Type cpe:2.3:a:x:a:1:*:*:*:*:*:*:*\n"
        "ExternalRef: OTHER LocationRef-acme acme/1.0\n"
    )
    assert (document.components[0].purl, len(document.components[0].cpes)) == ("pkg:npm/a@1", 1)
