"""What a registry's refusals mean. Its words are hostile: only error codes of the specification are repeated."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from gatekeeper.core.errors import Cause, GatekeeperError, MalformedError, NotFoundError, UnavailableError
from gatekeeper.core.strict_json import loads_object
from gatekeeper.transport.message import Answer, HeaderFields, describe

_CODE = re.compile(r"[A-Z][A-Z_]{2,40}", re.ASCII)
_CAUSES = {
    401: Cause.UNAUTHORIZED,
    403: Cause.FORBIDDEN,
    405: Cause.METHOD_NOT_ALLOWED,
    408: Cause.TIMEOUT,
    # An immutable tag, or a policy of the registry (Harbor: "blocked"): it understood, and refuses.
    409: Cause.FORBIDDEN,
    412: Cause.FORBIDDEN,
    423: Cause.FORBIDDEN,
    429: Cause.RATE_LIMITED,
    451: Cause.FORBIDDEN,
}
_UNSUPPORTED = frozenset({"UNSUPPORTED"})


def failure(answer: Answer, what: str) -> GatekeeperError:
    """The error for an answer that is none of the expected ones; ``what`` says what was asked, for people."""
    status = answer.status_code
    code = error_code(answer)
    said = f" ({code})" if code else ""
    if status == 404:
        return NotFoundError(f"{what}: there is none{said}", reason_code=_not_found_reason(code))
    cause = _CAUSES.get(status, Cause.SERVER_ERROR if status >= 500 else Cause.PROTOCOL)
    reason = (
        "registry-refused-content" if status in (400, 413, 415) and answer.method in ("PUT", "POST") else None
    )
    return UnavailableError(
        f"{what}: {answer.method} {describe(answer.url)} answered {status}{said}",
        cause=cause,
        reason_code=reason,
    )


def error_code(answer: Answer) -> str:
    """The first error code of the body (distribution-spec, "Error Codes"), or "" when it says none."""
    try:
        content = loads_object(answer.content)
    except MalformedError:
        return ""
    errors: Any = content.get("errors")
    first = errors[0] if isinstance(errors, list) and errors else None
    code = first.get("code") if isinstance(first, dict) else None
    return code if isinstance(code, str) and _CODE.fullmatch(code) else ""


def unsupported(answer: Answer) -> bool:
    """True when a DELETE was answered by "this registry does not do that"."""
    return answer.status_code in (405, 501) or (
        answer.status_code in (400, 404) and error_code(answer) in _UNSUPPORTED
    )


def protocol_error(what: str, why: str) -> UnavailableError:
    """An answer that its specification forbids."""
    return UnavailableError(f"{what}: {why}", cause=Cause.PROTOCOL)


def media_type_of(headers: HeaderFields) -> str | None:
    """The Content-Type without parameters, lower case."""
    text = headers.get("Content-Type")
    return text.partition(";")[0].strip().lower() if text else None


def _not_found_reason(code: str) -> str:
    return {"NAME_UNKNOWN": "repository-not-found", "BLOB_UNKNOWN": "blob-not-found"}.get(code, "not-found")


def http_date(written: str | None) -> datetime | None:
    """A ``Date`` field (RFC 9110, 5.6.7) in UTC; None for none, and for one that cannot be read."""
    try:
        moment = parsedate_to_datetime(written or "")
    except (ValueError, OverflowError):
        return None
    return moment.astimezone(UTC) if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
