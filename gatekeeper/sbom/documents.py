"""An SBOM document of any format, found by what it holds. Only the reader that is needed is loaded."""

from __future__ import annotations

import re
from collections.abc import Callable

import msgspec

from gatekeeper.core.component import SbomDocument
from gatekeeper.sbom import lenient

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_CYCLONEDX_VERSION = re.compile(r"1\.\d{1,3}", re.ASCII)
_SPDX_3_CONTEXT = "spdx.org/rdf/3."


class _Head(msgspec.Struct):
    """The members that tell the formats apart; of any type, because a fault here must not hide the rest."""

    bom_format: object = msgspec.field(default=None, name="bomFormat")
    spec_version: object = msgspec.field(default=None, name="specVersion")
    schema_url: object = msgspec.field(default=None, name="$schema")
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
    content = content.removeprefix(BYTE_ORDER_MARK)
    lenient.check_size(content)
    return _reader_of(content)(content)


def _reader_of(content: bytes) -> Callable[[bytes], SbomDocument]:
    first = content.lstrip()[:1]
    if first == b"<":
        from gatekeeper.sbom import cyclonedx_xml  # noqa: PLC0415 - see the module

        return cyclonedx_xml.read
    if first != b"{":
        from gatekeeper.sbom import spdx_tag_value  # noqa: PLC0415

        if spdx_tag_value.looks_like(content):
            return spdx_tag_value.read
        raise lenient.unsupported("this is neither a JSON object nor XML nor SPDX tag-value")
    head = lenient.decode_or_none(_HEAD, content)
    if head is None:
        raise lenient.malformed("no JSON object")
    return _json_reader_of(head)


def _json_reader_of(head: _Head) -> Callable[[bytes], SbomDocument]:
    if _is_cyclonedx(head):
        from gatekeeper.sbom import cyclonedx  # noqa: PLC0415

        return cyclonedx.read
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


def _is_cyclonedx(head: _Head) -> bool:
    named = head.bom_format == "CycloneDX" or (
        isinstance(head.schema_url, str) and "cyclonedx" in head.schema_url
    )
    if not named:
        return False
    version = head.spec_version
    if isinstance(version, str) and _CYCLONEDX_VERSION.fullmatch(version) is None:
        raise lenient.unsupported(f"CycloneDX {version[:20]!r} is not read")
    return True


def _is_spdx3(head: _Head) -> bool:
    named = head.context if isinstance(head.context, list) else [head.context]
    return any(isinstance(one, str) and _SPDX_3_CONTEXT in one for one in named)
