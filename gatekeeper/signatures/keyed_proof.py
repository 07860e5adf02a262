"""A signature by a managed key, with the time that a log or timestamp authority of a trust root proves.

A managed key needs neither. Therefore what does not hold is an anomaly that people see, and never a refusal; and the
time is what a key's window is compared with, instead of our own first sight.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gatekeeper.core.evidence import SignedTime, TimeSource
from gatekeeper.core.trust import PublicKey, TrustRoot
from gatekeeper.signatures.keyless import trust_root
from gatekeeper.signatures.keyless.entry_body import Signed, check_entry_is_about
from gatekeeper.signatures.keyless.log import check_log_window, check_logged
from gatekeeper.signatures.keyless.material import TimeMaterial
from gatekeeper.signatures.keyless.pipeline import check_timestamps
from gatekeeper.signatures.keys import loaded
from gatekeeper.signatures.material import Material
from gatekeeper.signatures.proof import Proof
from gatekeeper.signatures.refusal import RefusedError


@dataclass(slots=True)
class _Found:
    """What holds under any of the roots."""

    times: list[SignedTime] = field(default_factory=list)
    roots: list[str] = field(default_factory=list)
    log_index: int | None = None
    log_id: str | None = None
    refused: list[RefusedError] = field(default_factory=list)


def prove_by_key(material: Material, key: PublicKey, roots: Sequence[TrustRoot]) -> Proof:
    """The proof of a signature that ``key`` was found to have made. Never raises for what hangs beside it."""
    proof = Proof(f"signed by the key {key.source}", key)
    if not roots or material.certified is not None:
        return proof
    try:
        times = material.times()
    except RefusedError as error:
        return replace(proof, anomalies=(error.code,))
    if not times.entries and not times.timestamps:
        return proof
    found = _Found()
    for root in (one for named in roots for one in trust_root.opened(named)):
        _look(root, times, material, key, found)
    if not found.times and not found.roots:
        return replace(proof, anomalies=tuple(sorted({error.code for error in found.refused})))
    return replace(
        proof,
        trust_roots=tuple(found.roots),
        log_index=found.log_index,
        log_id=found.log_id,
        times=tuple(found.times),
    )


def _look(
    root: trust_root.TrustRoot, times: TimeMaterial, material: Material, key: PublicKey, found: _Found
) -> None:
    public = loaded(key).public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    signed = Signed(material.signature, material.message, material.payload, material.envelopes, public)
    stored = () if material.stored_envelope is None else (material.stored_envelope,)
    try:
        stamps = check_timestamps(times.timestamps, (material.signature, *stored), root)
        logged = []
        for entry in times.entries:
            check_entry_is_about(entry, signed)
            logged.append(check_logged(entry, root.logs, demands_promise=times.demands_promise))
            check_log_window(logged[-1], [stamp.at for stamp in stamps])
    except RefusedError as error:
        found.refused.append(error)
        return
    found.roots.append(root.name)
    for stamp in stamps:
        authority = stamp.chain[0].subject.rfc4514_string()
        found.times.append(SignedTime(stamp.at, TimeSource.TIMESTAMP, authority))
    for one in logged:
        found.log_index, found.log_id = one.index, one.log.log_id.hex()
        if one.at is not None:
            found.times.append(SignedTime(one.at, TimeSource.LOG, one.log.url))
