from __future__ import annotations

import json
import logging
import stat
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gatekeeper.cli import logs
from gatekeeper.cli.daemon import reload_now, write_first_token
from gatekeeper.config.reload import Reloader
from gatekeeper.config.settings import LogFormat, LoggingSettings, LogLevel, ServerSettings
from gatekeeper.core.errors import ConfigurationError
from gatekeeper.database import Database
from gatekeeper.database.migrate import upgrade
from gatekeeper.workflow import tokens

POLICY = '[policies.p]\nrules = ["{rule}"]\n[[scopes]]\nname = "all"\nrepositories = ["**"]\npolicy = "p"\n'


@pytest.fixture
def quiet() -> Iterator[None]:
    """Puts the logging of the test run back."""
    root, ours = logging.getLogger(), logging.getLogger("gatekeeper")
    before = root.handlers[:], root.level, ours.level
    yield
    root.handlers[:] = before[0]
    root.setLevel(before[1])
    ours.setLevel(before[2])


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Database]:
    url = f"sqlite:///{tmp_path / 'gatekeeper.db'}"
    upgrade(url)
    opened = Database.open(url)
    yield opened
    opened.close()


def test_the_first_start_writes_a_one_use_token_that_only_this_user_can_read(
    tmp_path: Path, store: Database
) -> None:
    place = tmp_path / "first"
    settings = replace(ServerSettings(), bootstrap_token_file=place)
    write_first_token(store, settings)
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    token = tokens.authenticate(store, place.read_text().strip(), now=datetime.now(UTC))
    assert token.one_use
    assert token.expires_at is not None
    write_first_token(store, settings)
    assert len(store.tokens()) == 1


def test_a_first_token_file_is_never_written_over(tmp_path: Path, store: Database) -> None:
    place = tmp_path / "first"
    place.write_text("mine")
    with pytest.raises(ConfigurationError, match="holds something else than a token"):
        write_first_token(store, replace(ServerSettings(), bootstrap_token_file=place))
    assert (place.read_text(), list(store.tokens())) == ("mine", [])
    with pytest.raises(ConfigurationError, match="cannot be written"):
        write_first_token(store, replace(ServerSettings(), bootstrap_token_file=tmp_path / "no" / "first"))


@pytest.mark.parametrize("left", ["", "gk_0123456789abcdef_ABCdef-_123\n"])
def test_a_token_file_of_a_start_that_died_or_of_a_lost_database_is_renewed(
    tmp_path: Path, store: Database, left: str
) -> None:
    place = tmp_path / "first"
    place.write_text(left)
    write_first_token(store, replace(ServerSettings(), bootstrap_token_file=place))
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    assert tokens.authenticate(store, place.read_text().strip(), now=datetime.now(UTC)).one_use


def test_a_link_in_the_place_of_the_token_file_is_not_followed(tmp_path: Path, store: Database) -> None:
    (tmp_path / "elsewhere").write_text("")
    (tmp_path / "first").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConfigurationError):
        write_first_token(store, replace(ServerSettings(), bootstrap_token_file=tmp_path / "first"))
    assert (tmp_path / "elsewhere").read_text() == ""


class Listening:
    """Remembers that it was told of another policy."""

    def __init__(self) -> None:
        self.told = 0

    def policy_changed(self) -> None:
        self.told += 1


def test_a_reload_tells_the_daemon_only_of_a_policy_that_changed(
    tmp_path: Path, quiet: None, capsys: pytest.CaptureFixture[str]
) -> None:
    config, policy = tmp_path / "config.toml", tmp_path / "policy.toml"
    config.write_text("")
    policy.write_text(POLICY.format(rule="user-root"))
    reloader, daemon = Reloader(config), Listening()
    logs.configure(LoggingSettings())
    reload_now(daemon, reloader)
    assert daemon.told == 0
    policy.write_text(POLICY.format(rule="tag-latest"))
    reload_now(daemon, reloader)
    assert daemon.told == 1
    policy.write_text(POLICY.format(rule="tag-lates"))
    reload_now(daemon, reloader)
    assert daemon.told == 1
    config.write_text('[server]\nlisten = "127.0.0.1:1"\n')
    policy.write_text(POLICY.format(rule="tag-latest"))
    reload_now(daemon, reloader)
    shown = capsys.readouterr().err
    assert "not reloaded: " in shown
    assert "there is no rule 'tag-lates'; did you mean 'tag-latest'?" in shown
    assert "server was changed in the file; it takes effect at the next start" in shown


@pytest.mark.parametrize("form", LogFormat)
def test_hostile_text_cannot_forge_a_log_line(
    form: LogFormat, quiet: None, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure(LoggingSettings(LogLevel.INFO, form))
    logging.getLogger("gatekeeper.x").info("tag %s", "a\n2026-01-01 error forged\x1b[2J")
    (line,) = capsys.readouterr().err.splitlines()
    assert "\x1b" not in line
    if form is LogFormat.JSON:
        assert json.loads(line)["message"].startswith("tag a\n")


def test_the_level_is_kept(quiet: None, capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(LoggingSettings(LogLevel.WARNING, LogFormat.TEXT))
    logging.getLogger("gatekeeper.x").info("quiet")
    logging.getLogger("elsewhere").info("quiet")
    logging.getLogger("gatekeeper.x").warning("loud")
    assert "quiet" not in (shown := capsys.readouterr().err)
    assert "loud" in shown
