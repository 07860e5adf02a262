"""Trust roots kept as files in a directory of ours: what ``gatekeeper trust update`` and ``import`` write.

``NAME.root`` says where a root came from and names the file with its bytes by their digest, so that a reader always
sees one whole root. Bytes other than those that were put there are refused: to lie there proves nothing.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from gatekeeper.core import strict_json
from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import MalformedError, NotFoundError
from gatekeeper.core.trust import TrustRoot
from gatekeeper.signatures.keyless.trust_root import MAX_BYTES, read_trust_roots

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?", re.ASCII)
_SUFFIX = ".root"
_MOST_CARD_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class KeptRoot:
    """A trust root with where it came from. Times in UTC, to the second."""

    name: str
    content: bytes = field(repr=False)
    source: str
    """Address of the TUF repository, or the name of the imported file."""
    version: str
    """What the publisher calls this state; empty where nobody says."""
    updated_at: datetime
    expires_at: datetime | None
    """When the publisher's statement ends; None: it has no end."""

    @property
    def digest(self) -> Digest:
        """sha256 of the content."""
        return Digest.of(self.content)

    def as_trust_root(self) -> TrustRoot:
        """The value that policies carry."""
        return TrustRoot(
            self.name, self.content, self.source, version=self.version, expires_at=self.expires_at
        )


@dataclass(frozen=True, slots=True)
class BrokenRoot:
    """A root that is listed but cannot be believed or read."""

    name: str
    problem: str


def check_name(name: str) -> str:
    """The name, if it can be one. Raises MalformedError ``trust-root-name``."""
    if _NAME.fullmatch(name) is None:
        raise MalformedError(
            f"{name[:80]!r} cannot name a trust root; use small letters, digits, dots, dashes: public-good",
            reason_code="trust-root-name",
        )
    return name


def keep(directory: Path, kept: KeptRoot) -> None:
    """Puts a root there, in place of an earlier one of this name. MalformedError when the content is no trust root.

    Raises OSError when the directory cannot be written.
    """
    check_name(kept.name)
    read_trust_roots(kept.content, kept.name)
    directory.mkdir(mode=0o755, parents=True, exist_ok=True)
    file = f"{kept.name}-{kept.digest.encoded[:16]}.json"
    card = {
        "name": kept.name,
        "source": kept.source,
        "version": kept.version,
        "sha256": kept.digest.encoded,
        "updated_at": _text(kept.updated_at),
        "expires_at": None if kept.expires_at is None else _text(kept.expires_at),
        "file": file,
    }
    _replace(directory / file, kept.content)
    _replace(directory / f"{kept.name}{_SUFFIX}", json.dumps(card, indent=2).encode() + b"\n")
    for old in directory.glob(f"{kept.name}-{'[0-9a-f]' * 16}.json"):
        if old.name != file:
            old.unlink(missing_ok=True)


def read(directory: Path, name: str) -> KeptRoot:
    """The root of this name. Raises NotFoundError ``trust-root-unknown``, MalformedError ``trust-root-malformed``."""
    check_name(name)
    card = _card(directory, name)
    sha256, file = card.get("sha256"), card.get("file")
    if not isinstance(sha256, str) or not isinstance(file, str) or Path(file).name != file:
        raise _malformed(name, "its card names no file")
    content = _bytes_of(directory / file, name, MAX_BYTES)
    if Digest.of(content).encoded != sha256:
        raise _malformed(name, f"{file} is not what was imported: its sha256 differs")
    updated_at = _time(card.get("updated_at"), name)
    if updated_at is None:
        raise _malformed(name, "its card has no time")
    return KeptRoot(
        name=name,
        content=content,
        source=str(card.get("source") or ""),
        version=str(card.get("version") or ""),
        updated_at=updated_at,
        expires_at=_time(card.get("expires_at"), name),
    )


def listed(directory: Path) -> tuple[KeptRoot | BrokenRoot, ...]:
    """Every root there, by name."""
    names = sorted(card.name.removesuffix(_SUFFIX) for card in directory.glob(f"*{_SUFFIX}"))
    return tuple(_or_broken(directory, name) for name in names)


def _or_broken(directory: Path, name: str) -> KeptRoot | BrokenRoot:
    try:
        return read(directory, name)
    except (MalformedError, NotFoundError) as error:
        return BrokenRoot(name, error.message)


def _card(directory: Path, name: str) -> dict[str, object]:
    try:
        return strict_json.loads_object(_bytes_of(directory / f"{name}{_SUFFIX}", name, _MOST_CARD_BYTES))
    except MalformedError as error:
        raise _malformed(name, f"its card {name}{_SUFFIX}: {error.message}") from error


def _bytes_of(path: Path, name: str, most: int) -> bytes:
    try:
        with path.open("rb") as stream:
            content = stream.read(most + 1)
    except FileNotFoundError as error:
        raise NotFoundError(
            f"there is no trust root {name} in {path.parent}; get it: gatekeeper trust update {name}, "
            f"or gatekeeper trust import FILE --name {name}",
            reason_code="trust-root-unknown",
        ) from error
    except OSError as error:
        raise _malformed(name, f"{path} cannot be read: {error.strerror}") from error
    if len(content) > most:
        raise _malformed(name, f"{path.name} is larger than {most} bytes")
    return content


def _malformed(name: str, what: str) -> MalformedError:
    return MalformedError(
        f"trust root {name}: {what}; get it anew: gatekeeper trust update, or gatekeeper trust import",
        reason_code="trust-root-malformed",
    )


def _time(value: object, name: str) -> datetime | None:
    if value is None:
        return None
    try:
        return datetime.strptime(str(value), "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError as error:
        raise _malformed(name, f"its card has the time {str(value)[:40]!r}") from error


def _text(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _replace(path: Path, content: bytes) -> None:
    """All or nothing: written beside, made durable, moved over."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with partial.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
