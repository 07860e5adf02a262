"""Where the bytes and records rest: in memory, or in a directory that survives the registry."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal, Protocol

Kind = Literal["tags", "manifests", "blobs"]
_KINDS: tuple[Kind, ...] = ("blobs", "manifests", "tags")


class Shelf(Protocol):
    """Content by digest, and small records by (repository, kind, name). Called under the store's lock."""

    def content(self, digest: str) -> bytes | None: ...
    def save_content(self, digest: str, content: bytes) -> None: ...
    def drop_content(self, digest: str) -> None: ...
    def save_record(self, repository: str, kind: Kind, name: str, text: str) -> None: ...
    def drop_record(self, repository: str, kind: Kind, name: str) -> None: ...
    def records(self) -> Iterator[tuple[str, Kind, str, str]]:
        """Every record: (repository, kind, name, text); blobs and manifests before tags."""
        ...


class MemoryShelf:
    """Content in a dictionary; the records live in the store alone."""

    def __init__(self) -> None:
        self._contents: dict[str, bytes] = {}

    def content(self, digest: str) -> bytes | None:
        return self._contents.get(digest)

    def save_content(self, digest: str, content: bytes) -> None:
        self._contents[digest] = content

    def drop_content(self, digest: str) -> None:
        self._contents.pop(digest, None)

    def save_record(self, repository: str, kind: Kind, name: str, text: str) -> None:
        """Nothing survives a memory shelf."""

    def drop_record(self, repository: str, kind: Kind, name: str) -> None:
        """Nothing survives a memory shelf."""

    def records(self) -> Iterator[tuple[str, Kind, str, str]]:
        return iter(())


class DirectoryShelf:
    """``blobs/<algorithm>/<hex>`` and ``repositories/<name>/_<kind>/<file>``; each file appears whole or not at all."""

    def __init__(self, directory: Path) -> None:
        self._blobs = directory / "blobs"
        self._repositories = directory / "repositories"
        self._repositories.mkdir(parents=True, exist_ok=True)

    def content(self, digest: str) -> bytes | None:
        try:
            return self._blob(digest).read_bytes()
        except FileNotFoundError:
            return None

    def save_content(self, digest: str, content: bytes) -> None:
        _replace(self._blob(digest), content)

    def drop_content(self, digest: str) -> None:
        self._blob(digest).unlink(missing_ok=True)

    def save_record(self, repository: str, kind: Kind, name: str, text: str) -> None:
        _replace(self._record(repository, kind, name), text.encode())

    def drop_record(self, repository: str, kind: Kind, name: str) -> None:
        self._record(repository, kind, name).unlink(missing_ok=True)

    def records(self) -> Iterator[tuple[str, Kind, str, str]]:
        for kind in _KINDS:
            for folder in sorted(self._repositories.rglob(f"_{kind}")):
                repository = folder.parent.relative_to(self._repositories).as_posix()
                files = [path for path in folder.iterdir() if not path.name.startswith("~")]
                for path in sorted(files, key=lambda entry: (entry.stat().st_mtime_ns, entry.name)):
                    name = path.name if kind == "tags" else path.name.replace("-", ":", 1)
                    yield repository, kind, name, path.read_text()

    def _blob(self, digest: str) -> Path:
        algorithm, _, encoded = digest.partition(":")
        return self._blobs / algorithm / encoded

    def _record(self, repository: str, kind: Kind, name: str) -> Path:
        return self._repositories / repository / f"_{kind}" / name.replace(":", "-", 1)


def _replace(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f"~{path.name}")
    scratch.write_bytes(content)
    scratch.replace(path)
