"""What the routes of ``/v1`` take: query and path parameters, request bodies. Their limits are in the OpenAPI document.

No control character enters: the database refuses some of them, terminals obey others.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import Path, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from gatekeeper.core.errors import MalformedError
from gatekeeper.core.lifecycle import CaseState
from gatekeeper.ports import TokenScope

_LINE = r"^[^\x00-\x1f\x7f]*$"
_TEXT = r"^[^\x00-\x08\x0b-\x1f\x7f]*[^\x00-\x20\x7f][^\x00-\x08\x0b-\x1f\x7f]*$"
_GLOB = r"^[^\x00-\x1f\x7f*]*(\*{1,2}[^\x00-\x1f\x7f*]*){0,4}$"
"""At most four wildcards: each multiplies what matching may cost."""

Limit = Annotated[int, Query(ge=1, le=1000, description="items on a page")]
After = Annotated[
    str | None, Query(max_length=400, pattern=_LINE, description="the `next` of the page before")
]
Image = Annotated[
    str,
    Query(min_length=1, max_length=1024, pattern=_LINE, description="REGISTRY/REPOSITORY@DIGEST or :TAG"),
]
RepositoryName = Annotated[
    str, Query(min_length=1, max_length=400, pattern=_LINE, description="REGISTRY/REPOSITORY")
]
RepositoryGlob = Annotated[
    str,
    Query(
        min_length=1,
        max_length=400,
        pattern=_GLOB,
        description="glob over REGISTRY/REPOSITORY; `*` stops at a slash, `**` does not",
    ),
]
CaseStates = Annotated[
    list[CaseState] | None,
    Query(max_length=20, description="default: those that wait for a person (proposed, open, kept)"),
]
WaiverId = Annotated[str, Path(min_length=1, max_length=100, pattern=_LINE)]
EventId = Annotated[int, Query(ge=0, le=2**53, description="the last event seen; 0: all that are kept")]
CaseId = Annotated[str, Path(min_length=1, max_length=100, pattern=_LINE)]
DigestText = Annotated[str, Path(max_length=200, pattern=_LINE, description="sha256:… or sha512:…")]
VulnerabilityId = Annotated[
    str,
    Path(min_length=1, max_length=200, pattern=_LINE, description="CVE-2021-44228, or any other id of it"),
]
TokenId = Annotated[str, Path(max_length=100, pattern=_LINE)]
Reason = Annotated[
    str, Field(min_length=3, max_length=2000, pattern=_TEXT, description="why, for the audit trail")
]
Reference = Annotated[str, Field(min_length=1, max_length=1024, pattern=_LINE)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ReasonBody(_Strict):
    """A decision needs a reason."""

    reason: Reason


class ReviewBody(ReasonBody):
    """A decision; ``expires_at`` is when a release ends."""

    expires_at: AwareDatetime | None = None


class WaiverBody(ReasonBody):
    """A deviation to accept: of one rule, for a digest, for a glob of repositories, or for both together."""

    rule: Annotated[str, Field(min_length=1, max_length=100, pattern=_LINE)]
    digest: Annotated[str, Field(max_length=200, pattern=_LINE)] | None = None
    repositories: Annotated[str, Field(min_length=1, max_length=400, pattern=_GLOB)] | None = None
    owner: Annotated[str, Field(min_length=1, max_length=200, pattern=_LINE)] | None = None
    expires_at: AwareDatetime


class ResendBody(ReasonBody):
    """Dead letters to send again; left out: all."""

    ids: (
        Annotated[list[Annotated[int, Field(ge=1, le=2**53)]], Field(min_length=1, max_length=1000)] | None
    ) = None


class PromotionBody(_Strict):
    """Promote ``image`` to ``target`` (REGISTRY/REPOSITORY:TAG)."""

    image: Reference
    target: Reference
    reason: Reason = "asked for by the API"


class TokenBody(_Strict):
    """A token to make. Left out, ``expires_at`` is 90 days from now."""

    name: Annotated[str, Field(min_length=1, max_length=100, pattern=_LINE)]
    scopes: Annotated[list[TokenScope], Field(min_length=1, max_length=4)]
    repositories: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=400, pattern=_GLOB)]],
        Field(min_length=1, max_length=100, description="globs over REGISTRY/REPOSITORY; `**` is all"),
    ]
    expires_at: AwareDatetime | None = None


def utc(moment: datetime) -> datetime:
    """Raises MalformedError at the ends of the calendar, where a time zone leads out of it."""
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise MalformedError("expires_at is out of the calendar", reason_code="time-malformed") from error
