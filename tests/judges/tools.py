"""Find a judge, or skip the test that needs it.

Law of the suite: an absent real part skips with one reason text, which the runner's summary collects
(``tests/conftest.py``); under ``GATEKEEPER_TEST_FULL=1`` the same absence fails.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest

from tests.judges import install

ABSENT = "absent part: "
"""How every such skip reason begins; the rest is ``NAME (how to get it)``."""

DEBIAN = {
    "docker-registry": "docker-registry",
    "skopeo": "skopeo",
    "postgres": "postgresql",
    "initdb": "postgresql",
    "systemd-analyze": "systemd",
    "nginx": "nginx",
}
"""Programs of the distribution and the Debian package of each."""

_ELSEWHERE = ("/usr/sbin", "/sbin", "/usr/local/sbin")


def full() -> bool:
    """True when every real part is demanded."""
    return os.environ.get("GATEKEEPER_TEST_FULL") == "1"


def absent(name: str, remedy: str) -> NoReturn:
    """Skip the running test because a real part is not here; fail it when every part is demanded."""
    __tracebackhide__ = True
    reason = f"{ABSENT}{name} ({remedy})"
    if full():
        pytest.fail(f"GATEKEEPER_TEST_FULL=1 demands every real part; {reason}", pytrace=False)
    pytest.skip(reason)


def look_up(name: str) -> Path | None:
    """The program of a judge or Debian package, or None. Raises KeyError for a name that is neither."""
    if name in install.JUDGES:
        return install.installed(name)
    _ = DEBIAN[name]
    newest_first = sorted(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name), reverse=True
    )
    folders = [os.environ.get("PATH", os.defpath), *_ELSEWHERE, *map(str, newest_first)]
    found = shutil.which(name, path=os.pathsep.join(folders))
    return Path(found).resolve() if found else None


def find(name: str) -> Path:
    """The program of a judge: one of ``install.JUDGES`` or ``DEBIAN``. Absent: skips, or fails under full."""
    __tracebackhide__ = True
    program = look_up(name)
    if program is not None:
        return program
    if name in install.JUDGES:
        absent(name, f"python3 -m tests.judges.install {name}")
    absent(name, f"apt-get install {DEBIAN[name]}")
