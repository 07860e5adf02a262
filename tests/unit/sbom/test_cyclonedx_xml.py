"""CycloneDX XML says what CycloneDX JSON says, and its hostile shapes are refused."""

from __future__ import annotations

import json

import pytest

from gatekeeper.core.component import SbomFormat
from gatekeeper.core.errors import MalformedError
from gatekeeper.sbom import lenient
from gatekeeper.sbom.reader import Reader

DOCUMENT = """<?xml version="1.0" encoding="UTF-8"?>
<bom xmlns="http://cyclonedx.org/schema/bom/1.6" version="1">
  <metadata>
    <timestamp>2026-01-02T03:04:05Z</timestamp>
    <tools><components><component type="application"><name>syft</name><version>1.44.0</version></component></components>
    </tools>
    <component type="container"><name>app</name><version>sha256:aa</version></component>
  </metadata>
  <!-- a comment -->
  <components>
    <component type="library" bom-ref="x">
      <group>org.apache</group>
      <name>log4j-core</name>
      <version>2.17.1</version>
      <hashes><hash alg="SHA-1">da39a3ee5e6b4b0d3255bfef95601890afd80709</hash></hashes>
      <licenses><license><id>Apache-2.0</id></license><license><name>Ours</name></license></licenses>
      <cpe>cpe:2.3:a:apache:log4j:2.17.1:*:*:*:*:*:*:*</cpe>
      <purl>pkg:maven/org.apache/log4j-core@2.17.1</purl>
      <components><component type="library"><name>inner</name></component></components>
      <properties><property name="syft:location:0:path">/app.jar</property></properties>
      <evidence><occurrences><occurrence><location>/other.jar</location></occurrence></occurrences></evidence>
    </component>
    <component type="library">
      <name>both</name>
      <licenses><expression>MIT OR ISC</expression></licenses>
    </component>
    <component type="operating-system"><name>Debian</name><version>12</version></component>
  </components>
</bom>
"""
AS_JSON = {
    "bomFormat": "CycloneDX",
    "specVersion": "1.6",
    "metadata": {
        "timestamp": "2026-01-02T03:04:05Z",
        "tools": {"components": [{"name": "syft", "version": "1.44.0"}]},
        "component": {"type": "container", "name": "app", "version": "sha256:aa"},
    },
    "components": [
        {
            "type": "library",
            "group": "org.apache",
            "name": "log4j-core",
            "version": "2.17.1",
            "hashes": [{"alg": "SHA-1", "content": "da39a3ee5e6b4b0d3255bfef95601890afd80709"}],
            "licenses": [{"license": {"id": "Apache-2.0"}}, {"license": {"name": "Ours"}}],
            "cpe": "cpe:2.3:a:apache:log4j:2.17.1:*:*:*:*:*:*:*",
            "purl": "pkg:maven/org.apache/log4j-core@2.17.1",
            "components": [{"type": "library", "name": "inner"}],
            "properties": [{"name": "syft:location:0:path", "value": "/app.jar"}],
            "evidence": {"occurrences": [{"location": "/other.jar"}]},
        },
        {"type": "library", "name": "both", "licenses": [{"expression": "MIT OR ISC"}]},
        {"type": "operating-system", "name": "Debian", "version": "12"},
    ],
}


def test_xml_and_json_say_the_same() -> None:
    xml, from_json = Reader().read(DOCUMENT.encode()), Reader().read(json.dumps(AS_JSON).encode())
    assert xml.format is SbomFormat.CYCLONEDX_XML
    assert xml.components == from_json.components
    assert (xml.version, xml.created, xml.tools, xml.subject, xml.operating_system) == (
        from_json.version, from_json.created, from_json.tools, from_json.subject, from_json.operating_system,
    )  # fmt: skip
    assert xml.operating_system is not None
    assert xml.operating_system.id == "debian"
    assert xml.components[0].digests == ("sha1:da39a3ee5e6b4b0d3255bfef95601890afd80709",)
    assert xml.components[0].paths == ("/app.jar", "/other.jar")


def test_elements_of_extensions_are_not_its_own() -> None:
    extension = '<x:component xmlns:x="urn:x" type="library"><x:name>phantom</x:name></x:component>'
    document = DOCUMENT.replace("<!-- a comment -->", extension).replace(
        "<components>\n", f"<components>{extension}\n", 1
    )
    assert Reader().read(document.encode()).components == Reader().read(DOCUMENT.encode()).components


@pytest.mark.parametrize("version", ["1.0", "1.2", "1.4", "1.7"])
def test_the_version_is_that_of_the_namespace(version: str) -> None:
    document = DOCUMENT.replace("schema/bom/1.6", f"schema/bom/{version}")
    assert Reader().read(document.encode()).version == version


def test_other_encodings_and_a_byte_order_mark() -> None:
    latin = DOCUMENT.replace("UTF-8", "ISO-8859-1").replace("Ours", "Ünser").encode("iso-8859-1")
    assert "Ünser" in Reader().read(latin).components[0].licences
    assert Reader().read(b"\xef\xbb\xbf" + DOCUMENT.encode()).components


LAUGHS = "".join(
    f'<!ENTITY l{level} "{f"&l{level - 1};" * 10}">' if level else '<!ENTITY l0 "lol">' for level in range(10)
)


@pytest.mark.parametrize(
    "prolog",
    [
        f"<!DOCTYPE bom [{LAUGHS}]>",
        '<!DOCTYPE bom [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE bom [<!ENTITY % x SYSTEM "http://127.0.0.1/x"> %x;]>',
        '<!DOCTYPE bom SYSTEM "http://127.0.0.1/bom.dtd">',
        "<!DOCTYPE bom>",
    ],
    ids=["billion laughs", "external file", "external parameter", "external type", "empty type"],
)
def test_document_types_are_refused_and_nothing_is_fetched(prolog: str) -> None:
    body = DOCUMENT.partition("?>")[2].replace("log4j-core</name>", "&l9;&x;</name>")
    with pytest.raises(MalformedError) as caught:
        Reader().read(f'<?xml version="1.0"?>{prolog}{body}'.encode())
    assert caught.value.reason_code == "sbom-malformed"


HEAD = '<bom xmlns="http://cyclonedx.org/schema/bom/1.6"><components>'


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (DOCUMENT[:400], "sbom-malformed"),
        (HEAD + "<component><components>" * 300 + "</components></component>" * 300 + "</components></bom>",
         "sbom-malformed"),
        (HEAD + "<component><components>" * 100_000, "sbom-malformed"),
        ('<bom xmlns="http://example.org/other"/>', "sbom-format-unsupported"),
        ("<bom/>", "sbom-format-unsupported"),
        (HEAD + "<a/>" * (lenient.MAX_ELEMENTS + 1), "sbom-too-large"),
    ],
    ids=["cut", "deep", "deep and cut", "other namespace", "no namespace", "many elements"],
)  # fmt: skip
def test_hostile_shapes_are_refused(content: str, code: str) -> None:
    with pytest.raises(MalformedError) as caught:
        Reader().read(content.encode())
    assert caught.value.reason_code == code
