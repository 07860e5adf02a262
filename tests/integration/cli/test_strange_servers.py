"""What answers at --server may be anything: a proxy's page, a redirect, garbage. Never a verdict, never a crash."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from gatekeeper.cli import main
from gatekeeper.cli.remote import MAX_BODY

PROBLEM = b'{"status":403,"detail":"\\u001b[2Jno","reason_code":"token-scope-missing","exit_code":6}'


def answer(body: bytes, *, status: str = "200 OK", headers: str = "", length: int | None = None) -> bytes:
    size = len(body) if length is None else length
    return (
        f"HTTP/1.1 {status}\r\nContent-Length: {size}\r\nConnection: close\r\n{headers}\r\n".encode() + body
    )


STRANGE: dict[str, tuple[bytes, int]] = {
    "a page": (answer(b"<html>sign in</html>"), 5),
    "an empty answer": (answer(b""), 5),
    "a list": (answer(b"[]"), 5),
    "no HTTP": (b"SSH-2.0-OpenSSH_9\r\n", 5),
    "nothing": (b"", 5),
    "half a body": (answer(b'{"state":"passed"}', length=400), 5),
    "endless nesting": (answer(b"[" * 200_000), 5),
    "a redirect": (answer(b"", status="302 Found", headers="Location: http://127.0.0.1:1/v1/status\r\n"), 5),
    "an error without a document": (answer(b"bad gateway", status="502 Bad Gateway"), 5),
    "an error of another kind": (answer(b'{"errors":[]}', status="401 Unauthorized"), 5),
    "a refusal with escape sequences": (answer(PROBLEM, status="403 Forbidden"), 6),
    "a refusal with an odd code": (answer(b'{"reason_code":"x","exit_code":0}', status="500 No"), 5),
    "too long a body": (answer(b'"' + b"x" * (MAX_BODY + 10) + b'"'), 5),
    "no answer of ours": (answer(b'{"state":"passed","exit_code":0}'), 5),
    "a code that is none": (answer(b'{"state":"passed","exit_code":"0","reason_code":"x"}'), 5),
}


@contextmanager
def server(reply: bytes, *, listens: bool = True) -> Iterator[tuple[str, list[bytes]]]:
    seen: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with listener.accept()[0] as connection:
                request = b""
                while listens and b"\r\n\r\n" not in request:
                    piece = connection.recv(65536)
                    if not piece:
                        return
                    request += piece
                seen.append(request)
                try:
                    connection.sendall(reply)
                except OSError:
                    return

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", seen
        thread.join(30)


@pytest.mark.parametrize("name", STRANGE)
def test_a_strange_answer_is_never_a_verdict(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    reply, code = STRANGE[name]
    monkeypatch.setenv("GATEKEEPER_TOKEN", "gk_secret")
    with server(reply) as (url, seen):
        assert main(["status", "a.example.com/x:1", "--server", url]) == code
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "Traceback" not in shown.err
    assert "\x1b" not in shown.err
    assert "gk_secret" not in shown.err
    assert len(seen) == 1, "a redirect is not followed: the token stays where it was meant for"
    assert b"Authorization: Bearer gk_secret" in seen[0]


def test_https_to_a_server_without_tls_is_unavailable(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GATEKEEPER_TOKEN", "gk_secret")
    with server(b"no TLS here\r\n\r\n", listens=False) as (url, _):
        assert main(["status", "a.example.com/x:1", "--server", url.replace("http:", "https:")]) == 5
    shown = capsys.readouterr()
    assert "could not be asked" in shown.err
    assert "gk_secret" not in shown.err
