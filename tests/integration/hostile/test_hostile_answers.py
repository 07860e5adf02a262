"""What a registry can do to a reader, and the typed error that each of it becomes: in time, within memory."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event

import pytest

from gatekeeper.core.errors import Cause, MalformedError, UnavailableError
from gatekeeper.demo.registry import Match
from gatekeeper.demo.registry_faults import (
    ContentLength,
    DeepJson,
    Drop,
    DuplicateKey,
    EndlessBody,
    EndlessPages,
    Fault,
    FlipByte,
    GarbageJson,
    GzipBomb,
    HeaderFlood,
    Headers,
    Json,
    LoopingLink,
    Oversized,
    RawBytes,
    Redirect,
    SlowDrip,
    Stall,
    StallBody,
    Status,
    TagFlood,
    Truncate,
    WrongBody,
)
from tests.integration.hostile.conftest import PATH, Scene

pytestmark = pytest.mark.timeout(20)

MANIFEST, TAGS, BLOB = "/manifests/", "/tags/list", "/blobs/"
Act = Callable[[Scene], object]


def resolve(scene: Scene) -> object:
    return scene.client.resolve(PATH, "v1")


def by_digest(scene: Scene) -> object:
    return scene.client.manifest(PATH, scene.digest)


def by_tag(scene: Scene) -> object:
    return scene.client.manifest_at(PATH, "v1")


def tags(scene: Scene) -> object:
    return scene.client.tags(PATH)


def blob(scene: Scene) -> object:
    return scene.client.blob(PATH, scene.manifest.config, cap=64 * 1024)


def catalog(scene: Scene) -> object:
    return list(scene.client.repositories())


INTERIM = b"HTTP/1.1 100 Continue\r\n\r\n" * 50
CONFLICT = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
TWO_LENGTHS = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}}"
NEGATIVE = b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n{}"
FOLDED = b"HTTP/1.1 200 OK\r\nX-A: b\r\n c\r\nContent-Length: 2\r\n\r\n{}"
LONG_LINE = b"HTTP/1.1 200 OK\r\nX-A: " + b"a" * 1_000_000 + b"\r\n\r\n"
BAD_CHUNK = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n{}\r\n0\r\n\r\n"
NO_STATUS = b"HTTP/1.1 abc OK\r\n\r\n"
NEVER = Event()

CASES: list[tuple[str, str, Act, Fault, Cause]] = [
    ("stalls before the head", MANIFEST, resolve, Stall(NEVER), Cause.TIMEOUT),
    ("stalls before the body", MANIFEST, by_digest, StallBody(NEVER), Cause.TIMEOUT),
    ("drips the body", MANIFEST, by_digest, SlowDrip(pause=0.05), Cause.TIMEOUT),
    ("drips a blob", BLOB, blob, SlowDrip(pause=0.05), Cause.TIMEOUT),
    ("hangs up", MANIFEST, resolve, Drop(), Cause.CONNECT),
    ("resets", MANIFEST, resolve, Drop(reset=True), Cause.CONNECT),
    ("speaks no HTTP", MANIFEST, resolve, RawBytes(), Cause.PROTOCOL),
    ("has no status", MANIFEST, resolve, RawBytes(NO_STATUS), Cause.PROTOCOL),
    ("sends interim answers for ever", MANIFEST, resolve, RawBytes(INTERIM), Cause.PROTOCOL),
    ("frames twice", TAGS, tags, RawBytes(CONFLICT), Cause.PROTOCOL),
    ("has two lengths", TAGS, tags, RawBytes(TWO_LENGTHS), Cause.PROTOCOL),
    ("has a negative length", TAGS, tags, RawBytes(NEGATIVE), Cause.PROTOCOL),
    ("folds a header", TAGS, tags, RawBytes(FOLDED), Cause.PROTOCOL),
    ("has an endless header line", TAGS, tags, RawBytes(LONG_LINE), Cause.PROTOCOL),
    ("has a chunk without size", TAGS, tags, RawBytes(BAD_CHUNK), Cause.PROTOCOL),
    ("floods headers", MANIFEST, resolve, HeaderFlood(2000), Cause.PROTOCOL),
    ("cuts a manifest off", MANIFEST, by_digest, Truncate(40), Cause.PROTOCOL),
    ("cuts a blob off", BLOB, blob, Truncate(40), Cause.PROTOCOL),
    ("announces too much", MANIFEST, by_digest, ContentLength(50_000), Cause.PROTOCOL),
    ("sends a huge manifest", MANIFEST, by_digest, Oversized(200 << 20), Cause.OVER_CAP),
    ("sends an endless manifest", MANIFEST, by_digest, EndlessBody(), Cause.OVER_CAP),
    ("sends an endless blob", BLOB, blob, EndlessBody(chunked=False), Cause.OVER_CAP),
    ("sends a gzip bomb", MANIFEST, by_digest, GzipBomb(1 << 24), Cause.PROTOCOL),
    ("flips a byte of a manifest", MANIFEST, by_digest, FlipByte(20), Cause.PROTOCOL),
    ("flips a byte at a tag", MANIFEST, by_tag, FlipByte(20), Cause.PROTOCOL),
    ("sends another blob", BLOB, blob, WrongBody(b"{}"), Cause.PROTOCOL),
    ("names a digest that is none", MANIFEST, resolve, Headers.one("Docker-Content-Digest", "junk"), Cause.PROTOCOL),
    (
        "names another digest",
        MANIFEST,
        by_digest,
        Headers.one("Docker-Content-Digest", f"sha256:{'a' * 64}"),
        Cause.PROTOCOL,
    ),
    ("answers 304 unasked", MANIFEST, resolve, Status(304), Cause.PROTOCOL),
    ("sends half a JSON", TAGS, tags, GarbageJson(), Cause.PROTOCOL),
    ("sends deep JSON", TAGS, tags, DeepJson(10_000), Cause.PROTOCOL),
    ("sends tags that are none", TAGS, tags, Json({"tags": ["../../x"]}), Cause.PROTOCOL),
    ("sends tags that are no texts", TAGS, tags, Json({"tags": [{}]}), Cause.PROTOCOL),
    ("floods tags", TAGS, tags, TagFlood(50_000), Cause.OVER_CAP),
    ("floods tags within a page", TAGS, tags, TagFlood(4000), Cause.OVER_CAP),
    ("has endless pages", TAGS, tags, EndlessPages(), Cause.OVER_CAP),
    ("pages in a circle", TAGS, tags, LoopingLink(), Cause.PROTOCOL),
    ("catalogs in a circle", "/_catalog", catalog, LoopingLink(), Cause.PROTOCOL),
    ("redirects a manifest", MANIFEST, by_digest, Redirect("http://127.0.0.1:1{target}"), Cause.PROTOCOL),
    ("redirects a blob for ever", BLOB, blob, Redirect("{target}"), Cause.PROTOCOL),
    ("redirects a blob to no URL", BLOB, blob, Redirect("http://[::1"), Cause.PROTOCOL),
    ("redirects a blob to a file", BLOB, blob, Redirect("file:///etc/passwd"), Cause.PROTOCOL),
    ("redirects a blob with a login", BLOB, blob, Redirect("http://a:b@127.0.0.1/"), Cause.PROTOCOL),
    ("redirects to the metadata service", BLOB, blob, Redirect("http://169.254.169.254/"), Cause.PROTOCOL),
    ("is out of order", MANIFEST, resolve, Status(503), Cause.SERVER_ERROR),
    ("has an internal error", MANIFEST, resolve, Status(500), Cause.SERVER_ERROR),
    ("limits our rate", MANIFEST, resolve, Status(429), Cause.RATE_LIMITED),
    ("wants a login for ever", MANIFEST, resolve, Status(401), Cause.UNAUTHORIZED),
    ("forbids", MANIFEST, resolve, Status(403), Cause.FORBIDDEN),
    ("blocks by its own policy", MANIFEST, by_digest, Status(412), Cause.FORBIDDEN),
    ("does not do that", MANIFEST, resolve, Status(405), Cause.METHOD_NOT_ALLOWED),
    ("is a teapot", MANIFEST, resolve, Status(418), Cause.PROTOCOL),
]  # fmt: skip


@pytest.mark.parametrize(
    ("where", "act", "fault", "cause"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_it_becomes_unavailable_with_its_cause(
    scene: Scene, where: str, act: Act, fault: Fault, cause: Cause
) -> None:
    scene.registry.faults.add(Match(path=where), fault)
    with pytest.raises(UnavailableError) as caught:
        act(scene)
    assert caught.value.cause is cause


@pytest.mark.parametrize(
    "fault",
    [
        DuplicateKey("config", {}),
        Headers.one("Content-Type", "application/vnd.oci.image.index.v1+json"),
        Json({"schemaVersion": 1}),
    ],
    ids=["a key twice", "another type than it says", "another schema"],
)
def test_ambiguous_bytes_are_malformed_never_absent(scene: Scene, fault: Fault) -> None:
    # Without the digest header the bytes are all there is to go by.
    scene.registry.faults.add(Match(path=MANIFEST), Headers.one("Docker-Content-Digest", None), fault)
    with pytest.raises(MalformedError):
        by_tag(scene)


@pytest.mark.parametrize(
    ("where", "act", "fault", "cause"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_the_next_question_is_answered_when_the_trouble_is_over(
    scene: Scene, where: str, act: Act, fault: Fault, cause: Cause
) -> None:
    trouble = scene.registry.faults.add(Match(path=where), fault)
    with pytest.raises(UnavailableError) as caught:
        act(scene)
    assert caught.value.cause is cause
    scene.registry.faults.remove(trouble)
    assert act(scene) is not None
