from __future__ import annotations

import sys
from pathlib import Path

import pytest

from gatekeeper.config.secrets import Secret
from gatekeeper.core.errors import ConfigurationError


def test_a_secret_is_read_anew_each_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "secret"
    file.touch(mode=0o600)
    file.write_text("one\n")
    secret = Secret(file=file)
    assert secret() == "one"
    file.write_text("two\n")
    assert secret() == "two"
    monkeypatch.setenv("A_SECRET", "three")
    assert Secret(env="A_SECRET")() == "three"


def test_a_command_gives_a_secret_without_a_shell() -> None:
    assert Secret(command=(sys.executable, "-c", "print('$HOME;x')"))() == "$HOME;x"


@pytest.mark.parametrize(
    ("secret", "told"),
    [
        (Secret(env="NOT_SET_ANYWHERE"), "NOT_SET_ANYWHERE is not set"),
        (Secret(file=Path("/nowhere/secret")), "No such file"),
        (Secret(command=("/nowhere/program",)), "No such file"),
        (Secret(command=(sys.executable, "-c", "import sys; print('hunter2'); sys.exit(3)")), "ended with 3"),
        (Secret(command=(sys.executable, "-c", "")), "is empty"),
    ],
    ids=str,
)
def test_a_secret_that_cannot_be_had_is_told_without_its_text(secret: Secret, told: str) -> None:
    with pytest.raises(ConfigurationError, match=told) as caught:
        secret()
    assert "hunter2" not in str(caught.value)


def test_an_exposed_file_is_refused_when_it_is_read_too(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("hunter2")
    file.chmod(0o604)
    with pytest.raises(ConfigurationError, match="chmod o-rwx"):
        Secret(file=file)()


def test_a_secret_never_shows_in_its_representation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_SECRET", "hunter2")
    secret = Secret(env="A_SECRET")
    assert "hunter2" not in repr(secret) + str(secret)
