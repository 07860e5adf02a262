"""Images to scan, and a clock that sleeping moves."""

from __future__ import annotations

from dataclasses import dataclass, field

from gatekeeper.core.digest import Digest
from gatekeeper.core.reference import Repository
from gatekeeper.ports.scanners import ImageToScan, PullAccess

OCI = "application/vnd.oci.image.manifest.v1+json"


@dataclass(slots=True)
class Clock:
    """Moved by ``sleep`` alone."""

    now: float = 0.0
    slept: list[float] = field(default_factory=list)

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def to_scan(
    digest: Digest | None = None,
    *,
    url: str = "https://registry.test",
    path: str = "team/app",
    token: str = "",
) -> ImageToScan:
    """An image that nobody has, unless it is named."""
    host = url.partition("://")[2]
    return ImageToScan(Repository(host, path), digest or Digest.of(b"image"), OCI, PullAccess(url, token))
