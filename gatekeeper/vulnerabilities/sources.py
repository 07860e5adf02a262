"""Feeds given as files, compiled once into an index and found ready the next time."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from gatekeeper.core.errors import MalformedError
from gatekeeper.vulnerabilities.feed_paths import files_of
from gatekeeper.vulnerabilities.index import FORMAT, AdvisoryIndex, is_index

_KEPT_INDEXES = 8


@contextmanager
def opened(
    sources: Sequence[Path], *, cache: Path | None, told: Callable[[str], None]
) -> Iterator[AdvisoryIndex]:
    """The index of these feeds: an index as it is, anything else compiled, and kept in ``cache`` for the next time.

    Kept under the names, sizes and times of the files, so that a changed feed is compiled again. ``told`` hears what
    takes long. Without a usable cache the index lives as long as the block; without sources it is empty.
    Raises MalformedError ``feed-missing`` | ``feed-malformed`` | ``index-malformed``.
    """
    if len(sources) == 1 and sources[0].is_file() and is_index(sources[0]):
        with AdvisoryIndex(sources[0]) as index:
            yield index
        return
    kept = _kept_at(sources, cache) if sources else None
    if kept is not None and kept.is_file():
        try:
            index = AdvisoryIndex(kept)
        except MalformedError:
            kept.unlink(missing_ok=True)
        else:
            with index:
                yield index
            return
    yield from _compiled(sources, kept, told)


def _compiled(
    sources: Sequence[Path], kept: Path | None, told: Callable[[str], None]
) -> Iterator[AdvisoryIndex]:
    # What only compiling needs is loaded only then: most runs find the index ready.
    import tempfile  # noqa: PLC0415

    from gatekeeper.vulnerabilities.compiling import build  # noqa: PLC0415
    from gatekeeper.vulnerabilities.feed_files import read_source  # noqa: PLC0415

    with tempfile.TemporaryDirectory(prefix="gatekeeper-", dir=kept.parent if kept else None) as folder:
        made = Path(folder) / "advisories.sqlite"
        if sources:
            told("compiling the advisories; the next run finds them ready")
        build(made, (record for source in sources for record in read_source(source)))
        if kept is not None:
            made.replace(kept)
            _forget_oldest(kept.parent)
        with AdvisoryIndex(kept or made) as index:
            yield index


def _kept_at(sources: Sequence[Path], cache: Path | None) -> Path | None:
    if cache is None:
        return None
    try:
        cache.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError:
        return None
    if not os.access(cache, os.W_OK):
        return None
    identity = hashlib.sha256(f"{FORMAT}".encode())
    for source in sources:
        for path in files_of(source.resolve()):
            stat = path.stat()
            identity.update(
                f"{path}\0{stat.st_size}\0{stat.st_mtime_ns}\0{stat.st_ctime_ns}\0{stat.st_ino}\n".encode(
                    errors="surrogateescape"
                )
            )
    return cache / f"{identity.hexdigest()}.sqlite"


def _forget_oldest(cache: Path) -> None:
    kept = sorted(cache.glob("*.sqlite"), key=lambda path: path.stat().st_mtime_ns, reverse=True)
    for path in kept[_KEPT_INDEXES:]:
        path.unlink(missing_ok=True)
