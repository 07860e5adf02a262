"""Image references by the grammar of distribution/reference, parsed once at the border."""

from __future__ import annotations

from dataclasses import dataclass

from gatekeeper.core.digest import Digest


@dataclass(frozen=True, slots=True, order=True)
class Repository:
    """A repository in its canonical form: registry host (lower case, default port dropped) and path."""

    registry: str
    """``host`` or ``host:port``; Docker Hub is ``docker.io`` whatever alias was written."""
    path: str

    def __str__(self) -> str:
        return f"{self.registry}/{self.path}"


@dataclass(frozen=True, slots=True, order=True)
class Reference:
    """Repository plus tag and/or digest. At least one of both is set after ``parse_reference``."""

    repository: Repository
    tag: str | None
    digest: Digest | None

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag is not None else ""
        digest = f"@{self.digest}" if self.digest is not None else ""
        return f"{self.repository}{tag}{digest}"
