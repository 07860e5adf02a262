"""``/v2/<name>/manifests/<reference>`` (distribution-spec, "Pulling manifests", "Pushing Manifests", "Deleting")."""

from __future__ import annotations

import re

from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import MalformedError
from gatekeeper.demo.oci_registry import manifests
from gatekeeper.demo.oci_registry.behaviour import Behaviour
from gatekeeper.demo.oci_registry.manifests import DOCKER_LIST, DOCKER_MANIFEST, StoredManifest
from gatekeeper.demo.oci_registry.store import Store
from gatekeeper.demo.oci_registry.wire import Answer, RefusedError, Request

_TAG = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}", re.ASCII)


def requested_digest(text: str, behaviour: Behaviour) -> str:
    """The digest in a path or parameter. Raises RefusedError (400 DIGEST_INVALID)."""
    try:
        digest = Digest.parse(text)
    except MalformedError as error:
        raise RefusedError(400, "DIGEST_INVALID", str(error)) from error
    if digest.algorithm == "sha512" and not behaviour.sha512:
        raise RefusedError(400, "DIGEST_INVALID", "sha512 is not supported here")
    return str(digest)


def is_unchanged(request: Request, digest: str, behaviour: Behaviour) -> bool:
    """True when ``If-None-Match`` names this digest, quoted or bare, or ``*``; weak forms never match, as measured."""
    asked = request.headers.get("if-none-match")
    return behaviour.conditional and asked is not None and asked in (f'"{digest}"', digest, "*")


class ManifestRoutes:
    """The manifest end points over one store."""

    def __init__(self, store: Store, behaviour: Behaviour) -> None:
        self._store = store
        self._behaviour = behaviour

    def serve(self, request: Request, name: str, reference: str) -> Answer:
        """Answer one request. Raises RefusedError."""
        if request.method in ("GET", "HEAD"):
            return self._get(request, name, reference)
        if request.method == "PUT":
            return self._put(request, name, reference)
        if request.method == "DELETE":
            return self._delete(name, reference)
        raise RefusedError(
            405, "UNSUPPORTED", "method not allowed", headers={"Allow": "GET, HEAD, PUT, DELETE"}
        )

    def _get(self, request: Request, name: str, reference: str) -> Answer:
        if ":" in reference:
            requested_digest(reference, self._behaviour)
        manifest = self._store.manifest(name, reference)
        if manifest is None:
            code = "MANIFEST_UNKNOWN" if self._store.exists(name) else "NAME_UNKNOWN"
            raise RefusedError(404, code, "manifest unknown", detail={"name": name, "reference": reference})
        if self._behaviour.negotiates_accept:
            manifest = self._negotiated(request, name, manifest, by_tag=":" not in reference)
        headers = {"Content-Type": manifest.media_type}
        if self._behaviour.digest_header:
            headers["Docker-Content-Digest"] = manifest.digest
        if self._behaviour.conditional:
            headers["Etag"] = f'"{manifest.digest}"'
        if is_unchanged(request, manifest.digest, self._behaviour):
            del headers["Content-Type"]
            return Answer(304, {} if self._behaviour.bare_not_modified else headers)
        return Answer(200, headers, manifest.raw)

    def _negotiated(
        self, request: Request, name: str, manifest: StoredManifest, *, by_tag: bool
    ) -> StoredManifest:
        accepted = {part.partition(";")[0].strip() for part in request.headers.get("accept", "").split(",")}
        if manifest.media_type in accepted:
            return manifest
        if manifest.media_type == DOCKER_LIST and DOCKER_MANIFEST in accepted and by_tag:
            for child in manifest.children:
                found = self._store.manifest(name, child)
                if found is not None:
                    return found
        if "docker" in manifest.media_type:
            if not self._behaviour.negotiates_docker:
                return manifest
            raise RefusedError(
                400, "MANIFEST_INVALID", "the client does not accept this manifest's media type"
            )
        raise RefusedError(
            404, "MANIFEST_UNKNOWN", "OCI manifest found, but accept header does not support OCI manifests"
        )

    def _put(self, request: Request, name: str, reference: str) -> Answer:
        raw, behaviour = request.body, self._behaviour
        if len(raw) > behaviour.manifest_cap:
            raise RefusedError(413, "SIZE_INVALID", f"a manifest may have {behaviour.manifest_cap} bytes")
        media_type = request.headers.get("content-type", "").partition(";")[0].strip()
        media_type = media_type or manifests.declared_media_type(raw)
        if not media_type:
            raise RefusedError(400, "MANIFEST_INVALID", "Content-Type is missing")
        digest, tags = self._placed(request, reference, raw)
        manifests.check(raw, media_type, known_only=behaviour.known_media_types_only)
        manifest = manifests.read(raw, media_type, digest)
        self._check_presence(name, manifest)
        for tag in tags:
            if behaviour.immutable_tags and self._store.tag(name, tag) not in (None, digest):
                raise RefusedError(409, "DENIED", f"tag {tag} is immutable and points at another digest")
        self._store.put_manifest(name, raw, media_type, tags=tags, digest=digest)
        headers = {"Location": f"/v2/{name}/manifests/{digest}"}
        if behaviour.digest_header:
            headers["Docker-Content-Digest"] = digest
        if manifest.subject is not None and behaviour.referrers_api:
            headers["OCI-Subject"] = manifest.subject
        if tags and ":" in reference:
            headers["OCI-Tag"] = ", ".join(tags)
        return Answer(201, headers)

    def _placed(self, request: Request, reference: str, raw: bytes) -> tuple[str, list[str]]:
        if ":" not in reference:
            _check_tag(reference)
            return str(Digest.of(raw)), [reference]
        digest = requested_digest(reference, self._behaviour)
        if not Digest.parse(digest).matches(raw):
            raise RefusedError(400, "DIGEST_INVALID", "the body does not have this digest")
        tags = list(request.query.get("tag", ())) if self._behaviour.tag_parameter else []
        for tag in tags:
            _check_tag(tag)
        return digest, tags

    def _check_presence(self, name: str, manifest: StoredManifest) -> None:
        missing = [digest for digest in manifest.blobs if self._store.blob_size(name, digest) is None]
        missing += [digest for digest in manifest.children if self._store.manifest(name, digest) is None]
        if missing:
            raise RefusedError(
                400, "MANIFEST_BLOB_UNKNOWN", "blob or child manifest unknown", detail={"digests": missing}
            )

    def _delete(self, name: str, reference: str) -> Answer:
        if ":" in reference:
            digest = requested_digest(reference, self._behaviour)
            if not self._behaviour.digest_delete:
                raise RefusedError(405, "UNSUPPORTED", "the operation is unsupported")
            deleted = self._store.delete_manifest(name, digest)
        else:
            if not self._behaviour.tag_delete:
                # docker-registry 2.8.2 reads every reference as a digest here; others say 405.
                status, code = (
                    (400, "DIGEST_INVALID") if self._behaviour.plain_text_errors else (405, "UNSUPPORTED")
                )
                raise RefusedError(status, code, "tags cannot be deleted here")
            deleted = self._store.delete_tag(name, reference)
        if not deleted:
            raise RefusedError(404, "MANIFEST_UNKNOWN", "manifest unknown")
        return Answer(202)


def _check_tag(tag: str) -> None:
    if _TAG.fullmatch(tag) is None:
        raise RefusedError(
            400, "TAG_INVALID", "a tag is at most 128 of a-zA-Z0-9_.- and starts with none of . -"
        )
