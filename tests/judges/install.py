"""Install the pinned judges: ``python3 -m tests.judges.install [NAME ...]`` (no name: all of them).

Standard library only. Programs land in ``$GATEKEEPER_JUDGES`` (default ``~/.cache/gatekeeper-judges/bin``),
each beside a stamp of its version; one whose stamp fits is left alone, so an interrupted run is simply
started again. At most two are built at once. Progress goes to standard error.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

HERE = Path(__file__).resolve().parent
PARALLEL_BUILDS = 2
BUILD_SECONDS = 1200
ATTEMPTS = 3
"""A module download may break off; Go keeps what it has, so another attempt continues."""


@dataclass(frozen=True)
class Published:
    """A Go program as its project publishes it."""

    name: str
    package: str
    version: str

    @property
    def stamp(self) -> str:
        return f"{self.package}@{self.version}"


@dataclass(frozen=True)
class Local:
    """A small Go program of ours around somebody else's library; its ``go.sum`` pins that library."""

    name: str
    folder: Path

    @property
    def stamp(self) -> str:
        sources = hashlib.sha256()
        for path in sorted(self.folder.iterdir()):
            sources.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
        return f"{self.name}@sha256:{sources.hexdigest()}"


Judge: TypeAlias = Published | Local

JUDGES: dict[str, Judge] = {
    judge.name: judge
    for judge in (
        Published("cosign", "github.com/sigstore/cosign/v3/cmd/cosign", "v3.1.3"),
        Published("cosign2", "github.com/sigstore/cosign/v2/cmd/cosign", "v2.6.5"),
        Published("distribution3", "github.com/distribution/distribution/v3/cmd/registry", "v3.1.2"),
        Published("crane", "github.com/google/go-containerregistry/cmd/crane", "v0.22.1"),
        Local("referrers-registry", HERE / "go" / "referrers-registry"),
        Local("notation", HERE / "go" / "notation"),
        Published("grype", "github.com/anchore/grype/cmd/grype", "v0.110.0"),
        Local("grype-database", HERE / "go" / "grype-database"),
        Published("osv-scanner", "github.com/google/osv-scanner/v2/cmd/osv-scanner", "v2.4.0"),
        Published("oras", "oras.land/oras/cmd/oras", "v1.3.6"),
        Published(
            "timestamp-server", "github.com/sigstore/timestamp-authority/v2/cmd/timestamp-server", "v2.1.3"
        ),
        Published("regctl", "github.com/regclient/regclient/cmd/regctl", "v0.11.7"),
        Published("regsync", "github.com/regclient/regclient/cmd/regsync", "v0.11.7"),
        Published("syft", "github.com/anchore/syft/cmd/syft", "v1.44.0"),
        Published(
            "conformance",
            "github.com/opencontainers/distribution-spec/conformance",
            "v0.0.0-20260831232431-97274622c111",
        ),
    )
}


class InstallError(Exception):
    """A judge could not be built; the text says which and shows the builder's own words."""


def judges_folder() -> Path:
    """Where the judges live, outside the checkout."""
    named = os.environ.get("GATEKEEPER_JUDGES")
    return Path(named) if named else Path.home() / ".cache" / "gatekeeper-judges" / "bin"


def _stamp_file(folder: Path, name: str) -> Path:
    return folder / ".stamps" / name


def installed(name: str) -> Path | None:
    """The program of a judge in exactly the pinned version, or None. Raises KeyError for an unknown name."""
    folder = judges_folder()
    program, stamp = folder / name, _stamp_file(folder, name)
    try:
        fits = stamp.read_text() == JUDGES[name].stamp and os.access(program, os.X_OK)
    except OSError:
        return None
    return program if fits else None


def report(line: str) -> None:
    """One line of progress."""
    sys.stderr.write(f"{line}\n")  # one write: builders report at the same time


@contextmanager
def _only_builder(folder: Path, name: str) -> Iterator[None]:
    """Keep a second installer waiting while this one builds the same judge."""
    lock = folder / ".stamps" / f".{name}.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


def _run(command: Sequence[str], *, cwd: Path, gobin: Path) -> None:
    environment = {**os.environ, "GOBIN": str(gobin), "GOWORK": "off"}
    said = ""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            done = subprocess.run(
                command,
                cwd=cwd,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=BUILD_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            said = f"no end after {BUILD_SECONDS} s"
        else:
            if done.returncode == 0:
                return
            said = "\n".join(
                line for line in done.stdout.splitlines() if not line.startswith("go: downloading")
            )
        report(f"  attempt {attempt} of {ATTEMPTS} failed: {' '.join(command)}")
    raise InstallError(f"{' '.join(command)}: {said}")


def _build(judge: Judge, go: str, work: Path) -> Path:
    gobin = work / "bin"
    gobin.mkdir()
    match judge:
        case Published():
            _run([go, "install", judge.stamp], cwd=work, gobin=gobin)
        case Local():
            sources = work / "src"
            shutil.copytree(judge.folder, sources)
            _run([go, "build", "-mod=readonly", "-o", str(gobin / judge.name), "."], cwd=sources, gobin=gobin)
    (program,) = gobin.iterdir()
    return program


def install(name: str) -> Path:
    """Build one judge unless it is there already. Raises InstallError."""
    judge, folder = JUDGES[name], judges_folder()
    with _only_builder(folder, name):
        present = installed(name)
        if present is not None:
            report(f"{name}: present ({judge.stamp})")
            return present
        go = shutil.which("go")
        if go is None:
            raise InstallError("no `go` on PATH: install Go 1.26 or later to build the judges")
        report(f"{name}: building {judge.stamp}")
        begin = time.monotonic()
        with tempfile.TemporaryDirectory(prefix=".build-", dir=folder) as work:
            _build(judge, go, Path(work)).replace(folder / name)
        stamp = _stamp_file(folder, name)
        draft = stamp.with_suffix(".new")
        draft.write_text(judge.stamp)
        draft.replace(stamp)
        report(f"{name}: built in {time.monotonic() - begin:.0f} s")
    return folder / name


def main(arguments: Sequence[str] | None = None) -> int:
    """Install the named judges, or all. 0 when each is there, 1 when one could not be built."""
    parser = argparse.ArgumentParser(prog="python3 -m tests.judges.install", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(JUDGES))
    wanted: list[str] = parser.parse_args(arguments).names or list(JUDGES)
    unknown = sorted(set(wanted) - set(JUDGES))
    if unknown:
        parser.error(f"no such judge: {', '.join(unknown)} (known: {', '.join(JUDGES)})")
    failures: list[str] = []
    said = threading.Lock()

    def attempt(name: str) -> None:
        try:
            install(name)
        except (InstallError, OSError) as error:
            with said:
                failures.append(f"{name}: {error}")

    with ThreadPoolExecutor(PARALLEL_BUILDS) as pool:
        list(pool.map(attempt, wanted))
    for failure in failures:
        report(f"failed: {failure}")
    report(f"{len(wanted) - len(failures)} of {len(wanted)} judges in {judges_folder()}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
