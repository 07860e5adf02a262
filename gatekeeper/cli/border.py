"""The one place where errors become exit codes. A user's fault is one clear sentence, ours an incident."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from gatekeeper.cli.output import Chosen, Output, tell_error
from gatekeeper.core.errors import ConfigurationError, GatekeeperError
from gatekeeper.core.exit_codes import ExitCode, exit_code_of

INTERRUPTED = 130
BROKEN_PIPE = 141


def guarded(arguments: Sequence[str] | None) -> int:
    """Runs the command line; every way it can end is an exit code here, never a traceback for a user's fault."""
    Chosen.format = Output.TABLE
    try:
        return _run(arguments)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has gone; the interpreter must not complain about it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE


def _run(arguments: Sequence[str] | None) -> int:
    try:
        from gatekeeper.cli.app import command

        # Usage errors end as SystemExit(2) with their message already told.
        words = sys.argv[1:] if arguments is None else list(arguments)
        command(words).main(args=words, prog_name="gatekeeper")
    except SystemExit as ended:
        sys.stdout.flush()
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except GatekeeperError as error:
        return _told(error)
    except BrokenPipeError:
        raise
    except Exception as error:  # noqa: BLE001 - the outermost border: relabelled as an incident
        return _incident(error)
    return 0


def _told(error: GatekeeperError) -> int:
    code = exit_code_of(error)
    tell_error(
        {
            "state": "indeterminate" if code is ExitCode.INDETERMINATE else "error",
            "reason_code": error.reason_code,
            "message": error.message,
            "exit_code": int(code),
        },
        error.message if isinstance(error, ConfigurationError) else f"gatekeeper: {error.message}",
    )
    sys.stdout.flush()
    return int(code)


def _incident(error: Exception) -> int:
    """Exit 70. The traceback goes to a file that only this user may read."""
    import traceback

    incident = os.urandom(6).hex()
    text = "".join(traceback.format_exception(error))
    if os.environ.get("GATEKEEPER_DEBUG"):
        sys.stderr.write(text)
    place = _keep(incident, text)
    message = f"an internal error, incident {incident}; please report it with {place or 'what you did'}"
    tell_error(
        {
            "state": "error",
            "reason_code": "internal-error",
            "message": message,
            "exit_code": int(ExitCode.INTERNAL),
            "incident": incident,
        },
        f"gatekeeper: {message}",
    )
    return int(ExitCode.INTERNAL)


def _keep(incident: str, text: str) -> Path | None:
    import tempfile

    state = os.environ.get("XDG_STATE_HOME")
    homes = [Path(state) if state else Path("~/.local/state").expanduser(), Path(tempfile.gettempdir())]
    for home in homes:
        folder = home / "gatekeeper"
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            place = folder / f"incident-{incident}.txt"
            with os.fdopen(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
                stream.write(text)
        except (OSError, RuntimeError):
            continue
        return place
    return None
