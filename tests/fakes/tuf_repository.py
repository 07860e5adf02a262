"""A TUF repository in memory, with keys of its own: what `trust update` is tested against."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import Metadata, MetaFile, Root, Snapshot, TargetFile, Targets, Timestamp

from gatekeeper.core.errors import NotFoundError

ROLES = ("root", "timestamp", "snapshot", "targets")


@dataclass(slots=True)
class TufRepository:
    """One key for every role; ``publish`` makes the next state of everything."""

    key: CryptoSigner = field(default_factory=CryptoSigner.generate_ed25519)
    files: dict[str, bytes] = field(default_factory=dict)
    """Path below the repository's address -> content."""
    version: int = 0
    asked: list[str] = field(default_factory=list)

    def publish(
        self, target: bytes, *, expires: datetime | None = None, name: str = "trusted_root.json"
    ) -> None:
        """A new version of all four roles, with this one target."""
        self.version += 1
        until = expires or datetime.now(UTC).replace(microsecond=0) + timedelta(days=90)
        root = Root(self.version, expires=until, consistent_snapshot=True)
        for role in ROLES:
            root.add_key(self.key.public_key, role)
        listed = TargetFile.from_data(name, target, ["sha256"])
        targets = Targets(self.version, expires=until, targets={name: listed})
        snapshot = Snapshot(self.version, expires=until, meta={"targets.json": MetaFile(self.version)})
        timestamp = Timestamp(self.version, expires=until, snapshot_meta=MetaFile(self.version))
        self.files[f"{self.version}.root.json"] = self._signed(Metadata(root))
        self.files[f"{self.version}.targets.json"] = self._signed(Metadata(targets))
        self.files[f"{self.version}.snapshot.json"] = self._signed(Metadata(snapshot))
        self.files["timestamp.json"] = self._signed(Metadata(timestamp))
        self.files[f"targets/{listed.hashes['sha256']}.{name}"] = target

    def _signed(self, metadata: Metadata[Any]) -> bytes:
        metadata.sign(self.key)
        return metadata.to_bytes()

    @property
    def first_root(self) -> bytes:
        return self.files["1.root.json"]

    def get(self, url: str, most: int) -> bytes:
        """The port's ``Get`` for ``https://tuf.example.test``."""
        path = url.removeprefix("https://tuf.example.test/")
        self.asked.append(path)
        if path not in self.files:
            raise NotFoundError(f"{path} is not there", reason_code="not-found")
        return self.files[path][:most]
