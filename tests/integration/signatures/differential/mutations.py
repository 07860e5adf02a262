"""Signatures that are changed in one way each, by name: what is signed anew, what is spoiled after signing.

Each takes the image's digest and a key, and gives what is hung on the image.
"""

from __future__ import annotations

import json
import random
from base64 import b64decode, b64encode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from gatekeeper.core.digest import Digest
from gatekeeper.core.manifest import Descriptor
from gatekeeper.ports import Attachment
from gatekeeper.signatures import attaching, media_types
from gatekeeper.signatures.dsse import pre_authentication_encoding
from gatekeeper.signatures.signing import Layer, SigningKey, tagged

OTHER = Digest.of(b"another image")
CREATED = datetime(2026, 11, 24, tzinfo=UTC)
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Mutation:
    """One way to change a signature."""

    name: str
    form: str
    """``legacy`` or ``bundle``."""
    make: Callable[[SigningKey, Descriptor], Attachment]


# Legacy: claims are changed, then signed; or the layer is changed after that.


def claims_of(digest: Digest) -> Json:
    return {
        "critical": {
            "identity": {"docker-reference": "registry.example.test/app"},
            "image": {"docker-manifest-digest": str(digest)},
            "type": media_types.SIMPLE_SIGNING_CLAIM,
        },
        "optional": None,
    }


def dumped(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def layer_of(key: SigningKey, payload: bytes, **annotations: str) -> Layer:
    signature = b64encode(key.sign(payload)).decode()
    return Layer(
        media_types.SIMPLE_SIGNING, payload, {media_types.SIGNATURE_ANNOTATION: signature, **annotations}
    )


def claimed(name: str, change: Callable[[Json, Digest], object]) -> Mutation:
    """Signed after the change. ``change`` gives other claims, or changes those it is given."""

    def make(key: SigningKey, subject: Descriptor) -> Attachment:
        claims = claims_of(subject.digest)
        given = change(claims, subject.digest)
        payload = given if isinstance(given, bytes) else dumped(claims if given is None else given)
        return tagged(subject.digest, [layer_of(key, payload)])

    return Mutation(name, "legacy", make)


def spoiled(name: str, change: Callable[[bytes, dict[str, str]], tuple[bytes, str] | None]) -> Mutation:
    """Changed after signing: payload and media type, or the annotations in place."""

    def make(key: SigningKey, subject: Descriptor) -> Attachment:
        layer = layer_of(key, dumped(claims_of(subject.digest)))
        annotations = dict(layer.annotations)
        payload, media_type = change(layer.content, annotations) or (layer.content, layer.media_type)
        return tagged(subject.digest, [Layer(media_type, payload, annotations)])

    return Mutation(name, "legacy", make)


def _set(path: str, value: object) -> Callable[[Json, Digest], None]:
    def change(claims: Json, _digest: Digest) -> None:
        *way, last = path.split("/")
        here = claims
        for name in way:
            here = here[name]
        here[last] = value

    return change


def _without(path: str) -> Callable[[Json, Digest], None]:
    def change(claims: Json, _digest: Digest) -> None:
        *way, last = path.split("/")
        here = claims
        for name in way:
            here = here[name]
        del here[last]

    return change


_DIGEST = "critical/image/docker-manifest-digest"


def _text(change: Callable[[str, Digest], str]) -> Callable[[Json, Digest], bytes]:
    return lambda claims, digest: change(dumped(claims).decode(), digest).encode()


def _signature(change: Callable[[str], str]) -> Callable[[bytes, dict[str, str]], None]:
    def apply(_payload: bytes, annotations: dict[str, str]) -> None:
        name = media_types.SIGNATURE_ANNOTATION
        annotations[name] = change(annotations[name])

    return apply


LEGACY = (
    claimed("good", lambda _claims, _digest: None),
    claimed("digest of another image", _set(_DIGEST, str(OTHER))),
    claimed(
        "digest in upper case",
        lambda claims, digest: _set(_DIGEST, f"sha256:{digest.encoded.upper()}")(claims, digest),
    ),
    claimed(
        "digest without its algorithm", lambda claims, digest: _set(_DIGEST, digest.encoded)(claims, digest)
    ),
    claimed("digest absent", _without(_DIGEST)),
    claimed("digest is a number", _set(_DIGEST, 7)),
    claimed("image absent", _without("critical/image")),
    claimed("critical absent", _without("critical")),
    claimed("critical is a list", _set("critical", [])),
    claimed("type of something else", _set("critical/type", "atomic container signature")),
    claimed("type absent", _without("critical/type")),
    claimed("identity absent", _without("critical/identity")),
    claimed(
        "reference of another repository", _set("critical/identity/docker-reference", "evil.example.test/x")
    ),
    claimed("reference is a number", _set("critical/identity/docker-reference", 7)),
    claimed("unknown member in critical", _set("critical/more", "x")),
    claimed("unknown member in image", _set("critical/image/more", "x")),
    claimed("unknown member at the top", _set("more", "x")),
    claimed("optional is an object", _set("optional", {"a": "b", "n": 1})),
    claimed("optional is a list", _set("optional", [])),
    claimed("optional absent", _without("optional")),
    claimed(
        "digest twice, the good one last",
        _text(
            lambda text, _digest: text.replace(
                '{"docker-manifest-digest"', f'{{"docker-manifest-digest":"{OTHER}","docker-manifest-digest"'
            )
        ),
    ),
    claimed(
        "digest twice, the good one first",
        _text(
            lambda text, digest: text.replace(f'"{digest}"', f'"{digest}","docker-manifest-digest":"{OTHER}"')
        ),
    ),
    claimed(
        "digest in another spelling of its name",
        _text(lambda text, _digest: text.replace("docker-manifest-digest", "Docker-Manifest-Digest")),
    ),
    claimed(
        "critical in another spelling", _text(lambda text, _digest: text.replace('"critical"', '"Critical"'))
    ),
    claimed(
        "critical twice",
        _text(lambda text, _digest: text.replace('{"critical"', '{"critical":{},"critical"', 1)),
    ),
    claimed(
        "white space",
        _text(lambda text, _digest: text.replace(":", " :\n ").replace("sha256 :\n ", "sha256:")),
    ),
    claimed("garbage behind it", _text(lambda text, _digest: text + "garbage")),
    claimed("a second document behind it", _text(lambda text, _digest: text + text)),
    claimed("a byte order mark", _text(lambda text, _digest: "\ufeff" + text)),
    claimed("no JSON", _text(lambda _text, _digest: "no json")),
    claimed("nothing", _text(lambda _text, _digest: "")),
    claimed("a list", lambda _claims, _digest: b"[]"),
    spoiled("signature with white space in it", _signature(lambda text: text[:8] + "\n" + text[8:])),
    spoiled("signature with white space behind it", _signature(lambda text: text + " ")),
    spoiled(
        "signature in the URL alphabet",
        _signature(lambda text: urlsafe_b64encode(b64decode(text) + b"\xff\xfe").decode()),
    ),
    spoiled("signature without padding", _signature(lambda text: text.rstrip("="))),
    spoiled("signature empty", _signature(lambda _text: "")),
    spoiled(
        "signature with a byte more", _signature(lambda text: b64encode(b64decode(text) + b"\0").decode())
    ),
    spoiled("signature of zeros", _signature(lambda text: b64encode(bytes(len(b64decode(text)))).decode())),
    spoiled("signature annotation absent", lambda _payload, annotations: annotations.clear()),
    spoiled("layer of another media type", lambda payload, _annotations: (payload, "application/json")),
    spoiled(
        "payload changed",
        lambda payload, _annotations: (payload.replace(b"null", b"{}"), media_types.SIMPLE_SIGNING),
    ),
)


# Bundles: the statement is changed, then signed; or the bundle is changed after that.


def statement_of(digest: Digest) -> Json:
    return {
        "_type": media_types.STATEMENT_V1,
        "subject": [{"digest": {"sha256": digest.encoded}}],
        "predicateType": media_types.SIGNATURE_PREDICATE,
        "predicate": {},
    }


def bundle_of(key: SigningKey, payload: bytes, payload_type: str = media_types.IN_TOTO) -> Json:
    signature = key.sign(pre_authentication_encoding(payload_type, payload))
    return {
        "mediaType": media_types.BUNDLE_V03,
        "verificationMaterial": {
            "publicKey": {"hint": b64encode(bytes.fromhex(key.public.id)).decode()},
            "tlogEntries": [],
        },
        "dsseEnvelope": {
            "payload": b64encode(payload).decode(),
            "payloadType": payload_type,
            "signatures": [{"sig": b64encode(signature).decode()}],
        },
    }


def hung(subject: Descriptor, content: bytes) -> Attachment:
    return attaching.bundle_referrer(content, subject, media_types.SIGNATURE_PREDICATE, created=CREATED)


def stated(name: str, change: Callable[[Json, Digest], object]) -> Mutation:
    """The statement is signed after the change."""

    def make(key: SigningKey, subject: Descriptor) -> Attachment:
        statement = statement_of(subject.digest)
        given = change(statement, subject.digest)
        payload = given if isinstance(given, bytes) else dumped(statement if given is None else given)
        return hung(subject, dumped(bundle_of(key, payload)))

    return Mutation(name, "bundle", make)


def bundled(name: str, change: Callable[[Json], object]) -> Mutation:
    """The bundle is changed after signing."""

    def make(key: SigningKey, subject: Descriptor) -> Attachment:
        bundle = bundle_of(key, dumped(statement_of(subject.digest)))
        given = change(bundle)
        return hung(subject, given if isinstance(given, bytes) else dumped(bundle))

    return Mutation(name, "bundle", make)


def _put(path: str, value: object) -> Callable[[Json], None]:
    return lambda bundle: _set(path, value)(bundle, OTHER)


def _drop(path: str) -> Callable[[Json], None]:
    return lambda bundle: _without(path)(bundle, OTHER)


def _typed(payload_type: str) -> Mutation:
    def make(key: SigningKey, subject: Descriptor) -> Attachment:
        bundle = bundle_of(key, dumped(statement_of(subject.digest)), payload_type)
        return hung(subject, dumped(bundle))

    return Mutation(f"payload type {payload_type}", "bundle", make)


def _renamed(old: str, new: str) -> Callable[[Json], bytes]:
    return lambda bundle: dumped(bundle).replace(f'"{old}"'.encode(), f'"{new}"'.encode())


_HEX = {"sha256": OTHER.encoded}


def _subjects(make: Callable[[str], list[Json]]) -> Callable[[Json, Digest], None]:
    """Subjects made from the image's own hexadecimal digest."""

    def change(statement: Json, digest: Digest) -> None:
        statement["subject"] = make(digest.encoded)

    return change


def _envelope(**changes: Callable[[str], str]) -> Callable[[Json], None]:
    """Members of the envelope, each changed as a text."""

    def change(bundle: Json) -> None:
        for name, apply in changes.items():
            bundle["dsseEnvelope"][name] = apply(bundle["dsseEnvelope"][name])

    return change


_SIGNED = {"messageDigest": {"algorithm": "SHA2_256", "digest": "AAAA"}, "signature": "AAAA"}

BUNDLE = (
    stated("good", lambda _statement, _digest: None),
    stated("statement of version 0.1", _set("_type", media_types.STATEMENT_V01)),
    stated("statement of another version", _set("_type", "https://in-toto.io/Statement/v2")),
    stated("statement type absent", _without("_type")),
    stated("predicate absent", _without("predicate")),
    stated("predicate is a text", _set("predicate", "text")),
    stated("predicate type absent", _without("predicateType")),
    stated("predicate of an attestation", _set("predicateType", "https://slsa.dev/provenance/v1")),
    stated("subject of another image", _set("subject", [{"digest": _HEX}])),
    stated("subject absent", _without("subject")),
    stated("subject empty", _set("subject", [])),
    stated("subject is null", _set("subject", [None])),
    stated("subject without a digest", _set("subject", [{"name": "x"}])),
    stated("subject in upper case", _subjects(lambda own: [{"digest": {"sha256": own.upper()}}])),
    stated(
        "subject with another beside it",
        _subjects(lambda own: [{"digest": _HEX}, {"digest": {"sha256": own}}]),
    ),
    stated("subject with a sha512 alone", _set("subject", [{"digest": {"sha512": "0" * 128}}])),
    stated(
        "subject with a sha512 beside it",
        _subjects(lambda own: [{"digest": {"sha256": own, "sha512": "0" * 128}}]),
    ),
    stated(
        "subject twice, the good one last",
        lambda statement, _digest: dumped(statement).replace(b'"subject"', b'"subject":[],"subject"', 1),
    ),
    stated(
        "subject in another spelling",
        lambda statement, _digest: dumped(statement).replace(b'"subject"', b'"Subject"'),
    ),
    stated(
        "subject with annotations",
        _subjects(lambda own: [{"digest": {"sha256": own}, "annotations": {"a": "b"}}]),
    ),
    stated("unknown member in the statement", _set("more", 1)),
    stated("garbage behind the statement", lambda statement, _digest: dumped(statement) + b"x"),
    stated("no statement", lambda _statement, _digest: b"text"),
    _typed("text/plain"),
    _typed("application/vnd.in-toto+JSON"),
    bundled(
        "media type of version 0.1", _put("mediaType", "application/vnd.dev.sigstore.bundle+json;version=0.1")
    ),
    bundled(
        "media type of version 0.3 as it was",
        _put("mediaType", "application/vnd.dev.sigstore.bundle+json;version=0.3"),
    ),
    bundled("media type of version 0.4", _put("mediaType", "application/vnd.dev.sigstore.bundle.v0.4+json")),
    bundled("media type absent", _drop("mediaType")),
    bundled("log entries absent", _drop("verificationMaterial/tlogEntries")),
    bundled("hint of another key", _put("verificationMaterial/publicKey/hint", "AAAA")),
    bundled("hint absent", _drop("verificationMaterial/publicKey/hint")),
    bundled("verification material absent", _drop("verificationMaterial")),
    bundled("public key absent", _drop("verificationMaterial/publicKey")),
    bundled("envelope absent", _drop("dsseEnvelope")),
    bundled("no signature", _put("dsseEnvelope/signatures", [])),
    bundled("two signatures", lambda bundle: bundle["dsseEnvelope"]["signatures"].append({"sig": "AAAA"})),
    bundled(
        "the signature twice",
        lambda bundle: bundle["dsseEnvelope"]["signatures"].append(bundle["dsseEnvelope"]["signatures"][0]),
    ),
    bundled("key id", lambda bundle: bundle["dsseEnvelope"]["signatures"][0].update(keyid="x")),
    bundled("unknown member in the bundle", _put("more", 1)),
    bundled("unknown member in the envelope", _put("dsseEnvelope/more", 1)),
    bundled("unknown member in the material", _put("verificationMaterial/more", 1)),
    bundled("a message signature beside the envelope", _put("messageSignature", _SIGNED)),
    bundled("snake case", _renamed("dsseEnvelope", "dsse_envelope")),
    bundled("another spelling", _renamed("dsseEnvelope", "DsseEnvelope")),
    bundled("payload in the URL alphabet", _envelope(payload=lambda text: text.rstrip("="))),
    bundled("payload with white space", _envelope(payload=lambda text: text + "\n")),
    bundled(
        "payload changed", _envelope(payload=lambda _text: b64encode(dumped(statement_of(OTHER))).decode())
    ),
    bundled("garbage behind the bundle", lambda bundle: dumped(bundle) + b"x"),
    bundled("no bundle", lambda _bundle: b"text"),
)


def flipped(seed: int) -> Mutation:
    """One byte somewhere is another one: in the payload, the annotations or the bundle."""
    draw = random.Random(seed)
    form = draw.choice(("legacy", "bundle"))

    def flip(content: bytes) -> bytes:
        position = draw.randrange(len(content))
        return (
            content[:position]
            + bytes([content[position] ^ (1 << draw.randrange(7))])
            + content[position + 1 :]
        )

    def make(key: SigningKey, subject: Descriptor) -> Attachment:
        if form == "bundle":
            return hung(subject, flip(dumped(bundle_of(key, dumped(statement_of(subject.digest))))))
        layer = layer_of(key, dumped(claims_of(subject.digest)))
        if draw.random() < 0.5:
            return tagged(subject.digest, [Layer(layer.media_type, flip(layer.content), layer.annotations)])
        name = media_types.SIGNATURE_ANNOTATION
        changed: Mapping[str, str] = {name: flip(layer.annotations[name].encode()).decode("ascii", "replace")}
        return tagged(subject.digest, [Layer(layer.media_type, layer.content, changed)])

    return Mutation(f"flip {seed}", form, make)
