"""The house of the runbook: Debian's registry on files, PostgreSQL, the program, and people who push."""

from __future__ import annotations

import base64
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from gatekeeper.core.errors import UnavailableError
from gatekeeper.demo.images import Built, image
from gatekeeper.demo.registry_push import PushClient
from gatekeeper.demo.story_files import Stage
from gatekeeper.demo.story_images import Publisher
from gatekeeper.signatures.signing import SigningKey
from tests.acceptance.real.databases import SQLITE, postgres_lines
from tests.acceptance.real.site import Answered, Site
from tests.judges.servers import PostgresServer, Program, free_port, serve
from tests.judges.tools import find

T = TypeVar("T")
PATIENCE = 150.0
"""Seconds: many programs are started meanwhile, and machines are shared."""
USER = "gatekeeper"
_BCRYPT = "import crypt, sys; print(crypt.crypt(sys.argv[1], crypt.mksalt(crypt.METHOD_BLOWFISH, rounds=16)))"
_REGISTRY = """\
version: 0.1
log: {{level: warn}}
storage:
  filesystem: {{rootdirectory: {root}}}
  delete: {{enabled: true}}
  maintenance: {{readonly: {{enabled: {readonly}}}}}
http: {{addr: "{host}"}}
{auth}
"""
_AUTH = 'auth: {{htpasswd: {{realm: registry, path: "{path}"}}}}'
_POLICY = """\
version = 1

{signers}

[policies.production]
rules = [{{ rule = "signature-missing", signers = [{names}] }}, "user-root"]

[[scopes]]
name = "all"
repositories = ["{host}/{project}/**"]
policy = "production"
mode = "{mode}"
action = "quarantine"
existing = "{existing}"
empty_tags = true
settle = "1s"
recheck_after = "{recheck_after}"
promote_to = ["{host}/release/{project}/**"]
"""


@dataclass(slots=True)
class RegistryOnFiles:
    """docker-registry at one address for ever: it is stopped, started, put back, and its users change."""

    folder: Path
    password: str | None = None
    readonly: bool = False
    """From its next start on it refuses every write."""
    host: str = field(default_factory=lambda: f"127.0.0.1:{free_port()}")
    _running: ExitStack = field(default_factory=ExitStack)
    _starts: int = 0

    @property
    def storage(self) -> Path:
        return self.folder / "storage"

    def start(self) -> None:
        self._starts += 1
        place = self.folder / f"start-{self._starts}"
        place.mkdir(parents=True)
        auth = ""
        if self.password is not None:
            self.admit(self.password)
            auth = _AUTH.format(path=self.folder / "htpasswd")
        configuration = place / "registry.yml"
        configuration.write_text(
            _REGISTRY.format(
                root=self.storage, host=self.host, auth=auth, readonly=str(self.readonly).lower()
            )
        )
        quiet = {"OTEL_TRACES_EXPORTER": "none"}
        command: list[str | Path] = [find("docker-registry"), "serve", configuration]
        program = self._running.enter_context(serve(command, place, environment=quiet))
        program.answering(self.host)

    def stop(self) -> None:
        self._running.close()

    def restart(self, *, readonly: bool = False) -> None:
        self.stop()
        self.readonly = readonly
        self.start()

    def admit(self, password: str) -> None:
        """Only this password works from now on; docker-registry reads the file when it changes."""
        made = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", _BCRYPT, password],
            capture_output=True, text=True, check=True, timeout=30,
        )  # fmt: skip
        self.password = password
        (self.folder / "htpasswd").write_text(f"{USER}:{made.stdout.strip()}\n")

    def backup(self) -> Path:
        copy = self.folder / "backup"
        shutil.copytree(self.storage, copy)
        return copy

    def put_back(self, copy: Path) -> None:
        """As a restored backup does: everything since is gone."""
        self.stop()
        shutil.rmtree(self.storage)
        shutil.copytree(copy, self.storage)
        self.start()

    def collect_garbage(self, repository: str, digest: str) -> None:
        """The content of one manifest is gone from a repository, as after a collection; its tags are too."""
        with PushClient(f"http://{self.host}") as client:
            status, _, _ = client.request("DELETE", f"/v2/{repository}/manifests/{digest}")
        assert status == 202


@dataclass(slots=True)
class House:
    """One installation and everything around it."""

    registry: RegistryOnFiles
    postgres: PostgresServer | None
    database: str
    """URL; ``sqlite`` alone for a file in the directory."""
    directory: Path
    site: Site = field(init=False)
    keys: dict[str, SigningKey] = field(default_factory=lambda: {"release": SigningKey.generate()})
    terms: dict[str, str] = field(default_factory=dict)
    _daemons: int = 0
    _started: ExitStack = field(default_factory=ExitStack)
    _program: Program | None = None

    def __post_init__(self) -> None:
        self.directory.mkdir()
        lines = SQLITE if self.database == "sqlite" else postgres_lines(self.database, self.directory)
        stage = Stage(self.registry.host, self.directory, lines, "shop")
        self.site = Site(stage, key=self.keys["release"])
        self.configure()
        self.policy()

    # files

    def configure(self, **polling: str) -> None:
        """``config.toml``: fast rounds, and a login where the registry wants one."""
        written = self.site.stage.config.read_text().partition("[polling]")[0]
        if self.registry.password is not None and "credentials = {" not in written:
            secret = self.directory / "registry-password"
            secret.touch(mode=0o600)
            secret.write_text(self.registry.password)
            login = f'credentials = {{ username = "{USER}", password = {{ file = "{secret}" }} }}\n'
            written = written.replace("plain_http = true\n", f"plain_http = true\n{login}")
        values = {
            "interval": "1s", "min_interval": "500ms", "max_interval": "1s", "catalog_interval": "1s", **polling
        }  # fmt: skip
        lines = "\n".join(f'{name} = "{value}"' for name, value in values.items())
        engine = 'tick = "100ms"\nlease = "2s"\ndrain = "10s"'
        self.site.stage.config.write_text(f"{written}[polling]\n{lines}\n\n[engine]\n{engine}\n")

    def policy(self, into: str = "policy.toml", **terms: str) -> None:
        """The policy with these terms from now on; a running daemon reads it on SIGHUP."""
        self.terms.update(terms)
        for name, key in self.keys.items():
            (self.directory / f"{name}.pub").write_text(key.public.spki_pem)
        facts = {"mode": "enforce", "existing": "propose", "recheck_after": "24h", **self.terms}
        signers = "\n".join(f'[signers.{name}]\nkeys = [{{ file = "{name}.pub" }}]' for name in self.keys)
        names = ", ".join(f'"{name}"' for name in self.keys)
        stage = self.site.stage
        (self.directory / into).write_text(
            _POLICY.format(signers=signers, names=names, host=stage.host, project=stage.project, **facts)
        )

    # people

    def push(
        self, repository: str, tag: str, *, key: str | None = "release", user: str = "1000", text: str = ""
    ) -> Built:
        """An image, signed by the named key unless that is None."""
        built = image({"etc/motd": f"{repository}:{tag} {text}"}, user=user)
        with self.client() as client:
            publisher = Publisher(client, self.site.stage.host, lambda: datetime.now(UTC))
            path = f"shop/{repository}"
            client.push(path, built)
            if key is not None:
                publisher.sign(path, built, self.keys[key])
            client.push(path, built, tag)
        return built

    def client(self) -> PushClient:
        login = None
        if self.registry.password is not None:
            pair = f"{USER}:{self.registry.password}".encode()
            login = f"Basic {base64.b64encode(pair).decode()}"
        return PushClient(f"http://{self.registry.host}", authorization=login)

    def shown(self, repository: str, tag: str) -> str | None:
        """What a tag points at, asked again where the registry answers in the middle of a write."""
        for _ in range(20):
            try:
                with self.client() as client:
                    return client.resolve(repository, tag)
            except UnavailableError:
                continue
        raise AssertionError(f"{repository}:{tag} cannot be read")

    def run(self, *arguments: str) -> Answered:
        return self.site.run(*arguments)

    def json(self, *arguments: str) -> Any:
        """The JSON that a command answers; it must not have failed by itself."""
        answered = self.site.ask(*arguments)
        assert answered.code in (0, 1, 4), answered
        return answered.json

    def name(self, image_name: str) -> str:
        return self.site.name(image_name)

    def status(self, image_name: str, *more: str) -> Answered:
        return self.site.ask("status", self.name(image_name), *more)

    def cases(self, *states: str) -> list[dict[str, Any]]:
        wanted = [word for state in states for word in ("--state", state)]
        return list(self.json("quarantine", "list", *wanted)["items"])

    # the daemon

    @contextmanager
    def daemon(self) -> Iterator[Program]:
        self._daemons += 1
        with self.site.daemon(f"daemon-{self._daemons}") as program:
            yield program

    @property
    def program(self) -> Program:
        """The daemon that ``start`` started."""
        assert self._program is not None
        return self._program

    def start(self) -> None:
        self._program = self._started.enter_context(self.daemon())

    def stop(self) -> None:
        self._started.close()
        self._program = None

    def reload_running(self) -> None:
        self.reload(self.program)

    def reload(self, program: Program) -> None:
        """SIGHUP, and wait until it says that it has read the files."""
        before = program.said().count("reloaded; changed")
        program.running.send_signal(signal.SIGHUP)
        self.until(program, lambda: program.said().count("reloaded; changed") > before)

    def judged(self, program: Program, image_name: str, code: int, **facts: str) -> dict[str, Any]:
        """Waits until ``status`` answers with this exit code and these facts."""

        def asked() -> dict[str, Any] | None:
            answered = self.status(image_name, "--wait", "5s")
            if answered.code != code or not answered.out:
                return None
            found = answered.json
            return found if all(found.get(key) == value for key, value in facts.items()) else None

        return self.until(program, asked)

    def gone_from_tag(self, program: Program, repository: str, tag: str, digest: str) -> None:
        self.until(program, lambda: self.shown(f"shop/{repository}", tag) != digest)

    def back_at_tag(self, program: Program, repository: str, tag: str, digest: str) -> None:
        self.until(program, lambda: self.shown(f"shop/{repository}", tag) == digest)

    def until(self, program: Program, probe: Callable[[], T | None]) -> T:
        """Asks until the answer is neither None nor empty, as long as the program runs."""
        deadline = time.monotonic() + PATIENCE
        while not (found := probe()):
            assert program.running.poll() is None, program.said()
            assert time.monotonic() < deadline, program.said()
            time.sleep(0.1)
        return found

    def whole(self) -> None:
        """Nothing was lost: the audit trail verifies, and no action is stuck."""
        assert self.run("audit", "verify").code == 0

    def lose_the_database(self) -> None:
        """As a dead disk does."""
        self._statement(f'DROP DATABASE "{self._name}" WITH (FORCE)')

    @property
    def _name(self) -> str:
        return self.database.rpartition("/")[2]

    def _statement(self, sql: str) -> None:
        assert self.postgres is not None
        self.postgres.statement(sql)

    def without_database(self, act: Callable[[], None]) -> None:
        """Nobody can connect to the database while ``act`` runs."""
        name = self._name
        self._statement(f'ALTER DATABASE "{name}" WITH ALLOW_CONNECTIONS false')
        self._statement(
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"  # noqa: S608 - our own name
        )
        try:
            act()
        finally:
            self._statement(f'ALTER DATABASE "{name}" WITH ALLOW_CONNECTIONS true')
