"""How the client behaves towards a hostile registry: what it sends where, how often, and what it never does."""

from __future__ import annotations

import pytest

from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import Cause, NotFoundError, UnavailableError
from gatekeeper.core.manifest import parse_manifest
from gatekeeper.demo import images
from gatekeeper.demo.registry import Behaviour, EmbeddedRegistry, Match, TokenAuthentication
from gatekeeper.demo.registry_faults import (
    Answer,
    Headers,
    Json,
    LinkTo,
    LocationTo,
    LoseAnswer,
    PretendSuccess,
    Redirect,
    Replace,
    Status,
)
from gatekeeper.registry.client import OciRegistry
from gatekeeper.registry.settings import RegistrySettings, SecretText, UsernamePassword
from gatekeeper.transport.connection import BOUNDS, BoundedHTTPConnection
from gatekeeper.transport.faults import AddressRefusedError
from tests.integration.hostile.conftest import CAPS, HASTE, PACE, PATH, Scene

pytestmark = pytest.mark.timeout(20)
LOGIN = UsernamePassword("robot", SecretText("pass-word"))
GUARDED = Behaviour(authentication=TokenAuthentication({"robot": "pass-word"}))


def guarded(registry: EmbeddedRegistry, *realms: str) -> OciRegistry:
    return OciRegistry(
        RegistrySettings(
            host=registry.host,
            plain_http=True,
            credentials=LOGIN,
            auth_realms=realms,
            timeouts=HASTE,
            caps=CAPS,
            pace=PACE,
        ),
        sleep=lambda _seconds: None,
    )


def test_a_link_to_another_host_is_an_error_and_is_not_followed(
    scene: Scene, other: EmbeddedRegistry
) -> None:
    scene.registry.faults.add(Match(path="/tags/list"), LinkTo(f"{other.url}/v2/{PATH}/tags/list"))
    with pytest.raises(UnavailableError) as caught:
        scene.client.tags(PATH)
    assert caught.value.cause is Cause.PROTOCOL
    assert other.requests == ()


def test_an_upload_location_on_another_host_is_an_error_and_gets_nothing(
    scene: Scene, other: EmbeddedRegistry
) -> None:
    scene.registry.faults.add(Match("POST"), LocationTo(f"{other.url}{{location}}"))
    with pytest.raises(UnavailableError) as caught:
        scene.client.put_blob(PATH, b"secret layer")
    assert caught.value.cause is Cause.PROTOCOL
    assert other.requests == ()


def test_a_blob_redirected_to_another_host_arrives_without_our_authorization(other: EmbeddedRegistry) -> None:
    with EmbeddedRegistry(GUARDED) as registry:
        image = images.image({"a": b"b"})
        image.store_in(registry.store, PATH, "v1")
        image.store_in(other.store, PATH, "v1")
        registry.faults.add(Match("GET", "/blobs/"), Redirect(f"{other.url}{{target}}"))
        client = guarded(registry)
        config = client.manifest_at(PATH, "v1").config  # type: ignore[union-attr]
        assert config.digest.matches(client.blob(PATH, config, cap=4096))
        client.close()
        (arrived,) = other.requests
        assert "authorization" not in arrived.headers
        (asked,) = [
            request for request in registry.requests if "/blobs/" in request.path and request.status != 401
        ]
        assert asked.headers["authorization"].startswith("Bearer ")


def test_a_blob_redirected_to_another_host_is_checked_all_the_same(
    scene: Scene, other: EmbeddedRegistry
) -> None:
    scene.registry.faults.add(Match("GET", "/blobs/"), Redirect(f"{other.url}/v2/"))
    with pytest.raises(UnavailableError) as caught:
        scene.client.blob(PATH, scene.manifest.config, cap=4096)
    assert caught.value.cause is Cause.PROTOCOL


def test_a_realm_on_another_host_gets_no_password_and_the_error_says_what_to_add() -> None:
    with EmbeddedRegistry() as thief:
        stolen = Behaviour(
            authentication=TokenAuthentication({"robot": "pass-word"}, realm=f"{thief.url}/token")
        )
        with EmbeddedRegistry(stolen) as registry:
            client = guarded(registry)
            with pytest.raises(UnavailableError) as caught:
                client.tags(PATH)
            client.close()
        assert caught.value.cause is Cause.UNAUTHORIZED
        assert caught.value.reason_code == "auth-realm-not-allowed"
        assert f'auth_realms = ["{thief.url}"]' in caught.value.message
        assert thief.requests == ()


def test_a_realm_that_is_allowed_is_asked() -> None:
    shared = b"one secret of both"
    tokens = Behaviour(authentication=TokenAuthentication({"robot": "pass-word"}, secret=shared))
    with EmbeddedRegistry(tokens) as service:
        ours = TokenAuthentication({"robot": "pass-word"}, realm=f"{service.url}/token", secret=shared)
        with EmbeddedRegistry(Behaviour(authentication=ours)) as registry:
            images.image({"a": b"b"}).store_in(registry.store, PATH, "v1")
            client = guarded(registry, service.url)
            assert client.tags(PATH) == ("v1",)
            client.close()


@pytest.mark.parametrize(
    "document",
    [{}, {"token": 5}, {"token": "a b"}, {"token": "a\r\nX: y"}, {"token": "x" * 5000}, []],
    ids=["none", "no text", "a space", "a new line", "too much", "no object"],
)
def test_a_token_answer_that_is_none_is_unavailable(document: object) -> None:
    with EmbeddedRegistry(GUARDED) as registry:
        registry.faults.add(Match(path="/token"), Json(document))
        client = guarded(registry)
        with pytest.raises(UnavailableError) as caught:
            client.tags(PATH)
        client.close()
        assert caught.value.cause in (Cause.PROTOCOL, Cause.OVER_CAP)


def test_a_challenge_cannot_talk_us_into_another_repositorys_token() -> None:
    with EmbeddedRegistry(GUARDED) as registry:
        challenge = (
            f'Bearer realm="{registry.url}/token",service="s",scope="repository:secret/repo:pull,push,delete"'
        )
        registry.faults.add(Match(path="/tags/list"), Status(401, challenge=challenge))
        client = guarded(registry)
        with pytest.raises(UnavailableError) as caught:
            client.tags(PATH)
        client.close()
        assert caught.value.cause is Cause.UNAUTHORIZED
        asked = [request.target for request in registry.requests if request.path == "/token"]
        assert asked
        assert not any("secret" in target for target in asked)


def test_a_refused_login_is_tried_once_and_its_secret_is_in_no_message() -> None:
    with EmbeddedRegistry(GUARDED) as registry:
        wrong = UsernamePassword("robot", SecretText("wrong-password"))
        client = OciRegistry(RegistrySettings(host=registry.host, plain_http=True, credentials=wrong))
        with pytest.raises(UnavailableError) as caught:
            client.tags(PATH)
        client.close()
        assert caught.value.reason_code == "token-refused"
        assert "wrong-password" not in caught.value.message
        assert sum(request.path == "/token" for request in registry.requests) == 1


def test_an_outage_is_asked_again_and_no_more_than_told(scene: Scene) -> None:
    scene.registry.faults.add(Match("HEAD"), Status(503))
    with pytest.raises(UnavailableError):
        scene.client.resolve(PATH, "v1")
    assert scene.asked("HEAD") == PACE.attempts


def test_a_short_outage_is_not_noticed(scene: Scene) -> None:
    scene.registry.faults.add(Match("HEAD", times=1), Status(502))
    assert scene.client.resolve(PATH, "v1").digest == scene.digest


def test_a_write_is_never_sent_twice(scene: Scene) -> None:
    scene.registry.faults.add(Match("PUT|POST|DELETE"), Status(503))
    with pytest.raises(UnavailableError):
        scene.client.put_manifest(PATH, scene.image.raw, scene.image.media_type, tag="v2")
    with pytest.raises(UnavailableError):
        scene.client.delete_manifest(PATH, scene.digest)
    assert (scene.asked("PUT"), scene.asked("DELETE")) == (1, 1)


def test_a_half_written_link_in_the_registry_is_asked_again(scene: Scene) -> None:
    torn = scene.registry.faults.add(Match("PUT", times=2), Status(400, code="DIGEST_INVALID"))
    put = scene.client.put_manifest(PATH, scene.image.raw, scene.image.media_type, tag=None)
    assert (put, torn.hits, scene.asked("PUT")) == (scene.digest, 2, 3)


def test_a_registry_that_never_takes_a_digest_is_not_asked_for_ever(scene: Scene) -> None:
    scene.registry.faults.add(Match("PUT"), Status(400, code="DIGEST_INVALID"))
    with pytest.raises(UnavailableError):
        scene.client.put_manifest(PATH, scene.image.raw, scene.image.media_type, tag=None)
    assert scene.asked("PUT") == 4


def test_a_lost_answer_to_a_write_is_unavailable_and_not_repeated(scene: Scene) -> None:
    scene.registry.faults.add(Match("PUT"), LoseAnswer())
    with pytest.raises(UnavailableError) as caught:
        scene.client.put_manifest(PATH, scene.image.raw, scene.image.media_type, tag="v2")
    assert caught.value.cause is Cause.CONNECT
    assert scene.asked("PUT") == 1


def test_a_long_retry_after_pauses_every_question_to_this_registry(scene: Scene) -> None:
    scene.registry.faults.add(Match(times=1), Status(429, retry_after="3600"))
    with pytest.raises(UnavailableError) as caught:
        scene.client.resolve(PATH, "v1")
    assert caught.value.cause is Cause.RATE_LIMITED
    asked = len(scene.registry.requests)
    with pytest.raises(UnavailableError) as again:
        scene.client.tags(PATH)
    assert again.value.cause is Cause.RATE_LIMITED
    assert again.value.retry_after is not None
    assert again.value.retry_after > 3000
    assert len(scene.registry.requests) == asked


def test_a_flickering_404_is_reported_each_time_as_it_is(scene: Scene) -> None:
    scene.registry.faults.add(Match("HEAD", every=2), Status(404, "MANIFEST_UNKNOWN"))
    with pytest.raises(NotFoundError):
        scene.client.resolve(PATH, "v1")
    assert scene.client.resolve(PATH, "v1").digest == scene.digest


def test_a_copy_that_was_only_said_to_be_done_is_found_out(scene: Scene) -> None:
    scene.registry.faults.add(Match("PUT", "/quarantine/app/manifests/"), PretendSuccess())
    with pytest.raises(UnavailableError) as caught:
        scene.client.copy_closure(PATH, scene.digest, scene.client, "quarantine/app")
    assert caught.value.reason_code == "copy-not-readable"


def test_a_push_confirmed_with_another_digest_is_an_error(scene: Scene) -> None:
    scene.registry.faults.add(Match("PUT"), Headers.one("Docker-Content-Digest", f"sha256:{'b' * 64}"))
    with pytest.raises(UnavailableError) as caught:
        scene.client.put_manifest(PATH, scene.image.raw, scene.image.media_type, tag="v2")
    assert caught.value.cause is Cause.PROTOCOL


def test_a_streamed_blob_with_wrong_bytes_is_never_completed_at_the_target(
    scene: Scene, other: EmbeddedRegistry
) -> None:
    target = OciRegistry(RegistrySettings(host=other.host, plain_http=True, timeouts=HASTE))
    lie = scene.registry.faults.add(
        Match("GET", "/blobs/"), Replace(lambda moment: _flipped(moment.proceed()))
    )
    with pytest.raises(UnavailableError):
        scene.client.copy_closure(PATH, scene.digest, target, PATH)
    target.close()
    assert lie.hits
    assert not any(
        other.store.blob(PATH, str(descriptor.digest)) is not None
        for descriptor in (scene.manifest.config, *scene.manifest.layers)
    )
    assert other.open_uploads == 0


def _flipped(answer: Answer) -> Answer:
    body = bytearray(answer.content())
    body[-1] ^= 1
    answer.body = bytes(body)
    return answer


def _hang(scene: Scene, count: int) -> None:
    for number in range(count):
        images.referrer(scene.image, "text/plain", b"%d" % number).store_in(scene.registry.store, PATH)


def test_more_referrers_than_we_read_are_a_gap_and_not_a_short_list(scene: Scene) -> None:
    _hang(scene, CAPS.referrer_count + 5)
    found = scene.client.referrers(PATH, scene.digest)
    assert len(found.items) == CAPS.referrer_count
    assert found.gap is not None
    assert found.gap.cause is Cause.OVER_CAP


def test_a_referrers_api_that_stops_working_is_a_gap_and_not_an_empty_list(scene: Scene) -> None:
    _hang(scene, 1)
    assert len(scene.client.referrers(PATH, scene.digest).items) == 1
    scene.registry.faults.add(Match(path="/referrers/"), Status(404))
    found = scene.client.referrers(PATH, scene.digest)
    assert found.gap is not None
    assert found.gap.cause is Cause.PROTOCOL


@pytest.mark.parametrize("status", [404, 400, 405])
def test_a_referrers_api_that_flickers_at_first_is_asked_again(scene: Scene, status: int) -> None:
    _hang(scene, 1)
    scene.registry.faults.add(Match(path="/referrers/", times=1), Status(status))
    assert scene.client.referrers(PATH, scene.digest).items == ()
    assert len(scene.client.referrers(PATH, scene.digest).items) == 1


def test_a_registry_without_referrers_api_is_not_asked_for_ever() -> None:
    with EmbeddedRegistry(Behaviour.docker_registry_2()) as registry:
        image = images.image({"a": b"b"})
        image.store_in(registry.store, PATH, "v1")
        now = [0.0]
        client = OciRegistry(RegistrySettings(host=registry.host, plain_http=True), monotonic=lambda: now[0])
        digest = Digest.parse(image.digest)

        def asked() -> int:
            for _ in range(10):
                client.referrers(PATH, digest, tags=frozenset())
            return sum("/referrers/" in request.path for request in registry.requests)

        assert asked() == 3
        now[0] = 301.0
        assert asked() == 4
        client.close()


def test_an_address_that_must_not_be_reached_gets_no_byte(scene: Scene) -> None:
    # What the name resolved to before does not count: the address that is really connected to does.
    host, _, port = scene.registry.host.partition(":")
    connection = BoundedHTTPConnection(host, int(port))
    BOUNDS.admits = lambda address: address != "127.0.0.1"
    try:
        with pytest.raises(AddressRefusedError):
            connection.connect()
    finally:
        BOUNDS.admits = None
    assert connection.sock is None
    assert scene.registry.requests == ()


@pytest.mark.parametrize(
    ("fault", "cause"),
    [
        (Status(500), Cause.SERVER_ERROR),
        (Status(403), Cause.FORBIDDEN),
        (Headers.one("Content-Type", "text/html"), Cause.PROTOCOL),
        (Json({"schemaVersion": 2, "manifests": [{"digest": "junk"}]}), Cause.PROTOCOL),
        (LinkTo("http://127.0.0.1:1/v2/x"), Cause.PROTOCOL),
    ],
    ids=["500", "403", "a page for people", "no list", "a link elsewhere"],
)
def test_trouble_with_the_api_is_a_gap_beside_what_the_tags_name(
    scene: Scene, fault: Status | Headers | Json | LinkTo, cause: Cause
) -> None:
    signature = images.artifact([images.Piece(b"{}", "text/plain")])
    signature.store_in(scene.registry.store, PATH, f"{scene.digest.tag_form}.sig")
    scene.registry.faults.add(Match(path="/referrers/"), fault)
    found = scene.client.referrers(PATH, scene.digest)
    assert [str(item.descriptor.digest) for item in found.items] == [signature.digest]
    assert found.gap is not None
    assert found.gap.cause is cause


def test_a_listed_tag_that_is_404_is_a_gap(scene: Scene) -> None:
    tag = f"{scene.digest.tag_form}.sig"
    found = scene.client.referrers(PATH, scene.digest, tags=frozenset({tag}))
    assert found.gap is not None
    assert found.gap.cause is Cause.VANISHED


def test_a_closure_is_not_copied_while_a_part_is_unknown(scene: Scene) -> None:
    scene.registry.faults.add(Match(path="/referrers/"), Status(500))
    with pytest.raises(UnavailableError):
        scene.client.copy_closure(PATH, scene.digest, scene.client, "quarantine/app")
    assert scene.asked("PUT") == 0


def test_referrers_of_referrers_without_end_are_over_the_cap(scene: Scene) -> None:
    last = scene.image
    for number in range(CAPS.closure_depth + 2):
        last = images.referrer(last, "text/plain", b"%d" % number)
        last.store_in(scene.registry.store, PATH)
    with pytest.raises(UnavailableError) as caught:
        scene.client.closure(PATH, scene.digest)
    assert caught.value.cause is Cause.OVER_CAP


def test_a_blob_whose_descriptor_lies_about_the_size_is_the_contents_fault(scene: Scene) -> None:
    from dataclasses import replace

    config = scene.manifest.config
    with pytest.raises(UnavailableError) as caught:
        scene.client.blob(PATH, replace(config, size=config.size + 1), cap=4096)
    assert caught.value.cause is Cause.MALFORMED


def test_hostile_words_reach_no_message(scene: Scene) -> None:
    evil = {"errors": [{"code": "\x1b[31mEVIL", "message": "\x1b]0;owned\x07"}]}
    scene.registry.faults.add(Match("GET", "/manifests/"), Json(evil), Status(404))
    with pytest.raises(NotFoundError) as caught:
        scene.client.manifest(PATH, Digest("sha256", "c" * 64))
    assert "\x1b" not in caught.value.message
    assert "EVIL" not in caught.value.message


def test_a_child_that_is_gone_is_said_to_be_gone(scene: Scene) -> None:
    index = images.index([images.image({"a": b"1"}), images.image({"a": b"2"})])
    raw = index.raw
    scene.registry.store.put_manifest(PATH, raw, index.media_type, tags=("sparse",))
    with pytest.raises(NotFoundError):
        scene.client.closure(PATH, parse_manifest(raw, content_type=None, expected=None).digest)
