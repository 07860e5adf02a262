"""A made-up Notary Project signer: chains, envelopes, trust stores, each spoiled at will.

Keys are made once for the whole run; nothing is read from the network or from a file.
"""

from __future__ import annotations

import json
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, TypeAlias

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

from gatekeeper.core.digest import Digest
from gatekeeper.core.evidence import Candidate, Form
from gatekeeper.core.manifest import OCI_MANIFEST, Descriptor
from gatekeeper.core.reference import Repository
from gatekeeper.core.trust import NotationTrust, StoreFile, StoreKind, TrustMaterial
from gatekeeper.ports import Judged, RevocationAnswers, Wanted
from gatekeeper.signatures import media_types
from gatekeeper.signatures.notation import envelope
from gatekeeper.signatures.notation.cbor import Tag
from gatekeeper.signatures.verifier import Verifier

Key: TypeAlias = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
Json: TypeAlias = dict[str, Any]

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
DAY = timedelta(days=1)
ENDS = NOW + 36_500 * DAY
"""When certificates end: late enough for judges that go by the clock on the wall."""
SUBJECT = Descriptor(OCI_MANIFEST, Digest.of(b"the image"), 528)
REPOSITORY = Repository("registry.test", "team/app")
IDENTITY = "x509.subject: C=US, ST=WA, O=Acme\\, Inc., CN=signer"
X509 = "notary.x509"
AUTHORITY = "notary.x509.signingAuthority"
_HASHES = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}
_COSE = {"PS256": -37, "PS384": -38, "PS512": -39, "ES256": -7, "ES384": -35, "ES512": -36}
_BITS_OF_RSA = {2048: "PS256", 3072: "PS384", 4096: "PS512"}
_BITS_OF_EC = {256: "ES256", 384: "ES384", 521: "ES512"}
_USAGES = (
    "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
    "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
)  # fmt: skip


@cache
def key(kind: str, who: str) -> Key:
    """The key of this kind (``p256``, ``p384``, ``p521``, ``p224``, ``k256``, ``rsa2048`` …) that ``who`` has."""
    curves: dict[str, ec.EllipticCurve] = {
        "p224": ec.SECP224R1(),
        "p256": ec.SECP256R1(),
        "p384": ec.SECP384R1(),
        "p521": ec.SECP521R1(),
        "k256": ec.SECP256K1(),
    }
    if kind in curves:
        return ec.generate_private_key(curves[kind])
    return rsa.generate_private_key(65537, int(kind.removeprefix("rsa")))


def name(common_name: str, *more: tuple[x509.ObjectIdentifier, str]) -> x509.Name:
    """C=US, ST=WA, O="Acme, Inc.", then ``more``, then CN."""
    attributes = (
        (NameOID.COUNTRY_NAME, "US"),
        (NameOID.STATE_OR_PROVINCE_NAME, "WA"),
        (NameOID.ORGANIZATION_NAME, "Acme, Inc."),
        *more,
        (NameOID.COMMON_NAME, common_name),
    )
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in attributes])


def usage(*on: str) -> x509.KeyUsage:
    """A keyUsage with these bits."""
    return x509.KeyUsage(**{bit: bit in on for bit in _USAGES})


@dataclass(frozen=True)
class Party:
    """A certificate with its private key."""

    certificate: x509.Certificate
    key: Key

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)


def issue(
    common_name: str,
    own: Key,
    issuer: Party | None = None,
    *,
    authority: bool = False,
    subject: x509.Name | None = None,
    bits: Sequence[str] | None = (),
    usage_critical: bool = True,
    constraints: x509.BasicConstraints | str | None = "auto",
    constraints_critical: bool = True,
    path_length: int | None = None,
    purposes: Sequence[x509.ObjectIdentifier] = (),
    begins: datetime = NOW - DAY,
    ends: datetime = ENDS,
    responder: str | None = None,
    points: Sequence[x509.DistributionPoint] = (),
    extensions: Sequence[tuple[x509.ExtensionType, bool]] = (),
) -> Party:
    """A certificate as the Notary Project wants it, but for what the caller spoils. ``bits=None``: no keyUsage."""
    named = subject if subject is not None else name(common_name)
    builder = (
        x509.CertificateBuilder()
        .subject_name(named)
        .issuer_name(issuer.certificate.subject if issuer is not None else named)
        .public_key(own.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
    )
    if constraints == "auto":
        constraints = x509.BasicConstraints(True, path_length) if authority else None
    if isinstance(constraints, x509.BasicConstraints):
        builder = builder.add_extension(constraints, constraints_critical)
    if bits is not None:
        normal = ("key_cert_sign", "crl_sign") if authority else ("digital_signature",)
        builder = builder.add_extension(usage(*(bits or normal)), usage_critical)
    if purposes:
        builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), True)
    if responder is not None:
        access = x509.AccessDescription(AuthorityInformationAccessOID.OCSP, uri(responder))
        builder = builder.add_extension(x509.AuthorityInformationAccess([access]), False)
    if points:
        builder = builder.add_extension(x509.CRLDistributionPoints(points), False)
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return Party(builder.sign(issuer.key if issuer is not None else own, hashes.SHA256()), own)


def uri(text: str) -> x509.UniformResourceIdentifier:
    return x509.UniformResourceIdentifier(text)


def point(*addresses: str, **members: Any) -> x509.DistributionPoint:
    """A CRL distribution point with these addresses of one list."""
    given = {"relative_name": None, "reasons": None, "crl_issuer": None, **members}
    return x509.DistributionPoint([uri(address) for address in addresses] or None, **given)


ROOT = issue("root", key("p384", "root"), authority=True)
ISSUING = issue("issuing", key("p256", "issuing"), ROOT, authority=True, path_length=0)
CODE_SIGNING = (ExtendedKeyUsageOID.CODE_SIGNING,)
LEAF = issue("signer", key("p256", "leaf"), ISSUING, purposes=CODE_SIGNING)
CHAIN = (LEAF, ISSUING, ROOT)
STRANGER = issue("root", key("p384", "stranger"), authority=True)


def algorithm_for(signer: Key) -> str:
    """The algorithm that goes with a key; of a key that may not sign, the nearest."""
    if isinstance(signer, rsa.RSAPrivateKey):
        return _BITS_OF_RSA.get(signer.key_size, "PS256")
    return _BITS_OF_EC.get(signer.key_size, "ES256")


def raw_signature(signer: Key, algorithm: str, message: bytes, *, salt: int | None = None) -> bytes:
    """RSASSA-PSS, or ECDSA as r and s."""
    hashed = _HASHES[algorithm[2:]]
    if isinstance(signer, rsa.RSAPrivateKey):
        length = hashed.digest_size if salt is None else salt
        return signer.sign(message, padding.PSS(padding.MGF1(hashed), length), hashed)
    width = (signer.key_size + 7) // 8
    r, s = decode_dss_signature(signer.sign(message, ec.ECDSA(hashed)))
    return r.to_bytes(width, "big") + s.to_bytes(width, "big")


def base64url(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()


def rfc3339(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def payload(**members: Any) -> bytes:
    """The payload about ``SUBJECT``; ``members`` of the target artifact win, those that are None are left out."""
    target = {
        "mediaType": SUBJECT.media_type,
        "digest": str(SUBJECT.digest),
        "size": SUBJECT.size,
        **members,
    }
    return json.dumps({"targetArtifact": {k: v for k, v in target.items() if v is not None}}).encode()


def payload_about(subject: Descriptor) -> bytes:
    """The payload about another image."""
    return payload(mediaType=subject.media_type, digest=str(subject.digest), size=subject.size)


def signature_manifest(content: bytes, media_type: str, subject: Descriptor) -> bytes:
    """The manifest that carries an envelope, as notation 1.3 writes it."""
    described = {"mediaType": subject.media_type, "digest": str(subject.digest), "size": subject.size}
    layer = {"mediaType": media_type, "digest": str(Digest.of(content)), "size": len(content)}
    config = {"mediaType": media_types.NOTATION_SIGNATURE, "digest": str(Digest.of(b"{}")), "size": 2}
    manifest = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": config,
        "layers": [layer],
        "subject": described,
    }
    return json.dumps(manifest).encode()


@dataclass(frozen=True)
class Signing:
    """How an envelope is made. ``drop``: signed headers to leave out; ``extra`` and ``unsigned`` win over the usual."""

    chain: Sequence[Party] = CHAIN
    content: bytes = field(default_factory=payload)
    scheme: str | None = X509
    signed_at: datetime = NOW - timedelta(hours=1)
    expiry: datetime | None = None
    content_type: str | None = envelope.PAYLOAD
    algorithm: str | int | None = None
    critical: Sequence[object] | str | None = "auto"
    extra: Mapping[Any, Any] = field(default_factory=dict)
    also_critical: Sequence[object] = ()
    drop: Sequence[str] = ()
    unsigned: Mapping[Any, Any] = field(default_factory=dict)
    key: Key | None = None
    """Another key than the leaf's."""
    carried: Sequence[bytes] | None = None
    """Other certificates than the chain's, DER."""
    token: bytes | Callable[[bytes], bytes] | None = None
    """A counter-signature, or what makes one over the primitive signature."""

    @property
    def signer(self) -> Key:
        return self.key if self.key is not None else self.chain[0].key

    @property
    def certificates(self) -> list[bytes]:
        return list(self.carried) if self.carried is not None else [party.der for party in self.chain]

    def headers(self, time: Any) -> dict[Any, Any]:
        """The signed headers that both formats share, without algorithm, content type and crit."""
        named = envelope.AUTHENTIC_SIGNING_TIME if self.scheme == AUTHORITY else envelope.SIGNING_TIME
        made = {envelope.SIGNING_SCHEME: self.scheme, named: time(self.signed_at)}
        if self.expiry is not None:
            made[envelope.EXPIRY] = time(self.expiry)
        made |= dict(self.extra)
        return {k: v for k, v in made.items() if v is not None and k not in self.drop}

    def criticals(self) -> object:
        if self.critical != "auto":
            return self.critical
        listed: list[object] = [envelope.SIGNING_SCHEME]
        if self.scheme == AUTHORITY:
            listed.append(envelope.AUTHENTIC_SIGNING_TIME)
        if self.expiry is not None:
            listed.append(envelope.EXPIRY)
        return [*listed, *self.also_critical]

    def jws(self) -> bytes:
        algorithm = self.algorithm if self.algorithm is not None else algorithm_for(self.signer)
        headers = {"alg": algorithm, "cty": self.content_type, "crit": self.criticals()}
        protected = self.headers(rfc3339) | {k: v for k, v in headers.items() if v is not None}
        signed = f"{base64url(json.dumps(protected).encode())}.{base64url(self.content)}"
        signature = raw_signature(self.signer, algorithm_for(self.signer), signed.encode())
        header: Json = {"x5c": [b64encode(one).decode() for one in self.certificates]}
        token = self.stamp(signature)
        if token is not None:
            header[envelope.TIMESTAMP] = b64encode(token).decode()
        first, second = signed.split(".")
        made = {
            "payload": second,
            "protected": first,
            "header": {**header, envelope.SIGNING_AGENT: "tests/1", **self.unsigned},
            "signature": base64url(signature),
        }
        return json.dumps(made).encode()

    def cose(self) -> bytes:
        algorithm = self.algorithm if self.algorithm is not None else _COSE[algorithm_for(self.signer)]
        headers = {1: algorithm, 2: self.criticals(), 3: self.content_type}
        protected = cbor({k: v for k, v in headers.items() if v is not None} | self.headers(epoch))
        signed = cbor(["Signature1", protected, b"", self.content])
        unprotected: dict[Any, Any] = {33: self.certificates, envelope.SIGNING_AGENT: "tests/1"}
        signature = raw_signature(self.signer, algorithm_for(self.signer), signed)
        token = self.stamp(signature)
        if token is not None:
            unprotected[envelope.TIMESTAMP] = token
        return cbor(Tag(18, [protected, unprotected | dict(self.unsigned), self.content, signature]))

    def envelope(self, media_type: str = envelope.JWS) -> bytes:
        return self.jws() if media_type == envelope.JWS else self.cose()

    def stamp(self, signature: bytes) -> bytes | None:
        return self.token(signature) if callable(self.token) else self.token


def epoch(at: datetime) -> Tag:
    return Tag(1, int(at.timestamp()))


def cbor(value: object) -> bytes:
    """The shortest encoding."""
    if isinstance(value, Tag):
        return _head(6, value.number) + cbor(value.value)
    if isinstance(value, bool) or value is None:
        return {False: b"\xf4", True: b"\xf5", None: b"\xf6"}[value]
    if isinstance(value, int):
        return _head(0, value) if value >= 0 else _head(1, -1 - value)
    if isinstance(value, bytes):
        return _head(2, len(value)) + value
    if isinstance(value, str):
        return _head(3, len(value.encode())) + value.encode()
    if isinstance(value, list | tuple):
        return _head(4, len(value)) + b"".join(map(cbor, value))
    if isinstance(value, dict):
        return _head(5, len(value)) + b"".join(cbor(k) + cbor(v) for k, v in value.items())
    raise TypeError(type(value))


def _head(major: int, number: int) -> bytes:
    if number < 24:
        return bytes([major << 5 | number])
    for low, width in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if number < 1 << (8 * width):
            return bytes([major << 5 | low]) + number.to_bytes(width, "big")
    raise ValueError(number)


def statement(**members: Any) -> Json:
    """A strict statement for every repository that trusts ``ca:acme`` and everybody; ``members`` win."""
    return {
        "name": "images",
        "registryScopes": ["*"],
        "signatureVerification": {"level": "strict"},
        "trustStores": ["ca:acme"],
        "trustedIdentities": ["*"],
        **members,
    }


def document(*statements: Json, **members: Any) -> bytes:
    """A trust policy document of these statements."""
    listed = list(statements) or [statement()]
    return json.dumps({"version": "1.0", "trustPolicies": listed, **members}).encode()


def level(name_: str, timestamp: str | None = None, **override: str) -> Json:
    """A ``signatureVerification``."""
    made: Json = {"level": name_}
    if override:
        made["override"] = override
    if timestamp is not None:
        made["verifyTimestamp"] = timestamp
    return made


def store(kind: StoreKind, name_: str, *parties: Party) -> tuple[StoreFile, ...]:
    """A trust store with a file for each certificate."""
    return tuple(
        StoreFile(kind, name_, f"{place}.crt", party.certificate.public_bytes(Encoding.PEM))
        for place, party in enumerate(parties)
    )


STORES = (*store(StoreKind.CA, "acme", ROOT), *store(StoreKind.SIGNING_AUTHORITY, "acme", ROOT))


def trust(policy: bytes | Json | None = None, files: Sequence[StoreFile] = STORES) -> NotationTrust:
    """Trust material under the name ``site``; a statement stands for a document of it alone."""
    content = policy if isinstance(policy, bytes) else document(*([policy] if policy else []))
    return NotationTrust("site", content, tuple(files), "trustpolicy.json")


def wanted(content: bytes, media_type: str = envelope.JWS, **members: Any) -> Wanted:
    """The candidate that a registry lists for these bytes."""
    layer = Descriptor(media_type, Digest.of(content), len(content))
    return Wanted(Form.NOTATION_SIGNATURE, Digest.of(b"carrier"), 0, layer, ("referrers-api",), **members)


def judged(
    content: bytes,
    media_type: str = envelope.JWS,
    *,
    under: NotationTrust | Sequence[NotationTrust] | None = None,
    answers: RevocationAnswers | None = None,
    now: datetime = NOW,
    subject: Descriptor = SUBJECT,
    repository: Repository = REPOSITORY,
) -> Candidate:
    """What verification says of these bytes."""
    trusted = [under or trust()] if isinstance(under, NotationTrust | None) else list(under)
    verified = Verifier(answers).verify(
        wanted(content, media_type),
        content,
        subject=Judged(subject, repository, now),
        trust=TrustMaterial(notation=tuple(trusted)),
    )
    assert verified.statement is None
    return verified.candidate
