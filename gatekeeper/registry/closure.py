"""The closure of a digest: its children, itself, and what hangs on any of them, bounded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import Cause, UnavailableError
from gatekeeper.core.manifest import ImageIndex, Manifest
from gatekeeper.ports import Referrers
from gatekeeper.registry.settings import ReadCaps


@dataclass(frozen=True, slots=True)
class Member:
    """One manifest of a closure; ``tag`` when a tag scheme found it and must find it at the copy, too."""

    manifest: Manifest
    tag: str | None = None


@dataclass(slots=True)
class Walk:
    """One walk through a closure, in the order in which it can be pushed: children before what names them."""

    manifest: Callable[[Digest], Manifest]
    referrers: Callable[[Digest], Referrers]
    caps: ReadCaps
    members: dict[Digest, Member] = field(default_factory=dict)

    def run(self, root: Digest) -> tuple[Member, ...]:
        """The whole closure. Raises UnavailableError when any part of it cannot be had, NotFoundError."""
        self._visit(root, None, 0)
        return tuple(self.members.values())

    def _visit(self, digest: Digest, tag: str | None, depth: int) -> None:
        if digest in self.members:
            return
        if depth > self.caps.closure_depth:
            raise _over("deeper", self.caps.closure_depth)
        manifest = self.manifest(digest)
        if isinstance(manifest, ImageIndex):
            for child in manifest.manifests:
                self._visit(child.digest, None, depth + 1)
        if len(self.members) >= self.caps.closure:
            raise _over("larger", self.caps.closure)
        self.members[digest] = Member(manifest, tag)
        found = self.referrers(digest)
        if found.gap is not None:
            raise UnavailableError(
                f"what hangs on {digest} is not known completely: {found.gap.source}: {found.gap.detail}",
                cause=found.gap.cause,
            )
        for referrer in found.items:
            self._visit(referrer.descriptor.digest, referrer.tag, depth + 1)


def _over(how: str, cap: int) -> UnavailableError:
    return UnavailableError(f"the closure is {how} than {cap}", cause=Cause.OVER_CAP)
