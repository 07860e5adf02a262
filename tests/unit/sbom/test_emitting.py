"""What we emit is accepted by the validators of the format libraries, and says the same when it is read again."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from spdx_tools.spdx.parser.jsonlikedict.json_like_dict_parser import JsonLikeDictParser
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

from gatekeeper.core.component import Component, OperatingSystem, SbomDocument, SbomFormat, SourcePackage
from gatekeeper.core.digest import Digest
from gatekeeper.core.inventory import Described, merge
from gatekeeper.core.licence import AllOf, AnyOf, Licence, LicenceExpression, UnknownLicence
from gatekeeper.core.package_url import parse_purl
from gatekeeper.sbom import emit_cyclonedx, emit_spdx
from gatekeeper.sbom.reader import Reader

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
FIRST, SECOND = Digest.of(b"first"), Digest.of(b"second")


def component(purl: str, **more: object) -> Component:
    parsed = parse_purl(purl)
    return Component(parsed.name, parsed.version, purl, parsed, kind="library", **more)  # type: ignore[arg-type]


LICENCES: list[LicenceExpression | None] = [
    None,
    Licence("MIT"),
    Licence("Apache-2.0+"),
    Licence("GPL-2.0-only", "Classpath-exception-2.0"),
    Licence("LicenseRef-ours"),
    UnknownLicence("see the file LICENSE"),
    UnknownLicence("½ strange ½"),
    AnyOf((Licence("MIT"), AllOf((Licence("ISC"), UnknownLicence("our own"))))),
    AllOf((AnyOf((Licence("MIT"), Licence("ISC"))), Licence("BSD-3-Clause"))),
]
COMPONENTS = (
    component(
        "pkg:deb/debian/libc6@2.36-9%2Bdeb12u9?arch=amd64&distro=debian-12&upstream=glibc",
        source=SourcePackage("glibc"),
        digests=("sha256:" + "a" * 64, "md5:" + "b" * 32, "sha1:too-short", "crc:00000000"),
        layer="sha256:" + "c" * 64,
        paths=("/var/lib/dpkg/status",),
        cpes=("cpe:2.3:a:gnu:glibc:2.36:*:*:*:*:*:*:*",),
    ),
    component("pkg:rpm/redhat/bash@5.1.8?epoch=1", source=SourcePackage("bash", "5.1.8-6.el9")),
    Component("no purl", ""),
    Component("bad purl", "1", "nonsense"),
    Component("twice", "1"),
    Component("twice", "1"),
    *(component(f"pkg:npm/licence-{number}@1", licence=licence) for number, licence in enumerate(LICENCES)),
)


def described(*components: Component) -> Described:
    documents = (
        (FIRST, SbomDocument(SbomFormat.CYCLONEDX_JSON, "1.6", components)),
        (SECOND, SbomDocument(SbomFormat.SPDX_JSON, "SPDX-2.3", components[:3])),
    )
    system = OperatingSystem("debian", "12", "Debian GNU/Linux 12", "bookworm")
    name = "registry.example/team/app@" + str(FIRST)
    return Described(name, str(FIRST), (FIRST, SECOND), system, merge(documents))


def kept(document: SbomDocument) -> list[tuple[object, ...]]:
    return sorted(
        (one.name, one.version, str(one.package_url or ""), one.source.name if one.source else "")
        for one in document.components
        if one.kind != "operating-system"
    )


WANTED = sorted(
    (one.name, one.version, str(one.package_url or ""), one.source.name if one.source else "")
    for one in COMPONENTS
)


def test_cyclonedx_is_accepted_by_its_schema_and_says_the_same() -> None:
    text = emit_cyclonedx.emit(described(*COMPONENTS), now=NOW, version="1.0")
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    read = Reader().read(text.encode())
    assert kept(read) == WANTED
    assert (read.version, read.created, read.unreadable) == ("1.6", NOW, 0)
    assert read.operating_system == OperatingSystem("debian", "12")
    libc = next(one for one in read.components if one.name == "libc6")
    assert (libc.layer, libc.paths, libc.source) == (
        "sha256:" + "c" * 64, ("/var/lib/dpkg/status",), SourcePackage("glibc"),
    )  # fmt: skip
    assert set(libc.digests) == {"sha256:" + "a" * 64, "md5:" + "b" * 32}


def test_spdx_is_accepted_by_its_validator_and_says_the_same() -> None:
    text = emit_spdx.emit(described(*COMPONENTS), now=NOW, version="1.0")
    document = JsonLikeDictParser().parse(json.loads(text))
    assert validate_full_spdx_document(document) == []
    read = Reader().read(text.encode())
    assert kept(read) == WANTED
    assert (read.version, read.created, read.unreadable) == ("SPDX-2.3", NOW, 0)
    assert read.operating_system == OperatingSystem("debian", "12")


@pytest.mark.parametrize("emit", [emit_cyclonedx.emit, emit_spdx.emit])
def test_known_licences_survive_and_unknown_ones_stay_unknown(emit: object) -> None:
    read = Reader().read(emit(described(*COMPONENTS), now=NOW, version="1.0").encode())  # type: ignore[operator]
    found = {one.name: one.licence for one in read.components}
    assert found["licence-0"] is None
    for number in (1, 3, 8):
        assert found[f"licence-{number}"] == LICENCES[number]
    assert str(found["licence-7"]).startswith("MIT OR ")
    for number in (4, 5, 6):
        licence = found[f"licence-{number}"]
        assert isinstance(licence, UnknownLicence) or str(licence).startswith("LicenseRef-")


@pytest.mark.parametrize("emit", [emit_cyclonedx.emit, emit_spdx.emit])
def test_equal_inputs_give_equal_documents(emit: object) -> None:
    first, second = (emit(described(*COMPONENTS), now=NOW, version="1.0") for _ in range(2))  # type: ignore[operator]
    assert first == second


def test_an_image_without_components_is_a_document_too() -> None:
    for emit in (emit_cyclonedx.emit, emit_spdx.emit):
        text = emit(described(), now=NOW, version="1.0")
        assert Reader().read(text.encode()).unreadable == 0
