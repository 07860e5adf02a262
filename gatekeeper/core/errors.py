"""The error families, split by what the caller can do about them.

Every error carries a stable kebab-case ``reason_code`` (shown to machines) and a message written for a person:
what is wrong, where, and what to do. Third-party exceptions never leave the room that provoked them; they are
relabelled as one of these.
"""

from __future__ import annotations

from enum import StrEnum


class Cause(StrEnum):
    """Why something could not be asked. ``blames_content`` tells an outage from a subject's own doing."""

    TIMEOUT = "timeout"
    CONNECT = "connect"
    TLS = "tls"
    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"
    METHOD_NOT_ALLOWED = "method-not-allowed"
    RATE_LIMITED = "rate-limited"
    SERVER_ERROR = "server-error"
    PROTOCOL = "protocol"
    """The far side answered something its specification forbids: wrong digest, foreign Link, truncated body."""
    STORE = "store"
    """The database could not be reached."""
    NOT_CONFIGURED = "not-configured"
    OVER_CAP = "over-cap"
    """The subject (or what hangs on it) is larger, longer or deeper than we read."""
    MALFORMED = "malformed"
    """The subject's own bytes break their specification."""
    JUNK = "junk"
    """More unusable candidates hang on the subject than we read."""
    STALE = "stale"
    """Known, but too old to be believed: a feed or trust root that was not renewed in time."""
    VANISHED = "vanished"
    """Listed, but answered 404 when fetched, and not yet confirmed as gone."""

    @property
    def blames_content(self) -> bool:
        """True when the subject itself, not a service, is the reason."""
        return self in (Cause.OVER_CAP, Cause.MALFORMED, Cause.JUNK)


class GatekeeperError(Exception):
    """Base of every error we raise on purpose."""

    def __init__(self, message: str, *, reason_code: str) -> None:
        super().__init__(message)
        self.message = message
        self.reason_code = reason_code

    def __str__(self) -> str:
        return self.message


_OVER_CAP = frozenset({
    "manifest-too-many-layers", "manifest-too-many-manifests", "index-too-deep", "json-too-deep", "sbom-too-large",
})  # fmt: skip


class MalformedError(GatekeeperError):
    """What was given cannot be read. The caller must give something else; retrying is useless."""

    @property
    def cause(self) -> Cause:
        """Why it was not read: more than we read is no fault of its form (law 8)."""
        return Cause.OVER_CAP if self.reason_code in _OVER_CAP else Cause.MALFORMED


class UnavailableError(GatekeeperError):
    """Could not be asked, or the answer cannot be believed. Never means "no". Retrying later may help."""

    def __init__(
        self,
        message: str,
        *,
        cause: Cause,
        reason_code: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, reason_code=reason_code or str(cause))
        self.cause = cause
        self.retry_after = retry_after
        """Seconds the far side asked us to wait, if it did."""


class NotKnownNowError(UnavailableError):
    """Somebody asked for what is recorded, and the store is away: neither yes nor no is known now."""

    @classmethod
    def of(cls, error: UnavailableError) -> NotKnownNowError:
        """The same, said of a question."""
        return cls(
            error.message, cause=error.cause, reason_code=error.reason_code, retry_after=error.retry_after
        )


class NotFoundError(GatekeeperError):
    """The far side answered, and the answer is that there is no such thing."""


class NotOfferedError(GatekeeperError):
    """The far side answered that it does not have this capability (catalog, referrers API, tag delete)."""


class ConflictError(GatekeeperError):
    """The world moved: the tag points elsewhere, the lease was lost, another reviewer was faster."""


class DeniedError(GatekeeperError):
    """We refuse this caller or this act (token scope, hold, protected tag, not passed)."""


class ConfigurationError(GatekeeperError):
    """Configuration or policy cannot be used; ``problems`` holds every one, as ``file:line:column: key: text``."""

    def __init__(self, problems: tuple[str, ...], *, reason_code: str = "configuration-error") -> None:
        super().__init__("\n".join(problems), reason_code=reason_code)
        self.problems = problems
