"""Which token services a registry may send us to: our password follows the realm, so it is allow-listed."""

from __future__ import annotations

from gatekeeper.core.errors import Cause, UnavailableError
from gatekeeper.registry.adapters import quirks_of
from gatekeeper.transport.message import describe
from gatekeeper.transport.origin import Origin, origin_of


def allowed_realm(realm: str, *, host: str, origin: Origin, configured: tuple[str, ...]) -> Origin:
    """The origin of the realm. Raises UnavailableError(UNAUTHORIZED) with the configuration line that allows it."""
    target = origin_of(realm)
    if target == origin:
        return target
    allowed = {_origin(text) for text in (*quirks_of(host).realms, *configured)}
    if target in allowed:
        return target
    line = target.authority if target.scheme == "https" else str(target)
    raise UnavailableError(
        f"registry {host} wants our login sent to {describe(str(target))}, which is not its own host. "
        f'If that is its token service, add to this registry: auth_realms = ["{describe(line)}"]',
        cause=Cause.UNAUTHORIZED,
        reason_code="auth-realm-not-allowed",
    )


def _origin(text: str) -> Origin:
    return origin_of(text if "://" in text else f"https://{text}")
