"""The switches that make the embedded registry behave like others (all measured on real ones)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum


class Catalog(Enum):
    """What ``GET /v2/_catalog`` answers."""

    OFFERED = "offered"
    UNAUTHORIZED = "unauthorized"
    """401 with a challenge that no token satisfies."""
    MISSING = "missing"
    """404."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What a user may do. ``user`` "" is the anonymous one; ``repositories`` is a glob."""

    user: str
    repositories: str = "*"
    actions: frozenset[str] = frozenset({"pull", "push", "delete", "*"})


@dataclass(frozen=True, slots=True)
class BasicAuthentication:
    """``Authorization: Basic`` on every request. Users without any grant may do everything."""

    users: Mapping[str, str]
    """name -> password"""
    grants: tuple[Grant, ...] = ()
    realm: str = "embedded registry"


@dataclass(frozen=True, slots=True)
class TokenAuthentication:
    """Bearer tokens from the registry's own ``/token`` endpoint (distribution token specification).

    GET takes Basic credentials, POST is OAuth2 (``grant_type`` ``refresh_token`` or ``password``).
    """

    users: Mapping[str, str]
    """name -> password"""
    grants: tuple[Grant, ...] = ()
    """Users without any grant may do everything; the anonymous user without a grant nothing."""
    refresh_tokens: Mapping[str, str] = field(default_factory=dict)
    """identity token -> user"""
    ttl: float = 300.0
    """Seconds a token is good for, by the registry's clock; no leeway."""
    service: str = "embedded-registry"
    realm: str | None = None
    """The URL advertised in the challenge; None: our own ``/token``."""
    secret: bytes | None = None
    """The HMAC key; None draws one. Two registries with one secret accept each other's tokens."""
    tells_expiry: bool = True
    """False leaves ``expires_in`` out of the answer (the client must then assume 60 seconds)."""


@dataclass(frozen=True, slots=True)
class RateLimit:
    """429 after ``requests`` requests in ``window`` seconds of the registry's clock."""

    requests: int
    window: float = 60.0
    retry_after: int = 1
    """The Retry-After told with each 429, in seconds."""


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How this registry behaves. The defaults are a complete distribution-spec 1.1 registry."""

    referrers_api: bool = True
    """False: 404 on the referrers API and no ``OCI-Subject``."""
    referrers_filter: bool = True
    """False: ``artifactType`` is ignored and no ``OCI-Filters-Applied`` is sent."""
    referrers_page_size: int | None = None
    """Descriptors a page; None gives all at once."""
    tag_delete: bool = True
    digest_delete: bool = True
    blob_delete: bool = True
    forgets_untagged: bool = False
    """A manifest goes, with its untagged children and referrers, when its last tag goes (ECR)."""
    immutable_tags: bool = False
    """409 when a tag would move to another digest."""
    read_only: bool = False
    authentication: TokenAuthentication | BasicAuthentication | None = None
    rate_limit: RateLimit | None = None
    catalog: Catalog = Catalog.OFFERED
    page_size: int | None = None
    """The most entries on one page of tags or repositories, whatever ``n`` says; None has no limit."""
    pages_tags: bool = True
    """False: the whole tag list, in the order of creation, ``n`` and ``last`` ignored."""
    null_tags: bool = False
    """``"tags": null`` for a repository without tags."""
    mount: bool = True
    mount_anonymous: bool = True
    """A mount without ``from`` looks in every repository."""
    monolithic_post: bool = True
    conditional: bool = True
    """``Etag`` and 304 on ``If-None-Match``."""
    bare_not_modified: bool = False
    """A 304 of a manifest without ``Etag`` and ``Docker-Content-Digest`` (distribution 2 and 3, as measured)."""
    digest_header: bool = True
    """``Docker-Content-Digest``"""
    negotiates_accept: bool = False
    """An ``Accept`` without an OCI manifest's media type gives 404; a docker list turns into its first child."""
    negotiates_docker: bool = False
    """With ``negotiates_accept``: 400 for a docker manifest that the client does not accept."""
    known_media_types_only: bool = False
    tag_parameter: bool = True
    """``PUT manifests/<digest>?tag=a&tag=b`` (distribution-spec after 1.1)."""
    sha512: bool = True
    plain_text_errors: bool = False
    """404 for unknown routes and 405 in read-only mode are plain text."""
    manifest_cap: int = 4 * 1024 * 1024
    blob_cap: int = 1024 * 1024 * 1024

    @classmethod
    def docker_registry_2(cls, *, deletes: bool = True, read_only: bool = False) -> Behaviour:
        """Debian's docker-registry 2.8.2, as measured."""
        return cls(
            referrers_api=False,
            tag_delete=False,
            digest_delete=deletes,
            blob_delete=deletes,
            read_only=read_only,
            pages_tags=False,
            null_tags=True,
            mount_anonymous=False,
            monolithic_post=False,
            bare_not_modified=True,
            negotiates_accept=True,
            negotiates_docker=True,
            known_media_types_only=True,
            tag_parameter=False,
            sha512=False,
            plain_text_errors=True,
        )

    @classmethod
    def distribution_3(cls) -> Behaviour:
        """CNCF Distribution 3: tag delete and paging, no referrers API."""
        return cls(
            referrers_api=False,
            mount_anonymous=False,
            monolithic_post=False,
            bare_not_modified=True,
            negotiates_accept=True,
            known_media_types_only=True,
            tag_parameter=False,
            sha512=False,
            plain_text_errors=True,
        )

    @classmethod
    def ghcr_like(cls) -> Behaviour:
        """No referrers API, no delete through the OCI API, no catalog."""
        return cls(
            referrers_api=False,
            tag_delete=False,
            digest_delete=False,
            blob_delete=False,
            catalog=Catalog.UNAUTHORIZED,
        )
