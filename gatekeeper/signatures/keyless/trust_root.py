"""Sigstore trust roots (protobuf-specs sigstore_trustroot.proto, JSON form): who is trusted, and from when to when.

Reads ``trusted_root.json``, several of them as JSON lines (``gh attestation trusted-root``), and the trust root inside
a ClientTrustConfig. The file is the operator's own, so members that are not known are passed over; an instance whose
key or certificate cannot be read is left out and named, for a root must not fail as a whole because of a new algorithm.
"""

from __future__ import annotations

import hashlib
import re
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
)

from gatekeeper.core import strict_json, trust
from gatekeeper.core.errors import MalformedError
from gatekeeper.signatures.certificate_path import load_certificate
from gatekeeper.signatures.keys import LoadedKey, accepted_key

MAX_BYTES = 4 * 1024 * 1024
MOST_ROOTS = 16
_TRUST_CONFIG = "application/vnd.dev.sigstore.clienttrustconfig"
_TRUSTED_ROOT = "application/vnd.dev.sigstore.trustedroot"
_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)", re.ASCII)

Json = Mapping[str, object]
_T = TypeVar("_T")


class _UnreadableError(ValueError):
    """One instance cannot be read; the others may."""


@dataclass(frozen=True, slots=True)
class Period:
    """When an instance is trusted; both ends included, None for an open one."""

    begins: datetime | None = None
    ends: datetime | None = None

    def includes(self, at: datetime) -> bool:
        """True when ``at`` lies within."""
        return (self.begins is None or self.begins <= at) and (self.ends is None or at <= self.ends)

    def __str__(self) -> str:
        begins = "the beginning" if self.begins is None else f"{self.begins:%Y-%m-%dT%H:%M:%SZ}"
        return f"{begins} to {'now' if self.ends is None else f'{self.ends:%Y-%m-%dT%H:%M:%SZ}'}"


@dataclass(frozen=True, slots=True)
class LogKey:
    """A log of signatures (Rekor) or of certificates (CT) with its key."""

    url: str
    log_id: bytes
    checkpoint_id: bytes
    """Its first four bytes are the hint beside the log's signature under a checkpoint."""
    key: LoadedKey
    period: Period


@dataclass(frozen=True, slots=True)
class Authority:
    """A certificate or timestamp authority: its chain, the anchor last."""

    uri: str
    chain: tuple[x509.Certificate, ...]
    period: Period

    @property
    def anchor(self) -> x509.Certificate:
        return self.chain[-1]


@dataclass(frozen=True, slots=True)
class TrustRoot:
    """One Sigstore instance. A root that names no log, or no CT log, demands none: it could never check one."""

    name: str
    logs: tuple[LogKey, ...]
    certificate_authorities: tuple[Authority, ...]
    ct_logs: tuple[LogKey, ...]
    timestamp_authorities: tuple[Authority, ...]
    left_out: tuple[str, ...] = ()
    """Instances that could not be read, with the reason."""
    demands_log: bool = True
    demands_sct: bool = True


@lru_cache(maxsize=64)
def opened(root: trust.TrustRoot) -> tuple[TrustRoot, ...]:
    """The trust roots in the policy's file, with what the policy says of their logs. Raises MalformedError."""
    return tuple(
        replace(
            one,
            demands_log=one.demands_log and root.transparency_log,
            demands_sct=one.demands_sct and root.certificate_log,
        )
        for one in read_trust_roots(root.content, root.name)
    )


def read_trust_roots(content: bytes, name: str) -> tuple[TrustRoot, ...]:
    """A file of trust roots -> each of them, all under this name.

    Raises MalformedError ``trust-root-malformed`` that says what is wrong and where.
    """
    return tuple(_root(document, name) for document in documents_of(content, name))


def documents_of(content: bytes, name: str) -> tuple[Json, ...]:
    """The TrustedRoot documents in a file, whatever they are wrapped in. Raises MalformedError."""
    if len(content) > MAX_BYTES:
        raise _bad(name, f"it is larger than {MAX_BYTES} bytes")
    documents = _documents(content, name)
    if not 0 < len(documents) <= MOST_ROOTS:
        raise _bad(name, f"it holds {len(documents)} trust roots; give 1 to {MOST_ROOTS}")
    return tuple(_unwrapped(document, name) for document in documents)


def period_of(instance: Json) -> Period:
    """When an instance of a TrustedRoot document is trusted. Raises ValueError for one that cannot be read."""
    described = instance.get("publicKey")
    return _period((described if isinstance(described, dict) else instance).get("validFor"))


def _bad(name: str, what: str) -> MalformedError:
    return MalformedError(
        f"trust root {name}: {what}; give a trusted_root.json, JSON lines of them, or a ClientTrustConfig",
        reason_code="trust-root-malformed",
    )


def _documents(content: bytes, name: str) -> list[Json]:
    try:
        return [strict_json.loads_object(content)]
    except MalformedError as whole:
        lines = [line for line in content.splitlines() if line.strip()]
        if len(lines) < 2 or not lines[0].lstrip().startswith(b"{"):
            raise _bad(name, whole.message) from whole
        found: list[Json] = []
        for number, line in enumerate(lines, 1):
            try:
                found.append(strict_json.loads_object(line))
            except MalformedError as error:
                # A pretty-printed document with one mistake is no file of lines.
                raise _bad(
                    name, whole.message if number == 1 else f"line {number}: {error.message}"
                ) from error
        return found


def _unwrapped(document: Json, name: str) -> Json:
    kind = document.get("mediaType")
    if isinstance(kind, str) and kind.startswith(_TRUST_CONFIG):
        inner = document.get("trustedRoot")
        if not isinstance(inner, dict):
            raise _bad(name, "the ClientTrustConfig has no `trustedRoot`")
        document, kind = inner, inner.get("mediaType")
    if not isinstance(kind, str) or not kind.startswith(_TRUSTED_ROOT):
        raise _bad(name, f"`mediaType` is {str(kind)[:80]!r}")
    return document


def _root(document: Json, name: str) -> TrustRoot:
    left_out: list[str] = []
    logs = tuple(_readable(document, "tlogs", _log, left_out, name))
    authorities = tuple(_readable(document, "certificateAuthorities", _authority, left_out, name))
    ct_logs = tuple(_readable(document, "ctlogs", _log, left_out, name))
    stamps = tuple(_readable(document, "timestampAuthorities", _authority, left_out, name))
    if not (logs or authorities or stamps):
        raise _bad(name, "it names nobody who could be trusted" + _because(left_out))
    return TrustRoot(
        name=name,
        logs=logs,
        certificate_authorities=authorities,
        ct_logs=ct_logs,
        timestamp_authorities=stamps,
        left_out=tuple(left_out),
        # Told by what the file lists, not by what of it could be read.
        demands_log=bool(document.get("tlogs")),
        demands_sct=bool(document.get("ctlogs")),
    )


def _because(left_out: list[str]) -> str:
    return f" ({left_out[0]})" if left_out else ""


def _readable(
    document: Json, member: str, read: Callable[[Json], _T], left_out: list[str], name: str
) -> Iterator[_T]:
    instances = document.get(member, [])
    if not isinstance(instances, list):
        raise _bad(name, f"`{member}` is no list")
    for number, instance in enumerate(instances):
        try:
            yield read(_object(instance, f"{member}[{number}]"))
        except (ValueError, UnsupportedAlgorithm, MalformedError) as error:
            left_out.append(f"{member}[{number}]: {str(error)[:160]}")


def _object(value: object, path: str) -> Json:
    if not isinstance(value, dict):
        raise _UnreadableError(f"`{path}` is absent or no object")
    return value


def _text(parent: Json, member: str) -> str:
    value = parent.get(member)
    if not isinstance(value, str) or not value:
        raise _UnreadableError(f"`{member}` is absent or no text")
    return value


def _bytes(parent: Json, member: str) -> bytes:
    return b64decode(_text(parent, member), validate=True)


def _log(instance: Json) -> LogKey:
    described = _object(instance.get("publicKey"), "publicKey")
    key = accepted_key(load_der_public_key(_bytes(described, "rawBytes")), "the log's key")
    spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    own = hashlib.sha256(spki).digest()
    log_id = _key_id(instance.get("logId"), own)
    return LogKey(
        url=str(instance.get("baseUrl") or ""),
        log_id=log_id,
        checkpoint_id=_key_id(instance.get("checkpointKeyId"), log_id),
        key=key,
        period=_period(described.get("validFor")),
    )


def _key_id(value: object, otherwise: bytes) -> bytes:
    return otherwise if value is None else _bytes(_object(value, "logId"), "keyId")


def _authority(instance: Json) -> Authority:
    chain = _object(instance.get("certChain"), "certChain").get("certificates")
    if not isinstance(chain, list) or not chain:
        raise _UnreadableError("`certChain.certificates` is absent, empty or no list")
    return Authority(
        uri=str(instance.get("uri") or ""),
        chain=tuple(load_certificate(_bytes(_object(one, "certificates"), "rawBytes")) for one in chain),
        period=_period(instance.get("validFor")),
    )


def _period(value: object) -> Period:
    if value is None:
        return Period()
    period = _object(value, "validFor")
    begins = _time(period.get("start"))
    if begins is None:
        # Required by protobuf-specs; without it the key would be trusted from ever.
        raise _UnreadableError("`validFor` has no `start`")
    return Period(begins, _time(period.get("end")))


def _time(value: object) -> datetime | None:
    """RFC 3339, as protobuf writes it: up to nanoseconds, of which microseconds are kept."""
    if value is None:
        return None
    match = _TIME.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise _UnreadableError(f"the time {str(value)[:40]!r} is not RFC 3339")
    fraction = (match[2] or "0")[:6].ljust(6, "0")
    zone = "+00:00" if match[3] == "Z" else match[3]
    return datetime.fromisoformat(f"{match[1]}.{fraction}{zone}").astimezone(UTC)
