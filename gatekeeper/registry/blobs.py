"""Blobs: read, upload, stream, mount (distribution-spec, "Pulling blobs" and "Pushing blobs")."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from urllib.parse import quote

from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import Cause, GatekeeperError, UnavailableError
from gatekeeper.core.manifest import Descriptor
from gatekeeper.registry.answers import failure, protocol_error
from gatekeeper.registry.asking import Asking, Terms, checked_path, expect
from gatekeeper.registry.links import on_origin
from gatekeeper.registry.scope import reading, writing
from gatekeeper.transport.message import Answer, Redirects

OCTETS = "application/octet-stream"


def blob(asking: Asking, path: str, descriptor: Descriptor, cap: int) -> bytes:
    """Whole blob, digest and size checked. Raises UnavailableError, NotFoundError."""
    what = f"blob {asking.host}/{path}@{descriptor.digest}"
    if descriptor.size > cap:
        raise UnavailableError(
            f"{what}: {descriptor.size} bytes, at most {cap} are read", cause=Cause.OVER_CAP
        )
    terms = Terms(reading(path), cap=cap, redirects=Redirects.BLOB)
    answer = asking.ask("GET", f"/v2/{checked_path(path)}/blobs/{descriptor.digest}", terms=terms)
    if answer.status_code != 200:
        raise failure(answer, what)
    if not descriptor.digest.matches(answer.content):
        raise protocol_error(what, "the bytes have another digest")
    if len(answer.content) != descriptor.size:
        raise _wrong_size(what)
    return answer.content


@contextmanager
def reading_blob(asking: Asking, path: str, descriptor: Descriptor) -> Iterator[Iterator[bytes]]:
    """A blob's bytes in pieces; the last piece is followed by an error when digest or size are wrong.

    Raises UnavailableError, NotFoundError.
    """
    what = f"blob {asking.host}/{path}@{descriptor.digest}"
    caps = asking.settings.caps
    if descriptor.size > caps.layer:
        raise UnavailableError(
            f"{what}: {descriptor.size} bytes, at most {caps.layer} are copied", cause=Cause.OVER_CAP
        )
    terms = Terms(
        reading(path), cap=descriptor.size, total=asking.settings.timeouts.transfer, redirects=Redirects.BLOB
    )
    url = f"{asking.base}/v2/{checked_path(path)}/blobs/{descriptor.digest}"
    with asking.do_request(url, "GET", stream=True, terms=terms) as stream:
        if stream.status_code != 200:
            raise failure(Answer(stream.status_code, stream.headers, b"", stream.url, "GET"), what)
        yield _checked(stream.pieces(), descriptor, what)


def _checked(pieces: Iterable[bytes], descriptor: Descriptor, what: str) -> Iterator[bytes]:
    hasher = hashlib.new(descriptor.digest.algorithm)
    size = 0
    held = b""
    for piece in pieces:
        if held:
            yield held
        held = piece
        hasher.update(piece)
        size += len(piece)
    # The last piece is held back until all is known to be right: an upload of wrong bytes never completes.
    if hasher.hexdigest() != descriptor.digest.encoded:
        raise protocol_error(what, "the bytes have another digest")
    if size != descriptor.size:
        raise _wrong_size(what)
    yield held


def _wrong_size(what: str) -> UnavailableError:
    return UnavailableError(f"{what}: it has another size than its descriptor says", cause=Cause.MALFORMED)


def has_blob(asking: Asking, path: str, digest: Digest) -> bool:
    """One HEAD. Raises UnavailableError."""
    terms = Terms(reading(path), redirects=Redirects.BLOB)
    answer = asking.ask("HEAD", f"/v2/{checked_path(path)}/blobs/{digest}", terms=terms)
    if answer.status_code == 404:
        return False
    expect(answer, f"blob {asking.host}/{path}@{digest}", 200)
    return True


def put_blob(asking: Asking, path: str, content: bytes) -> Descriptor:
    """Uploads when absent. Raises UnavailableError."""
    descriptor = Descriptor(OCTETS, Digest.of(content), len(content))
    if not has_blob(asking, path, descriptor.digest):
        upload(asking, path, descriptor, content)
    return descriptor


def mount(asking: Asking, path: str, source: str, digest: Digest) -> str | None:
    """Mount from another repository: None when that was done, else the upload session opened instead.

    Raises UnavailableError.
    """
    what = f"mount {asking.host}/{path}@{digest}"
    query = f"?mount={quote(str(digest))}&from={quote(source, safe='')}"
    answer = asking.ask(
        "POST",
        f"/v2/{checked_path(path)}/blobs/uploads/{query}",
        {"Content-Length": "0"},
        terms=Terms(writing(path, checked_path(source))),
    )
    if answer.status_code == 201:
        return None
    return _session(asking, expect(answer, what, 202), what)


def upload(
    asking: Asking,
    path: str,
    descriptor: Descriptor,
    content: bytes | Iterable[bytes],
    *,
    session: str | None = None,
) -> None:
    """POST and PUT in one piece; a session left open by an error is cancelled. Raises UnavailableError."""
    what = f"upload {asking.host}/{path}@{descriptor.digest}"
    if session is None:
        started = asking.ask(
            "POST",
            f"/v2/{checked_path(path)}/blobs/uploads/",
            {"Content-Length": "0"},
            terms=Terms(writing(path)),
        )
        session = _session(asking, expect(started, what, 202), what)
    url = f"{session}{'&' if '?' in session else '?'}digest={quote(str(descriptor.digest))}"
    headers = {"Content-Type": OCTETS, "Content-Length": str(descriptor.size)}
    terms = Terms(writing(path), total=asking.settings.timeouts.transfer)
    try:
        answer = asking.do_request(url, "PUT", content, headers, terms=terms)
        expect(answer, what, 200, 201, 204)
    except GatekeeperError:
        with suppress(GatekeeperError):
            asking.do_request(session, "DELETE", terms=Terms(writing(path)))
        raise
    said = answer.headers.get("Docker-Content-Digest")
    if said is not None and said != str(descriptor.digest):
        raise protocol_error(what, "it confirmed another digest than that of the bytes")


def _session(asking: Asking, answer: Answer, what: str) -> str:
    location = answer.headers.get("Location")
    if not location:
        raise protocol_error(what, "it opened an upload and did not say where")
    return on_origin(location, answer.url, asking.origin, what)
