"""An SBOM document of any format, found by what it holds. Only the reader that is needed is loaded."""

from __future__ import annotations

import codecs
from collections.abc import Callable

import msgspec

from gatekeeper.core.component import SbomDocument
from gatekeeper.sbom import lenient

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_WIDE_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""The longer marks first: that of UTF-32 begins like that of UTF-16."""
_WIDE_XML = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_PACKED = {
    b"\x1f\x8b": "gzip",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"PK\x03\x04": "zip",
    b"BZh": "bzip2",
    b"\xfd7zXZ": "xz",
}
_SPDX_3_CONTEXT = "spdx.org/rdf/3."


class _Head(msgspec.Struct):
    """The members that tell the formats apart; of any type, because a fault here must not hide the rest."""

    spdx_version: object = msgspec.field(default=None, name="spdxVersion")
    context: object = msgspec.field(default=None, name="@context")
    artifacts: msgspec.Raw = msgspec.Raw(b"")
    descriptor: msgspec.Raw = msgspec.Raw(b"")
    schema: msgspec.Raw = msgspec.Raw(b"")


_HEAD = msgspec.json.Decoder(_Head)


def read(content: bytes) -> SbomDocument:
    """Raises MalformedError.

    ``sbom-format-unsupported`` for anything but these formats, ``sbom-malformed`` for what cannot be read,
    ``sbom-too-large`` for what is over the caps.
    """
    content = as_utf8(content)
    lenient.check_size(content)
    if _may_be_cyclonedx(content):
        from gatekeeper.sbom import cyclonedx  # noqa: PLC0415 - see the module

        # Most SBOMs are, and decoding one twice to find out would cost half as much again.
        document = cyclonedx.read_if_named(content)
        if document is not None:
            return document
    return _reader_of(content)(content)


def as_utf8(content: bytes) -> bytes:
    """Without byte order mark, and in UTF-8 where the mark says UTF-16 or UTF-32, as Windows' shells write files.

    XML says its encoding itself and is left as it is. Raises MalformedError ``sbom-malformed``.
    """
    for mark, encoding in _WIDE_MARKS:
        if content.startswith(mark):
            lenient.check_size(content)
            try:
                text = content.decode(encoding)
            except UnicodeDecodeError as error:
                raise lenient.malformed(f"not {encoding.upper()} at byte {error.start}") from error
            return content if text.lstrip()[:1] == "<" else text.encode("utf-8", "replace")
    return content.removeprefix(BYTE_ORDER_MARK)


def _may_be_cyclonedx(content: bytes) -> bool:
    named = b'"CycloneDX"' in content or b"cyclonedx" in content
    return named and content.lstrip()[:1] == b"{"


def _reader_of(content: bytes) -> Callable[[bytes], SbomDocument]:
    first = content.lstrip()[:1]
    if first == b"<" or content.startswith(_WIDE_XML):
        from gatekeeper.sbom import cyclonedx_xml  # noqa: PLC0415 - see the module

        return cyclonedx_xml.read
    if first != b"{":
        from gatekeeper.sbom import spdx_tag_value  # noqa: PLC0415

        if spdx_tag_value.looks_like(content):
            return spdx_tag_value.read
        raise lenient.unsupported(_what_it_is(content))
    head = lenient.decode_or_none(_HEAD, content)
    if head is None:
        raise lenient.malformed("no JSON object")
    return _json_reader_of(head)


def _what_it_is(content: bytes) -> str:
    if not content.strip():
        return "this is empty"
    for signature, what in _PACKED.items():
        if content.startswith(signature):
            return f"this is packed ({what}) and has to be unpacked first"
    return "this is neither a JSON object nor XML nor SPDX tag-value"


def _json_reader_of(head: _Head) -> Callable[[bytes], SbomDocument]:
    if isinstance(head.spdx_version, str) and head.spdx_version.startswith("SPDX-2."):
        from gatekeeper.sbom import spdx  # noqa: PLC0415

        return spdx.read
    if _is_spdx3(head):
        from gatekeeper.sbom import spdx3  # noqa: PLC0415

        return spdx3.read
    if bytes(head.artifacts)[:1] == b"[" and (
        bytes(head.schema)[:1] == b"{" or bytes(head.descriptor)[:1] == b"{"
    ):
        from gatekeeper.sbom import syft  # noqa: PLC0415

        return syft.read
    raise lenient.unsupported("this JSON is neither CycloneDX 1.x nor SPDX 2.x or 3.0 nor syft's")


def _is_spdx3(head: _Head) -> bool:
    named = head.context if isinstance(head.context, list) else [head.context]
    return any(isinstance(one, str) and _SPDX_3_CONTEXT in one for one in named)
