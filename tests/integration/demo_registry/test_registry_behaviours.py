"""Each switch of the embedded registry, and the presets as measured on the real ones."""

from __future__ import annotations

import hashlib
import json

import pytest

from gatekeeper.demo.images import Built, Flavour, image, index, referrer
from gatekeeper.demo.registry import Behaviour, Catalog, EmbeddedRegistry, RateLimit
from gatekeeper.demo.registry_push import PushClient
from tests.integration.demo_registry.turned_clock import TurnedClock

_APP = image({"etc/motd": "hello"})
_OTHER = image({"etc/motd": "other"})
_SBOM = referrer(_APP, "text/plain", b"x")
_OCI = "application/vnd.oci.image.manifest.v1+json"
_DOCKER = "application/vnd.docker.distribution.manifest.v2+json"
_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"


def ask(
    behaviour: Behaviour, method: str, target: str, *built: Built, **headers: str
) -> tuple[int, dict[str, str], bytes]:
    """One request to a registry that holds these at team/app:1, :2, …"""
    with EmbeddedRegistry(behaviour) as registry, PushClient(registry.url) as client:
        for number, one in enumerate(built, 1):
            one.store_in(registry.store, "team/app", str(number))
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = client.request(method, target, headers=named)
        assert registry.internal_errors == ()
        return answer


@pytest.mark.parametrize(
    ("behaviour", "method", "target", "status"),
    [
        (Behaviour(referrers_api=False), "GET", f"/v2/team/app/referrers/{_APP.digest}", 404),
        (Behaviour(tag_delete=False), "DELETE", "/v2/team/app/manifests/1", 405),
        (Behaviour(tag_delete=False), "DELETE", f"/v2/team/app/manifests/{_APP.digest}", 202),
        (Behaviour(digest_delete=False), "DELETE", f"/v2/team/app/manifests/{_APP.digest}", 405),
        (Behaviour(digest_delete=False), "DELETE", "/v2/team/app/manifests/1", 202),
        (Behaviour(blob_delete=False), "DELETE", f"/v2/team/app/blobs/{_APP.pieces[0].digest}", 405),
        (Behaviour(read_only=True), "DELETE", "/v2/team/app/manifests/1", 405),
        (Behaviour(read_only=True), "POST", "/v2/team/app/blobs/uploads/", 405),
        (Behaviour(read_only=True), "GET", "/v2/team/app/manifests/1", 200),
        (Behaviour(catalog=Catalog.MISSING), "GET", "/v2/_catalog", 404),
        (Behaviour(catalog=Catalog.UNAUTHORIZED), "GET", "/v2/_catalog", 401),
        (Behaviour.docker_registry_2(), "DELETE", "/v2/team/app/manifests/1", 400),
        (Behaviour.docker_registry_2(), "DELETE", f"/v2/team/app/manifests/{_APP.digest}", 202),
        (Behaviour.docker_registry_2(deletes=False), "DELETE", f"/v2/team/app/manifests/{_APP.digest}", 405),
        (Behaviour.distribution_3(), "DELETE", "/v2/team/app/manifests/1", 202),
        (Behaviour.distribution_3(), "GET", f"/v2/team/app/referrers/{_APP.digest}", 404),
        (Behaviour.ghcr_like(), "DELETE", "/v2/team/app/manifests/1", 405),
        (Behaviour.ghcr_like(), "GET", "/v2/_catalog", 401),
    ],
)
def test_what_is_not_offered(behaviour: Behaviour, method: str, target: str, status: int) -> None:
    assert ask(behaviour, method, target, _APP)[0] == status


def test_without_referrers_api_no_subject_is_told() -> None:
    with EmbeddedRegistry(Behaviour(referrers_api=False)) as registry, PushClient(registry.url) as client:
        for piece in _SBOM.pieces:
            client.push_blob("team/app", piece.content, piece.digest)
        assert "oci-subject" not in client.put_manifest("team/app", "1", _SBOM.raw, _SBOM.media_type)


def test_read_only_says_what_it_allows() -> None:
    for behaviour in (Behaviour(read_only=True), Behaviour.docker_registry_2(read_only=True)):
        status, headers, body = ask(behaviour, "PUT", "/v2/team/app/manifests/1", _APP)
        assert (status, headers["allow"]) == (405, "GET, HEAD")
        plain = headers["content-type"].startswith("text/plain")
        assert plain is behaviour.plain_text_errors
        assert (b"Method not allowed" in body) is True


def test_unfiltered_referrers() -> None:
    behaviour = Behaviour(referrers_filter=False)
    target = f"/v2/team/app/referrers/{_APP.digest}?artifactType=none"
    _, headers, body = ask(behaviour, "GET", target, _APP, _SBOM)
    assert "oci-filters-applied" not in headers
    assert len(json.loads(body)["manifests"]) == 1


def test_bare_headers() -> None:
    behaviour = Behaviour(digest_header=False, conditional=False)
    status, headers, _ = ask(
        behaviour, "GET", "/v2/team/app/manifests/1", _APP, If_None_Match=f'"{_APP.digest}"'
    )
    assert status == 200
    assert not {"docker-content-digest", "etag"} & headers.keys()


def test_immutable_tags() -> None:
    with EmbeddedRegistry(Behaviour(immutable_tags=True)) as registry, PushClient(registry.url) as client:
        client.push("team/app", _APP, "1")
        client.put_manifest("team/app", "1", _APP.raw, _APP.media_type)
        _OTHER.store_in(registry.store, "team/app")
        target = "/v2/team/app/manifests/1"
        status, _, _ = client.request("PUT", target, _OTHER.raw, {"Content-Type": _OTHER.media_type})
        assert (status, client.resolve("team/app", "1")) == (409, _APP.digest)


class TestForgetsUntagged:
    """A registry that keeps nothing without a tag."""

    def test_the_last_tag_takes_the_manifest_its_children_and_referrers(self) -> None:
        with (
            EmbeddedRegistry(Behaviour(forgets_untagged=True)) as registry,
            PushClient(registry.url) as client,
        ):
            both = index([_APP, _OTHER])
            client.push("team/app", both, "1", "2")
            client.push("team/app", _SBOM)
            client.push("team/app", _OTHER, "held")
            client.request("DELETE", "/v2/team/app/manifests/1")
            assert len(registry.dump()["team/app"]["manifests"]) == 4
            client.request("DELETE", "/v2/team/app/manifests/2")
            assert set(registry.dump()["team/app"]["manifests"]) == {_OTHER.digest}

    def test_a_moved_tag_too(self) -> None:
        with (
            EmbeddedRegistry(Behaviour(forgets_untagged=True)) as registry,
            PushClient(registry.url) as client,
        ):
            client.push("team/app", _APP, "1")
            client.push("team/app", _OTHER, "1")
            assert client.manifest("team/app", _APP.digest) is None


def test_rate_limit() -> None:
    clock = TurnedClock()
    behaviour = Behaviour(rate_limit=RateLimit(2, window=30, retry_after=7))
    with EmbeddedRegistry(behaviour, clock=clock) as registry, PushClient(registry.url) as client:
        assert client.request("GET", "/v2/")[1]["ratelimit-remaining"] == "1;w=30"
        status, headers, _ = client.request("GET", "/v2/none/manifests/1")
        assert (status, headers["ratelimit-remaining"]) == (404, "0;w=30")
        status, headers, body = client.request("GET", "/v2/")
        assert (status, headers["retry-after"], headers["ratelimit-limit"]) == (429, "7", "2;w=30")
        assert json.loads(body)["errors"][0]["code"] == "TOOMANYREQUESTS"
        clock.now += 30
        assert client.request("GET", "/v2/")[0] == 200


class TestDockerRegistry2:
    """registry.md: what Debian's docker-registry 2.8.2 was seen to answer."""

    @pytest.mark.parametrize(
        ("flavour", "accept", "status"),
        [
            (Flavour.OCI, "", 404),
            (Flavour.OCI, "*/*", 404),
            (Flavour.OCI, f"{_DOCKER}, {_LIST}", 404),
            (Flavour.OCI, f"{_DOCKER}, {_OCI};q=0.5", 200),
            (Flavour.DOCKER, _OCI, 400),
            (Flavour.DOCKER, "", 400),
            (Flavour.DOCKER, _DOCKER, 200),
        ],
    )
    def test_accept(self, flavour: Flavour, accept: str, status: int) -> None:
        built = image({"a": "b"}, flavour=flavour)
        behaviour = Behaviour.docker_registry_2()
        given = {"Accept": accept} if accept else {}
        assert ask(behaviour, "GET", "/v2/team/app/manifests/1", built, **given)[0] == status
        assert ask(behaviour, "HEAD", "/v2/team/app/manifests/1", built, **given)[0] == status

    def test_a_list_turns_into_its_first_child_for_old_clients(self) -> None:
        child = image({"a": "b"}, flavour=Flavour.DOCKER)
        both = index([child], flavour=Flavour.DOCKER)
        behaviour = Behaviour.docker_registry_2()
        for accept, digest in ((_DOCKER, child.digest), (f"{_DOCKER}, {_LIST}", both.digest)):
            _, headers, _ = ask(behaviour, "GET", "/v2/team/app/manifests/1", both, Accept=accept)
            assert headers["docker-content-digest"] == digest

    def test_tag_list_is_whole_unsorted_and_null_when_emptied(self) -> None:
        with EmbeddedRegistry(Behaviour.docker_registry_2()) as registry, PushClient(registry.url) as client:
            _APP.store_in(registry.store, "team/app", "z", "a", "m")
            status, headers, body = client.request("GET", "/v2/team/app/tags/list?n=1&last=m")
            assert (status, json.loads(body)["tags"]) == (200, ["z", "a", "m"])
            assert "link" not in headers
            client.request("DELETE", f"/v2/team/app/manifests/{_APP.digest}")
            status, _, body = client.request("GET", "/v2/team/app/tags/list")
            assert (status, json.loads(body)) == (200, {"name": "team/app", "tags": None})
            assert json.loads(client.request("GET", "/v2/_catalog")[2]) == {"repositories": ["team/app"]}

    def test_errors_of_unknown_routes_are_plain_text(self) -> None:
        target = f"/v2/team/app/referrers/{_APP.digest}"
        status, headers, body = ask(Behaviour.docker_registry_2(), "GET", target)
        assert (status, body) == (404, b"404 page not found\n")
        assert headers["content-type"].startswith("text/plain")

    def test_no_sha512_no_unknown_types_no_monolithic_post_no_anonymous_mount(self) -> None:
        with EmbeddedRegistry(Behaviour.docker_registry_2()) as registry, PushClient(registry.url) as client:
            _APP.store_in(registry.store, "team/app")
            at = f"/v2/team/app/manifests/sha512:{hashlib.sha512(_APP.raw).hexdigest()}"
            assert client.request("PUT", at, _APP.raw, {"Content-Type": _OCI})[0] == 400
            raw = b'{"schemaVersion":2,"mediaType":"application/x"}'
            assert (
                client.request("PUT", "/v2/team/app/manifests/1", raw, {"Content-Type": "application/x"})[0]
                == 400
            )
            digest = _APP.pieces[0].digest
            for query in (f"digest={digest}", f"mount={digest}"):
                assert client.request("POST", f"/v2/team/new/blobs/uploads/?{query}")[0] == 202
            mounted = client.request("POST", f"/v2/team/new/blobs/uploads/?mount={digest}&from=team/app")
            assert mounted[0] == 201

    def test_collection_takes_children_and_referrers(self) -> None:
        with EmbeddedRegistry(Behaviour.docker_registry_2()) as registry:
            both = index([_APP, _OTHER])
            both.store_in(registry.store, "team/app", "1")
            _SBOM.store_in(registry.store, "team/app")
            gone = registry.store.collect_untagged("team/app")
            assert set(gone) == {_APP.digest, _OTHER.digest, _SBOM.digest}
            assert set(registry.dump()["team/app"]["manifests"]) == {both.digest}
