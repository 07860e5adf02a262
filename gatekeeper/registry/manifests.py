"""Manifests: resolve, get, put, delete (distribution-spec, "Pulling manifests" and "Pushing Manifests")."""

from __future__ import annotations

from dataclasses import dataclass

from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import ConflictError, MalformedError, NotOfferedError
from gatekeeper.core.manifest import MANIFEST_TYPES, Manifest, parse_manifest
from gatekeeper.registry.answers import error_code, failure, media_type_of, protocol_error, unsupported
from gatekeeper.registry.asking import Asking, Terms, checked_path, checked_tag, expect
from gatekeeper.registry.scope import deleting, reading, writing
from gatekeeper.transport.message import Answer

ACCEPT = ", ".join(MANIFEST_TYPES)
_ACCEPTING = {"Accept": ACCEPT}
_TORN_READ_PAUSES = (0.05, 0.2, 0.5)
"""Seconds between attempts at a PUT that met a half-written file in the registry."""


@dataclass(frozen=True, slots=True)
class Head:
    """What a HEAD of a manifest said."""

    digest: Digest
    media_type: str | None
    size: int | None
    unchanged: bool
    conditional: bool | None
    """Whether the registry honours If-None-Match; None when this answer does not tell."""


def head(asking: Asking, path: str, tag: str, known: Digest | None = None) -> Head:
    """One HEAD of a tag. Raises NotFoundError, UnavailableError."""
    headers = _ACCEPTING if known is None else {"Accept": ACCEPT, "If-None-Match": f'"{known}"'}
    answer = asking.ask(
        "HEAD", f"/v2/{checked_path(path)}/manifests/{checked_tag(tag)}", headers, terms=Terms(reading(path))
    )
    what = f"{asking.host}/{path}:{tag}"
    said = answer.headers.get("Docker-Content-Digest")
    if answer.status_code == 304 and known is not None:
        if said is not None and said != str(known):
            raise protocol_error(what, "it answered 304 with another digest")
        return Head(known, None, None, unchanged=True, conditional=True)
    expect(answer, what, 200)
    digest = _digest(said, what) if said is not None else manifest_at(asking, path, tag).digest
    length = answer.headers.get("Content-Length")
    return Head(
        digest,
        media_type_of(answer.headers),
        int(length) if length is not None and length.isdecimal() and len(length) < 19 else None,
        unchanged=digest == known,
        conditional=False if digest == known else None,
    )


def manifest(asking: Asking, path: str, digest: Digest) -> Manifest:
    """By digest. Raises NotFoundError, UnavailableError, MalformedError."""
    what = f"{asking.host}/{path}@{digest}"
    answer = _get(asking, path, str(digest), what)
    if not digest.matches(answer.content):
        raise protocol_error(what, "the bytes have another digest")
    said = answer.headers.get("Docker-Content-Digest")
    if said is not None and said != str(digest) and said.startswith(f"{digest.algorithm}:"):
        raise protocol_error(what, "Docker-Content-Digest names another digest")
    return parse_manifest(answer.content, content_type=_declared(answer), expected=digest)


def manifest_at(asking: Asking, path: str, tag: str) -> Manifest:
    """By tag. Raises NotFoundError, UnavailableError, MalformedError."""
    what = f"{asking.host}/{path}:{checked_tag(tag)}"
    answer = _get(asking, path, tag, what)
    said = answer.headers.get("Docker-Content-Digest")
    expected = _digest(said, what) if said is not None else Digest.of(answer.content)
    if not expected.matches(answer.content):
        raise protocol_error(what, "the bytes have another digest than Docker-Content-Digest says")
    return parse_manifest(answer.content, content_type=_declared(answer), expected=expected)


def put(
    asking: Asking,
    path: str,
    raw: bytes,
    media_type: str,
    reference: str,
    *,
    digest: Digest | None = None,
    replacing: Digest | None = None,
    creating: bool = False,
) -> Answer:
    """PUT these bytes at a tag or digest, unchanged; the answer's digest is checked.

    ``replacing`` and ``creating`` make it conditional where the registry honours that (most do not): ConflictError
    when it says that the world moved. Raises UnavailableError when it does not take the bytes.
    """
    digest = digest or Digest.of(raw)
    what = f"put {asking.host}/{checked_path(path)}:{reference}"
    headers = {"Content-Type": media_type}
    if replacing is not None:
        headers["If-Match"] = f'"{replacing}"'
    elif creating:
        headers["If-None-Match"] = "*"
    by_digest = reference == str(digest)
    terms = Terms(writing(path), repeatable=by_digest)
    answer = asking.ask("PUT", f"/v2/{path}/manifests/{reference}", headers, raw, terms=terms)
    for pause in _TORN_READ_PAUSES:
        if not (by_digest and answer.status_code == 400 and error_code(answer) == "DIGEST_INVALID"):
            break
        # These bytes have this digest. A registry on files says so when it reads the link of a blob that another
        # pusher is writing at this moment (seen on Distribution 2.8.2).
        asking.sleep(pause)
        answer = asking.ask("PUT", f"/v2/{path}/manifests/{reference}", headers, raw, terms=terms)
    if answer.status_code == 412 and (replacing is not None or creating):
        raise ConflictError(f"{what}: the tag moved", reason_code="tag-moved")
    if answer.status_code == 404:
        # The repository or a blob it needs: the push cannot be done, which is no statement about the manifest.
        raise protocol_error(what, "it answered 404 to a push")
    expect(answer, what, 200, 201)
    said = answer.headers.get("Docker-Content-Digest")
    if said is not None and said != str(digest) and said.startswith(f"{digest.algorithm}:"):
        raise protocol_error(what, "it confirmed another digest than that of the bytes")
    return answer


def delete_tag(asking: Asking, path: str, tag: str) -> None:
    """DELETE by tag. Raises NotOfferedError, NotFoundError, UnavailableError."""
    _delete(asking, path, checked_tag(tag), f"delete tag {asking.host}/{path}:{tag}", by_tag=True)


def delete_manifest(asking: Asking, path: str, digest: Digest) -> None:
    """DELETE by digest. Raises NotOfferedError, NotFoundError, UnavailableError."""
    _delete(asking, path, str(digest), f"delete {asking.host}/{path}@{digest}", by_tag=False)


def _delete(asking: Asking, path: str, reference: str, what: str, *, by_tag: bool) -> None:
    answer = asking.ask(
        "DELETE", f"/v2/{checked_path(path)}/manifests/{reference}", terms=Terms(deleting(path))
    )
    # Distribution 2 answers 400 to a tag: it only knows digests here.
    if unsupported(answer) or (by_tag and answer.status_code == 400):
        raise NotOfferedError(f"{what}: the registry does not do that", reason_code="delete-not-offered")
    expect(answer, what, 200, 202, 204)


def _get(asking: Asking, path: str, reference: str, what: str) -> Answer:
    terms = Terms(reading(path), cap=asking.settings.caps.manifest)
    answer = asking.ask("GET", f"/v2/{checked_path(path)}/manifests/{reference}", _ACCEPTING, terms=terms)
    if answer.status_code != 200:
        raise failure(answer, what)
    return answer


def _declared(answer: Answer) -> str | None:
    return answer.headers.get("Content-Type")


def _digest(text: str, what: str) -> Digest:
    try:
        return Digest.parse(text)
    except MalformedError as error:
        raise protocol_error(what, "Docker-Content-Digest is no digest") from error
