"""Every way to go wrong goes wrong in just that way, seen from the wire."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import socket
from http.client import (
    BadStatusLine,
    HTTPConnection,
    HTTPException,
    HTTPResponse,
    IncompleteRead,
    LineTooLong,
)
from threading import Event, Thread

import pytest

from gatekeeper.core.errors import UnavailableError
from gatekeeper.demo import registry_faults as faults
from gatekeeper.demo.images import image
from gatekeeper.demo.registry import EmbeddedRegistry, Match
from gatekeeper.demo.registry_push import PushClient

_APP = image({"etc/motd": "hello"})
_OTHER = image({"etc/motd": "other"})
_AT = "/v2/team/app/manifests/1"
_TAGS = "/v2/team/app/tags/list"


@pytest.fixture(autouse=True)
def stocked(registry: EmbeddedRegistry) -> None:
    _APP.store_in(registry.store, "team/app", "1", "2")
    _OTHER.store_in(registry.store, "team/app")


def strike(registry: EmbeddedRegistry, *kinds: faults.Fault, match: Match | None = None) -> faults.Injection:
    return registry.faults.add(match or Match(), *kinds)


def opened(registry: EmbeddedRegistry, target: str = _AT, method: str = "GET") -> HTTPResponse:
    """The answer with its body unread. The connection closes with the answer."""
    connection = HTTPConnection(registry.host, timeout=20)
    connection.request(method, target, headers={"Connection": "close"})
    try:
        return connection.getresponse()
    except HTTPException:
        connection.close()
        raise


class TestMatch:
    """Which requests are struck."""

    def statuses(self, client: PushClient, *requests: tuple[str, str]) -> list[int]:
        return [client.request(method, target)[0] for method, target in requests]

    def test_method_and_path(self, registry: EmbeddedRegistry, client: PushClient) -> None:
        strike(registry, faults.Status(500), match=Match("HEAD|PUT", r"/manifests/1$"))
        asked = [("HEAD", _AT), ("GET", _AT), ("HEAD", f"{_AT}0"), ("HEAD", "/v2/")]
        assert self.statuses(client, *asked) == [500, 200, 404, 200]

    def test_nth_and_times(self, registry: EmbeddedRegistry, client: PushClient) -> None:
        injection = strike(registry, faults.Status(500), match=Match("GET", skip=1, times=2))
        assert self.statuses(client, *[("GET", _AT)] * 5) == [200, 500, 500, 200, 200]
        assert injection.hits == 2

    def test_flicker(self, registry: EmbeddedRegistry, client: PushClient) -> None:
        strike(registry, faults.Status(404, "MANIFEST_UNKNOWN"), match=Match(every=2))
        assert self.statuses(client, *[("HEAD", _AT)] * 4) == [404, 200, 404, 200]

    def test_condition_remove_and_clear(self, registry: EmbeddedRegistry, client: PushClient) -> None:
        first = strike(
            registry, faults.Status(500), match=Match(when=lambda request: "x-hit" in request.headers)
        )
        assert client.request("GET", _AT, headers={"X-Hit": "1"})[0] == 500
        assert client.request("GET", _AT)[0] == 200
        registry.faults.remove(first)
        registry.faults.remove(first)
        assert client.request("GET", _AT, headers={"X-Hit": "1"})[0] == 200
        strike(registry, faults.Status(500))
        registry.faults.clear()
        assert client.request("GET", _AT)[0] == 200

    def test_first_fault_is_the_outermost(self, registry: EmbeddedRegistry, client: PushClient) -> None:
        strike(registry, faults.Headers.one("Etag", "outer"), faults.Headers.one("Etag", "inner"))
        assert client.request("GET", _AT)[1]["etag"] == "outer"

    def test_several_injections_compose(self, registry: EmbeddedRegistry, client: PushClient) -> None:
        strike(registry, faults.WrongBody(b"x"))
        strike(registry, faults.Headers.one("Docker-Content-Digest", "sha256:0"))
        _, headers, body = client.request("GET", _AT)
        assert (headers["docker-content-digest"], body) == ("sha256:0", b"x")


class TestOutages:
    """The client gets no answer, late, or an error."""

    @pytest.mark.parametrize("kind", [faults.Stall, faults.StallAnswer])
    def test_stall(
        self,
        registry: EmbeddedRegistry,
        client: PushClient,
        kind: type[faults.Stall | faults.StallAnswer],
    ) -> None:
        release, arrived = Event(), Event()
        strike(registry, kind(release, arrived), match=Match("DELETE"))
        answers: list[int] = []
        thread = Thread(target=lambda: answers.append(client.request("DELETE", _AT)[0]))
        thread.start()
        assert arrived.wait(20)
        assert registry.wait_for_request("DELETE", "/manifests/")
        # Before the service the tag still is there, after it no more; in both cases nobody was told.
        assert ("1" in registry.store.tags("team/app")) is (kind is faults.Stall)
        assert answers == []
        release.set()
        thread.join(20)
        assert answers == [202]

    def test_stalled_body(self, registry: EmbeddedRegistry) -> None:
        release = Event()
        strike(registry, faults.StallBody(release))
        with opened(registry) as answer:
            assert answer.status == 200
            release.set()
            assert answer.read() == _APP.raw

    @pytest.mark.parametrize("kind", [faults.Stall, faults.StallBody])
    def test_stop_ends_a_stall(self, kind: type[faults.Stall | faults.StallBody]) -> None:
        with EmbeddedRegistry() as registry:
            registry.faults.add(Match(), kind(Event()))
            with socket.create_connection(registry.host.split(":")) as connection:  # type: ignore[arg-type]
                connection.sendall(b"GET /v2/ HTTP/1.1\r\nHost: x\r\n\r\n")
                assert registry.wait_for_request("GET")
                registry.stop()

    def test_slow_drip(self, registry: EmbeddedRegistry) -> None:
        strike(registry, faults.SlowDrip(piece=100, pause=0.001))
        with opened(registry) as answer:
            assert answer.read() == _APP.raw

    def test_status(self, registry: EmbeddedRegistry, client: PushClient) -> None:
        strike(registry, faults.Status(429, "TOOMANYREQUESTS", retry_after="3"), match=Match("DELETE"))
        status, headers, body = client.request("DELETE", _AT)
        assert (status, headers["retry-after"]) == (429, "3")
        assert json.loads(body)["errors"][0]["code"] == "TOOMANYREQUESTS"
        assert "1" in registry.store.tags("team/app")

    def test_unauthorized_for_ever(self, registry: EmbeddedRegistry, client: PushClient) -> None:
        strike(registry, faults.Status(401, challenge='Bearer realm="http://evil/"'), match=Match("GET"))
        strike(registry, faults.Status(401), match=Match("HEAD"))
        assert client.request("GET", _AT)[1]["www-authenticate"] == 'Bearer realm="http://evil/"'
        assert client.request("HEAD", _AT)[1]["www-authenticate"].startswith("Basic")

    @pytest.mark.parametrize("reset", [False, True])
    def test_drop(self, registry: EmbeddedRegistry, client: PushClient, reset: bool) -> None:
        strike(registry, faults.Drop(reset), match=Match("DELETE"))
        with pytest.raises(UnavailableError):
            client.request("DELETE", _AT)
        assert "1" in registry.store.tags("team/app")
        assert registry.requests[-1].status is None

    @pytest.mark.parametrize("reset", [False, True])
    def test_lost_answer(self, registry: EmbeddedRegistry, client: PushClient, reset: bool) -> None:
        strike(registry, faults.LoseAnswer(reset), match=Match("DELETE"))
        with pytest.raises(UnavailableError):
            client.request("DELETE", _AT)
        assert "1" not in registry.store.tags("team/app")

    def test_pretended_success(self, registry: EmbeddedRegistry, client: PushClient) -> None:
        strike(
            registry,
            faults.PretendSuccess(201, (("Docker-Content-Digest", _OTHER.digest),)),
            match=Match("PUT"),
        )
        client.put_manifest("team/app", "1", _OTHER.raw, _OTHER.media_type)
        assert client.resolve("team/app", "1") == _APP.digest

    def test_raw_bytes(self, registry: EmbeddedRegistry) -> None:
        strike(registry, faults.RawBytes())
        with pytest.raises(BadStatusLine):
            opened(registry)


class TestLies:
    """Wrong bytes, headers, lengths."""

    @pytest.mark.parametrize("name", ["Docker-Content-Digest", "Content-Type", "Etag"])
    def test_headers(self, registry: EmbeddedRegistry, client: PushClient, name: str) -> None:
        lie = strike(registry, faults.Headers.one(name.upper(), "lie"))
        assert client.request("HEAD", _AT)[1][name.lower()] == "lie"
        registry.faults.remove(lie)
        strike(registry, faults.Headers.one(name, None))
        assert name.lower() not in client.request("HEAD", _AT)[1]

    @pytest.mark.parametrize("announced", [3, 100_000])
    def test_content_length(self, registry: EmbeddedRegistry, announced: int) -> None:
        strike(registry, faults.ContentLength(announced))
        with opened(registry) as answer:
            if announced < len(_APP.raw):
                assert answer.read() == _APP.raw[:announced]
            else:
                with pytest.raises(IncompleteRead):
                    answer.read()

    def test_bodies(self, registry: EmbeddedRegistry, client: PushClient) -> None:
        cases: list[tuple[faults.Fault, bytes]] = [
            (faults.WrongBody(_OTHER.raw), _OTHER.raw),
            (faults.FlipByte(0), bytes([_APP.raw[0] ^ 1]) + _APP.raw[1:]),
            (faults.FlipByte(-1), _APP.raw[:-1] + bytes([_APP.raw[-1] ^ 1])),
            (faults.Json({"a": 1}), b'{"a": 1}'),
            (faults.DeepJson(2), b'{"a":{"a":1}}'),
            (faults.DuplicateKey("mediaType", "x"), b'{"mediaType":"x",' + _APP.raw[1:]),
            (faults.DuplicateKey("mediaType", 1, first=False), _APP.raw[:-1] + b',"mediaType":1}'),
        ]
        for fault, expected in cases:
            injection = strike(registry, fault)
            status, headers, body = client.request("GET", _AT)
            assert (status, body) == (200, expected)
            assert headers["docker-content-digest"] == _APP.digest
            registry.faults.remove(injection)

    def test_garbage_json(self, registry: EmbeddedRegistry, client: PushClient) -> None:
        strike(registry, faults.GarbageJson())
        with pytest.raises(json.JSONDecodeError):
            client.tags("team/app")

    @pytest.mark.parametrize("at", [0, 7])
    def test_truncated(self, registry: EmbeddedRegistry, at: int) -> None:
        strike(registry, faults.Truncate(at))
        with opened(registry) as answer:
            assert answer.getheader("content-length") == str(len(_APP.raw))
            with pytest.raises(IncompleteRead) as caught:
                answer.read()
            assert caught.value.partial == _APP.raw[:at]

    def test_truncated_by_reset(self, registry: EmbeddedRegistry) -> None:
        strike(registry, faults.Truncate(7, reset=True))
        with pytest.raises((OSError, HTTPException)), opened(registry) as answer:
            answer.read()

    def test_oversized(self, registry: EmbeddedRegistry) -> None:
        strike(registry, faults.Oversized(100_000))
        with opened(registry) as answer:
            assert answer.getheader("content-length") == "100000"
            assert answer.read() == bytes(100_000)

    @pytest.mark.parametrize("chunked", [True, False])
    def test_endless(self, registry: EmbeddedRegistry, chunked: bool) -> None:
        strike(registry, faults.EndlessBody(chunked))
        with opened(registry) as answer:
            assert answer.getheader("content-length") is None
            assert (answer.getheader("transfer-encoding") == "chunked") is chunked
            assert answer.read(5_000_000) == bytes(5_000_000)

    def test_gzip_bomb(self, registry: EmbeddedRegistry, client: PushClient) -> None:
        strike(registry, faults.GzipBomb(8 << 20))
        _, headers, body = client.request("GET", _AT)
        assert headers["content-encoding"] == "gzip"
        assert len(body) < 16_000
        with gzip.GzipFile(fileobj=io.BytesIO(body)) as unpacked:
            assert hashlib.sha256(unpacked.read()).digest() == hashlib.sha256(bytes(8 << 20)).digest()


class TestTraps:
    """Where the client is led."""

    def test_redirect(self, registry: EmbeddedRegistry, client: PushClient) -> None:
        away = strike(registry, faults.Redirect("http://127.0.0.2:1{target}", 302))
        status, headers, _ = client.request("GET", _AT)
        assert (status, headers["location"]) == (302, f"http://127.0.0.2:1{_AT}")
        registry.faults.remove(away)
        strike(registry, faults.Redirect())
        assert client.request("GET", f"{_AT}?a=b")[1]["location"] == f"{_AT}?a=b"

    def test_links(self, registry: EmbeddedRegistry, client: PushClient) -> None:
        def link() -> str:
            return client.request("GET", f"{_TAGS}?n=1")[1]["link"]

        endless = strike(registry, faults.EndlessPages())
        assert link() != link()
        registry.faults.remove(endless)
        looping = strike(registry, faults.LoopingLink())
        assert link() == f'<{_TAGS}?n=1>; rel="next"'
        registry.faults.remove(looping)
        strike(registry, faults.LinkTo("http://elsewhere/v2/"))
        assert link() == '<http://elsewhere/v2/>; rel="next"'

    def test_upload_location(self, registry: EmbeddedRegistry, client: PushClient) -> None:
        strike(registry, faults.LocationTo("http://elsewhere{location}"), match=Match("POST"))
        location = client.request("POST", "/v2/team/app/blobs/uploads/")[1]["location"]
        assert location.startswith("http://elsewhere/v2/team/app/blobs/uploads/")

    def test_a_faster_pusher(self, registry: EmbeddedRegistry, client: PushClient) -> None:
        def move(request: faults.Request) -> None:
            registry.store.set_tag("team/app", "1", _OTHER.digest)

        strike(registry, faults.Before(move), match=Match("PUT", times=1))
        client.put_manifest("team/app", "1", _APP.raw, _APP.media_type)
        assert client.resolve("team/app", "1") == _APP.digest
        strike(registry, faults.After(move), match=Match("PUT"))
        client.put_manifest("team/app", "1", _APP.raw, _APP.media_type)
        assert client.resolve("team/app", "1") == _OTHER.digest

    def test_any_answer(self, registry: EmbeddedRegistry, client: PushClient) -> None:
        def make(moment: faults.Moment) -> faults.Answer:
            return faults.json_answer({"hit": moment.hit, "true": moment.proceed().status}, 299)

        strike(registry, faults.Replace(make))
        assert [client.request("GET", _AT)[::2] for _ in range(2)] == [
            (299, b'{"hit":0,"true":200}'),
            (299, b'{"hit":1,"true":200}'),
        ]

    def test_floods(self, registry: EmbeddedRegistry, client: PushClient) -> None:
        flood = strike(registry, faults.TagFlood(1000))
        assert len(client.tags("team/app")) == 1000
        registry.faults.remove(flood)
        strike(registry, faults.HeaderFlood(count=1, size=70_000))
        with pytest.raises(LineTooLong):
            opened(registry)


def test_a_defect_of_the_registry_is_told_and_recorded() -> None:
    def broken(moment: faults.Moment) -> faults.Answer:
        raise RuntimeError("a defect")

    with EmbeddedRegistry() as registry, PushClient(registry.url) as client:
        registry.faults.add(Match(), faults.Replace(broken))
        assert client.request("GET", "/v2/")[0] == 500
        assert [str(error) for error in registry.internal_errors] == ["a defect"]
