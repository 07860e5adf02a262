"""Scanners as programs: syft, grype and trivy, each in a process of its own with nothing that it does not need.

No shell, an empty environment, a temporary home, no input, limits of the kernel (``setrlimit``), a deadline, and a cap
on what it prints. It pulls with a short-lived token for one repository, never with a login of ours.
"""

from __future__ import annotations

import json
import os
import re
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from gatekeeper.core.errors import Cause, MalformedError, NotOfferedError, UnavailableError
from gatekeeper.core.scan_report import ScanReport
from gatekeeper.ports.scanners import ImageToScan, Program
from gatekeeper.vulnerabilities.reports import reader

# Set before the program begins, in the process that becomes it: Python code between fork and exec may deadlock.
_LIMITED = """
import json, os, resource, sys
for name, most in json.loads(sys.argv[1]).items():
    kind = getattr(resource, name)
    hard = resource.getrlimit(kind)[1]
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(kind, (most, most))
os.execv(sys.argv[2], sys.argv[2:])
"""
_PIECE = 64 * 1024
_COMPLAINT = 4 * 1024
"""Bytes kept of the end of what it complains about."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a program may use."""

    seconds: float = 600.0
    """From beginning to end."""
    cpu_seconds: int = 600
    memory: int = 8 * 1024**3
    """Bytes of address space; programs in Go reserve far more than they use."""
    file_size: int = 4 * 1024**3
    """Bytes of any one file that it writes."""
    open_files: int = 1024
    output: int = 64 * 1024**2
    """Bytes that it may print."""

    def of_kernel(self) -> Mapping[str, int]:
        """By the names of ``setrlimit``."""
        return {
            "RLIMIT_AS": self.memory,
            "RLIMIT_CPU": self.cpu_seconds,
            "RLIMIT_FSIZE": self.file_size,
            "RLIMIT_NOFILE": self.open_files,
            "RLIMIT_CORE": 0,
        }


@dataclass(frozen=True, slots=True)
class ScannerProgram:
    """``ports.scanners.Scanner`` as a program on this machine."""

    name: str
    program: Program
    path: Path
    """Of the executable, absolute."""
    bounds: Bounds = Bounds()
    environment: Mapping[str, str] = field(default_factory=dict)
    """What it needs beside: where its vulnerability database lies, for example."""
    ca_file: str | None = None

    def sbom(self, image: ImageToScan) -> bytes:
        """See the port."""
        match self.program:
            case Program.SYFT:
                return self.run(["scan", "-o", "cyclonedx-json", _source(image)], image)
            case Program.TRIVY:
                return self.run(_trivy("cyclonedx", image), image)
            case Program.GRYPE:
                raise self._not_offered("SBOMs")

    def report(self, image: ImageToScan) -> ScanReport:
        """See the port."""
        if self.program is Program.SYFT:
            raise self._not_offered("reports")
        grype = ["-o", "json", _source(image)]
        content = self.run(grype if self.program is Program.GRYPE else _trivy("json", image), image)
        try:
            return reader.read(content)
        except MalformedError as error:
            raise UnavailableError(
                f"scanner {self.name}: {error.message}",
                cause=Cause.PROTOCOL,
                reason_code="scanner-answer-malformed",
            ) from error

    def run(self, arguments: list[str], image: ImageToScan) -> bytes:
        """Standard output of one run. Raises UnavailableError."""
        with tempfile.TemporaryDirectory(prefix="gatekeeper-scan-", ignore_cleanup_errors=True) as home:
            limits = json.dumps(dict(self.bounds.of_kernel()))
            argv = [sys.executable, "-I", "-S", "-c", _LIMITED, limits, str(self.path), *arguments]
            try:
                process = subprocess.Popen(
                    argv,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    cwd=home,
                    env=self._environment(home, image),
                    start_new_session=True,
                    close_fds=True,
                )
            except OSError as error:
                raise self._failed(f"cannot be started: {error.strerror}", Cause.NOT_CONFIGURED) from error
            until = time.monotonic() + self.bounds.seconds
            try:
                content, complaint = self._output(process, until)
                status = process.wait(max(until - time.monotonic(), 0.0))
            except subprocess.TimeoutExpired as error:
                raise self._late() from error
            finally:
                _end(process)
        if status != 0:
            raise self._failed(f"{_ending(status)}{_last_words(complaint, image)}", Cause.SERVER_ERROR)
        return content

    def _output(self, process: subprocess.Popen[bytes], until: float) -> tuple[bytes, bytes]:
        """(standard output, the end of standard error). Both are read at once: a full pipe would stop the program."""
        assert process.stdout is not None and process.stderr is not None  # noqa: PT018 - both are pipes
        printed: list[bytes] = []
        size, complaint = 0, b""
        with selectors.DefaultSelector() as ready:
            for stream in (process.stdout, process.stderr):
                ready.register(stream, selectors.EVENT_READ)
            while ready.get_map():
                left = until - time.monotonic()
                if left <= 0:
                    raise self._late()
                for key, _ in ready.select(left):
                    piece = os.read(key.fd, _PIECE)
                    if not piece:
                        ready.unregister(key.fileobj)
                    elif key.fileobj is process.stderr:
                        complaint = (complaint + piece)[-_COMPLAINT:]
                    else:
                        printed.append(piece)
                        size += len(piece)
                        if size > self.bounds.output:
                            raise self._failed(f"prints more than {self.bounds.output} bytes", Cause.OVER_CAP)
        return b"".join(printed), complaint

    def _environment(self, home: str, image: ImageToScan) -> dict[str, str]:
        made = {
            "HOME": home,
            "TMPDIR": home,
            "XDG_CACHE_HOME": f"{home}/cache",
            "XDG_CONFIG_HOME": f"{home}/config",
            "XDG_DATA_HOME": f"{home}/data",
            "DOCKER_CONFIG": home,
            "PATH": "/usr/bin:/bin",
            "LANG": "C.UTF-8",
            **_registry(self.program, image),
        }
        if self.ca_file is not None:
            made["SSL_CERT_FILE"] = self.ca_file
        return {**self.environment, **made}

    def _not_offered(self, what: str) -> NotOfferedError:
        return NotOfferedError(
            f"scanner {self.name}: {self.program} does not make {what}", reason_code="scanner-not-capable"
        )

    def _failed(self, why: str, cause: Cause) -> UnavailableError:
        return UnavailableError(
            f"scanner {self.name}: {self.path.name} {why}", cause=cause, reason_code="scanner-failed"
        )

    def _late(self) -> UnavailableError:
        return UnavailableError(
            f"scanner {self.name}: no result within {self.bounds.seconds:g} s",
            cause=Cause.TIMEOUT,
            reason_code="scanner-late",
        )


def _address(image: ImageToScan) -> str:
    """``host[:port]/path@digest`` of the registry's API: no name is looked up elsewhere."""
    return f"{urlsplit(image.access.url).netloc}/{image.repository.path}@{image.digest}"


def _source(image: ImageToScan) -> str:
    return f"registry:{_address(image)}"


def _trivy(form: str, image: ImageToScan) -> list[str]:
    return [
        "image", "--image-src", "remote", "--scanners", "vuln", "--format", form, _address(image)
    ]  # fmt: skip


def _registry(program: Program, image: ImageToScan) -> dict[str, str]:
    """The token, by environment: arguments are seen by every user of a machine."""
    plain = image.access.url.startswith("http:")
    if program is Program.TRIVY:
        made = {"TRIVY_REGISTRY_TOKEN": image.access.token} if image.access.token else {}
        return {**made, "TRIVY_INSECURE": "true"} if plain else made
    prefix = program.upper()
    made = {f"{prefix}_CHECK_FOR_APP_UPDATE": "false"}
    if image.access.token:
        made[f"{prefix}_REGISTRY_AUTH_AUTHORITY"] = urlsplit(image.access.url).netloc
        made[f"{prefix}_REGISTRY_AUTH_TOKEN"] = image.access.token
    return {**made, f"{prefix}_REGISTRY_INSECURE_USE_HTTP": "true"} if plain else made


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends it with everything that it began, and closes its pipes."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    streams: tuple[IO[bytes] | None, ...] = (process.stdout, process.stderr)
    for stream in streams:
        if stream is not None:
            stream.close()
    process.wait()


def _ending(status: int) -> str:
    if status >= 0:
        return f"ended with {status}"
    limit = {signal.SIGXCPU: " (its CPU time was used up)", signal.SIGXFSZ: " (a file grew too large)"}
    return f"was ended by signal {-status}{limit.get(signal.Signals(-status), '')}"


def _last_words(complaint: bytes, image: ImageToScan) -> str:
    """The end of what it complained about, printable, and without the token."""
    said = complaint.decode("utf-8", "replace")
    if image.access.token:
        said = said.replace(image.access.token, "***")
    said = re.sub(r"\x1b\[[0-9;]*m", "", said).strip().replace("\n", "; ")
    return f": {ascii(said[-300:])[1:-1]}" if said else ""
