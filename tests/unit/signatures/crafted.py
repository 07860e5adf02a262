"""Candidates made by hand, good unless a test spoils one thing."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from gatekeeper.core.digest import Digest
from gatekeeper.core.evidence import Candidate, Form
from gatekeeper.core.manifest import Descriptor
from gatekeeper.core.trust import PublicKey, TrustMaterial
from gatekeeper.ports import Verified, Wanted
from gatekeeper.signatures import media_types
from gatekeeper.signatures.dsse import pre_authentication_encoding
from gatekeeper.signatures.signing import SigningKey
from gatekeeper.signatures.verifier import Verifier
from tests.fakes.registry_dump import about

KEY = SigningKey.generate("team.pub")
STRANGER = SigningKey.generate("stranger.pub")
SUBJECT = Digest.of(b"the image")
OTHER = Digest.of(b"another image")
CARRIER = Digest.of(b"the carrier")

Json = dict[str, object]


@dataclass(frozen=True, slots=True)
class Crafted:
    """A candidate and its bytes."""

    wanted: Wanted
    content: bytes

    def annotated(self, annotations: Mapping[str, str]) -> Crafted:
        """The same with these annotations on its layer and no others."""
        layer = replace(self.wanted.descriptor, annotations=dict(annotations))
        return replace(self, wanted=replace(self.wanted, descriptor=layer))

    def verify(self, *keys: PublicKey, subject: Digest = SUBJECT) -> Verified:
        return Verifier().verify(
            self.wanted, self.content, subject=about(subject), trust=TrustMaterial(keys or (KEY.public,))
        )

    def judged(self, *keys: PublicKey, subject: Digest = SUBJECT) -> Candidate:
        return self.verify(*keys, subject=subject).candidate


def encoded(value: object) -> bytes:
    return json.dumps(value).encode()


def crafted(
    form: Form, media_type: str, content: bytes, annotations: Mapping[str, str] | None = None
) -> Crafted:
    layer = Descriptor(media_type, Digest.of(content), len(content), annotations=dict(annotations or {}))
    return Crafted(Wanted(form, CARRIER, 0, layer, ("test",)), content)


def claims(digest: object = str(SUBJECT), **critical: object) -> Json:
    """Simple signing claims; ``critical`` members win."""
    return {
        "critical": {
            "identity": {"docker-reference": "registry.test/team/app"},
            "image": {"docker-manifest-digest": digest},
            "type": media_types.SIMPLE_SIGNING_CLAIM,
            **critical,
        },
        "optional": None,
    }


def simple(
    payload: bytes | None = None,
    *,
    key: SigningKey = KEY,
    spelling: Callable[[str], str] = str,
    annotations: Mapping[str, str] | None = None,
    form: Form = Form.COSIGN_SIGNATURE_TAG,
) -> Crafted:
    """A simple signing layer with a genuine signature over the payload."""
    content = encoded(claims()) if payload is None else payload
    signature = spelling(b64encode(key.sign(content)).decode())
    given = {media_types.SIGNATURE_ANNOTATION: signature, **(annotations or {})}
    return crafted(form, media_types.SIMPLE_SIGNING, content, given)


def statement(predicate_type: str = media_types.SIGNATURE_PREDICATE, **members: object) -> Json:
    """An in-toto statement about ``SUBJECT``; ``members`` win."""
    return {
        "_type": media_types.STATEMENT_V1,
        "subject": [{"digest": {"sha256": SUBJECT.encoded}}],
        "predicateType": predicate_type,
        "predicate": {},
        **members,
    }


def envelope(payload: object = None, *, key: SigningKey = KEY, **members: object) -> Json:
    """A DSSE envelope with a genuine signature; ``members`` win."""
    body = payload if isinstance(payload, bytes) else encoded(payload or statement())
    payload_type = str(members.get("payloadType", media_types.IN_TOTO))
    signature = key.sign(pre_authentication_encoding(payload_type, body))
    return {
        "payload": b64encode(body).decode(),
        "payloadType": payload_type,
        "signatures": [{"sig": b64encode(signature).decode()}],
        **members,
    }


def bundle(payload: object = None, *, key: SigningKey = KEY, **members: object) -> Json:
    """A keyed bundle v0.3; ``members`` win, and those that are None are left out."""
    hint = b64encode(bytes.fromhex(key.public.id)).decode()
    made: Json = {
        "mediaType": media_types.BUNDLE_V03,
        "verificationMaterial": {"publicKey": {"hint": hint}},
        "dsseEnvelope": envelope(payload, key=key),
        **members,
    }
    return {name: value for name, value in made.items() if value is not None}


def bundled(document: object = None) -> Crafted:
    """A bundle as a layer."""
    content = document if isinstance(document, bytes) else encoded(document or bundle())
    return crafted(Form.SIGSTORE_BUNDLE, media_types.BUNDLE_V03, content)


def attested(document: object = None, annotations: Mapping[str, str] | None = None) -> Crafted:
    """An envelope as a layer of ``.att``."""
    content = document if isinstance(document, bytes) else encoded(document or envelope())
    return crafted(Form.COSIGN_ATTESTATION_TAG, media_types.DSSE_ENVELOPE, content, annotations)
