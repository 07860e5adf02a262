"""When the login at a registry ends, where it says so itself: JSON Web Tokens (RFC 7519), passwords of Amazon ECR."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from gatekeeper.core.ending import Ending, EndingKind
from gatekeeper.core.errors import MalformedError, UnavailableError
from gatekeeper.core.strict_json import loads_object
from gatekeeper.registry.credentials import CredentialSource
from gatekeeper.registry.settings import RegistrySettings

_ECR_LIFE = timedelta(hours=12)
"""GetAuthorizationToken of the Amazon ECR API: a password is good for twelve hours."""
_MOST_SECRET = 64 * 1024


@dataclass(frozen=True, slots=True)
class Life:
    """From when to when a secret is good."""

    begins_at: datetime | None
    ends_at: datetime


def login_endings(settings: RegistrySettings) -> Iterator[Ending]:
    """The end of the login that a person keeps for this registry, when the secret itself tells it."""
    try:
        login = CredentialSource(settings.host, settings.credentials).lasting()
    except UnavailableError:
        # What cannot be read is told of where it is used.
        return
    if login is None:
        return
    for secret in (login.password, login.identity_token, login.registry_token):
        life = life_of(secret)
        if life is not None:
            yield Ending(
                EndingKind.CREDENTIAL,
                f"login of {settings.host}",
                life.ends_at,
                life.begins_at,
                "the registry refuses us from then on",
                "Put a new secret where `credentials` of this registry says; no restart is needed.",
            )


def life_of(secret: str) -> Life | None:
    """What a secret says of its own life without being verified; None when it says nothing."""
    if len(secret) > _MOST_SECRET:
        return None
    parts = secret.split(".")
    content = _opened(parts[1] if len(parts) == 3 else secret)
    if content is None:
        return None
    if len(parts) == 3:
        ends = _moment(content.get("exp"))
        return None if ends is None else Life(_moment(content.get("iat") or content.get("nbf")), ends)
    ends = _moment(content.get("expiration")) if content.get("type") == "DATA_KEY" else None
    return None if ends is None else Life(ends - _ECR_LIFE, ends)


def _opened(text: str) -> dict[str, object] | None:
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        return dict(loads_object(raw))
    except (binascii.Error, ValueError, MalformedError):
        return None


def _moment(value: object) -> datetime | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return datetime.fromtimestamp(value, UTC)
    except (OverflowError, OSError, ValueError):
        return None
