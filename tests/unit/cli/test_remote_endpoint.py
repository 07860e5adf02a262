from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from gatekeeper.cli.remote import EXIT_CODES, UNSETTLED, endpoint, find_token
from gatekeeper.core.errors import ConfigurationError, MalformedError
from gatekeeper.workflow import answer


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("https://gate.example.com", ("gate.example.com", 443, "", True)),
        ("https://gate.example.com:8443/prefix/", ("gate.example.com", 8443, "/prefix", True)),
        ("http://127.0.0.1:8080", ("127.0.0.1", 8080, "", False)),
        ("http://[::1]:8080", ("::1", 8080, "", False)),
        ("http://localhost", ("localhost", 80, "", False)),
    ],
)
def test_a_server_is_written_as_a_url(url: str, place: tuple[str, int, str, bool]) -> None:
    found = endpoint(url, insecure_http=False, ca_file=None)
    assert (found.host, found.port, found.prefix, found.tls) == place


@pytest.mark.parametrize(
    "url",
    [
        "gate.example.com",
        "ftp://gate.example.com",
        "https://",
        "https://user:pw@gate.example.com",
        "https://gate.example.com?x=1",
        "https://gate.example.com:port",
        "https://[::1",
    ],
)
def test_what_is_no_server_is_refused(url: str) -> None:
    with pytest.raises(MalformedError):
        endpoint(url, insecure_http=True, ca_file=None)


@pytest.mark.parametrize(
    "host", ["gate.example.com", "10.0.0.1", "127.0.0.1.example.com", "localhost.example.com"]
)
def test_a_token_never_goes_over_plain_http_to_another_machine(host: str) -> None:
    with pytest.raises(MalformedError) as caught:
        endpoint(f"http://{host}:80", insecure_http=False, ca_file=None)
    assert caught.value.reason_code == "server-url-insecure"
    assert endpoint(f"http://{host}:80", insecure_http=True, ca_file=None).host == host


def test_the_token_comes_from_file_or_environment(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.touch(mode=0o600)
    file.write_text("gk_from_file\n")
    assert find_token(None, {"GATEKEEPER_TOKEN": "gk_x"}) == "gk_x"
    assert find_token(file, {"GATEKEEPER_TOKEN": "gk_x"}) == "gk_from_file"
    file.chmod(0o644)
    with pytest.raises(ConfigurationError, match="chmod o-rwx"):
        find_token(file, {})
    for environment in ({}, {"GATEKEEPER_TOKEN": "  "}, {"GATEKEEPER_TOKEN": "a\nHost: b"}):
        with pytest.raises(ConfigurationError):
            find_token(None, environment)
    with pytest.raises(ConfigurationError, match="No such file"):
        find_token(tmp_path / "nowhere", {})


def test_the_exit_codes_of_the_states_are_those_of_the_daemon() -> None:
    assert {str(state): int(code) for state, code in answer.EXIT_CODES.items()} == EXIT_CODES
    assert {state for state in answer.AnswerState if not state.final} == UNSETTLED


def test_the_remote_client_imports_nothing_heavy() -> None:
    heavy = (
        "sqlalchemy",
        "requests",
        "urllib3",
        "pydantic",
        "oras",
        "sigstore",
        "cryptography",
        "fastapi",
        "rich",
    )
    script = (
        "import sys, gatekeeper.cli\n"
        "code = gatekeeper.cli.main(['status', 'a.example.com/x:1', '--server', 'http://127.0.0.1:1'])\n"
        f"print(code, sorted(set(sys.modules) & {set(heavy)!r}))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env={"GATEKEEPER_TOKEN": "gk_x"},
    )
    assert done.stdout == "5 []\n"
    assert "could not be asked" in done.stderr


def test_help_imports_nothing_heavy() -> None:
    script = (
        "import sys, gatekeeper.cli\n"
        "code = gatekeeper.cli.main(['--help'])\n"
        "print(code, sorted({'pydantic', 'rich', 'sqlalchemy', 'requests', 'fastapi'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("0 []\n")
