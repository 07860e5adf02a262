"""Files as they reach us: byte order marks, other encodings, packed, empty, cut."""

from __future__ import annotations

import gzip
import json

import pytest

from gatekeeper.core.errors import MalformedError
from gatekeeper.sbom.reader import Reader

JSON = json.dumps(
    {"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [{"name": "é"}]}, ensure_ascii=False
)
TAG_VALUE = "SPDXVersion: SPDX-2.3\nPackageName: é\n"
XML = (
    '<?xml version="1.0" encoding="ENCODING"?><bom xmlns="http://cyclonedx.org/schema/bom/1.6"><components>'
    '<component type="library"><name>é</name></component></components></bom>'
)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("text", [JSON, TAG_VALUE])
def test_text_with_a_byte_order_mark(text: str, encoding: str) -> None:
    for read in (Reader().read, Reader().read_any):
        assert [one.name for one in read(text.encode(encoding)).components] == ["é"]


@pytest.mark.parametrize("encoding", ["UTF-8", "UTF-16", "ISO-8859-1"])
def test_xml_says_its_encoding(encoding: str) -> None:
    content = XML.replace("ENCODING", encoding).encode(encoding)
    assert [one.name for one in Reader().read(content).components] == ["é"]


@pytest.mark.parametrize(
    ("content", "code", "told"),
    [
        (b"", "sbom-format-unsupported", "empty"),
        (b" \n", "sbom-format-unsupported", "empty"),
        (gzip.compress(JSON.encode()), "sbom-format-unsupported", "gzip.*unpacked first"),
        (b"PK\x03\x04....", "sbom-format-unsupported", "zip"),
        (f"[{JSON}]".encode(), "sbom-format-unsupported", "neither a JSON object"),
        (JSON.encode()[:-4], "sbom-malformed", "truncated.*make it anew"),
        (JSON.encode("latin-1"), "sbom-malformed", "make it anew"),
        (JSON.encode() + b"x", "sbom-malformed", "trailing"),
        (JSON.encode("utf-16")[:-1], "sbom-malformed", "UTF-16"),
        (b"\xff\xfe", "sbom-format-unsupported", "empty"),
    ],
    ids=[
        "empty",
        "blank",
        "gzip",
        "zip",
        "list",
        "cut",
        "latin-1",
        "garbage",
        "half a character",
        "mark alone",
    ],
)
def test_what_cannot_be_read_says_what_it_is(content: bytes, code: str, told: str) -> None:
    with pytest.raises(MalformedError, match=told) as caught:
        Reader().read_any(content)
    assert caught.value.reason_code == code


@pytest.mark.parametrize("listed", [{}, {"name": "x"}, "x", 7, True])
def test_what_stands_where_components_belong_is_counted(listed: object) -> None:
    for document in (
        {"bomFormat": "CycloneDX", "specVersion": "1.6", "components": listed},
        {"spdxVersion": "SPDX-2.3", "packages": listed},
    ):
        read = Reader().read(json.dumps(document).encode())
        assert (read.components, read.unreadable) == ((), 1)
