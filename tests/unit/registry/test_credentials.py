"""Where a login comes from, and what is said when it cannot be had."""

from __future__ import annotations

import base64
import json
import os
import stat
from pathlib import Path

import pytest

from gatekeeper.core.errors import Cause, UnavailableError
from gatekeeper.registry.credentials import CredentialSource, Login
from gatekeeper.registry.settings import (
    Anonymous,
    CredentialCommand,
    Credentials,
    DockerConfigFile,
    IdentityToken,
    SecretInEnvironment,
    SecretInFile,
    SecretText,
    UsernamePassword,
)

HOST = "registry.example"


def login(credentials: Credentials, host: str = HOST) -> Login | None:
    return CredentialSource(host, credentials).current()


def docker(folder: Path, document: object) -> DockerConfigFile:
    path = folder / "config.json"
    path.write_text(json.dumps(document))
    return DockerConfigFile(str(path))


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def program(folder: Path, name: str, script: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return path


def test_nobody_is_nobody() -> None:
    assert login(Anonymous()) is None


def test_a_password_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGISTRY_PASSWORD", "s3cret")
    assert login(UsernamePassword("robot", SecretInEnvironment("REGISTRY_PASSWORD"))) == Login(
        "robot", "s3cret"
    )


def test_a_password_from_a_file_without_its_line_end(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("s3 cret\n")
    assert login(UsernamePassword("robot", SecretInFile(str(tmp_path / "password")))) == Login(
        "robot", "s3 cret"
    )


def test_an_identity_token() -> None:
    assert login(IdentityToken(SecretText("refresh"))) == Login(identity_token="refresh")


def test_a_secret_is_read_again_after_a_while_and_at_once_when_it_was_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ROBOT_PASSWORD", "old")
    now = [0.0]
    source = CredentialSource(
        HOST, UsernamePassword("robot", SecretInEnvironment("ROBOT_PASSWORD")), monotonic=lambda: now[0]
    )
    assert source.current() == Login("robot", "old")
    monkeypatch.setenv("ROBOT_PASSWORD", "new")
    assert source.current() == Login("robot", "old")
    now[0] = 31.0
    assert source.current() == Login("robot", "new")
    monkeypatch.setenv("ROBOT_PASSWORD", "newest")
    source.forget()
    assert source.current() == Login("robot", "newest")


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"auth": encoded("robot:pass:word")}, Login("robot", "pass:word")),
        ({"username": "robot", "password": "word"}, Login("robot", "word")),
        ({"auth": encoded("robot:"), "identitytoken": "refresh"}, Login(identity_token="refresh")),
        ({"registrytoken": "bearer"}, Login(registry_token="bearer")),
        ({}, None),
    ],
)
def test_an_entry_of_dockers_configuration(
    tmp_path: Path, entry: dict[str, str], expected: Login | None
) -> None:
    assert login(docker(tmp_path, {"auths": {HOST: entry}})) == expected


@pytest.mark.parametrize("key", [HOST, f"https://{HOST}", f"https://{HOST}/v2/", HOST.upper()])
def test_the_entry_of_this_host_is_found(tmp_path: Path, key: str) -> None:
    assert login(docker(tmp_path, {"auths": {key: {"auth": encoded("a:b")}}})) == Login("a", "b")


@pytest.mark.parametrize("key", ["other.example", f"{HOST}:5000", f"evil-{HOST}", f"{HOST}.evil.example"])
def test_no_other_hosts_entry_is_taken(tmp_path: Path, key: str) -> None:
    assert login(docker(tmp_path, {"auths": {key: {"auth": encoded("a:b")}}})) is None


@pytest.mark.parametrize("key", ["https://index.docker.io/v1/", "docker.io", "registry-1.docker.io"])
def test_docker_hub_has_several_names(tmp_path: Path, key: str) -> None:
    configuration = docker(tmp_path, {"auths": {key: {"auth": encoded("a:b")}}})
    assert login(configuration, "docker.io") == Login("a", "b")


def test_a_credential_helper_is_asked_for_this_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = 'read host; printf \'{"Username":"%s","Secret":"%s-%s"}\' robot "$1" "$host"'
    program(tmp_path, "docker-credential-fake", script, monkeypatch)
    assert login(docker(tmp_path, {"credHelpers": {HOST: "fake"}})) == Login("robot", f"get-{HOST}")


def test_a_credential_store_is_asked_for_docker_hub_by_its_old_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = 'read host; printf \'{"Username":"robot","Secret":"%s"}\' "$host"'
    program(tmp_path, "docker-credential-fake", script, monkeypatch)
    found = login(docker(tmp_path, {"credsStore": "fake"}), "docker.io")
    assert found == Login("robot", "https://index.docker.io/v1/")


def test_a_store_may_hold_an_identity_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(
        tmp_path, "docker-credential-fake", 'echo \'{"Username":"<token>","Secret":"refresh"}\'', monkeypatch
    )
    assert login(docker(tmp_path, {"credsStore": "fake"})) == Login(identity_token="refresh")


def test_a_store_without_an_entry_leaves_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = "echo 'credentials not found in native keychain'; exit 1"
    program(tmp_path, "docker-credential-fake", script, monkeypatch)
    configuration = docker(tmp_path, {"credsStore": "fake", "auths": {HOST: {"auth": encoded("a:b")}}})
    assert login(configuration) == Login("a", "b")


def test_a_program_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = program(tmp_path, "give", 'echo "{\\"Username\\":\\"AWS\\",\\"Secret\\":\\"$1\\"}"', monkeypatch)
    # No shell sees the words: nothing of them is expanded.
    assert login(CredentialCommand((str(path), "a;$HOME"))) == Login("AWS", "a;$HOME")


@pytest.mark.parametrize("suffix", ["../evil", "a b", "", "-x", "a/b"])
def test_an_impossible_program_name_is_not_run(tmp_path: Path, suffix: str) -> None:
    configuration = docker(tmp_path, {"credHelpers": {HOST: suffix}})
    if suffix == "":
        assert login(configuration) is None
        return
    with pytest.raises(UnavailableError):
        login(configuration)


@pytest.mark.parametrize("script", ["exit 3", "echo no json", "echo '{}'", 'echo "{\\"Secret\\":5}"'])
def test_a_program_that_fails_is_said_so(
    tmp_path: Path, script: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = program(tmp_path, "give", script, monkeypatch)
    with pytest.raises(UnavailableError) as caught:
        login(CredentialCommand((str(path),)))
    assert caught.value.cause is Cause.NOT_CONFIGURED


def test_a_program_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = program(tmp_path, "give", "exec sleep 60", monkeypatch)
    with pytest.raises(UnavailableError) as caught:
        login(CredentialCommand((str(path),), timeout=0.1))
    assert caught.value.cause is Cause.TIMEOUT


@pytest.mark.parametrize(
    "credentials",
    [
        UsernamePassword("robot", SecretInEnvironment("NOT_SET_ANYWHERE")),
        UsernamePassword("robot", SecretInFile("/absent/password")),
        DockerConfigFile("/absent/config.json"),
        CredentialCommand(("/absent/program",)),
    ],
)
def test_what_is_not_there_is_not_configured(credentials: Credentials) -> None:
    with pytest.raises(UnavailableError) as caught:
        login(credentials)
    assert caught.value.cause is Cause.NOT_CONFIGURED


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "\xff", '{"auths": {"registry.example": {"auth": "%%%"}}}']
)
def test_a_broken_docker_configuration_is_said_so_without_its_content(tmp_path: Path, content: str) -> None:
    path = tmp_path / "config.json"
    path.write_bytes(content.encode("latin-1"))
    with pytest.raises(UnavailableError) as caught:
        login(DockerConfigFile(str(path)))
    assert "%%%" not in caught.value.message


def test_no_docker_configuration_at_the_usual_place_is_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    assert login(DockerConfigFile()) is None


def test_no_secret_is_in_a_representation() -> None:
    shown = repr(Login("robot", "pass-word", "identity", "bearer")) + repr(SecretText("text"))
    for secret in ("pass-word", "identity'", "bearer", "text'"):
        assert secret not in shown


def test_logins_are_told_apart_without_being_named() -> None:
    assert Login("a", "b").fingerprint != Login("a", "c").fingerprint
    assert "b" * 8 not in Login("a", "b" * 8).fingerprint


def test_a_file_that_is_replaced_is_read_at_once(tmp_path: Path) -> None:
    place = tmp_path / "password"
    place.write_text("old")
    source = CredentialSource(
        "registry.example.com", UsernamePassword("user", SecretInFile(str(place))), monotonic=lambda: 0.0
    )
    before = source.current()
    assert before is not None
    assert (before.password, source.changed()) == ("old", False)
    (tmp_path / "next").write_text("new")
    (tmp_path / "next").replace(place)
    assert source.changed()
    after = source.current()
    assert after is not None
    assert (after.password, source.changed()) == ("new", False)
