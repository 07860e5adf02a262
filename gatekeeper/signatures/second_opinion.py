"""A second verifier for keyless bundles: sigstore's own client, on what it verifies well.

It is asked once for every new bundle, and only about bundles it can read: one log entry with a proof, of a kind it
knows. It does not look at the periods in a trust root, so it is given only what the root trusted at the signing time.
When the two disagree, neither is believed: the candidate is inconclusive, and people are told loudly.
"""

from __future__ import annotations

import json
import logging
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from threading import Lock

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from gatekeeper.core.digest import Digest
from gatekeeper.core.trust import TrustRoot
from gatekeeper.signatures.certificate_path import load_certificate
from gatekeeper.signatures.keyless.trust_root import Json, documents_of, period_of
from gatekeeper.signatures.material import Material
from gatekeeper.signatures.proof import Proof
from gatekeeper.signatures.reason_codes import ReasonCode
from gatekeeper.signatures.refusal import RefusedError

_log = logging.getLogger(__name__)

_KINDS = frozenset({("dsse", "0.0.1"), ("hashedrekord", "0.0.2")})
"""Kinds of entries for envelopes that sigstore-python 4 knows."""
_CRYPTOGRAPHIC = frozenset(
    {
        ReasonCode.SIGNATURE_NOT_BY_CERTIFICATE,
        ReasonCode.SCT_SIGNATURE_WRONG,
        ReasonCode.LOG_ENTRY_MISMATCH,
        ReasonCode.LOG_PROMISE_WRONG,
        ReasonCode.LOG_PROOF_WRONG,
        ReasonCode.LOG_CHECKPOINT_WRONG,
    }
)
"""Refusals that another verifier must share. In all others we are known to be stricter."""
_PARTS = ("tlogs", "certificateAuthorities", "ctlogs", "timestampAuthorities")


@dataclass(frozen=True, slots=True)
class Opinion:
    """``holds``: None when there is none, for a bundle the client cannot read."""

    holds: bool | None
    detail: str


_NONE = Opinion(None, "not a bundle that the other verifier reads")


Ask = Callable[[bytes, TrustRoot, datetime | None], Opinion]
"""(bundle, root, signing time if it is proven) -> opinion. Raises nothing."""


class SecondOpinion:
    """Thread-safe; remembers what was said of each bundle under each root, of so many bundles."""

    def __init__(self, ask: Ask | None = None, *, remembered: int = 4096) -> None:
        self._ask = ask or ask_sigstore
        self._remembered = remembered
        self._said: OrderedDict[str, Opinion] = OrderedDict()
        self._lock = Lock()

    def confirm(self, material: Material, proof: Proof, roots: Sequence[TrustRoot]) -> None:
        """Raises RefusedError ``second-opinion-disagrees`` when the other verifier refuses what we accept."""
        if material.bundle is None or proof.signed_at is None or not _readable(material):
            return
        under = [root for root in roots if root.name in proof.trust_roots]
        opinions = [self._opinion(material.bundle, root, proof.signed_at) for root in under]
        refusals = [opinion for opinion in opinions if opinion.holds is False]
        # One root file may hold several instances: the one that issued the certificate answers.
        if refusals and not any(opinion.holds for opinion in opinions):
            raise _disagreement(material, f"we accept it, sigstore's client does not: {refusals[0].detail}")

    def contradict(self, material: Material, refused: RefusedError, roots: Sequence[TrustRoot]) -> None:
        """Raises RefusedError ``second-opinion-disagrees`` when the other verifier accepts what we refuse."""
        if material.bundle is None or refused.code not in _CRYPTOGRAPHIC or not _readable(material):
            return
        if any(self._opinion(material.bundle, root, None).holds for root in roots):
            raise _disagreement(
                material, f"sigstore's client accepts it, we do not: {refused.code}: {refused.message}"
            ) from refused

    def _opinion(self, bundle: bytes, root: TrustRoot, at: datetime | None) -> Opinion:
        key = f"{Digest.of(bundle)} {root.digest} {at}"
        with self._lock:
            known = self._said.get(key)
        if known is not None:
            return known
        opinion = self._ask(bundle, root, at)
        with self._lock:
            self._said[key] = opinion
            while len(self._said) > self._remembered:
                self._said.popitem(last=False)
        return opinion


def _disagreement(material: Material, detail: str) -> RefusedError:
    _log.error("two verifiers disagree about the signature %s: %s", material.name, detail)
    return RefusedError(ReasonCode.SECOND_OPINION_DISAGREES, detail)


def ask_sigstore(bundle: bytes, root: TrustRoot, at: datetime | None) -> Opinion:
    """What sigstore's client says of a bundle under the instances of a root that were trusted at that time."""
    opinions = [_ask_under(bundle, document, at) for document in documents_of(root.content, root.name)]
    accepted = [opinion for opinion in opinions if opinion.holds]
    refused = [opinion for opinion in opinions if opinion.holds is False]
    return (accepted or refused or [_NONE])[0]


def _readable(material: Material) -> bool:
    """One entry of a kind the client knows, with a proof, by a key of the one kind whose hash it gets right."""
    if material.certified is None:
        return False
    keyless = material.certified()
    if len(keyless.entries) != 1:
        return False
    (entry,) = keyless.entries
    key = load_certificate(keyless.certificate).public_key()
    return (
        entry.proof is not None
        and entry.kind_version in _KINDS
        and isinstance(key, ec.EllipticCurvePublicKey)
        and isinstance(key.curve, ec.SECP256R1)
    )


class _Anybody:
    """A policy of sigstore's client. Who signed is matched when deciding; here only the proof counts."""

    def verify(self, cert: x509.Certificate) -> None:
        """Accepts."""


def _ask_under(bundle: bytes, document: Json, at: datetime | None) -> Opinion:
    # Half a second to import: only where somebody asks.
    from sigstore.errors import VerificationError
    from sigstore.models import Bundle, TrustedRoot
    from sigstore.verify import Verifier
    from sigstore_models.trustroot import v1

    try:
        trusted = v1.TrustedRoot.from_json(json.dumps(_trusted_at(document, at)))
        verifier = Verifier(trusted_root=TrustedRoot(trusted))
        read = Bundle.from_json(bundle)
    except Exception as error:  # noqa: BLE001 - border to a library that raises its own and others' errors
        return Opinion(None, f"{type(error).__name__}: {str(error)[:200]}")
    try:
        verifier.verify_dsse(read, _Anybody())
    except VerificationError as error:
        return Opinion(False, str(error)[:300])
    except Exception as error:  # noqa: BLE001 - the same border: TypeError for kinds of keys it does not know
        return Opinion(None, f"{type(error).__name__}: {str(error)[:200]}")
    return Opinion(True, "")


def _trusted_at(document: Json, at: datetime | None) -> Json:
    """The root without what it did not trust at that time."""
    if at is None:
        return document
    return {
        name: [one for one in part if period_of(one).includes(at)]
        if name in _PARTS and isinstance(part, list)
        else part
        for name, part in document.items()
    }
