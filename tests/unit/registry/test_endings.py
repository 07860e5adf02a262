"""What secrets say of their own end; they are not verified for that, and nothing they say is believed but a time."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.registry.endings import Life, life_of, login_endings
from gatekeeper.registry.settings import (
    CredentialCommand,
    DockerConfigFile,
    IdentityToken,
    RegistrySettings,
    SecretInFile,
    SecretText,
    UsernamePassword,
)

END = datetime(2026, 11, 24, 12, tzinfo=UTC)
BEGIN = END - timedelta(days=30)


def encoded(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def jwt(**claims: object) -> str:
    return f"{encoded({'alg': 'RS256'})}.{encoded(claims)}.c2ln"


ECR = base64.b64encode(
    json.dumps({"payload": "x", "type": "DATA_KEY", "expiration": int(END.timestamp())}).encode()
).decode()
TOKEN = jwt(exp=int(END.timestamp()), iat=int(BEGIN.timestamp()))


@pytest.mark.parametrize(
    ("secret", "life"),
    [
        (TOKEN, Life(BEGIN, END)),
        (jwt(exp=END.timestamp()), Life(None, END)),
        (jwt(exp=END.timestamp(), nbf=BEGIN.timestamp()), Life(BEGIN, END)),
        (ECR, Life(END - timedelta(hours=12), END)),
        (jwt(sub="nobody"), None),
        (jwt(exp="tomorrow"), None),
        (jwt(exp=True), None),
        (jwt(exp=1e300), None),
        (encoded({"expiration": END.timestamp()}), None),
        ("correct horse", None),
        ("a.b.c", None),
        ("", None),
    ],
)
def test_what_a_secret_says(secret: str, life: Life | None) -> None:
    assert life_of(secret) == life


@given(st.text(max_size=200))
def test_any_secret_can_be_asked(secret: str) -> None:
    life_of(secret)


def test_a_login_is_read_from_where_it_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    docker = tmp_path / "config.json"
    auth = base64.b64encode(f"AWS:{ECR}".encode()).decode()
    docker.write_text(json.dumps({"auths": {"r.example": {"auth": auth}}}))
    for credentials in (
        UsernamePassword("robot", SecretText(TOKEN)),
        IdentityToken(SecretInFile(str(file))),
        DockerConfigFile(str(docker)),
    ):
        (ending,) = login_endings(RegistrySettings("r.example", credentials=credentials))
        assert (ending.subject, ending.ends_at) == ("login of r.example", END)
        assert TOKEN not in str(ending)
    for renewed in (
        CredentialCommand(("/nowhere/never-run",)),
        UsernamePassword("robot", SecretInFile(str(tmp_path / "absent"))),
        UsernamePassword("robot", SecretText("plain")),
    ):
        assert list(login_endings(RegistrySettings("r.example", credentials=renewed))) == []
    docker.write_text(json.dumps({"credHelpers": {"r.example": "ecr-login"}}))
    assert list(login_endings(RegistrySettings("r.example", credentials=DockerConfigFile(str(docker))))) == []
