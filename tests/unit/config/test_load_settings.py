from __future__ import annotations

import re
import stat
from datetime import timedelta
from pathlib import Path

import pytest

from gatekeeper.config.load import find_config, load_settings
from gatekeeper.config.settings import LogFormat
from gatekeeper.core.errors import ConfigurationError
from gatekeeper.core.lifecycle import Caps
from gatekeeper.registry.settings import (
    CredentialCommand,
    DockerConfigFile,
    IdentityToken,
    SecretInEnvironment,
    SecretInFile,
    UsernamePassword,
)


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(text)
    return path


def problems(path: Path, environment: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        load_settings(path, environment or {})
    return [problem.replace(f"{path}:", "") for problem in caught.value.problems]


def test_an_empty_file_gives_the_defaults(tmp_path: Path) -> None:
    settings = load_settings(write(tmp_path, ""), {})
    assert settings.policy == tmp_path / "policy.toml"
    assert settings.database.url == f"sqlite:///{tmp_path}/gatekeeper.db"
    assert (settings.server.host, settings.server.port) == ("127.0.0.1", 8080)
    assert settings.caps == Caps(10, 3, 30)
    assert settings.registries == ()


def test_every_problem_is_told_at_once_with_its_place(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        """\
policy = 5
[server]
listn = "x"
[database]
url = "postgresql://u:pw@h/db"
[polling]
interval = 5
[logging]
level = "infos"
[[registries]]
host = "https://reg.example.com/x"
[[registries]]
host = "reg.example.com"
ca_file = "nowhere.pem"
repositories = ["a/**",
  "reg.example.com/**"]
[registries.pace]
concurrency = "5"
burst = 0
[[registries]]
hosts = "x"
""",
    )
    assert problems(path) == [
        "1:1: policy: must be a string, in quotes",
        "3:1: server.listn: is not a key that is known here; did you mean 'listen'?",
        "5:1: database.url: has a password in it; take it out and add password = { env = ... } or { file = ... }",
        '7:1: polling.interval: has no unit; write it as a string with one, "5s" or "5m" (ms, s, m, h, d, w)',
        "9:1: logging.level: must be 'debug', 'info', 'warning' or 'error'; did you mean 'info'?",
        "11:1: registries[0].host: must be host[:port] without scheme or path; write 'reg.example.com'",
        "18:1: registries[1].pace.concurrency: must be a whole number, without quotes",
        "19:1: registries[1].pace.burst: must be at least 1",
        "20:3: registries[2].host: is missing; add it",
        "21:1: registries[2].hosts: is not a key that is known here; did you mean 'host'?",
    ]


def test_what_only_a_second_look_finds_is_told_too(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        """\
[server]
listen = "0.0.0.0:8080"
tls_key = "x"
public_url = "gate.example.com"
[[registries]]
host = "Reg.example.com:443"
ca_file = "nowhere.pem"
repositories = ["reg.example.com/**"]
client_key = "x"
[[registries]]
host = "reg.example.com"
auth_realms = ["https://auth.example.com/token"]
[[registries]]
host = "index.docker.io"
""",
    )
    told = problems(path)
    assert [re.sub(r": .*", "", problem) for problem in told] == [
        "1:2", "2:1", "4:1", "7:1", "8:17", "9:1", "9:1", "11:1", "12:16", "14:1",
    ]  # fmt: skip
    assert "listed twice" in told[7]
    assert "write 'docker.io'" in told[-1]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("credentials", '{ username = "u", password = "hunter2" }'),
        ("credentials", '{ identity_token = "hunter2" }'),
        ("credentials", '{ username = "u", password = ["hunter2"] }'),
        ("credentials", '{ username = "u", pasword = "hunter2" }'),
        ("credentials", '{ username = "u", password = { text = "hunter2" } }'),
        ("proxies", '{ http = "http://user:hunter2@proxy:1" }'),
        ("credentials", '"hunter2"'),
    ],
)
def test_a_literal_secret_is_refused_and_never_repeated(tmp_path: Path, key: str, value: str) -> None:
    path = write(tmp_path, f'[[registries]]\nhost = "reg.example.com"\n{key} = {value}\n')
    told = problems(path)
    assert told
    assert all(problem.startswith("3:") for problem in told)
    assert "hunter2" not in "\n".join(told)


def test_a_database_password_in_the_url_is_never_repeated(tmp_path: Path) -> None:
    told = problems(write(tmp_path, '[database]\nurl = "postgresql://u:hunter2@h/d"\n'))
    assert "has a password in it" in told[0]
    assert "hunter2" not in told[0]


def test_every_way_to_sign_in_reaches_the_registry(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s\n")
    secret.chmod(0o600)
    (tmp_path / "docker.json").write_text("{}")
    path = write(
        tmp_path,
        """\
[[registries]]
host = "a.example.com"
credentials = { username = "u", password = { file = "secret" } }
[[registries]]
host = "b.example.com"
credentials = { identity_token = { env = "TOKEN" } }
[[registries]]
host = "c.example.com"
credentials = { docker_config = "docker.json", timeout = "3s" }
[[registries]]
host = "d.example.com"
credentials = { docker_config = true }
[[registries]]
host = "e.example.com"
credentials = { command = ["helper", "get"] }
""",
    )
    found = [
        entry.connection.credentials for entry in load_settings(path, {}, check_secrets=False).registries
    ]
    assert found == [
        UsernamePassword("u", SecretInFile(str(secret))),
        IdentityToken(SecretInEnvironment("TOKEN")),
        DockerConfigFile(str(tmp_path / "docker.json"), 3.0),
        DockerConfigFile(None, 10.0),
        CredentialCommand(("helper", "get"), 10.0),
    ]


@pytest.mark.parametrize(
    "credentials",
    [
        '{ username = "u" }',
        '{ password = { env = "X" } }',
        "{}",
        "{ docker_config = false }",
        '{ docker_config = true, command = ["x"] }',
        "{ command = [] }",
        '{ username = "u", password = { command = ["x"] } }',
        '{ username = "u", password = { env = "X", file = "y" } }',
        '{ username = "u", password = {} }',
        "{ docker_config = 3 }",
    ],
)
def test_half_or_double_credentials_are_refused(tmp_path: Path, credentials: str) -> None:
    path = write(tmp_path, f'[[registries]]\nhost = "reg.example.com"\ncredentials = {credentials}\n')
    assert len(problems(path)) == 1


def test_a_secret_file_that_everybody_may_read_is_refused(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s")
    secret.chmod(0o644)
    path = write(
        tmp_path,
        '[[registries]]\nhost = "reg.example.com"\ncredentials = { username = "u", password = { file = "secret" } }\n',
    )
    assert "is readable by everybody; run: chmod o-rwx" in problems(path)[0]
    assert load_settings(path, {}, check_secrets=False).registries
    secret.chmod(stat.S_IRUSR)
    assert load_settings(path, {}).registries


def test_the_environment_goes_over_the_file(tmp_path: Path) -> None:
    path = write(tmp_path, '[server]\nlisten = "127.0.0.1:1"\n[[registries]]\nhost = "a.example.com"\n')
    settings = load_settings(
        path,
        {
            "GATEKEEPER__SERVER__LISTEN": "127.0.0.1:9999",
            "GATEKEEPER__CAPS__PER_HOUR": "7",
            "GATEKEEPER__LOGGING__FORMAT": "json",
            "GATEKEEPER__POLLING__INTERVAL": "90s",
            "GATEKEEPER__REGISTRIES__0__HOST": "b.example.com",
            "GATEKEEPER__REGISTRIES__1__HOST": "c.example.com",
            "GATEKEEPER__REGISTRIES__1__PLAIN_HTTP": "true",
            "GATEKEEPER__REGISTRIES__1__REPOSITORIES": '["x/**"]',
            "GATEKEEPER_CONFIG": "is no key",
        },
    )
    assert settings.server.port == 9999
    assert settings.caps.per_hour == 7
    assert settings.logging.format is LogFormat.JSON
    assert settings.polling.interval == timedelta(seconds=90)
    assert [entry.connection.host for entry in settings.registries] == ["b.example.com", "c.example.com"]
    assert settings.registries[1].connection.plain_http
    assert settings.registries[1].repositories == ("x/**",)


def test_a_bad_variable_is_named(tmp_path: Path) -> None:
    path = write(tmp_path, 'policy = "p.toml"\n')
    assert problems(path, {"GATEKEEPER__SERVER__LISTN": "x", "GATEKEEPER__CAPS__PER_RUN": "many"}) == [
        "environment:GATEKEEPER__CAPS__PER_RUN: caps.per_run: must be a whole number, without quotes",
        "environment:GATEKEEPER__SERVER__LISTN: server.listn: is not a key that is known here; did you mean 'listen'?",
    ]
    assert "no keys below it" in problems(path, {"GATEKEEPER__POLICY__NAME": "x"})[0]
    assert (
        "no position"
        in problems(write(tmp_path, "registries = []"), {"GATEKEEPER__REGISTRIES__3__HOST": "x"})[0]
    )
    assert "empty word" in problems(path, {"GATEKEEPER__SERVER____LISTEN": "x"})[0]


def test_the_database_url_gets_its_password_only_when_connecting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DB_PASSWORD", "p@ss/word")
    path = write(
        tmp_path,
        '[database]\nurl = "postgresql://gk@db:5432/gk?sslmode=require"\npassword = { env = "DB_PASSWORD" }\n',
    )
    database = load_settings(path, {}).database
    assert database.url == "postgresql+psycopg://gk@db:5432/gk?sslmode=require"
    assert "p@ss" not in repr(database)
    assert database.connect_url() == "postgresql+psycopg://gk:p%40ss%2Fword@db:5432/gk?sslmode=require"


def test_registry_values_arrive_in_their_units(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        """\
[[registries]]
host = "LOCALHOST:5000"
plain_http = true
[registries.timeouts]
connect = "1500ms"
[registries.limits]
manifest = "1MiB"
[registries.pace]
per_second = 5
""",
    )
    connection = load_settings(path, {}).registries[0].connection
    assert connection.host == "localhost:5000"
    assert connection.timeouts.connect == 1.5
    assert connection.caps.manifest == 1 << 20
    assert connection.pace.per_second == 5.0


def test_the_configuration_is_looked_for_in_this_order(tmp_path: Path) -> None:
    here = write(tmp_path, "")
    assert find_config(Path("given"), {"GATEKEEPER_CONFIG": "named"}, directory=tmp_path) == Path("given")
    assert find_config(None, {"GATEKEEPER_CONFIG": "named"}, directory=tmp_path) == Path("named")
    assert find_config(None, {}, directory=tmp_path) == here
    here.unlink()
    with pytest.raises(ConfigurationError, match=r"copy config\.example\.toml"):
        find_config(None, {}, directory=tmp_path)


def test_trust_roots_and_how_they_are_fetched(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("")
    settings = load_settings(
        write(
            tmp_path,
            '[trust]\ndirectory = "roots"\nproxy = "http://proxy:3128"\nca_file = "ca.pem"\nsecond_opinion = false\n',
        ),
        {},
    )
    assert settings.trust.directory == tmp_path / "roots"
    assert settings.trust.proxy == "http://proxy:3128"
    assert settings.trust.ca_file == tmp_path / "ca.pem"
    assert settings.trust.second_opinion is False
    assert load_settings(write(tmp_path, ""), {}).trust.directory == tmp_path / "trust"


def test_a_webhook_that_would_leak_or_never_speak_is_refused(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        """\
[[notifications.webhooks]]
name = "ops"
url = "http://hooks.example.com/x"
secret = { env = "HOOK" }
events = ["case-*", "verdicts-*"]

[[notifications.webhooks]]
name = "ops"
url = "https://user:secret@hooks.example.com/"
secret = { env = "HOOK" }

[[notifications.webhooks]]
name = "pager"
url = "https://pager.example.com"
secret = { env = "HOOK" }
networks = ["10.0.0.0/40"]
""",
    )
    told = "\n".join(problems(path))
    assert "3:1: notifications.webhooks[0].url: is plain http" in told
    assert "matches no kind of event; there are: audit-broken" in told
    assert "ops is listed twice" in told
    assert "must be https://host[:port]/path, without a user" in told
    assert "networks[0]: is no network" in told


def test_a_secret_of_a_webhook_is_tried_before_it_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(
        tmp_path,
        """\
[[notifications.webhooks]]
name = "ops"
url = "https://hooks.example.com/x"
secret = { env = "HOOK" }
""",
    )
    monkeypatch.setenv("HOOK", "too short")
    (told,) = problems(path)
    assert "the secret has 9 bytes; at least 24 are needed" in told
    monkeypatch.setenv("HOOK", "long enough for anybody to guess in vain")
    (webhook,) = load_settings(path, {}).notifications.webhooks
    assert (webhook.name, webhook.kinds, webhook.networks) == ("ops", ("**",), ())


def test_other_names_of_a_registry_mean_one_registry(tmp_path: Path) -> None:
    text = """
[[registries]]
host = "harbor.example.com"
aliases = ["core:8080", "Harbor.internal:443"]
"""
    settings = load_settings(write(tmp_path, text), {})
    assert settings.aliases == {"core:8080": "harbor.example.com", "harbor.internal": "harbor.example.com"}
    twice = (
        text
        + """
[[registries]]
host = "other.example.com"
aliases = ["core:8080", "harbor.example.com", "not a host"]
"""
    )
    told = problems(write(tmp_path, twice))
    assert sum("core:8080 names another registry too" in one for one in told) == 2
    assert any("harbor.example.com names another registry too" in one for one in told)
    assert any("not a host" in one for one in told)
