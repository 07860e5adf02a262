"""Start, stop, the request log, the wire protocol, the directory, TLS and the command."""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.client import HTTPSConnection
from ipaddress import IPv4Address
from pathlib import Path
from typing import IO

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from gatekeeper.demo.images import image, index, referrer
from gatekeeper.demo.registry import Behaviour, EmbeddedRegistry
from gatekeeper.demo.registry_push import PushClient, push

_APP = image({"etc/motd": "hello"})


@contextmanager
def wire(registry: EmbeddedRegistry) -> Iterator[tuple[socket.socket, IO[bytes]]]:
    """A bare connection and its reading end."""
    host, port = registry.host.split(":")
    with (
        socket.create_connection((host, int(port)), timeout=20) as connection,
        connection.makefile("rb") as reader,
    ):
        yield connection, reader


def status_of(reader: IO[bytes]) -> int:
    """The status of the next answer, whose body is read too."""
    line = reader.readline()
    length = 0
    while (header := reader.readline()) != b"\r\n":
        if header.lower().startswith(b"content-length:"):
            length = int(header.split(b":")[1])
    reader.read(length)
    return int(line.split()[1])


def test_stop_leaves_no_thread_and_no_port() -> None:
    before = set(threading.enumerate())
    with EmbeddedRegistry() as registry, wire(registry) as (connection, reader):
        connection.sendall(b"GET /v2/ HTTP/1.1\r\nHost: x\r\n\r\n")
        assert status_of(reader) == 200
        registry.stop()
        assert reader.read() == b""
    assert set(threading.enumerate()) == before
    with EmbeddedRegistry(port=int(registry.host.split(":")[1])) as again:
        assert again.host == registry.host
    again.stop()


def test_never_started() -> None:
    registry = EmbeddedRegistry()
    registry.stop()
    registry.stop()


def test_taken_port() -> None:
    with EmbeddedRegistry() as registry, pytest.raises(OSError, match="in use"):
        EmbeddedRegistry(port=int(registry.host.split(":")[1]))


def test_requests_are_logged_with_headers(registry: EmbeddedRegistry, client: PushClient) -> None:
    client.request("GET", "/v2/a%2Fb/tags/list?n=1", headers={"X-Test": "yes"})
    client.request("PUT", "/v2/a/manifests/1", b"{}")
    first, second = registry.requests
    assert (first.method, first.target, first.path) == ("GET", "/v2/a%2Fb/tags/list?n=1", "/v2/a/b/tags/list")
    assert (first.headers["x-test"], first.headers["host"], first.status) == ("yes", registry.host, 404)
    assert (second.size, second.status) == (2, 400)
    assert str(second) == "PUT /v2/a/manifests/1 -> 400"
    assert not registry.wait_for_request("GET", count=2, timeout=0)
    registry.clear_requests()
    assert registry.requests == ()


class TestTls:
    """https, with whatever context a test gives."""

    @pytest.fixture
    def certificate(self, tmp_path: Path) -> Path:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
        names = x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))])
        now = datetime.now(UTC)
        built = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=1))
        signed = built.add_extension(names, critical=False).sign(key, SHA256())
        path = tmp_path / "both.pem"
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        path.write_bytes(private + signed.public_bytes(Encoding.PEM))
        return path

    def test_serves_https_and_stops_with_an_open_connection(self, certificate: Path) -> None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate)
        before = set(threading.enumerate())
        with EmbeddedRegistry(tls=context) as registry, wire(registry) as (silent, _):
            assert registry.url == f"https://{registry.host}"
            trusting = ssl.create_default_context(cafile=str(certificate))
            connection = HTTPSConnection(registry.host, context=trusting, timeout=20)
            connection.request("GET", "/v2/")
            assert connection.getresponse().read() == b"{}"
            assert silent.fileno() >= 0
            registry.stop()
            connection.close()
        assert set(threading.enumerate()) == before


class TestWire:
    """HTTP/1.1 as it comes."""

    def test_pipelined_requests_on_one_connection(self, registry: EmbeddedRegistry) -> None:
        with wire(registry) as (connection, reader):
            connection.sendall(b"GET /v2/ HTTP/1.1\r\nHost: x\r\n\r\n" * 3)
            assert [status_of(reader) for _ in range(3)] == [200, 200, 200]

    def test_chunked_upload_and_expect(self, registry: EmbeddedRegistry) -> None:
        digest = "sha256:bef57ec7f53a6d40beb640a780a639c83bc29ac8a9816f1fc6c5c6dcd93c4721"
        head = (
            f"POST /v2/a/blobs/uploads/?digest={digest} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
        )
        with wire(registry) as (connection, reader):
            connection.sendall(head.encode() + b"Expect: 100-continue\r\n\r\n")
            assert reader.readline() == b"HTTP/1.1 100 Continue\r\n"
            assert reader.readline() == b"\r\n"
            connection.sendall(b"3;x=y\r\nabc\r\n3\r\ndef\r\n0\r\nTrailer: 1\r\n\r\n")
            assert status_of(reader) == 201
        assert registry.store.blob("a", digest) == b"abcdef"

    @pytest.mark.parametrize(
        ("sent", "status"),
        [
            (b"junk\r\n\r\n", 400),
            (b"GET /v2/ SMTP/1\r\n\r\n", 400),
            (b"GET /v2/ HTTP/1.1\r\nno colon\r\n\r\n", 400),
            (b"GET /v2/ HTTP/1.1\r\n" + b"a: b\r\n" * 201 + b"\r\n", 431),
            (b"PUT /v2/ HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
            (b"PUT /v2/ HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
            (b"PUT /v2/ HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n", 413),
            (b"PUT /v2/ HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
            (b"PUT /v2/ HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffff\r\n", 413),
        ],
    )
    def test_malformed_requests_are_refused_and_the_connection_closed(
        self, registry: EmbeddedRegistry, sent: bytes, status: int
    ) -> None:
        with wire(registry) as (connection, reader):
            connection.sendall(sent)
            assert status_of(reader) == status
            connection.shutdown(socket.SHUT_WR)
            assert reader.read() == b""

    def test_half_a_request_is_nothing(self, registry: EmbeddedRegistry) -> None:
        with wire(registry) as (connection, reader):
            connection.sendall(b"PUT /v2/a/manifests/1 HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc")
            connection.shutdown(socket.SHUT_WR)
            assert reader.read() == b""
        assert registry.requests == ()

    @pytest.mark.parametrize(
        ("version", "option", "kept"),
        [
            (b"1.1", b"keep-alive", True),
            (b"1.1", b"close", False),
            (b"1.0", b"", False),
            (b"1.0", b"keep-alive", True),
        ],
    )
    def test_keep_alive(self, registry: EmbeddedRegistry, version: bytes, option: bytes, kept: bool) -> None:
        request = b"GET /v2/ HTTP/%b\r\nHost: x\r\nConnection: %b\r\n\r\n" % (version, option)
        with wire(registry) as (connection, reader):
            connection.sendall(request * 2)
            assert status_of(reader) == 200
            assert (reader.readline() != b"") is kept


def test_a_directory_outlives_its_registry(tmp_path: Path) -> None:
    both = index([_APP, image({"a": "b"}, platform="linux/arm64")])
    sbom = referrer(both, "text/plain", b"x")
    with EmbeddedRegistry(directory=tmp_path) as registry:
        push(registry.url, "deep/team/app", both, ["1", "2"])
        push(registry.url, "deep/team/app", sbom, ["sbom"])
        push(registry.url, "deep", _APP, ["x"])
        with PushClient(registry.url) as client:
            client.request("DELETE", "/v2/deep/team/app/manifests/2")
            client.request("DELETE", f"/v2/deep/blobs/{_APP.pieces[0].digest}")
            client.request("DELETE", f"/v2/deep/manifests/{_APP.digest}")
        before = registry.dump()
    assert before["deep/team/app"]["tags"] == {"1": both.digest, "sbom": sbom.digest}
    with EmbeddedRegistry(directory=tmp_path) as registry, PushClient(registry.url) as client:
        assert registry.dump() == before
        assert client.manifest("deep/team/app", "1") == both.raw
        assert [one.digest for one in registry.store.referrers("deep/team/app", both.digest)] == [sbom.digest]


def test_threads_that_push_at_once(registry: EmbeddedRegistry) -> None:
    images = [image({"n": str(number)}) for number in range(8)]
    threads = [threading.Thread(target=push, args=(registry.url, "team/app", one, ["1"])) for one in images]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    found = registry.dump()["team/app"]
    assert set(found["manifests"]) == {one.digest for one in images}
    assert found["tags"]["1"] in found["manifests"]


@contextmanager
def command(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The registry as a process of its own, and its URL."""
    line = [sys.executable, "-W", "error", "-m", "gatekeeper.demo.registry", *arguments]
    root = Path(__file__).parents[3]
    with subprocess.Popen(
        line, cwd=root, env=dict(os.environ), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as started:
        assert started.stdout is not None
        try:
            yield started, started.stdout.readline().strip()
        finally:
            started.kill()


def test_the_command_survives_a_kill_with_its_directory(tmp_path: Path) -> None:
    with command("--directory", str(tmp_path)) as (running, url):
        push(url, "team/app", _APP, ["1"])
        running.kill()
        running.wait(20)
    with command("--directory", str(tmp_path), "--behaviour", "docker-registry-2") as (running, url):
        with PushClient(url) as client:
            assert client.resolve("team/app", "1") == _APP.digest
            assert client.request("GET", f"/v2/team/app/referrers/{_APP.digest}")[0] == 404
        running.send_signal(signal.SIGTERM)
        assert running.wait(20) == 0


def test_the_command_says_that_the_port_is_taken(registry: EmbeddedRegistry) -> None:
    with command("--port", registry.host.split(":")[1]) as (running, url):
        _, errors = running.communicate(timeout=20)
        assert (url, running.returncode) == ("", 5)
        assert errors.startswith(f"cannot listen on {registry.host}")


def test_blob_cap_and_behaviour_are_the_registrys_own() -> None:
    with EmbeddedRegistry(Behaviour(manifest_cap=10)) as registry, PushClient(registry.url) as client:
        status, _, body = client.request("PUT", "/v2/a/manifests/1", b" " * 11)
        assert (status, json.loads(body)["errors"][0]["code"]) == (413, "SIZE_INVALID")
