"""The commands of docs/operations.md, typed as they stand there: a document that says something else fails its test."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.engine import make_url

from tests.acceptance.real.site import Answered
from tests.acceptance.runbook.house import House

ROOT = Path(__file__).parents[3]
DOCUMENT = ROOT / "docs" / "operations.md"
_PROMPT = "$ "
_POSTGRESQL = ("pg_dump", "pg_restore", "createdb", "dropdb")


def chapter(name: str) -> str:
    """What stands below ``## name``."""
    _, _, rest = DOCUMENT.read_text().partition(f"\n## {name}\n")
    assert rest, f"{DOCUMENT.name} has no chapter {name!r}"
    return rest.partition("\n## ")[0]


def situations() -> list[str]:
    """The headings of the runbook."""
    return re.findall(r"^### (.+)$", chapter("Runbook"), re.MULTILINE)


def commands(title: str) -> list[str]:
    """What stands after a prompt below ``### title``, in order."""
    _, _, rest = DOCUMENT.read_text().partition(f"\n### {title}\n")
    assert rest, f"{DOCUMENT.name} has no section {title!r}"
    section = re.split(r"^##", rest, maxsplit=1, flags=re.MULTILINE)[0]
    blocks = re.findall(r"^```console\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    lines = "".join(blocks).replace("\\\n", "").splitlines()
    return [line.removeprefix(_PROMPT) for line in lines if line.startswith(_PROMPT)]


class Script:
    """One situation, played from its first command to its last."""

    def __init__(self, house: House, title: str) -> None:
        self._house = house
        self._left = deque(commands(title))
        self._programs = house.directory / "bin"
        self._programs.mkdir(exist_ok=True)
        (house.directory / "backup").mkdir(exist_ok=True)
        program = self._programs / "gatekeeper"
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m gatekeeper "$@"\n')
        program.chmod(0o755)

    def type(self, begins: str, *, code: int = 0, **words: str) -> Answered:
        """The next command, which must begin like this, with ``words`` in the place of its words in capitals."""
        assert self._left, f"the document ends before {begins!r}"
        written = self._left.popleft()
        assert written.startswith(begins), f"the document says {written!r}, the test {begins!r}"
        verb = re.fullmatch(r"systemctl (start|stop|reload) gatekeeper", written)
        if verb is not None:
            {"start": self._house.start, "stop": self._house.stop, "reload": self._house.reload_running}[
                verb[1]
            ]()
            return Answered(0, "", "")
        answered = self._run(self._adapted(written, words))
        assert answered.code == code, f"{written}: {answered}"
        return answered

    def ended(self) -> None:
        """Everything that the document says was typed."""
        assert not self._left, f"nobody typed {list(self._left)}"

    def _adapted(self, written: str, words: dict[str, str]) -> str:
        """This house has another host, another database and other directories than the document."""
        house = self._house
        line = written
        if written.startswith(_POSTGRESQL):
            line = re.sub(r"(?<![/\w.-])gatekeeper(?![\w./-])", house.database.rpartition("/")[2], line)
        line = line.replace("registry.example.com", house.registry.host)
        line = line.replace("/backup/", f"{house.directory}/backup/")
        line = re.sub(r"/(?:etc|var/lib)/gatekeeper/", f"{house.directory}/", line)
        for word, value in words.items():
            assert re.search(rf"\b{word}\b", line), f"{written!r} has no {word}"
            line = re.sub(rf"\b{word}\b", value, line)
        return line

    def _run(self, line: str) -> Answered:
        environment = {
            **os.environ,
            "PATH": f"{self._programs}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
        }
        if self._house.database.startswith("postgresql"):
            url = make_url(self._house.database)
            environment |= {
                "PGHOST": str(url.host), "PGPORT": str(url.port),
                "PGUSER": str(url.username), "PGPASSWORD": str(url.password),
            }  # fmt: skip
        done = subprocess.run(
            ["bash", "-c", line],
            cwd=self._house.directory, env=environment, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, check=False, timeout=240,
        )  # fmt: skip
        return Answered(done.returncode, done.stdout, done.stderr)


@contextmanager
def played(house: House, title: str) -> Iterator[Script]:
    """A situation, whose commands must all have been typed when the block ends."""
    script = Script(house, title)
    yield script
    script.ended()
