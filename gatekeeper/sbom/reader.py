"""The port ``SbomReader``: finds SBOMs in opened manifests and reads them by what they hold, not by what is claimed."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager

from gatekeeper.core.component import SbomDocument
from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import MalformedError
from gatekeeper.core.manifest import Manifest
from gatekeeper.ports import LayerBytes, Statement, WantedSbom
from gatekeeper.sbom import documents, lenient, statement, storage

_TOO_LARGE = "sbom-too-large"


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
        return documents.read(content)

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
        content = documents.as_utf8(content)
        lenient.check_size(content)
        enveloped = statement.unverified_payload(content)
        if enveloped is not None:
            document = self.read_statement(enveloped)
            if document is None:
                raise lenient.unsupported("this statement is about something else than an SBOM")
            return document
        return self.read(content)
