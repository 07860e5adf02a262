"""Exit codes, the same for every command and for the ``exit_code`` member of the HTTP API's answers."""

from __future__ import annotations

from enum import IntEnum

from gatekeeper.core.errors import (
    ConfigurationError,
    ConflictError,
    DeniedError,
    GatekeeperError,
    MalformedError,
    NotKnownNowError,
)


class ExitCode(IntEnum):
    """What a pipeline branches on."""

    PASSED = 0
    FAILED = 1
    """Failed or quarantined; also an act that was refused because the world is not as it must be."""
    USAGE = 2
    CONFIGURATION = 3
    INDETERMINATE = 4
    UNREACHABLE = 5
    """The subject could not be resolved, the registry refused us, or database or server could not be reached."""
    DENIED = 6
    """We refused this caller."""
    INTERNAL = 70


def exit_code_of(error: GatekeeperError) -> ExitCode:
    """The exit code of an error that ended a command or request."""
    match error:
        case NotKnownNowError():
            return ExitCode.INDETERMINATE
        case MalformedError():
            return ExitCode.USAGE
        case ConfigurationError():
            return ExitCode.CONFIGURATION
        case DeniedError():
            return ExitCode.DENIED
        case ConflictError():
            return ExitCode.FAILED
        case _:
            return ExitCode.UNREACHABLE
