"""CRLs and OCSP responses over loopback HTTP: what is asked, how often, and what is not followed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from gatekeeper.core.errors import Cause, UnavailableError
from gatekeeper.signatures.notation.answers import ConfiguredAnswers
from gatekeeper.signatures.notation.settings import RevocationSettings
from tests.fakes import notary
from tests.fakes.notary import CHAIN, ISSUING, NOW, Party, Signing, judged, key
from tests.fakes.notary_revocation import entry, ocsp_response, revocation_list

Answering = Callable[[str, bytes], tuple[int, bytes]]


class _Authority(ThreadingHTTPServer):
    """Answers as ``answer`` says, and remembers what was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[str] = []
        self.answer: Answering = lambda _path, _body: (404, b"")

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: _Authority

    def do_GET(self) -> None:
        self._reply(b"")

    def do_POST(self) -> None:
        assert self.headers["Content-Type"] == "application/ocsp-request"
        self._reply(self.rfile.read(int(self.headers["Content-Length"])))

    def _reply(self, body: bytes) -> None:
        self.server.asked.append(f"{self.command} {self.path}")
        status, content = self.server.answer(self.path, body)
        self.send_response(status)
        if status == 302:
            self.send_header("Location", f"http://{self.server.host}/elsewhere")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def authority() -> Iterator[_Authority]:
    with _Authority() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


class _Clock:
    def __init__(self) -> None:
        self.at = NOW

    def __call__(self) -> datetime:
        return self.at


@pytest.fixture
def clock() -> _Clock:
    return _Clock()


@pytest.fixture
def answers(authority: _Authority, clock: _Clock) -> Iterator[ConfiguredAnswers]:
    made = ConfiguredAnswers(RevocationSettings(hosts=(authority.host,)), clock)
    yield made
    made.close()


def _leaf(authority: _Authority) -> Party:
    return notary.issue(
        "signer",
        key("p256", "leaf"),
        ISSUING,
        responder=f"http://{authority.host}/ocsp",
        points=[notary.point(f"http://{authority.host}/ca.crl")],
    )


def _code(leaf: Party, answers: ConfiguredAnswers) -> str:
    return judged(Signing(chain=(leaf, *CHAIN[1:])).jws(), answers=answers).reason_code


def test_the_responder_then_the_list(
    authority: _Authority, answers: ConfiguredAnswers, clock: _Clock
) -> None:
    leaf = _leaf(authority)
    lists = {"/ca.crl": revocation_list()}
    authority.answer = lambda path, _: (200, lists[path]) if path in lists else (500, b"")
    assert _code(leaf, answers) == "signature-verified"
    assert authority.asked == ["POST /ocsp", "GET /ca.crl"]
    # Kept: neither the list nor the failure is asked for again.
    assert _code(leaf, answers) == "signature-verified"
    assert len(authority.asked) == 2
    # A failure is kept for a minute, a list for an hour at most.
    clock.at += timedelta(minutes=2)
    assert _code(leaf, answers) == "signature-verified"
    assert authority.asked[2:] == ["POST /ocsp"]
    lists["/ca.crl"] = revocation_list(entry(leaf))
    clock.at += timedelta(hours=1)
    assert _code(leaf, answers) == "notation-revoked"


def test_a_responder_that_answers(authority: _Authority, answers: ConfiguredAnswers) -> None:
    leaf = _leaf(authority)
    response = ocsp_response(leaf)
    authority.answer = lambda path, body: (200, response) if path == "/ocsp" and body else (404, b"")
    assert _code(leaf, answers) == "signature-verified"
    assert authority.asked == ["POST /ocsp"]


@pytest.mark.parametrize(
    "answering",
    [
        lambda _path, _body: (302, b""),
        lambda _path, _body: (404, b""),
        lambda _path, _body: (200, b"\0" * 100_000),
        lambda _path, _body: (200, b"hello"),
    ],
    ids=["redirect", "absent", "too-large-or-garbage", "garbage"],
)
def test_what_is_no_answer(authority: _Authority, answers: ConfiguredAnswers, answering: Answering) -> None:
    authority.answer = answering
    assert _code(_leaf(authority), answers) == "notation-revocation-unavailable"
    assert "GET /elsewhere" not in authority.asked


def test_a_host_that_is_not_there(answers: ConfiguredAnswers, authority: _Authority) -> None:
    authority.server_close()
    assert _code(_leaf(authority), answers) == "notation-revocation-unavailable"


def test_a_list_larger_than_any_is_over_the_cap(
    authority: _Authority, answers: ConfiguredAnswers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gatekeeper.signatures.notation.crl.MAX_LIST_BYTES", 1000)
    authority.answer = lambda _path, _body: (200, b"\0" * 1001)
    with pytest.raises(UnavailableError) as raised:
        answers.list_at(f"http://{authority.host}/ca.crl")
    assert raised.value.cause is Cause.OVER_CAP


def test_one_address_is_asked_once_by_many_threads(authority: _Authority, answers: ConfiguredAnswers) -> None:
    listed = revocation_list()
    authority.answer = lambda _path, _body: (200, listed)
    url = f"http://{authority.host}/ca.crl"
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: answers.list_at(url), range(32))) == {listed}
    assert authority.asked == ["GET /ca.crl"]


def test_an_address_that_a_certificate_alone_chose_is_not_asked(authority: _Authority, clock: _Clock) -> None:
    nobody = ConfiguredAnswers(RevocationSettings(hosts=("crl.example.test",)), clock)
    assert _code(_leaf(authority), nobody) == "notation-revocation-not-configured"
    nobody.close()
    assert authority.asked == []
