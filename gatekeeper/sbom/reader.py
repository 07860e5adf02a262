"""The port ``SbomReader``: finds SBOMs in opened manifests and reads them by what they hold, not by what is claimed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager

import msgspec

from gatekeeper.core.component import SbomDocument
from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import MalformedError
from gatekeeper.core.manifest import Manifest
from gatekeeper.ports import LayerBytes, Statement, WantedSbom
from gatekeeper.sbom import (
    cyclonedx,
    cyclonedx_xml,
    lenient,
    spdx,
    spdx3,
    spdx_tag_value,
    statement,
    storage,
    syft,
)

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_CYCLONEDX_VERSION = re.compile(r"1\.\d{1,3}", re.ASCII)
_SPDX_3_CONTEXT = "spdx.org/rdf/3."
_TOO_LARGE = "sbom-too-large"


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


class Reader:
    """Every format of ``core.component.SbomFormat`` that is a document. Stateless; thread-safe."""

    def wanted(self, manifest: Manifest, *, tag: str | None) -> tuple[WantedSbom, ...]:
        """Which blobs of this opened manifest say to be SBOMs (referrers, ``.sbom`` tags, BuildKit)."""
        return storage.candidates_in(manifest, tag=tag)

    def read(self, content: bytes) -> SbomDocument:
        """Found by content. Raises MalformedError.

        ``sbom-format-unsupported`` for anything but these formats, ``sbom-malformed`` for what cannot be read,
        ``sbom-too-large`` for what is over the caps.
        """
        content = content.removeprefix(_BYTE_ORDER_MARK)
        lenient.check_size(content)
        return _reader_of(content)(content)

    def read_statement(self, content: bytes, *, subject: Digest | None = None) -> SbomDocument | None:
        """An unsigned in-toto statement (BuildKit) -> its SBOM; None when its predicate is none.

        Raises MalformedError; ``sbom-subject-mismatch`` when ``subject`` is given and not named by the statement.
        """
        lenient.check_size(content)
        unsigned = statement.read_unsigned(content, subject)
        return self.read_predicate(Statement(unsigned.predicate_type, bytes(unsigned.predicate)))

    def read_predicate(self, statement_: Statement) -> SbomDocument | None:
        """A statement -> its SBOM; None when its predicate is none. Raises MalformedError for a broken SBOM."""
        if statement.is_sbom_predicate(statement_.predicate_type):
            lenient.check_size(statement_.predicate)
            return self.read(statement.unwrap(statement_.predicate))
        if statement_.predicate_type != statement.CUSTOM_PREDICATE:
            return None
        try:
            return self.read(statement.unwrap(statement_.predicate))
        except MalformedError as error:
            # Whatever somebody wrapped as "custom": most of it is no SBOM, and need not be.
            if error.reason_code == _TOO_LARGE:
                raise
            return None

    def read_unverified(self, content: bytes, *, subject: Digest) -> SbomDocument | None:
        """The SBOM in an envelope or bundle that nobody trusted signed: no better than one without a signature.

        None when there is none that can be read, or when it is about something else than ``subject``.
        """
        try:
            lenient.check_size(content)
            enveloped = statement.unverified_payload(content)
            return None if enveloped is None else self.read_statement(enveloped, subject=subject)
        except MalformedError:
            return None

    def read_layers(self, layers: Iterable[AbstractContextManager[LayerBytes]]) -> SbomDocument:
        """The package databases of apk, dpkg and RPM in an image's layers, lowest first.

        Raises MalformedError, and whatever opening or reading a layer raises.
        """
        # Unpackers and SQLite are loaded by those who read layers only.
        from gatekeeper.sbom.os_packages.scan import scan  # noqa: PLC0415

        return scan(layers)

    def read_any(self, content: bytes) -> SbomDocument:
        """A file that somebody saved: an SBOM, or an in-toto statement or DSSE envelope around one, not verified.

        Raises MalformedError, as ``read`` does.
        """
        content = content.removeprefix(_BYTE_ORDER_MARK)
        lenient.check_size(content)
        enveloped = statement.unverified_payload(content)
        if enveloped is not None:
            document = self.read_statement(enveloped)
            if document is None:
                raise lenient.unsupported("this statement is about something else than an SBOM")
            return document
        return self.read(content)


def _reader_of(content: bytes) -> Callable[[bytes], SbomDocument]:
    first = content.lstrip()[:1]
    if first == b"<":
        return cyclonedx_xml.read
    if first != b"{":
        if spdx_tag_value.looks_like(content):
            return spdx_tag_value.read
        raise lenient.unsupported("this is neither a JSON object nor XML nor SPDX tag-value")
    head = lenient.decode_or_none(_HEAD, content)
    if head is None:
        raise lenient.malformed("no JSON object")
    if _is_cyclonedx(head):
        return cyclonedx.read
    if isinstance(head.spdx_version, str) and head.spdx_version.startswith("SPDX-2."):
        return spdx.read
    if _is_spdx3(head):
        return spdx3.read
    if bytes(head.artifacts)[:1] == b"[" and (
        bytes(head.schema)[:1] == b"{" or bytes(head.descriptor)[:1] == b"{"
    ):
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
