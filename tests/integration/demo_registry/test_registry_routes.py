"""The end points one by one, as the distribution specification words them."""

from __future__ import annotations

import hashlib
import json
from urllib.parse import urlsplit

import pytest

from gatekeeper.demo.images import artifact, image, index, referrer
from gatekeeper.demo.registry import Behaviour, EmbeddedRegistry
from gatekeeper.demo.registry_push import PushClient

_APP = image({"etc/motd": "hello"})
_OTHER = image({"etc/motd": "other"})
_JSON = "application/vnd.oci.image.manifest.v1+json"


def code(body: bytes) -> str:
    return str(json.loads(body)["errors"][0]["code"])


def sha256(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def sha512(content: bytes) -> str:
    return f"sha512:{hashlib.sha512(content).hexdigest()}"


def test_ping(client: PushClient) -> None:
    status, headers, _ = client.request("GET", "/v2/")
    assert (status, headers["docker-distribution-api-version"]) == (200, "registry/2.0")


def test_a_pushed_manifest_comes_back_byte_for_byte(registry: EmbeddedRegistry, client: PushClient) -> None:
    client.push("team/app", _APP, "1")
    for reference in ("1", _APP.digest):
        status, headers, body = client.request("GET", f"/v2/team/app/manifests/{reference}")
        assert (status, body) == (200, _APP.raw)
        assert headers["docker-content-digest"] == _APP.digest
        assert headers["content-type"] == _APP.media_type
        status, head, body = client.request("HEAD", f"/v2/team/app/manifests/{reference}")
        assert (status, body, head["content-length"]) == (200, b"", str(len(_APP.raw)))


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(("form", "status"), [('"{}"', 304), ("{}", 304), ('W/"{}"', 200), ('"x"', 200)])
def test_if_none_match(client: PushClient, method: str, form: str, status: int) -> None:
    client.push("team/app", _APP, "1")
    blob = _APP.pieces[0].digest
    for path, digest in (
        (f"manifests/{_APP.digest}", _APP.digest),
        ("manifests/1", _APP.digest),
        (f"blobs/{blob}", blob),
    ):
        asked = {"If-None-Match": form.format(digest)}
        answered, headers, body = client.request(method, f"/v2/team/app/{path}", headers=asked)
        assert answered == status
        assert headers["etag"] == f'"{digest}"'
        assert (body == b"") is (status == 304 or method == "HEAD")


@pytest.mark.parametrize(
    ("asked", "status", "content", "told"),
    [
        ("bytes=0-3", 206, b"0123", "bytes 0-3/10"),
        ("bytes=7-", 206, b"789", "bytes 7-9/10"),
        ("bytes=-2", 206, b"89", "bytes 8-9/10"),
        ("bytes=-99", 206, b"0123456789", "bytes 0-9/10"),
        ("bytes=4-99", 206, b"456789", "bytes 4-9/10"),
        ("bytes=10-", 416, None, "bytes */10"),
        ("bytes=-0", 416, None, "bytes */10"),
        ("bytes=0-1,3-4", 200, b"0123456789", None),
        ("lines=1-2", 200, b"0123456789", None),
        ("bytes=-", 200, b"0123456789", None),
    ],
)
def test_range(
    registry: EmbeddedRegistry,
    client: PushClient,
    asked: str,
    status: int,
    content: bytes | None,
    told: str | None,
) -> None:
    digest = registry.store.put_blob("team/app", b"0123456789")
    answered, headers, body = client.request("GET", f"/v2/team/app/blobs/{digest}", headers={"Range": asked})
    assert (answered, headers.get("content-range")) == (status, told)
    assert content is None or body == content


class TestUpload:
    """The ways a blob comes in."""

    def start(self, client: PushClient) -> str:
        status, headers, _ = client.request("POST", "/v2/team/app/blobs/uploads/")
        assert status == 202
        return headers["location"]

    def test_monolithic_post(self, registry: EmbeddedRegistry, client: PushClient) -> None:
        for digest in (sha256(b"x"), sha512(b"x")):
            status, headers, _ = client.request("POST", f"/v2/team/app/blobs/uploads/?digest={digest}", b"x")
            assert (status, headers["location"]) == (201, f"/v2/team/app/blobs/{digest}")
            assert registry.store.blob("team/app", digest) == b"x"

    def test_chunks_and_their_mistakes(self, registry: EmbeddedRegistry, client: PushClient) -> None:
        where = self.start(client)
        assert client.request("PATCH", where, b"abc", {"Content-Range": "0-2"})[0] == 202
        for wrong in ("0-2", "4-6", "3-9", "junk"):
            status, headers, _ = client.request("PATCH", where, b"def", {"Content-Range": wrong})
            assert (status, headers["range"], headers["location"]) == (416, "0-2", where)
        status, headers, _ = client.request("GET", where)
        assert (status, headers["range"]) == (204, "0-2")
        assert client.request("PATCH", where, b"de")[0] == 202
        digest = sha256(b"abcdef")
        end = f"{where}?digest={digest}"
        assert client.request("PUT", end, b"f", {"Content-Range": "4-4"})[0] == 416
        assert client.request("PUT", end, b"f", {"Content-Range": "5-5"})[0] == 201
        assert registry.store.blob("team/app", digest) == b"abcdef"
        assert registry.open_uploads == 0

    def test_wrong_digest_is_refused(self, registry: EmbeddedRegistry, client: PushClient) -> None:
        wrong = sha256(b"other")
        status, _, body = client.request("POST", f"/v2/team/app/blobs/uploads/?digest={wrong}", b"x")
        assert (status, code(body)) == (400, "DIGEST_INVALID")
        status, _, body = client.request("PUT", f"{self.start(client)}?digest={wrong}", b"x")
        assert (status, code(body)) == (400, "DIGEST_INVALID")
        status, _, body = client.request("PUT", self.start(client), b"x")
        assert (status, code(body)) == (400, "DIGEST_INVALID")
        assert registry.dump() == {}

    def test_cancel(self, registry: EmbeddedRegistry, client: PushClient) -> None:
        where = self.start(client)
        assert registry.open_uploads == 1
        assert client.request("DELETE", where)[0] == 204
        status, _, body = client.request("PATCH", where, b"x")
        assert (status, code(body), registry.open_uploads) == (404, "BLOB_UPLOAD_UNKNOWN", 0)

    def test_a_session_belongs_to_its_repository(self, client: PushClient) -> None:
        elsewhere = self.start(client).replace("team/app", "team/other")
        assert client.request("PATCH", elsewhere, b"x")[0] == 404

    def test_mount(self, registry: EmbeddedRegistry, client: PushClient) -> None:
        digest = registry.store.put_blob("source", b"x")
        mount = f"/v2/target/blobs/uploads/?mount={digest}"
        status, headers, _ = client.request("POST", f"{mount}&from=nowhere")
        assert (status, registry.store.blob("target", digest)) == (202, None)
        status, headers, _ = client.request("POST", f"{mount}&from=source")
        assert (status, headers["location"]) == (201, f"/v2/target/blobs/{digest}")
        assert registry.store.blob("target", digest) == b"x"
        assert client.request("POST", f"/v2/third/blobs/uploads/?mount={digest}")[0] == 201

    def test_blob_cap(self) -> None:
        with EmbeddedRegistry(Behaviour(blob_cap=4)) as registry, PushClient(registry.url) as client:
            where = self.start(client)
            assert client.request("PATCH", where, b"abc")[0] == 202
            status, _, body = client.request("PATCH", where, b"de")
            assert (status, code(body)) == (413, "SIZE_INVALID")


class TestManifestPut:
    """What is stored and what is refused."""

    def put(self, client: PushClient, raw: bytes, media_type: str = _JSON, at: str = "1") -> tuple[int, str]:
        status, _, body = client.request(
            "PUT", f"/v2/team/app/manifests/{at}", raw, {"Content-Type": media_type} if media_type else {}
        )
        return status, code(body) if status >= 400 else ""

    def test_needs_its_blobs_and_children_but_not_its_subject(
        self, registry: EmbeddedRegistry, client: PushClient
    ) -> None:
        assert self.put(client, _APP.raw) == (400, "MANIFEST_BLOB_UNKNOWN")
        both = index([_APP])
        assert self.put(client, both.raw, both.media_type) == (400, "MANIFEST_BLOB_UNKNOWN")
        lonely = referrer(_APP, "text/plain", b"x")
        client.push("team/app", lonely)
        listed = registry.store.referrers("team/app", _APP.digest)
        assert [manifest.digest for manifest in listed] == [lonely.digest]

    def test_foreign_layers_need_not_be_there(self, client: PushClient) -> None:
        layers = [
            {"mediaType": "application/x", "digest": sha256(b"1"), "size": 1, "urls": ["http://elsewhere/"]}
        ]
        foreign = artifact([], extra={"layers": layers})
        client.push("team/app", foreign, "1")

    def test_content_type_must_be_the_media_type(
        self, registry: EmbeddedRegistry, client: PushClient
    ) -> None:
        _APP.store_in(registry.store, "team/app")
        docker = "application/vnd.docker.distribution.manifest.v2+json"
        assert self.put(client, _APP.raw, docker) == (400, "MANIFEST_INVALID")
        assert self.put(client, _APP.raw, f"{_JSON}; charset=utf-8") == (201, "")
        assert self.put(client, _APP.raw, "") == (201, "")

    @pytest.mark.parametrize(
        "raw",
        [
            b"",
            b"junk",
            b"[]",
            b"\xff\xfe",
            b'{"a":' * 60_000,
            b'{"schemaVersion":1}',
            b'{"schemaVersion":2,"config":1,"layers":[]}',
            b'{"schemaVersion":2,"config":{"digest":"sha256:xyz","size":1},"layers":[]}',
            b'{"schemaVersion":2,"config":{"digest":"sha256:%b","size":-1},"layers":[]}' % (b"0" * 64),
            b'{"schemaVersion":2,"config":{"digest":"sha256:%b","size":1},"layers":null}' % (b"0" * 64),
            b'{"schemaVersion":2,"config":{"digest":"sha256:%b","size":1},"layers":[1]}' % (b"0" * 64),
            b'{"schemaVersion":2,"manifests":[],"config":{},"layers":[]}',
        ],
    )
    def test_nonsense_is_refused(self, registry: EmbeddedRegistry, client: PushClient, raw: bytes) -> None:
        assert self.put(client, raw) == (400, "MANIFEST_INVALID")
        assert registry.dump() == {}

    def test_cap(self, client: PushClient) -> None:
        room = 4 * 1024 * 1024
        client.push_blob("team/app", b"{}", sha256(b"{}"))
        bare = len(artifact([], annotations={"a": ""}).raw)
        fits = artifact([], annotations={"a": "x" * (room - bare)})
        assert len(fits.raw) == room
        assert self.put(client, fits.raw) == (201, "")
        assert self.put(client, fits.raw + b" ") == (413, "SIZE_INVALID")

    def test_by_digest(self, registry: EmbeddedRegistry, client: PushClient) -> None:
        _APP.store_in(registry.store, "team/app")
        assert self.put(client, _APP.raw, at=sha256(b"other")) == (400, "DIGEST_INVALID")
        assert self.put(client, _APP.raw, at="sha256:short") == (400, "DIGEST_INVALID")
        assert self.put(client, _APP.raw, at=sha512(_APP.raw)) == (201, "")
        status, headers, _ = client.request("GET", f"/v2/team/app/manifests/{sha512(_APP.raw)}")
        assert (status, headers["docker-content-digest"]) == (200, sha512(_APP.raw))

    @pytest.mark.parametrize(
        ("tag", "status"),
        [("-a", 400), (".a", 400), ("a" * 129, 400), ("a%20b", 400), ("a" * 128, 201), ("sha256-x.sig", 201)],
    )
    def test_tag_names(self, registry: EmbeddedRegistry, client: PushClient, tag: str, status: int) -> None:
        _APP.store_in(registry.store, "team/app")
        assert self.put(client, _APP.raw, at=tag)[0] == status

    def test_answers_with_the_subject(self, client: PushClient) -> None:
        sbom = referrer(_APP, "text/plain", b"x")
        for piece in sbom.pieces:
            client.push_blob("team/app", piece.content, piece.digest)
        headers = client.put_manifest("team/app", sbom.digest, sbom.raw, sbom.media_type)
        assert headers["oci-subject"] == _APP.digest

    def test_a_tag_moves(self, registry: EmbeddedRegistry, client: PushClient) -> None:
        client.push("team/app", _APP, "1")
        client.push("team/app", _OTHER, "1")
        assert client.resolve("team/app", "1") == _OTHER.digest
        assert client.manifest("team/app", _APP.digest) == _APP.raw


class TestDelete:
    """By tag, by digest, of blobs."""

    def test_by_tag_leaves_the_manifest_and_its_other_tags(
        self, registry: EmbeddedRegistry, client: PushClient
    ) -> None:
        client.push("team/app", _APP, "1", "2")
        assert client.request("DELETE", "/v2/team/app/manifests/1")[0] == 202
        assert registry.store.tags("team/app") == {"2": _APP.digest}
        assert client.manifest("team/app", _APP.digest) == _APP.raw
        status, _, body = client.request("DELETE", "/v2/team/app/manifests/1")
        assert (status, code(body)) == (404, "MANIFEST_UNKNOWN")

    def test_by_digest_takes_every_tag_and_the_referrer_entry(
        self, registry: EmbeddedRegistry, client: PushClient
    ) -> None:
        client.push("team/app", _APP, "1", "2")
        sbom = referrer(_APP, "text/plain", b"x")
        client.push("team/app", sbom, "sbom")
        assert client.request("DELETE", f"/v2/team/app/manifests/{sbom.digest}")[0] == 202
        assert registry.store.referrers("team/app", _APP.digest) == []
        assert client.request("DELETE", f"/v2/team/app/manifests/{_APP.digest}")[0] == 202
        assert registry.dump()["team/app"]["tags"] == {}
        assert registry.dump()["team/app"]["manifests"] == {}
        assert client.tags("team/app") == []
        # The blobs stay, so the very same bytes can be put back.
        assert client.put_manifest("team/app", "1", _APP.raw, _APP.media_type)

    def test_blob(self, registry: EmbeddedRegistry, client: PushClient) -> None:
        digest = registry.store.put_blob("team/app", b"x")
        registry.store.mount_blob("team/app", "team/other", digest)
        assert client.request("DELETE", f"/v2/team/app/blobs/{digest}")[0] == 202
        status, _, body = client.request("DELETE", f"/v2/team/app/blobs/{digest}")
        assert (status, code(body)) == (404, "BLOB_UNKNOWN")
        assert registry.store.blob("team/other", digest) == b"x"


class TestLists:
    """Tags, catalog, referrers, and their pages."""

    def pages(self, client: PushClient, target: str, member: str) -> list[list[str]]:
        found = []
        while True:
            status, headers, body = client.request("GET", target)
            assert status == 200
            found.append(
                [entry["digest"] if isinstance(entry, dict) else entry for entry in json.loads(body)[member]]
            )
            if "link" not in headers:
                return found
            target, _, relation = headers["link"].removeprefix("<").partition(">; ")
            assert relation == 'rel="next"'
            assert not urlsplit(target).netloc

    def test_tags(self, registry: EmbeddedRegistry, client: PushClient) -> None:
        _APP.store_in(registry.store, "team/app", "b", "C", "a", "d+".replace("+", "x"))
        listing = "/v2/team/app/tags/list"
        assert self.pages(client, listing, "tags") == [["a", "b", "C", "dx"]]
        assert self.pages(client, f"{listing}?n=3", "tags") == [["a", "b", "C"], ["dx"]]
        assert self.pages(client, f"{listing}?n=2", "tags") == [["a", "b"], ["C", "dx"]]
        assert self.pages(client, f"{listing}?n=2&last=b", "tags") == [["C", "dx"]]
        assert self.pages(client, f"{listing}?last=bb", "tags") == [["C", "dx"]]
        assert self.pages(client, f"{listing}?n=0", "tags") == [[]]
        status, _, body = client.request("GET", f"{listing}?n=-1")
        assert (status, code(body)) == (400, "PAGINATION_NUMBER_INVALID")
        status, _, body = client.request("GET", "/v2/no/such/tags/list")
        assert (status, code(body)) == (404, "NAME_UNKNOWN")

    def test_catalog(self, registry: EmbeddedRegistry, client: PushClient) -> None:
        for name in ("z", "a/b", "m"):
            registry.store.put_blob(name, b"x")
        assert self.pages(client, "/v2/_catalog", "repositories") == [["a/b", "m", "z"]]
        assert self.pages(client, "/v2/_catalog?n=2", "repositories") == [["a/b", "m"], ["z"]]

    def test_pages_the_client_did_not_ask_for(self) -> None:
        behaviour = Behaviour(page_size=2, referrers_page_size=2)
        with EmbeddedRegistry(behaviour) as registry, PushClient(registry.url) as client:
            _APP.store_in(registry.store, "team/app", "a", "b", "c", "d")
            assert self.pages(client, "/v2/team/app/tags/list", "tags") == [["a", "b"], ["c", "d"]]
            assert self.pages(client, "/v2/team/app/tags/list?n=3", "tags") == [["a", "b"], ["c", "d"]]
            hanging = [referrer(_APP, f"x/{number % 2}", b"%d" % number) for number in range(5)]
            for one in hanging:
                one.store_in(registry.store, "team/app")
            digests = [one.digest for one in hanging]
            listing = f"/v2/team/app/referrers/{_APP.digest}"
            assert self.pages(client, listing, "manifests") == [digests[:2], digests[2:4], digests[4:]]
            filtered = self.pages(client, f"{listing}?artifactType=x%2F0", "manifests")
            assert filtered == [[digests[0], digests[2]], [digests[4]]]

    def test_referrers(self, registry: EmbeddedRegistry, client: PushClient) -> None:
        sbom = referrer(_APP, "application/spdx+json", b"{}", annotations={"k": "v"})
        signed = image({"a": "b"}, subject=_APP)
        listed = index([], subject=_APP, artifact_type="x/list")
        for one in (sbom, signed, listed):
            one.store_in(registry.store, "team/app")
        listing = f"/v2/team/app/referrers/{_APP.digest}"
        status, headers, body = client.request("GET", listing)
        document = json.loads(body)
        assert (status, headers["content-type"]) == (200, "application/vnd.oci.image.index.v1+json")
        assert document["mediaType"] == headers["content-type"]
        assert document["manifests"] == [
            {**sbom.descriptor(), "artifactType": "application/spdx+json", "annotations": {"k": "v"}},
            {**signed.descriptor(), "artifactType": "application/vnd.oci.image.config.v1+json"},
            {**listed.descriptor(), "artifactType": "x/list"},
        ]
        status, headers, body = client.request("GET", f"{listing}?artifactType=x/list")
        assert headers["oci-filters-applied"] == "artifactType"
        assert [entry["digest"] for entry in json.loads(body)["manifests"]] == [listed.digest]

    def test_referrers_of_the_unknown_are_an_empty_list(self, client: PushClient) -> None:
        status, _, body = client.request("GET", f"/v2/no/such/referrers/{_APP.digest}")
        assert (status, json.loads(body)["manifests"]) == (200, [])
        status, _, body = client.request("GET", "/v2/no/such/referrers/junk")
        assert (status, code(body)) == (400, "DIGEST_INVALID")


@pytest.mark.parametrize(
    ("method", "target", "status", "expected"),
    [
        ("GET", "/v2/no/such/manifests/1", 404, "NAME_UNKNOWN"),
        ("GET", "/v2/there/manifests/1", 404, "MANIFEST_UNKNOWN"),
        ("GET", "/v2/there/manifests/sha256:1", 400, "DIGEST_INVALID"),
        ("GET", "/v2/there/manifests/md5:1", 400, "DIGEST_INVALID"),
        ("GET", f"/v2/there/blobs/{_APP.digest}", 404, "BLOB_UNKNOWN"),
        ("GET", "/v2/there/blobs/junk", 400, "DIGEST_INVALID"),
        ("GET", "/v2/UPPER/manifests/1", 400, "NAME_INVALID"),
        ("GET", "/v2/a/../b/manifests/1", 400, "NAME_INVALID"),
        ("GET", "/v2/a/%2e%2e/b/manifests/1", 400, "NAME_INVALID"),
        ("GET", f"/v2/{'a' * 256}/manifests/1", 400, "NAME_INVALID"),
        ("GET", "/", 404, "UNSUPPORTED"),
        ("GET", "/v2/there/what", 404, "UNSUPPORTED"),
        ("POST", "/v2/there/manifests/1", 405, "UNSUPPORTED"),
        ("PUT", f"/v2/there/blobs/{_APP.digest}", 405, "UNSUPPORTED"),
        ("POST", "/v2/there/tags/list", 405, "UNSUPPORTED"),
        ("GET", "/v2/there/blobs/uploads/", 405, "UNSUPPORTED"),
        ("GET", "/v2/there/blobs/uploads/none", 404, "BLOB_UPLOAD_UNKNOWN"),
    ],
)
def test_errors(
    registry: EmbeddedRegistry, client: PushClient, method: str, target: str, status: int, expected: str
) -> None:
    registry.store.put_blob("there", b"x")
    answered, _, body = client.request(method, target)
    assert (answered, code(body)) == (status, expected)
