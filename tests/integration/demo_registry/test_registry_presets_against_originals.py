"""The presets answer as the registries they are named after: the same requests, the same statuses."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator

import pytest

from gatekeeper.demo.images import Built, Flavour, artifact, image, index, referrer
from gatekeeper.demo.registry import Behaviour, EmbeddedRegistry
from gatekeeper.demo.registry_push import PushClient

_APP = image({"etc/motd": "hello"})
_DOCKER_APP = image({"etc/motd": "hello"}, flavour=Flavour.DOCKER)
_BOTH = index([_APP])
_DOCKER_BOTH = index([_DOCKER_APP], flavour=Flavour.DOCKER)
_SBOM = referrer(_APP, "text/plain", b"x")
_OCI, _DOCKER = _APP.media_type, _DOCKER_APP.media_type
_NAME = "presets/app"
_V2 = f"/v2/{_NAME}"
_BLOB = _APP.pieces[0].digest

_PROBES: dict[str, tuple[str, str, bytes, dict[str, str]]] = {
    "ping": ("GET", "/v2/", b"", {}),
    "oci without accept": ("GET", f"{_V2}/manifests/app", b"", {}),
    "oci with star": ("HEAD", f"{_V2}/manifests/app", b"", {"Accept": "*/*"}),
    "oci with docker accept": ("GET", f"{_V2}/manifests/app", b"", {"Accept": _DOCKER}),
    "oci with accept": ("HEAD", f"{_V2}/manifests/app", b"", {"Accept": f"{_DOCKER}, {_OCI}"}),
    "docker with oci accept": ("GET", f"{_V2}/manifests/docker", b"", {"Accept": _OCI}),
    "list with manifest accept": ("HEAD", f"{_V2}/manifests/docker-both", b"", {"Accept": _DOCKER}),
    "unchanged": ("HEAD", f"{_V2}/manifests/app", b"", {"Accept": _OCI, "If-None-Match": f'"{_APP.digest}"'}),
    "unchanged, bare": ("GET", f"{_V2}/manifests/app", b"", {"Accept": _OCI, "If-None-Match": _APP.digest}),
    "unchanged, weak": (
        "GET",
        f"{_V2}/manifests/app",
        b"",
        {"Accept": _OCI, "If-None-Match": f'W/"{_APP.digest}"'},
    ),
    "unknown tag": ("GET", f"{_V2}/manifests/none", b"", {"Accept": _OCI}),
    "unknown repository": ("GET", "/v2/no/such/tags/list", b"", {}),
    "unknown blob": ("GET", f"{_V2}/blobs/sha256:{'0' * 64}", b"", {}),
    "blob": ("HEAD", f"{_V2}/blobs/{_BLOB}", b"", {}),
    "part of a blob": ("GET", f"{_V2}/blobs/{_BLOB}", b"", {"Range": "bytes=1-3"}),
    "referrers": ("GET", f"{_V2}/referrers/{_APP.digest}", b"", {}),
    "tags": ("GET", f"{_V2}/tags/list", b"", {}),
    "catalog": ("GET", "/v2/_catalog?n=1", b"", {}),
    "type unknown": ("PUT", f"{_V2}/manifests/x", b'{"schemaVersion":2}', {"Content-Type": "application/x"}),
    "type of another": ("PUT", f"{_V2}/manifests/x", _APP.raw, {"Content-Type": _DOCKER}),
    "manifest without blobs": ("PUT", "/v2/presets/empty/manifests/x", _APP.raw, {"Content-Type": _OCI}),
    "index without children": (
        "PUT",
        "/v2/presets/empty/manifests/x",
        _BOTH.raw,
        {"Content-Type": _BOTH.media_type},
    ),
    "wrong digest": ("PUT", f"{_V2}/manifests/sha256:{'0' * 64}", _APP.raw, {"Content-Type": _OCI}),
    "upload start": ("POST", f"{_V2}/blobs/uploads/", b"", {}),
    "upload at once": ("POST", f"/v2/presets/new/blobs/uploads/?digest={_BLOB}", b"x", {}),
    "mount": ("POST", f"/v2/presets/new/blobs/uploads/?mount={_BLOB}&from={_NAME}", b"", {}),
    "mount of nothing": ("POST", f"{_V2}/blobs/uploads/?mount=sha256:{'0' * 64}&from={_NAME}", b"", {}),
    "mount without from": ("POST", f"/v2/presets/new/blobs/uploads/?mount={_BLOB}", b"", {}),
    "upload unknown": ("PATCH", f"{_V2}/blobs/uploads/none", b"x", {}),
    "delete tag": ("DELETE", f"{_V2}/manifests/gone", b"", {}),
    "delete digest": ("DELETE", f"{_V2}/manifests/{_SBOM.digest}", b"", {}),
    "delete digest again": ("DELETE", f"{_V2}/manifests/{_SBOM.digest}", b"", {}),
    "delete blob": ("DELETE", f"{_V2}/blobs/{_SBOM.pieces[1].digest}", b"", {}),
    "delete blob again": ("DELETE", f"{_V2}/blobs/{_SBOM.pieces[1].digest}", b"", {}),
}


@pytest.fixture(params=["debian", "distribution3"])
def pair(request: pytest.FixtureRequest) -> Iterator[tuple[str, str]]:
    """The URLs of an original and of the preset named after it."""
    behaviour = Behaviour.docker_registry_2() if request.param == "debian" else Behaviour.distribution_3()
    name = "debian_registry_server" if request.param == "debian" else "distribution3_server"
    original = request.getfixturevalue(name)
    with EmbeddedRegistry(behaviour) as registry:
        yield original.url, registry.url
        assert registry.internal_errors == ()


def answers(url: str) -> dict[str, object]:
    """What a registry says to every probe: the status, and what else a client may build on."""
    found: dict[str, object] = {}
    with PushClient(url) as client:
        for tag, built in _stock().items():
            client.push(_NAME, built, tag)
        for name, (method, target, body, headers) in _PROBES.items():
            status, told, content = client.request(method, target, body, headers)
            subject = told.get("oci-subject")
            digest = told.get("docker-content-digest") if method in ("GET", "HEAD") else None
            codes = json.loads(content)["errors"][0]["code"] if status == 400 and content else None
            found[name] = (status, digest, told.get("etag"), subject, codes)
        found["sha512"] = _sha512_status(client)
    return found


def _stock() -> dict[str, Built]:
    gone = artifact([], annotations={"to be": "deleted"})
    return {
        "app": _APP,
        "docker": _DOCKER_APP,
        "both": _BOTH,
        "docker-both": _DOCKER_BOTH,
        "sbom": _SBOM,
        "gone": gone,
    }


def _sha512_status(client: PushClient) -> int:
    at = f"{_V2}/manifests/sha512:{hashlib.sha512(_APP.raw).hexdigest()}"
    return client.request("PUT", at, _APP.raw, {"Content-Type": _OCI})[0]


@pytest.mark.judge("registry")
def test_preset_answers_like_its_original(pair: tuple[str, str]) -> None:
    original, preset = pair
    assert answers(preset) == answers(original)
