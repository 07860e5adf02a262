"""An installation as an administrator has it: two files, a database, the program, and images that others push."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gatekeeper.core.errors import UnavailableError
from gatekeeper.demo.images import Built, image
from gatekeeper.demo.registry_push import PushClient
from gatekeeper.demo.story_files import Stage
from gatekeeper.demo.story_images import Publisher
from gatekeeper.signatures.signing import SigningKey
from tests.judges.servers import Program, serve

_TORN_READS = 20
_COMMAND = [sys.executable, "-m", "gatekeeper"]
_ENVIRONMENT = {"PYTHONPATH": str(Path(__file__).parents[3])}
_CONFIG = """\
version = 1
policy = "policy.toml"

[[registries]]
host = "{host}"
repositories = ["{project}/**"]
plain_http = true

[database]
{database}

[server]
listen = "127.0.0.1:0"

[polling]
interval = "1s"
min_interval = "500ms"
max_interval = "1s"
catalog_interval = "1s"

[engine]
tick = "100ms"
lease = "2s"
drain = "10s"
"""
_POLICY = """\
version = 1

[signers.release]
keys = [{{ file = "release.pub" }}]

[policies.production]
rules = [{{ rule = "signature-missing", signers = ["release"] }}, "user-root"]

[[scopes]]
name = "all"
repositories = ["{host}/{project}/**"]
policy = "production"
mode = "enforce"
action = "quarantine"
empty_tags = true
settle = "{settle}"
promote_to = ["{host}/release/{project}/**"]
"""


@dataclass(frozen=True, slots=True)
class Answered:
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """Of ``--output json``."""
        parsed: dict[str, Any] = json.loads(self.out)
        return parsed


@dataclass(frozen=True, slots=True)
class Site:
    """One installation. Files are written when it is made."""

    stage: Stage
    settle: str = "2s"
    key: SigningKey = field(default_factory=SigningKey.generate)

    def __post_init__(self) -> None:
        stage = self.stage
        facts = {"host": stage.host, "project": stage.project, "settle": self.settle}
        stage.config.write_text(_CONFIG.format(database="\n".join(stage.database), **facts))
        (stage.directory / "policy.toml").write_text(_POLICY.format(**facts))
        (stage.directory / "release.pub").write_text(self.key.public.spki_pem)

    def name(self, repository: str) -> str:
        """The whole reference of ``NAME:TAG``."""
        return f"{self.stage.host}/{self.stage.project}/{repository}"

    def push(self, repository: str, tag: str, *, signed: bool, user: str = "1000") -> Built:
        """An image of the project's ``repository``."""
        built = image({"etc/motd": repository + tag}, user=user)
        with PushClient(self.stage.url) as client:
            publisher = Publisher(client, self.stage.host, lambda: datetime.now(UTC))
            if signed:
                publisher.sign(f"{self.stage.project}/{repository}", built, self.key)
            publisher.push(f"{self.stage.project}/{repository}", built, tag)
        return built

    def shown(self, repository: str, tag: str) -> str | None:
        """What a tag points at; ``repository`` with its project.

        A registry on files answers 500 while it writes a tag's link: it is asked again.
        """
        with PushClient(self.stage.url) as client:
            for _ in range(_TORN_READS):
                try:
                    return client.resolve(repository, tag)
                except UnavailableError:
                    continue
            return client.resolve(repository, tag)

    def run(self, *arguments: str) -> Answered:
        """The program, once."""
        done = subprocess.run(
            [*_COMMAND, *arguments],
            cwd=self.stage.directory,
            env={**os.environ, **_ENVIRONMENT},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        return Answered(done.returncode, done.stdout, done.stderr)

    def ask(self, *arguments: str) -> Answered:
        """The program, once, for JSON."""
        return self.run(*arguments, "--output", "json")

    @contextmanager
    def daemon(self, name: str = "daemon") -> Iterator[Program]:
        """``gatekeeper run``; ready when yielded, stopped by SIGTERM."""
        folder = self.stage.directory / name
        folder.mkdir()
        command: list[str | Path] = [*_COMMAND, "run", "--config", self.stage.config]
        with serve(command, folder, environment=_ENVIRONMENT) as program:
            program.saying("listening on http://")
            yield program

    def server(self, program: Program) -> str:
        """The URL that a daemon says it listens on."""
        said = program.said().partition("listening on ")[2]
        return said.split()[0]
