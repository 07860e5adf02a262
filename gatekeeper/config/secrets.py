"""Secrets: where they are kept, never what they are. Read anew at each use, so that rotating one needs no restart."""

from __future__ import annotations

import os
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

from gatekeeper.core.errors import ConfigurationError

COMMAND_SECONDS = 30
MAX_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Secret:
    """Exactly one of ``env``, ``file`` and ``command`` is set. Calling it gives the secret."""

    env: str | None = None
    file: Path | None = None
    command: tuple[str, ...] = ()

    def __str__(self) -> str:
        if self.env is not None:
            return f"env {self.env}"
        return f"file {self.file}" if self.file is not None else f"command {self.command[0]}"

    def __call__(self) -> str:
        """The secret without its final line break. Raises ConfigurationError when it cannot be had."""
        if self.env is not None:
            text = os.environ.get(self.env)
        elif self.file is not None:
            text = self._read(self.file)
        else:
            text = self._ask()
        if text is None or not text.strip("\r\n"):
            raise ConfigurationError(
                (f"secret from {self}: {self.trouble() or 'is empty'}",), reason_code="secret-missing"
            )
        return text.rstrip("\r\n")

    def trouble(self) -> str | None:
        """What is wrong with the place, without reading the secret or running the command; None when nothing is."""
        if self.env is not None:
            return (
                None
                if os.environ.get(self.env)
                else f"the environment variable {self.env} is not set; set it"
            )
        if self.file is None:
            return None
        try:
            status = self.file.stat()
        except OSError as error:
            return f"{self.file} cannot be read: {error.strerror}"
        if not stat.S_ISREG(status.st_mode):
            return f"{self.file} is no regular file"
        if status.st_mode & stat.S_IROTH:
            return f"{self.file} is readable by everybody; run: chmod o-rwx {self.file}"
        return None if os.access(self.file, os.R_OK) else f"{self.file} is not readable by this user"

    def _read(self, file: Path) -> str:
        trouble = self.trouble()
        if trouble is not None:
            raise ConfigurationError((f"secret from {self}: {trouble}",), reason_code="secret-unreadable")
        try:
            with file.open("rb") as stream:
                return stream.read(MAX_BYTES).decode()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(
                (f"secret from {self}: cannot be read: {error}",), reason_code="secret-unreadable"
            ) from error

    def _ask(self) -> str:
        try:
            done = subprocess.run(
                self.command,
                capture_output=True,
                timeout=COMMAND_SECONDS,
                check=False,
                stdin=subprocess.DEVNULL,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            why = f"did not end within {COMMAND_SECONDS} s"
            if isinstance(error, OSError):
                why = error.strerror or "cannot be started"
            raise ConfigurationError(
                (f"secret from {self}: {why}",), reason_code="secret-command-failed"
            ) from error
        if done.returncode != 0:
            raise ConfigurationError(
                (f"secret from {self}: ended with {done.returncode}; run it by hand to see why",),
                reason_code="secret-command-failed",
            )
        return done.stdout[:MAX_BYTES].decode(errors="replace")
