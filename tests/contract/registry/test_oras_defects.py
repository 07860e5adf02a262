"""One test for each defect of oras-py as shipped: our client over it must not have it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import Cause, GatekeeperError, MalformedError, NotOfferedError, UnavailableError
from gatekeeper.core.manifest import OCI_MANIFEST, parse_manifest
from gatekeeper.demo import images
from gatekeeper.demo.images import Built, Flavour
from gatekeeper.demo.registry import (
    BasicAuthentication,
    Behaviour,
    EmbeddedRegistry,
    Match,
    RateLimit,
    TokenAuthentication,
)
from gatekeeper.demo.registry_faults import Stall, Status, WrongBody
from gatekeeper.registry.client import OciRegistry
from gatekeeper.registry.settings import (
    Anonymous,
    IdentityToken,
    RegistrySettings,
    SecretInFile,
    SecretText,
    Timeouts,
    UsernamePassword,
)
from gatekeeper.transport.message import Answer
from tests.contract.registry.conftest import LOGIN, PASSWORD, USER

pytestmark = pytest.mark.timeout(60)
FILES = {"etc/motd": b"hello"}


class Turned:
    """A clock that moves when it is told to, and sleeps by moving."""

    def __init__(self) -> None:
        self.at = 1000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += seconds


@pytest.fixture
def turned() -> Turned:
    return Turned()


@pytest.fixture
def guarded(turned: Turned) -> Iterator[EmbeddedRegistry]:
    behaviour = Behaviour(authentication=TokenAuthentication({USER: PASSWORD}, ttl=300))
    with EmbeddedRegistry(behaviour, clock=turned) as registry:
        yield registry


@pytest.fixture
def plain() -> Iterator[EmbeddedRegistry]:
    with EmbeddedRegistry() as registry:
        yield registry


@pytest.fixture
def client_of() -> Iterator[Any]:
    opened: list[OciRegistry] = []

    def make(registry: EmbeddedRegistry, *, login: Any = LOGIN, **more: Any) -> OciRegistry:
        settings = {key: more.pop(key) for key in ("timeouts", "pace", "proxies") if key in more}
        client = OciRegistry(
            RegistrySettings(host=registry.host, plain_http=True, credentials=login, **settings), **more
        )
        opened.append(client)
        return client

    yield make
    for client in opened:
        client.close()


def put(registry: EmbeddedRegistry, path: str, *tags: str, built: Built | None = None) -> Built:
    image = built or images.image(FILES)
    image.store_in(registry.store, path, *tags)
    return image


def tokens(registry: EmbeddedRegistry) -> int:
    return sum(request.path == "/token" for request in registry.requests)


def test_1_each_repository_and_action_has_a_token_of_its_own(
    guarded: EmbeddedRegistry, client_of: Any
) -> None:
    for path in ("team/a", "team/b"):
        put(guarded, path, "v1")
    client = client_of(guarded)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda number: client.tags(f"team/{'ab'[number % 2]}"), range(80)))
    assert set(found) == {("v1",)}
    assert tokens(guarded) == 2
    client.put_blob("team/a", b"a pull token does not do for this")
    assert tokens(guarded) == 3


def test_2_an_expired_token_is_renewed(guarded: EmbeddedRegistry, client_of: Any, turned: Turned) -> None:
    put(guarded, "team/a", "v1")
    client = client_of(guarded)  # its own clock stands still enough: it believes the token to be good
    client.tags("team/a")
    turned.at += 301
    assert client.tags("team/a") == ("v1",)
    assert tokens(guarded) == 2


def test_2_a_token_is_fetched_before_it_expires(
    guarded: EmbeddedRegistry, client_of: Any, turned: Turned
) -> None:
    put(guarded, "team/a", "v1")
    client = client_of(guarded, monotonic=turned)
    client.tags("team/a")
    turned.at += 295
    guarded.clear_requests()
    client.tags("team/a")
    assert [request.status for request in guarded.requests] == [200, 200]


def test_3_nothing_is_sent_to_another_host(
    guarded: EmbeddedRegistry, plain: EmbeddedRegistry, client_of: Any
) -> None:
    put(guarded, "team/a", "v1")
    client = client_of(guarded)
    client.tags("team/a")
    with pytest.raises(UnavailableError) as caught:
        client.do_request(f"{plain.url}/v2/team/a/tags/list")
    assert caught.value.cause is Cause.PROTOCOL
    assert plain.requests == ()


def test_3_credentials_of_one_registry_do_not_serve_another(
    guarded: EmbeddedRegistry, client_of: Any
) -> None:
    put(guarded, "team/a", "v1")
    client_of(guarded).tags("team/a")
    with EmbeddedRegistry(guarded.behaviour) as other:
        put(other, "team/a", "v1")
        with pytest.raises(UnavailableError):
            client_of(other, login=Anonymous()).tags("team/a")
        assert not any(
            request.headers.get("authorization", "").startswith("Basic ") for request in other.requests
        )


def test_4_headers_given_are_never_changed(guarded: EmbeddedRegistry, client_of: Any) -> None:
    put(guarded, "team/a", "v1")
    client = client_of(guarded)
    headers = {"Accept": "application/json"}
    client.do_request(f"{guarded.url}/v2/team/a/tags/list", headers=headers)
    assert headers == {"Accept": "application/json"}
    assert client.headers == {}
    assert "Authorization" not in client.session.headers


def test_5_a_dead_peer_holds_nobody(plain: EmbeddedRegistry, client_of: Any) -> None:
    put(plain, "team/a", "v1")
    plain.faults.add(Match(path="/v2/"), Stall(Event()))
    client = client_of(plain, timeouts=Timeouts(connect=1, read=0.2, total=0.3))
    with pytest.raises(UnavailableError) as caught:
        client.ping()
    assert caught.value.cause is Cause.TIMEOUT


def test_6_what_is_refused_is_not_asked_again(client_of: Any) -> None:
    gone = EmbeddedRegistry()
    gone.start()
    gone.stop()
    clock = Turned()
    with pytest.raises(UnavailableError) as caught:
        client_of(gone, sleep=clock.sleep).ping()
    assert caught.value.cause is Cause.CONNECT
    assert clock.slept == []


def test_6_a_rate_limit_is_waited_for_as_told(client_of: Any) -> None:
    clock = Turned()
    behaviour = Behaviour(rate_limit=RateLimit(1, window=7, retry_after=7))
    with EmbeddedRegistry(behaviour, clock=clock) as registry:
        put(registry, "team/a", "v1")
        client = client_of(registry, sleep=clock.sleep, monotonic=clock)
        assert client.tags("team/a") == ("v1",)
        assert client.tags("team/a") == ("v1",)
    assert 7.0 in clock.slept


def test_6_a_delete_is_never_repeated(plain: EmbeddedRegistry, client_of: Any) -> None:
    image = put(plain, "team/a", "v1")
    plain.faults.add(Match("DELETE"), Status(503))
    with pytest.raises(UnavailableError):
        client_of(plain).delete_manifest("team/a", Digest.parse(image.digest))
    assert sum(request.method == "DELETE" for request in plain.requests) == 1


def test_7_bytes_of_another_digest_are_not_taken(plain: EmbeddedRegistry, client_of: Any) -> None:
    image, other = put(plain, "team/a", "v1"), images.image({"x": b"y"})
    plain.faults.add(Match("GET", "/manifests/"), WrongBody(other.raw))
    with pytest.raises(UnavailableError) as caught:
        client_of(plain).manifest("team/a", Digest.parse(image.digest))
    assert caught.value.cause is Cause.PROTOCOL


@pytest.mark.parametrize(
    "name",
    ["pull", "push", "download_blob", "delete_tags", "upload_manifest", "upload_blob", "login", "get_blob"],
)
def test_8_the_dangerous_ways_are_closed(
    plain: EmbeddedRegistry, client_of: Any, name: str, tmp_path: Path
) -> None:
    with pytest.raises(NotOfferedError):
        getattr(client_of(plain), name)(f"{plain.host}/team/a:v1", outdir=str(tmp_path))
    assert plain.requests == ()
    assert list(tmp_path.iterdir()) == []


def test_8_no_request_passes_by_the_transport(plain: EmbeddedRegistry, client_of: Any) -> None:
    with pytest.raises(UnavailableError):
        client_of(plain).session.get(f"{plain.url}/v2/")
    assert plain.requests == ()


def test_9_deleting_a_tag_keeps_its_siblings(plain: EmbeddedRegistry, client_of: Any) -> None:
    image = put(plain, "team/a", "a", "b")
    client = client_of(plain)
    client.delete_tag("team/a", "a")
    assert str(client.resolve("team/a", "b").digest) == image.digest


def test_9_deleting_a_tag_sends_no_digest(client_of: Any) -> None:
    with EmbeddedRegistry(Behaviour.docker_registry_2()) as registry:
        put(registry, "team/a", "a", "b")
        with pytest.raises(NotOfferedError):
            client_of(registry).delete_tag("team/a", "a")
        assert not any("sha256:" in request.target for request in registry.requests)


def test_10_bytes_are_pushed_as_they_are(plain: EmbeddedRegistry, client_of: Any) -> None:
    image = put(plain, "team/a", "v1", built=images.image(FILES, flavour=Flavour.DOCKER))
    spaced = json.dumps(json.loads(image.raw), indent=5).encode()
    client = client_of(plain)
    assert client.put_manifest("team/a", spaced, image.media_type, tag="v2") == Digest.of(spaced)
    assert client.manifest_at("team/a", "v2").media_type == image.media_type


def test_11_a_subject_is_named_by_the_digest_of_its_bytes(plain: EmbeddedRegistry, client_of: Any) -> None:
    image = put(plain, "team/a", "v1")
    spaced = json.dumps(json.loads(image.raw), indent=5).encode()
    client = client_of(plain)
    digest = client.put_manifest("team/a", spaced, OCI_MANIFEST, tag="v2")
    assert client.manifest_at("team/a", "v2").digest == digest


def test_12_a_subject_is_found_again_where_the_registry_keeps_no_referrers(client_of: Any) -> None:
    with EmbeddedRegistry(Behaviour.docker_registry_2()) as registry:
        image = put(registry, "team/a", "v1")
        sbom = images.referrer(image, "application/spdx+json", b"{}", annotations={"a": "b"})
        client = client_of(registry)
        for piece in sbom.pieces:
            client.put_blob("team/a", piece.content)
        client.attach("team/a", parse_manifest(sbom.raw, content_type=None, expected=None))
        (item,) = client.referrers("team/a", Digest.parse(image.digest)).items
        assert item.found_at == ("fallback-tag",)
        assert item.descriptor.artifact_type == "application/spdx+json"
        assert item.descriptor.annotations == {"a": "b"}


def test_13_a_manifest_without_media_type_is_read(plain: EmbeddedRegistry, client_of: Any) -> None:
    image = put(plain, "team/a", "v1")
    document = image.document
    del document["mediaType"]
    raw = json.dumps(document).encode()
    plain.store.put_manifest("team/a", raw, OCI_MANIFEST, tags=("v2",))
    assert client_of(plain).manifest_at("team/a", "v2").media_type == OCI_MANIFEST


def test_14_basic_authentication_costs_one_request_a_question(client_of: Any) -> None:
    with EmbeddedRegistry(Behaviour(authentication=BasicAuthentication({USER: PASSWORD}))) as registry:
        put(registry, "team/a", "v1")
        client = client_of(registry)
        client.ping()
        registry.clear_requests()
        for _ in range(5):
            client.resolve("team/a", "v1")
        assert [request.status for request in registry.requests] == [200] * 5


def test_14_no_credential_is_an_answer_and_no_crash(client_of: Any) -> None:
    with EmbeddedRegistry(Behaviour(authentication=BasicAuthentication({USER: PASSWORD}))) as registry:
        with pytest.raises(UnavailableError) as caught:
            client_of(registry, login=Anonymous()).tags("team/a")
        assert caught.value.cause is Cause.UNAUTHORIZED
        assert len(registry.requests) == 1


@pytest.mark.parametrize(
    "path", ["../../x", "a?x=1", "Team/App", "", "a//b", "a b", "a/", "a#b", "a%2fb", "é"]
)
def test_15_no_odd_path_reaches_a_url(plain: EmbeddedRegistry, client_of: Any, path: str) -> None:
    client = client_of(plain)
    asked: list[Any] = [
        lambda: client.tags(path),
        lambda: client.resolve(path, "v1"),
        lambda: client.put_blob(path, b""),
        lambda: client.delete_tag(path, "v1"),
    ]
    for ask in asked:
        with pytest.raises(MalformedError):
            ask()
    assert plain.requests == ()


@pytest.mark.parametrize("tag", ["../x", "a?b", "", ".a", "-a", "a" * 129, "a b", "a/b"])
def test_15_no_odd_tag_reaches_a_url(plain: EmbeddedRegistry, client_of: Any, tag: str) -> None:
    with pytest.raises(MalformedError):
        client_of(plain).resolve("team/a", tag)
    assert plain.requests == ()


def test_15_docker_hub_is_asked_where_it_answers() -> None:
    assert RegistrySettings(host="docker.io").base_url == "https://registry-1.docker.io"


@pytest.mark.parametrize("size", [-1.5, -1, "5", None])
def test_16_a_descriptor_with_an_impossible_size_is_refused(
    plain: EmbeddedRegistry, client_of: Any, size: object
) -> None:
    document: Any = put(plain, "team/a", "v1").document
    document["config"]["size"] = size
    plain.store.put_manifest("team/a", json.dumps(document).encode(), OCI_MANIFEST, tags=("odd",))
    with pytest.raises(GatekeeperError):
        client_of(plain).manifest_at("team/a", "odd")


def test_17_a_layer_is_streamed_in_pieces(plain: EmbeddedRegistry, client_of: Any) -> None:
    image = put(plain, "team/a", "v1", built=images.image({"big": bytes(3_000_000)}))
    with EmbeddedRegistry() as elsewhere:
        target = client_of(elsewhere)
        sent: list[int] = []
        honest = target.do_request

        def watched(url: str, method: str = "GET", data: Any = None, *args: Any, **more: Any) -> Answer:
            if isinstance(data, Iterable) and not isinstance(data, bytes):
                data = list(data)
                sent.extend(map(len, data))
            answer: Answer = honest(url, method, data, *args, **more)
            return answer

        target.do_request = watched
        client_of(plain).copy_closure("team/a", Digest.parse(image.digest), target, "team/a")
    assert len(sent) > 10
    assert max(sent) <= 256 * 1024


def test_18_the_environment_changes_nothing(
    plain: EmbeddedRegistry, client_of: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login thief password stolen\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    put(plain, "team/a", "v1")
    assert client_of(plain).tags("team/a") == ("v1",)
    assert not any("authorization" in request.headers for request in plain.requests)


def test_every_request_goes_through_do_request(guarded: EmbeddedRegistry, client_of: Any) -> None:
    image = put(guarded, "team/a", "v1")
    client = client_of(guarded)
    seen: list[str] = []
    honest = client.do_request

    def watched(url: str, method: str = "GET", *args: Any, **more: Any) -> Any:
        seen.append(method)
        return honest(url, method, *args, **more)

    client.do_request = watched
    client.ping()
    client.tags("team/a")
    list(client.repositories())
    digest = client.resolve("team/a", "v1").digest
    client.referrers("team/a", digest)
    client.copy_closure("team/a", digest, client, "team/b")
    client.put_manifest("team/a", image.raw, image.media_type, tag="v2")
    client.delete_tag("team/a", "v2")
    renewed = sum(request.status == 401 for request in guarded.requests)
    assert len(seen) == len(guarded.requests) - renewed


def test_a_round_over_unchanged_tags_costs_one_head_a_tag(guarded: EmbeddedRegistry, client_of: Any) -> None:
    names = [f"v{number}" for number in range(20)]
    image = put(guarded, "team/a", *names)
    known = Digest.parse(image.digest)
    client = client_of(guarded)
    client.ping()
    for tag in client.tags("team/a"):
        assert client.resolve("team/a", tag, known=known).unchanged
    methods = [request.method for request in guarded.requests if request.path.startswith("/v2/team")]
    assert methods == ["GET", *["HEAD"] * 20]
    assert tokens(guarded) <= 2  # one for the ping, one for the repository
    assert all(request.status in (200, 304) for request in guarded.requests[3:])


def test_what_oras_inherits_works_over_our_door(plain: EmbeddedRegistry, client_of: Any) -> None:
    image = put(plain, "team/a", "v1", "v2")
    client = client_of(plain)
    assert sorted(client.get_tags(f"{plain.host}/team/a")) == ["v1", "v2"]
    assert client.get_manifest(f"{plain.host}/team/a:v1") == image.document


@pytest.mark.parametrize("tells", [True, False])
def test_an_identity_token_is_exchanged_by_post(client_of: Any, tells: bool) -> None:
    authentication = TokenAuthentication(
        {USER: PASSWORD}, refresh_tokens={"refresh-me": USER}, tells_expiry=tells
    )
    with EmbeddedRegistry(Behaviour(authentication=authentication)) as registry:
        put(registry, "team/a", "v1")
        client = client_of(registry, login=IdentityToken(SecretText("refresh-me")))
        assert client.tags("team/a") == ("v1",)
        (asked,) = [request for request in registry.requests if request.path == "/token"]
        assert asked.method == "POST"
        assert "refresh-me" not in asked.target


def test_a_rotated_secret_needs_no_restart(client_of: Any, tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("old\n")
    clock = Turned()
    users = {USER: "old"}
    with EmbeddedRegistry(Behaviour(authentication=BasicAuthentication(users))) as registry:
        put(registry, "team/a", "v1")
        client = client_of(registry, login=UsernamePassword(USER, SecretInFile(str(secret))), monotonic=clock)
        assert client.tags("team/a") == ("v1",)
        users[USER] = "new"
        secret.write_text("new\n")
        assert client.tags("team/a") == ("v1",)
