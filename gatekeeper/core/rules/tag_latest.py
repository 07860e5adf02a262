"""``tag-latest``: a tag that says nothing about what it points at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from gatekeeper.core.rules.rule import Check, Context
from gatekeeper.core.verdict import Level, Result


@dataclass(frozen=True, slots=True)
class TagLatest:
    """Fails each of the named tags; the digest itself and its other tags are not concerned."""

    id: ClassVar[str] = "tag-latest"

    level: Level = Level.FAIL
    tags: tuple[str, ...] = ("latest",)
    """The tags that are refused, each written out."""

    def check(self, context: Context) -> Iterator[Check]:
        """One Check for each tag of the subject, or one for a subject without tags."""
        digest = context.subject.digest
        remedy = "Push the image under a tag that names its version, and use that tag or the digest."
        for tag in context.subject.tags:
            if tag in self.tags:
                message = f"The tag {tag!r} does not say which version it points at."
                yield Check(Result.VIOLATED, "tag-latest", message, remedy, digest, digest, tag=tag)
            else:
                yield Check(
                    Result.SATISFIED, "tag-accepted", "The tag is accepted.", "", digest, digest, tag=tag
                )
        if not context.subject.tags:
            yield Check(Result.SATISFIED, "no-tag", "No tag points at this digest.", "", digest, digest)
