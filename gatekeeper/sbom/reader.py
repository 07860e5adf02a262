"""The port ``SbomReader``: finds SBOMs in opened manifests and reads them by what they hold, not by what is claimed."""

from __future__ import annotations

import re

import msgspec

from gatekeeper.core.component import SbomDocument
from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import MalformedError
from gatekeeper.core.manifest import Manifest
from gatekeeper.ports import Statement, WantedSbom
from gatekeeper.sbom import cyclonedx, lenient, spdx, statement, storage

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_CYCLONEDX_VERSION = re.compile(r"1\.\d{1,3}", re.ASCII)
_TOO_LARGE = "sbom-too-large"


class _Head(msgspec.Struct):
    """The members that tell the formats apart; of any type, because a fault here must not hide the rest."""

    bom_format: object = msgspec.field(default=None, name="bomFormat")
    spec_version: object = msgspec.field(default=None, name="specVersion")
    schema: object = msgspec.field(default=None, name="$schema")
    spdx_version: object = msgspec.field(default=None, name="spdxVersion")
    context: object = msgspec.field(default=None, name="@context")


_HEAD = msgspec.json.Decoder(_Head)


class Reader:
    """CycloneDX JSON and SPDX JSON. Stateless; thread-safe."""

    def wanted(self, manifest: Manifest, *, tag: str | None) -> tuple[WantedSbom, ...]:
        """Which blobs of this opened manifest say to be SBOMs (referrers, ``.sbom`` tags, BuildKit)."""
        return storage.candidates_in(manifest, tag=tag)

    def read(self, content: bytes) -> SbomDocument:
        """Found by content. Raises MalformedError.

        ``sbom-format-unsupported`` for anything but these two formats, ``sbom-malformed`` for what cannot be read,
        ``sbom-too-large`` for what is over the caps.
        """
        content = content.removeprefix(_BYTE_ORDER_MARK)
        lenient.check_size(content)
        if content.lstrip()[:1] != b"{":
            raise lenient.unsupported("this is no JSON object (XML and tag-value are not read)")
        head = lenient.decode_or_none(_HEAD, content)
        if head is None:
            raise lenient.malformed("no JSON object")
        if _is_cyclonedx(head):
            return cyclonedx.read(content)
        if isinstance(head.spdx_version, str) and head.spdx_version.startswith("SPDX-2."):
            return spdx.read(content)
        raise lenient.unsupported("neither a CycloneDX 1.x nor an SPDX 2.x document")

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


def _is_cyclonedx(head: _Head) -> bool:
    named = head.bom_format == "CycloneDX" or (isinstance(head.schema, str) and "cyclonedx" in head.schema)
    if not named:
        return False
    version = head.spec_version
    if isinstance(version, str) and _CYCLONEDX_VERSION.fullmatch(version) is None:
        raise lenient.unsupported(f"CycloneDX {version[:20]!r} is not read")
    return True
