"""The one ordered pipeline of keyless verification, whatever form carried the signature.

The steps and their order are those of the Sigstore client specification, section "Verification". Every step either
holds or raises RefusedError with its own reason code; what a root does not name is never believed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from gatekeeper.signatures.algorithms import verifies, verifies_digest
from gatekeeper.signatures.certificate_path import (
    OutsideValidityError,
    PathError,
    is_authority,
    issued_by,
    path_to_anchor,
)
from gatekeeper.signatures.keyless.certificate import (
    Identity,
    SigningCertificate,
    read_signing_certificate,
)
from gatekeeper.signatures.keyless.entry_body import Signed, check_entry_is_about
from gatekeeper.signatures.keyless.log import Logged, check_log_window, check_logged
from gatekeeper.signatures.keyless.material import KeylessMaterial, LogEntry
from gatekeeper.signatures.keyless.material_reading import MOST_TIMESTAMPS
from gatekeeper.signatures.keyless.sct import check_sct
from gatekeeper.signatures.keyless.trust_root import Authority, LogKey, TrustRoot
from gatekeeper.signatures.keys import LoadedKey
from gatekeeper.signatures.reason_codes import ReasonCode
from gatekeeper.signatures.refusal import RefusedError
from gatekeeper.signatures.timestamp import Timestamp, token_of_response, verify_token


@dataclass(frozen=True, slots=True)
class KeylessFacts:
    """What a keyless signature that holds says: who, by which instance, and when."""

    root: str
    """Name of the trust root it holds under."""
    identity: Identity
    certificate: x509.Certificate
    signed_at: datetime
    """The earliest proven time."""
    integrated_at: datetime | None
    """By the log's own promise."""
    stamps: tuple[Timestamp, ...]
    log: LogKey | None
    log_index: int | None


def verify_keyless(
    material: KeylessMaterial,
    signed: Signed,
    roots: Sequence[TrustRoot],
    *,
    stamped: Sequence[bytes] = (),
) -> tuple[KeylessFacts, ...]:
    """A signature with its proof -> what it says, once for every root under which it holds; at least one.

    ``stamped``: what a timestamp may be over, besides the signature itself. Raises RefusedError.
    """
    # 1. The certificate: readable, for signing code, of one identity.
    leaf = read_signing_certificate(material.certificate)
    # 2. Its key made the signature over the signed bytes.
    if not signature_holds(leaf.key, signed):
        raise RefusedError(
            ReasonCode.SIGNATURE_NOT_BY_CERTIFICATE,
            f"the key of {leaf.identity.name[:120]!r} did not sign this",
        )
    # 3. The instances: an authority of a root issued the certificate.
    issuing = [root for root in roots if _issuers(leaf.certificate, root)]
    if not issuing:
        raise RefusedError(
            ReasonCode.CERTIFICATE_UNTRUSTED,
            f"{leaf.certificate.issuer.rfc4514_string()[:120]!r} is in none of the {len(roots)} trust roots",
        )
    logged = replace(signed, verifier=leaf.certificate)
    found: list[KeylessFacts] = []
    refused: list[RefusedError] = []
    for root in issuing:
        try:
            found.append(_verify_under(root, leaf, material, logged, stamped))
        except RefusedError as error:
            refused.append(error)
    if not found:
        raise refused[0]
    return tuple(found)


def signature_holds(key: LoadedKey, signed: Signed) -> bool:
    """True when the key made the signature over the message, or over the digest of it that is known."""
    if signed.message is not None:
        return verifies(key, signed.signature, signed.message)
    return any(
        verifies_digest(key, signed.signature, name, digest)
        for name, digest in signed.message_digests.items()
    )


def _issuers(leaf: x509.Certificate, root: TrustRoot) -> list[Authority]:
    return [
        authority
        for authority in root.certificate_authorities
        if any(issued_by(leaf, issuer) for issuer in authority.chain)
    ]


def _verify_under(
    root: TrustRoot,
    leaf: SigningCertificate,
    material: KeylessMaterial,
    signed: Signed,
    stamped: Sequence[bytes],
) -> KeylessFacts:
    # 4. The log: one entry, about this signature, content and certificate, that a trusted log vouches for.
    entry = _only_entry(material.entries, root)
    logged = None
    if entry is not None:
        check_entry_is_about(entry, signed)
        logged = check_logged(entry, root.logs, demands_promise=material.demands_promise)
    # 5. The times: what the log and the timestamp authorities of the root signed.
    stamps = check_timestamps(material.timestamps, (signed.signature, *stamped), root)
    times = _times(logged, stamps)
    if logged is not None:
        check_log_window(logged, times)
    # 6. The whole chain at every one of these times, under an authority that was trusted then.
    issuer = None
    for at in times:
        issuer = _issuer_at(leaf.certificate, root, at)
    # 7. Certificate transparency.
    if root.demands_sct and issuer is not None:
        check_sct(leaf.certificate, issuer, root.ct_logs)
    return KeylessFacts(
        root=root.name,
        identity=leaf.identity,
        certificate=leaf.certificate,
        signed_at=min(times),
        integrated_at=None if logged is None else logged.at,
        stamps=stamps,
        log=None if logged is None else logged.log,
        log_index=None if logged is None else logged.index,
    )


def _only_entry(entries: Sequence[LogEntry], root: TrustRoot) -> LogEntry | None:
    if len(entries) > 1:
        raise RefusedError(ReasonCode.LOG_ENTRY_TOO_MANY, f"there are {len(entries)} log entries")
    if entries:
        return entries[0]
    if root.demands_log:
        raise RefusedError(
            ReasonCode.LOG_ENTRY_MISSING, f"there is no log entry, and the trust root {root.name} names logs"
        )
    return None


def check_timestamps(
    responses: Sequence[bytes], messages: Sequence[bytes], root: TrustRoot
) -> tuple[Timestamp, ...]:
    """Every timestamp there is must hold: one that does not is no accident. Raises RefusedError ``timestamp-…``."""
    if len(responses) > MOST_TIMESTAMPS or len(set(responses)) != len(responses):
        raise RefusedError(
            ReasonCode.TIMESTAMP_TOO_MANY,
            f"there are {len(responses)} timestamps, {len(set(responses))} of them different",
        )
    return tuple(_timestamp(token_of_response(response), messages, root) for response in responses)


def _timestamp(token: bytes, messages: Sequence[bytes], root: TrustRoot) -> Timestamp:
    refused: RefusedError | None = None
    for authority in root.timestamp_authorities:
        for message in messages:
            try:
                stamp = _stamp_by(authority, token, message)
            except RefusedError as error:
                # The refusal of the authority that got furthest is the one to tell.
                if refused is None or refused.code is ReasonCode.TIMESTAMP_UNTRUSTED:
                    refused = error
                continue
            return stamp
    raise refused or RefusedError(
        ReasonCode.TIMESTAMP_UNTRUSTED, f"the trust root {root.name} names no timestamp authority"
    )


def _stamp_by(authority: Authority, token: bytes, message: bytes) -> Timestamp:
    first = authority.chain[0]
    # A chain begins with the certificate that signs timestamps, unless that is an authority above it.
    signer = None if is_authority(first) else first
    stamp = verify_token(
        token, message, anchors=[authority.anchor], intermediates=authority.chain[:-1], authority=signer
    )
    if not authority.period.includes(stamp.at):
        raise RefusedError(
            ReasonCode.TIMESTAMP_OUTSIDE_WINDOW,
            f"{authority.uri} is trusted from {authority.period}, not at {stamp.at:%Y-%m-%dT%H:%M:%SZ}",
        )
    return stamp


def _times(logged: Logged | None, stamps: Sequence[Timestamp]) -> tuple[datetime, ...]:
    promised = () if logged is None or logged.at is None else (logged.at,)
    times = (*promised, *(stamp.at for stamp in stamps))
    if not times:
        raise RefusedError(
            ReasonCode.SIGNING_TIME_UNPROVEN, "neither a log nor a timestamp authority signed a time"
        )
    return times


def _issuer_at(leaf: x509.Certificate, root: TrustRoot, at: datetime) -> x509.Certificate:
    """Who issued the leaf, by a path that holds at this time."""
    refused: RefusedError | None = None
    for authority in _issuers(leaf, root):
        try:
            path = path_to_anchor(
                leaf,
                intermediates=authority.chain[:-1],
                anchors=[authority.anchor],
                at=at,
                purpose=ExtendedKeyUsageOID.CODE_SIGNING,
            )
        except OutsideValidityError as error:
            refused = RefusedError(ReasonCode.CERTIFICATE_OUTSIDE_VALIDITY, str(error))
        except PathError as error:
            refused = refused or RefusedError(ReasonCode.CERTIFICATE_UNTRUSTED, str(error))
        else:
            if authority.period.includes(at):
                return path[min(1, len(path) - 1)]
            refused = refused or RefusedError(
                ReasonCode.CERTIFICATE_AUTHORITY_OUTSIDE_WINDOW,
                f"{authority.uri} is trusted from {authority.period}, not at {at:%Y-%m-%dT%H:%M:%SZ}",
            )
    assert refused is not None
    raise refused
