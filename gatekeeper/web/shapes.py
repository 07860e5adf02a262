"""Request bodies and listing pages of the HTTP API."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from gatekeeper.ports import TokenScope

Reason = Annotated[
    str, Field(min_length=3, max_length=2000, description="why, for the audit trail", pattern=r"\S")
]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ReasonBody(_Strict):
    """A decision needs a reason."""

    reason: Reason


class PromotionBody(_Strict):
    """Promote ``image`` to ``target`` (registry/repository:tag)."""

    image: Annotated[str, Field(min_length=1, max_length=1024)]
    target: Annotated[str, Field(min_length=1, max_length=1024)]
    reason: Reason = "asked for by the API"


class TokenBody(_Strict):
    """A token to make."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    scopes: Annotated[list[TokenScope], Field(min_length=1, max_length=4)]
    repositories: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=400)]], Field(min_length=1, max_length=100)
    ]
    expires_at: datetime | None = None


class Listing(BaseModel):
    """One page. ``next`` is the ``after`` of the page that follows; null on the last."""

    items: list[dict[str, Any]]
    next: str | None
