"""VEX documents given on the command line: trusted as they are, because whoever runs the command chose them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gatekeeper.cli.output import tell
from gatekeeper.core.component import Component, SbomDocument
from gatekeeper.core.errors import GatekeeperError
from gatekeeper.core.match import Match
from gatekeeper.core.reference import parse_reference
from gatekeeper.core.vex import VexDocument, VexSubject, excuse_of


@dataclass(frozen=True, slots=True)
class Excuses:
    """The statements, and what they may be about. ``documents``: (file, document, or why it was not read)."""

    documents: Sequence[tuple[Path, VexDocument | str]]
    subject: VexSubject

    @classmethod
    def given(cls, files: Sequence[Path], document: SbomDocument) -> Excuses:
        """Reads them; one that cannot be read is told on stderr and excuses nothing."""
        read = [(path, _read(path)) for path in files]
        for path, found in read:
            for warning in (found,) if isinstance(found, str) else found.warnings:
                tell(f"{path}: {warning}")
        return cls(read, _subject(document))

    def of(self, match: Match, component: Component) -> dict[str, Any] | None:
        """The statement that excuses a match, JSON-ready."""
        if component.package_url is None:
            return None
        said = [
            statement
            for _, document in self.documents
            if isinstance(document, VexDocument)
            for statement in document.statements
        ]
        statement = excuse_of(match, component.package_url, self.subject, said, component.digests)
        if statement is None:
            return None
        return {
            "status": str(statement.status),
            "justification": statement.justification or None,
            "author": statement.author,
            "document": statement.document,
            "at": statement.at.isoformat().replace("+00:00", "Z"),
        }

    def told(self) -> list[dict[str, Any]]:
        """Every file with what was read of it, JSON-ready."""
        return [
            {
                "file": str(path),
                "format": None,
                "author": None,
                "id": None,
                "statements": 0,
                "warnings": [document],
            }
            if isinstance(document, str)
            else {
                "file": str(path),
                "format": document.format,
                "author": document.author,
                "id": document.id,
                "statements": len(document.statements),
                "warnings": list(document.warnings),
            }
            for path, document in self.documents
        ]


def _read(path: Path) -> VexDocument | str:
    from gatekeeper.vulnerabilities.vex.reader import LARGEST, read

    try:
        with path.open("rb") as stream:
            return read(stream.read(LARGEST + 1))
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    except GatekeeperError as error:
        return error.message


def _subject(document: SbomDocument) -> VexSubject:
    packages = tuple(
        component.package_url for component in document.components if component.package_url is not None
    )
    host, slash, _ = document.subject.partition("/")
    try:
        reference = parse_reference(document.subject)
    except GatekeeperError:
        return VexSubject(packages=packages, any_image=True)
    if not slash or not ("." in host or ":" in host):
        # A bare name may have been built anywhere.
        return VexSubject(packages=packages, any_image=True)
    digests = (str(reference.digest),) if reference.digest else ()
    return VexSubject(str(reference.repository), digests, packages)
