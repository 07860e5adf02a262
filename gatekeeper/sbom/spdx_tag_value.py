"""SPDX tag-value -> the same structures as SPDX JSON (SPDX specification 2.3, "Tag/value format").

``Tag: value`` lines; a value may be ``<text>…</text>`` over several lines. Tags of packages belong to the last package,
whatever annotations, files and snippets stand between; only ``SPDXID`` is shared by all of them. Unknown tags are
passed over; a line that is none is counted, and so is a text that is never closed, because it hides what follows.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator

from gatekeeper.core.component import SbomDocument, SbomFormat
from gatekeeper.sbom import spdx
from gatekeeper.sbom.lenient import MAX_ELEMENTS, Tally, malformed, too_large
from gatekeeper.sbom.making import OWNERSHIP
from gatekeeper.sbom.spdx import (
    Checksum,
    Creation,
    Document,
    ExtractedLicence,
    Package,
    Reference,
    Relationship,
)

_FIRST_TAG = re.compile(rb"SPDXVersion:\s*SPDX-2\.", re.ASCII)
_OTHER_ELEMENTS = frozenset({"FileName", "SnippetSPDXID", "SnippetSPDXIdentifier"})
_LINE_END = re.compile(r"\r\n|\n|\r")


def looks_like(content: bytes) -> bool:
    """True when the first line that is no comment names a version of SPDX that is read."""
    for line in content[:65536].splitlines():
        stripped = line.strip()
        if stripped and not stripped.startswith(b"#"):
            return _FIRST_TAG.match(stripped) is not None
    return False


def read(content: bytes) -> SbomDocument:
    """A tag-value document -> its packages as components. Raises MalformedError."""
    document = Document(creation=Creation())
    stray = Tally()
    named: Package | None = None
    related = Relationship()
    owned: list[tuple[str, str]] = []
    for tag, value in _pairs(_text(content), stray):
        if tag == "PackageName":
            named = Package(name=value)
            document.packages.append(named)
        elif tag == "SPDXID" and named is not None:
            named.id = value
        elif tag in _OTHER_ELEMENTS:
            named = None
        elif tag == "LicenseID":
            document.extracted.append(ExtractedLicence(id=value))
        elif tag == "Relationship":
            related = _relationship(value)
            document.describes += [related.described] if related.described else []
        elif tag == "RelationshipComment":
            if value.startswith(OWNERSHIP):
                owned.append((related.element, related.related))
        elif tag.startswith("Package") or tag in ("PrimaryPackagePurpose", "ExternalRef"):
            if document.packages and document.packages[-1] is not None:
                _add_to_package(document.packages[-1], tag, value)
        else:
            _add_to_document(document, tag, value)
    read_ = spdx.document_of(document, SbomFormat.SPDX_TAG_VALUE, owned)
    unread = (*stray.unread, *read_.unread)
    return dataclasses.replace(read_, unreadable=read_.unreadable + stray.unreadable, unread=unread)


def _text(content: bytes) -> str:
    if content.count(b"\n") > MAX_ELEMENTS:
        raise too_large(f"{MAX_ELEMENTS} lines")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise malformed(f"not UTF-8 at byte {error.start}") from error


def _pairs(text: str, stray: Tally) -> Iterator[tuple[str, str]]:
    lines = enumerate(_LINE_END.split(text), 1)
    for number, line in lines:
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        tag, colon, value = stripped.partition(":")
        if not colon or " " in tag:
            stray.miss(f"line {number}", "it is no `Tag: value`")
            continue
        value = value.strip()
        if value.startswith("<text>"):
            parts = [value.removeprefix("<text>")]
            while "</text>" not in parts[-1]:
                following = next(lines, None)
                if following is None:
                    stray.miss(f"line {number}", "its <text> is never closed, and hides what follows")
                    break
                parts.append(following[1])
            value = "\n".join(parts).partition("</text>")[0].strip()
        yield tag, value


def _relationship(value: str) -> Relationship:
    words = value.split()
    return Relationship(words[0], words[2], words[1]) if len(words) == 3 else Relationship()


def _add_to_package(package: Package, tag: str, value: str) -> None:
    match tag:
        case "PackageVersion":
            package.version = value
        case "PackageLicenseConcluded":
            package.concluded = value
        case "PackageLicenseDeclared":
            package.declared = value
        case "PrimaryPackagePurpose":
            package.purpose = value
        case "PackageSourceInfo":
            package.source = value
        case "PackageFileName":
            package.file = value
        case "PackageChecksum":
            algorithm, _, digest = value.partition(":")
            package.checksums.append(Checksum(algorithm, digest))
        case "ExternalRef":
            words = value.split(None, 2)
            if len(words) == 3:
                package.references.append(Reference(words[1], words[2]))


def _add_to_document(document: Document, tag: str, value: str) -> None:
    match tag:
        case "SPDXVersion":
            document.version = value
        case "DocumentName":
            document.name = value
        case "Created" if document.creation is not None:
            document.creation.created = value
        case "Creator" if document.creation is not None:
            document.creation.creators.append(value)
        case "LicenseName" if document.extracted:
            document.extracted[-1].name = value
        case "ExtractedText" if document.extracted:
            document.extracted[-1].text = value
