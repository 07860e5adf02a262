"""SPDX tag-value, SPDX 3 and syft's JSON: what they say, and what a fault in them costs."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from gatekeeper.core.component import OperatingSystem, SbomFormat, SourcePackage
from gatekeeper.core.licence import AllOf, AnyOf, Licence, UnknownLicence
from gatekeeper.sbom.reader import Reader

TAG_VALUE = """# made by hand
SPDXVersion: SPDX-2.3
DataLicense: CC0-1.0
SPDXID: SPDXRef-DOCUMENT
DocumentName: registry.example/app
DocumentNamespace: https://example.org/x
Creator: Tool: trivy-0.72.0
Creator: Organization: aquasecurity
Created: 2026-01-02T03:04:05.678Z

##### Unpackaged file
FileName: ./etc/passwd
SPDXID: SPDXRef-File
LicenseConcluded: MIT
FileCopyrightText: <text>somebody
over two lines</text>

PackageName: app
SPDXID: SPDXRef-Image
PrimaryPackagePurpose: CONTAINER

PackageName: debian
SPDXID: SPDXRef-OS
PackageVersion: 12.5
PrimaryPackagePurpose: OPERATING-SYSTEM

PackageName: libc6
SPDXID: SPDXRef-libc6
PackageVersion: 2.36-9+deb12u9
PackageSupplier: Organization: Debian
PackageDownloadLocation: NONE
PackageChecksum: SHA256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
PackageSourceInfo: built package from: glibc 2.36-9+deb12u9
PackageLicenseConcluded: NOASSERTION
PackageLicenseDeclared: LGPL-2.1-only AND LicenseRef-1
PackageCopyrightText: <text>
 Copyright: PackageName: not a package
</text>
ExternalRef: PACKAGE-MANAGER purl pkg:deb/debian/libc6@2.36-9%2Bdeb12u9?arch=amd64&distro=debian-12.5
ExternalRef: SECURITY cpe23Type cpe:2.3:a:gnu:glibc:2.36:*:*:*:*:*:*:*

this line is none
Relationship: SPDXRef-DOCUMENT DESCRIBES SPDXRef-Image
Relationship: SPDXRef-libc6 CONTAINS SPDXRef-libc6

LicenseID: LicenseRef-1
LicenseName: GPLv2+
ExtractedText: <text>the whole
licence</text>
"""


def test_spdx_tag_value() -> None:
    document = Reader().read(TAG_VALUE.encode())
    assert (document.format, document.version) == (SbomFormat.SPDX_TAG_VALUE, "SPDX-2.3")
    assert document.operating_system == OperatingSystem("debian", "12.5")
    assert document.tools == ("trivy-0.72.0",)
    assert document.created == datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)
    assert [one.name for one in document.components] == ["debian", "libc6"]
    libc = document.components[1]
    assert libc.source == SourcePackage("glibc", "2.36-9+deb12u9")
    assert libc.licence == AllOf((Licence("LGPL-2.1-only"), Licence("GPL-2.0-or-later")))
    assert libc.digests == ("sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",)
    assert libc.cpes == ("cpe:2.3:a:gnu:glibc:2.36:*:*:*:*:*:*:*",)
    assert document.unreadable == 1
    assert document.unread[0].place == f"line {TAG_VALUE.splitlines().index('this line is none') + 1}"


def test_a_text_that_never_ends_costs_itself() -> None:
    content = "SPDXVersion: SPDX-2.3\nPackageName: a\nPackageComment: <text>open\nPackageName: b\n"
    assert [one.name for one in Reader().read(content.encode()).components] == ["a"]


CONTEXT = "https://spdx.org/rdf/3.0.1/spdx-context.jsonld"


def spdx3(*elements: Any) -> bytes:
    return json.dumps({"@context": CONTEXT, "@graph": list(elements)}).encode()


PACKAGE = {
    "type": "software_Package",
    "spdxId": "urn:p1",
    "name": "openssl",
    "software_packageVersion": "3.0.11-1",
    "software_packageUrl": "pkg:deb/debian/openssl@3.0.11-1?distro=debian-12",
    "verifiedUsing": [{"type": "Hash", "algorithm": "sha256", "hashValue": "a" * 64}],
    "externalIdentifier": [
        {"externalIdentifierType": "cpe23", "identifier": "cpe:2.3:a:openssl:openssl:3.0.11"}
    ],
}
CREATION = {"type": "CreationInfo", "@id": "_:c", "specVersion": "3.0.1", "created": "2026-01-02T03:04:05Z"}


def relation(kind: str, *ends: str, start: str = "urn:p1") -> dict[str, Any]:
    return {
        "type": "Relationship",
        "spdxId": f"urn:r-{kind}",
        "from": start,
        "to": list(ends),
        "relationshipType": kind,
    }


def test_spdx_3() -> None:
    document = Reader().read(
        spdx3(
            CREATION,
            {"type": "SpdxDocument", "spdxId": "urn:d", "name": "app"},
            {"type": "Tool", "spdxId": "urn:t", "name": "sbom-maker"},
            {"type": "software_Package", "spdxId": "urn:i", "name": "app", "software_primaryPurpose": "container"},
            PACKAGE,
            {"type": "simplelicensing_LicenseExpression", "spdxId": "urn:l1",
             "simplelicensing_licenseExpression": "Apache-2.0 OR MIT"},
            {"type": "expandedlicensing_ListedLicense", "spdxId": "urn:l2", "name": "ISC"},
            relation("hasDeclaredLicense", "urn:l2"),
            relation("hasConcludedLicense", "urn:l1"),
            relation("contains", "urn:p1"),
        )
    )  # fmt: skip
    assert (document.format, document.version, document.subject) == (SbomFormat.SPDX3_JSON, "3.0.1", "app")
    assert document.tools == ("sbom-maker",)
    assert document.operating_system == OperatingSystem("debian", "12")
    (openssl,) = document.components
    assert openssl.licence == AnyOf((Licence("Apache-2.0"), Licence("MIT")))
    assert openssl.licences == ("Apache-2.0 OR MIT", "ISC")
    assert openssl.digests == ("sha256:" + "a" * 64,)
    assert openssl.cpes == ("cpe:2.3:a:openssl:openssl:3.0.11",)


def test_spdx_3_names_licences_by_address_and_purls_by_identifier() -> None:
    package = {"type": "software_Package", "spdxId": "urn:p1", "name": "x", "externalIdentifier": [
        {"externalIdentifierType": "packageUrl", "identifier": "pkg:npm/x@1"}]}  # fmt: skip
    document = Reader().read(spdx3(package, relation("hasDeclaredLicense", "https://spdx.org/licenses/MIT")))
    assert (document.components[0].purl, document.components[0].licence) == ("pkg:npm/x@1", Licence("MIT"))


@pytest.mark.parametrize("bad", [7, None, "x", [], {"type": "software_Package"}])
def test_a_bad_element_of_spdx_3_is_counted(bad: object) -> None:
    document = Reader().read(spdx3(CREATION, bad, PACKAGE))
    assert ([one.name for one in document.components], document.unreadable) == (["openssl"], 1)


def syft(*artifacts: Any, **members: Any) -> bytes:
    plain = {"artifacts": list(artifacts), "schema": {"version": "16.0.24"}, **members}
    return json.dumps(plain).encode()


DEB = {
    "name": "libssl3",
    "version": "3.0.11-1",
    "type": "deb",
    "purl": "pkg:deb/debian/libssl3@3.0.11-1?distro=debian-12",
    "locations": [{"path": "/var/lib/dpkg/status", "layerID": "sha256:" + "b" * 64}],
    "licenses": [
        {"value": "Apache-2.0", "spdxExpression": "Apache-2.0", "type": "declared"},
        {"value": "ours"},
    ],
    "cpes": [{"cpe": "cpe:2.3:a:openssl:libssl3:3.0.11-1", "source": "syft-generated"}],
    "metadataType": "dpkg-db-entry",
    "metadata": {"source": "openssl", "sourceVersion": "3.0.11-1"},
}


def test_syft_json() -> None:
    distro = {
        "prettyName": "Debian GNU/Linux 12",
        "id": "debian",
        "versionID": "12",
        "versionCodename": "bookworm",
    }
    source = {"id": "x", "name": "app", "version": "sha256:aa", "type": "image"}
    descriptor = {"name": "syft", "version": "1.44.0", "configuration": {"registry": "secret"}}
    document = Reader().read(syft(DEB, distro=distro, source=source, descriptor=descriptor))
    assert (document.format, document.version) == (SbomFormat.SYFT_JSON, "16.0.24")
    assert document.operating_system == OperatingSystem("debian", "12", "Debian GNU/Linux 12", "bookworm")
    assert (document.subject, document.tools) == ("app", ("syft 1.44.0",))
    (libssl,) = document.components
    assert libssl.source == SourcePackage("openssl", "3.0.11-1")
    assert libssl.licence == AllOf((Licence("Apache-2.0"), UnknownLicence("ours")))
    assert libssl.layer == "sha256:" + "b" * 64
    assert libssl.paths == ("/var/lib/dpkg/status",)


def test_syft_json_of_old_schemas() -> None:
    old = {**DEB, "licenses": ["MIT", "ISC"], "cpes": ["cpe:2.3:a:x"], "metadata": None}
    rpm = {**DEB, "type": "rpm", "metadata": {"sourceRpm": "bash-5.1.8-6.el9.src.rpm"}}
    apk = {**DEB, "type": "apk", "metadata": {"originPackage": "openssl"}}
    document = Reader().read(syft(old, rpm, apk, distro={"name": "debian", "version": "9", "idLike": ""}))
    assert [one.source for one in document.components] == [
        None, SourcePackage("bash", "5.1.8-6.el9"), SourcePackage("openssl"),
    ]  # fmt: skip
    assert document.components[0].licence == AllOf((Licence("MIT"), Licence("ISC")))
    assert document.operating_system == OperatingSystem("debian", "9")


@pytest.mark.parametrize("bad", [7, None, "x", [], {"type": "deb"}])
def test_a_bad_artifact_is_counted(bad: object) -> None:
    document = Reader().read(syft(bad, DEB))
    assert ([one.name for one in document.components], document.unreadable) == (["libssl3"], 1)


@pytest.mark.parametrize("metadata", [7, [], "x", {"source": 7}, {"source": {}}, {"sourceRpm": "nonsense"}])
def test_faulty_metadata_costs_the_source_alone(metadata: object) -> None:
    document = Reader().read(syft({**DEB, "metadata": metadata}))
    assert (len(document.components), document.unreadable) == (1, 0)


# --- Trivy's own properties, and files around SBOMs ----------------------------------------------------------------


def test_trivys_properties_name_source_and_layer() -> None:
    prefix = "aquasecurity:trivy:"
    properties = {"SrcName": "bash", "SrcVersion": "5.1.8", "SrcRelease": "6.el9", "SrcEpoch": "1",
                  "LayerDiffID": "sha256:" + "c" * 64, "FilePath": "usr/bin/bash"}  # fmt: skip
    component = {
        "type": "library",
        "name": "bash",
        "properties": [{"name": prefix + name, "value": value} for name, value in properties.items()],
    }
    system = {"type": "operating-system", "name": "redhat", "version": "9.4"}
    content = {"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [system, component]}
    document = Reader().read(json.dumps(content).encode())
    assert document.operating_system == OperatingSystem("redhat", "9.4")
    bash = document.components[1]
    assert bash.source == SourcePackage("bash", "1:5.1.8-6.el9")
    assert (bash.layer, bash.paths) == ("sha256:" + "c" * 64, ("usr/bin/bash",))


def test_files_that_hold_an_sbom_in_an_envelope_are_opened() -> None:
    import base64

    statement = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [],
        "predicateType": "https://spdx.dev/Document",
        "predicate": TAG_VALUE,
    }
    raw = json.dumps(statement).encode()
    envelope = {"payloadType": "application/vnd.in-toto+json", "payload": base64.b64encode(raw).decode(),
                "signatures": []}  # fmt: skip
    for content in (raw, json.dumps(envelope).encode(), json.dumps({"dsseEnvelope": envelope}).encode()):
        assert Reader().read_any(content).components[1].name == "libc6"
