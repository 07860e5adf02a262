"""Fetching a trust root from a TUF repository (sigstore root-signing) with python-tuf, as sigstore's client does.

Its metadata lies in a directory of ours, never in a home directory. The first root is given with every update, so that
metadata somebody planted there is never where trust begins.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from tuf.api.exceptions import DownloadError, DownloadHTTPError, ExpiredMetadataError, RepositoryError
from tuf.api.metadata import Metadata, Root, Targets
from tuf.ngclient.config import UpdaterConfig
from tuf.ngclient.fetcher import FetcherInterface
from tuf.ngclient.updater import Updater

from gatekeeper.core.errors import Cause, MalformedError, NotFoundError, UnavailableError
from gatekeeper.signatures.known_instances import TRUSTED_ROOT

MAX_BYTES = 4 * 1024 * 1024

Get = Callable[[str, int], bytes]
"""(url, most bytes) -> body. Raises NotFoundError for 404, UnavailableError for everything else but 200."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """A target whose chain of signatures holds."""

    content: bytes
    version: str
    """Versions of the root and targets metadata that vouch for it."""
    expires_at: datetime
    """When the first of the two ends."""


class _Fetcher(FetcherInterface):
    def __init__(self, get: Get) -> None:
        self._get = get

    def _fetch(self, url: str) -> Iterator[bytes]:
        try:
            return iter((self._get(url, MAX_BYTES),))
        except NotFoundError as error:
            # The next root does not exist yet: how a client of TUF learns that it has the newest one.
            raise DownloadHTTPError(error.message, 404) from error


def fetch_trusted_root(url: str, first_root: bytes, directory: Path, get: Get) -> Fetched:
    """The repository's ``trusted_root.json``, verified from ``first_root`` on; ``directory`` keeps its metadata.

    Raises UnavailableError (not reachable), MalformedError ``tuf-refused`` (signature, version or date).
    """
    directory.mkdir(mode=0o755, parents=True, exist_ok=True)
    try:
        with TemporaryDirectory(dir=directory) as targets:
            updater = Updater(
                metadata_dir=str(directory),
                metadata_base_url=url,
                target_dir=targets,
                target_base_url=f"{url.rstrip('/')}/targets/",
                fetcher=_Fetcher(get),
                config=UpdaterConfig(),
                bootstrap=first_root,
            )
            updater.refresh()
            target = updater.get_targetinfo(TRUSTED_ROOT)
            content = None if target is None else Path(updater.download_target(target)).read_bytes()
    except DownloadError as error:
        raise UnavailableError(
            f"the TUF repository {url} cannot be reached: {error}", cause=_cause(error)
        ) from error
    except ExpiredMetadataError as error:
        raise _refused(url, f"what it serves is out of date: {error}") from error
    except (RepositoryError, ValueError) as error:
        raise _refused(url, str(error)) from error
    if content is None:
        raise _refused(url, f"it offers no {TRUSTED_ROOT}")
    # Verified and written by the updater.
    root = Metadata[Root].from_file(str(directory / "root.json")).signed
    listing = Metadata[Targets].from_file(str(directory / "targets.json")).signed
    return Fetched(
        content=content,
        version=f"root {root.version}, targets {listing.version}",
        expires_at=min(root.expires, listing.expires).astimezone(UTC),
    )


def _refused(url: str, what: str) -> MalformedError:
    return MalformedError(
        f"the TUF repository {url} is refused: {what[:300]}; nothing was changed", reason_code="tuf-refused"
    )


def _cause(error: BaseException) -> Cause:
    """What our own ``Get`` said, if it was asked."""
    cause = error.__cause__
    while cause is not None:
        if isinstance(cause, UnavailableError):
            return cause.cause
        cause = cause.__cause__
    return Cause.PROTOCOL
