"""One virtual Sigstore: signs as cosign does, in every form, at whatever time it is told; names itself as a trust root.

Every part can be replaced (``dataclasses.replace``) by one of another instance or with other dates: so is minted what
must be refused.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import ExtendedKeyUsageOID

from gatekeeper.demo.sigstore import entries
from gatekeeper.demo.sigstore.authority import Authority, der, pem
from gatekeeper.demo.sigstore.fulcio import Fulcio, Signer, Unusual
from gatekeeper.demo.sigstore.rekor import Rekor
from gatekeeper.demo.sigstore.signing_keys import LogSigner, base64_text, new_ecdsa_key
from gatekeeper.demo.sigstore.timestamping import TimestampAuthority
from gatekeeper.signatures import media_types
from gatekeeper.signatures.dsse import pre_authentication_encoding
from gatekeeper.signatures.signing import Layer

Json = dict[str, object]

TRUSTED_ROOT = "application/vnd.dev.sigstore.trustedroot+json;version=0.1"
_TEN_YEARS = timedelta(days=3650)


def _compact(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


@dataclass(frozen=True, slots=True)
class Recipe:
    """What is hung on a signature."""

    log: str | None = "rekor-1"
    """``rekor-1`` | ``rekor-2``; None for no entry."""
    timestamp: bool = False
    entry: str | None = None
    """Kind of an envelope's entry: ``dsse`` | ``hashedrekord`` | ``intoto-1`` | ``intoto-2``; None: the usual."""
    version: str = media_types.BUNDLE_V03
    unusual: Unusual = field(default_factory=Unusual)
    timestamped_at: datetime | None = None
    logged_at: datetime | None = None
    """When the authority and the log say it was, if not when the certificate was issued."""


LOGGED = Recipe()
"""As cosign 3 signs against Rekor 1."""
TILED = Recipe(log="rekor-2", timestamp=True)
"""As cosign 3 signs against Rekor 2."""
STAMPED = Recipe(log=None, timestamp=True)
"""As GitHub attests what private repositories build: a timestamp and no log."""


@dataclass(frozen=True, slots=True)
class VirtualSigstore:
    """Fulcio, CT, Rekor 1 and 2, a timestamp authority, since ``began``."""

    began: datetime
    fulcio: Fulcio
    rekor_1: Rekor
    rekor_2: Rekor
    tsa: TimestampAuthority

    @classmethod
    def since(cls, began: datetime) -> Self:
        """A new instance with keys of its own, good for ten years."""
        ends = began + _TEN_YEARS
        root = Authority.root("virtual-root", begins=began, ends=ends)
        issuing = root.intermediate(
            "virtual-intermediate", begins=began, ends=ends, purpose=ExtendedKeyUsageOID.CODE_SIGNING
        )
        tsa_root = Authority.root("virtual-tsa-root", begins=began, ends=ends)
        origin = "log2.rekor.invalid"
        return cls(
            began=began,
            fulcio=Fulcio(issuing, LogSigner()),
            rekor_1=Rekor("https://rekor.invalid", "rekor.invalid - 1234567890", LogSigner(), promises=True),
            rekor_2=Rekor(
                f"https://{origin}",
                origin,
                LogSigner(ed25519.Ed25519PrivateKey.generate(), origin),
                promises=False,
            ),
            tsa=TimestampAuthority.below(tsa_root, begins=began, ends=ends),
        )

    def trusted_root(self, windows: Mapping[str, tuple[datetime, datetime | None]] | None = None) -> Json:
        """``trusted_root.json``. ``windows`` sets when a part is trusted, by its member's name; all since ``began``."""
        given = windows or {}

        def valid_for(part: str) -> dict[str, str]:
            begins, ends = given.get(part, (self.began, None))
            return {"start": _rfc3339(begins), **({} if ends is None else {"end": _rfc3339(ends)})}

        return {
            "mediaType": TRUSTED_ROOT,
            "tlogs": [
                log.signer.described(log.url, valid_for("tlogs")) for log in (self.rekor_1, self.rekor_2)
            ],
            "certificateAuthorities": [
                _authority(
                    "https://fulcio.invalid",
                    self.fulcio.authority.chain,
                    valid_for("certificateAuthorities"),
                )
            ],
            "ctlogs": [self.fulcio.ct_log.described("https://ct.invalid", valid_for("ctlogs"))],
            "timestampAuthorities": [
                _authority("https://tsa.invalid", self.tsa.chain, valid_for("timestampAuthorities"))
            ],
        }

    def trusted_root_json(self) -> bytes:
        """The same as bytes."""
        return json.dumps(self.trusted_root(), indent=1).encode()

    def bundle_of_statement(
        self,
        payload: bytes,
        signer: Signer,
        at: datetime,
        recipe: Recipe = LOGGED,
        payload_type: str = media_types.IN_TOTO,
    ) -> Json:
        """A bundle with a DSSE envelope, as ``cosign sign`` and ``cosign attest`` write."""
        made = self._sign(pre_authentication_encoding(payload_type, payload), signer, at, recipe)
        envelope = _envelope(payload, payload_type, made.signature, key_id=False)
        body = self._envelope_entry(made, _compact(envelope), payload, recipe)
        return {
            "mediaType": recipe.version,
            "verificationMaterial": self._material(made, body, recipe),
            "dsseEnvelope": envelope,
        }

    def bundle_of_message(
        self, message: bytes, signer: Signer, at: datetime, recipe: Recipe = LOGGED
    ) -> Json:
        """A bundle with a message signature, as ``cosign sign-blob`` writes."""
        made = self._sign(message, signer, at, recipe)
        digest = hashes.Hash(hashes.SHA256())
        digest.update(message)
        return {
            "mediaType": recipe.version,
            "verificationMaterial": self._material(made, _message_entry(made, recipe), recipe),
            "messageSignature": {
                "messageDigest": {"algorithm": "SHA2_256", "digest": base64_text(digest.finalize())},
                "signature": base64_text(made.signature),
            },
        }

    def signature_layer(self, claims: bytes, signer: Signer, at: datetime, recipe: Recipe = LOGGED) -> Layer:
        """A layer of ``.sig`` with its annotations, as ``cosign sign`` wrote before version 3."""
        made = self._sign(claims, signer, at, recipe)
        annotations = {
            media_types.SIGNATURE_ANNOTATION: base64_text(made.signature),
            **self._annotations(made, _message_entry(made, recipe), recipe, made.signature),
        }
        return Layer(media_types.SIMPLE_SIGNING, claims, annotations)

    def attestation_layer(
        self, statement: bytes, signer: Signer, at: datetime, recipe: Recipe = LOGGED
    ) -> Layer:
        """A layer of ``.att``, as ``cosign attest`` wrote before version 3."""
        made = self._sign(pre_authentication_encoding(media_types.IN_TOTO, statement), signer, at, recipe)
        envelope = _compact(_envelope(statement, media_types.IN_TOTO, made.signature, key_id=True))
        annotations = {
            media_types.SIGNATURE_ANNOTATION: "",
            media_types.PREDICATE_ANNOTATION: str(json.loads(statement).get("predicateType", "")),
            **self._annotations(
                made, self._envelope_entry(made, envelope, statement, recipe), recipe, envelope
            ),
        }
        return Layer(media_types.DSSE_ENVELOPE, envelope, annotations)

    def _sign(self, message: bytes, signer: Signer, at: datetime, recipe: Recipe) -> _Made:
        key = new_ecdsa_key()
        certificate = self.fulcio.issue(key.public_key(), signer, at, recipe.unusual)
        return _Made(certificate, message, key.sign(message, ec.ECDSA(hashes.SHA256())), at)

    @staticmethod
    def _envelope_entry(made: _Made, envelope: bytes, payload: bytes, recipe: Recipe) -> Json:
        match recipe.log, recipe.entry or "usual":
            case "rekor-2", "dsse":
                return entries.dsse_2(payload, made.signature, der(made.certificate))
            case "rekor-2", _:
                return entries.hashedrekord_2(made.message, made.signature, der(made.certificate))
            case _, "hashedrekord":
                return entries.hashedrekord_1(made.message, made.signature, pem(made.certificate))
            case _, "intoto-1":
                return entries.intoto_1(envelope, payload, pem(made.certificate))
            case _, "intoto-2":
                return entries.intoto_2(envelope, payload, made.signature, pem(made.certificate))
            case _:
                return entries.dsse_1(envelope, payload, made.signature, pem(made.certificate))

    def _entry(self, made: _Made, body: Json, recipe: Recipe) -> Json | None:
        log = {"rekor-1": self.rekor_1, "rekor-2": self.rekor_2, None: None}[recipe.log]
        return None if log is None else log.add(body, recipe.logged_at or made.at)

    def _stamp(self, message: bytes, made: _Made, recipe: Recipe) -> str:
        return base64_text(self.tsa.response(message, recipe.timestamped_at or made.at))

    def _material(self, made: _Made, body: Json, recipe: Recipe) -> Json:
        entry = self._entry(made, body, recipe)
        raw = {"rawBytes": base64_text(der(made.certificate))}
        material: Json = {"tlogEntries": [] if entry is None else [entry]}
        if recipe.version == media_types.BUNDLE_V03:
            material["certificate"] = raw
        else:
            material["x509CertificateChain"] = {"certificates": [raw]}
        if recipe.timestamp:
            stamps = [{"signedTimestamp": self._stamp(made.signature, made, recipe)}]
            material["timestampVerificationData"] = {"rfc3161Timestamps": stamps}
        return material

    def _annotations(self, made: _Made, body: Json, recipe: Recipe, stamped: bytes) -> dict[str, str]:
        """``stamped``: what the timestamp is over; of an attestation cosign 2 takes the whole envelope."""
        chain = b"".join(pem(one) for one in self.fulcio.authority.chain)
        annotations = {
            media_types.CERTIFICATE_ANNOTATION: pem(made.certificate).decode(),
            media_types.CHAIN_ANNOTATION: chain.decode(),
        }
        entry = self._entry(made, body, recipe)
        if entry is not None:
            annotations[media_types.LOG_ANNOTATION] = json.dumps(self._promised(entry))
        if recipe.timestamp:
            stamp = {"SignedRFC3161Timestamp": self._stamp(stamped, made, recipe)}
            annotations[media_types.TIMESTAMP_ANNOTATION] = json.dumps(stamp)
        return annotations

    def _promised(self, entry: Json) -> Json:
        promise: Json = entry["inclusionPromise"]  # type: ignore[assignment]
        return {
            "SignedEntryTimestamp": promise["signedEntryTimestamp"],
            "Payload": {
                "body": entry["canonicalizedBody"],
                "integratedTime": int(str(entry["integratedTime"])),
                "logIndex": int(str(entry["logIndex"])),
                "logID": self.rekor_1.log_id.hex(),
            },
        }


@dataclass(frozen=True, slots=True)
class _Made:
    certificate: x509.Certificate
    message: bytes
    signature: bytes
    at: datetime


def _message_entry(made: _Made, recipe: Recipe) -> Json:
    if recipe.log == "rekor-2":
        return entries.hashedrekord_2(made.message, made.signature, der(made.certificate))
    return entries.hashedrekord_1(made.message, made.signature, pem(made.certificate))


def _envelope(payload: bytes, payload_type: str, signature: bytes, *, key_id: bool) -> Json:
    entry = {"sig": base64_text(signature)}
    return {
        "payloadType": payload_type,
        "payload": base64_text(payload),
        "signatures": [{"keyid": "", **entry} if key_id else entry],
    }


def _authority(uri: str, chain: Sequence[x509.Certificate], valid_for: dict[str, str]) -> Json:
    return {
        "subject": {"organization": "virtual.sigstore", "commonName": "virtual"},
        "uri": uri,
        "certChain": {"certificates": [{"rawBytes": base64_text(der(one))} for one in chain]},
        "validFor": valid_for,
    }


def _rfc3339(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
