"""``KeylessAttestor``: attestations signed with short-lived certificates of a configured Fulcio, logged in its Rekor.

sigstore's own client speaks with both. It knows no deadline, so it runs in a thread that is not waited for for ever.
"""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Thread
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from gatekeeper.core.errors import Cause, ConfigurationError, GatekeeperError, UnavailableError
from gatekeeper.core.evidence import Outcome
from gatekeeper.core.trust import PublicKey, TrustMaterial, TrustRoot
from gatekeeper.ports import Judged, SignedStatement, Statement, Wanted
from gatekeeper.signatures import media_types
from gatekeeper.signatures.attaching import as_json
from gatekeeper.signatures.attestor import Carriers
from gatekeeper.signatures.verifier import Verifier

SECONDS = 60.0
"""For certificate, log entry and timestamps together."""


@dataclass(frozen=True, slots=True)
class Oidc:
    """Who Fulcio says that we are."""

    identity: str
    issuer: str
    token: Callable[[], str] = field(repr=False)
    """Read anew for every signature."""


class KeylessAttestor(Carriers):
    """``ports.AttestationSigner`` without a key. ``trust_config``: Sigstore's ClientTrustConfig as JSON."""

    def __init__(self, trust_config: bytes, oidc: Oidc, *, seconds: float = SECONDS) -> None:
        self._trust_config = trust_config
        self._oidc = oidc
        self._seconds = seconds
        self._trust = TrustMaterial(roots=(TrustRoot("signing", trust_config, "signing.keyless"),))
        self._verifier = Verifier()

    def sign(self, statement: bytes, predicate_type: str) -> SignedStatement:
        """Raises ConfigurationError (token or trust configuration), UnavailableError (Fulcio or Rekor)."""
        asking = _Asking(self._trust_config, self._oidc.token(), statement)
        thread = Thread(target=asking.run, name="keyless-signing", daemon=True)
        thread.start()
        thread.join(self._seconds)
        if asking.bundle is not None:
            return _signed(asking.bundle, predicate_type)
        raise asking.error or UnavailableError(
            f"Fulcio and Rekor did not answer within {self._seconds:.0f} s", cause=Cause.TIMEOUT
        )

    def ours(self, wanted: Wanted, content: bytes, *, subject: Judged) -> Statement | None:
        """The statement of a candidate that our identity signed."""
        found = self._verifier.verify(wanted, content, subject=subject, trust=self._trust)
        signer = (found.candidate.identity, found.candidate.issuer)
        ours = found.candidate.outcome is Outcome.VERIFIED and signer == (
            self._oidc.identity,
            self._oidc.issuer,
        )
        return found.statement if ours else None

    def current(self) -> PublicKey | None:
        """None: there is no key."""
        return None

    def public_keys(self) -> tuple[PublicKey, ...]:
        """None: whoever verifies needs the trust root and our identity."""
        return ()


class _Asking:
    """One signature, asked for in a thread of its own."""

    def __init__(self, trust_config: bytes, token: str, statement: bytes) -> None:
        self._trust_config = trust_config
        self._token = token
        self._statement = statement
        self.bundle: bytes | None = None
        self.error: GatekeeperError | None = None

    def run(self) -> None:
        """Never raises: what became of it is in ``bundle`` or ``error``."""
        # Loading it takes half a second, which only who signs so has to spend.
        from sigstore.dsse import Statement as InTotoStatement  # noqa: PLC0415
        from sigstore.errors import Error  # noqa: PLC0415
        from sigstore.models import ClientTrustConfig  # noqa: PLC0415
        from sigstore.oidc import IdentityError, IdentityToken  # noqa: PLC0415
        from sigstore.sign import SigningContext  # noqa: PLC0415

        try:
            context = SigningContext.from_trust_config(
                ClientTrustConfig.from_json(self._trust_config.decode())
            )
            token = IdentityToken(self._token)
        except (Error, IdentityError, ValueError) as error:
            said = f"[signing.keyless] cannot be used: {type(error).__name__}: {error}"
            self.error = ConfigurationError((said,), reason_code="signing-unusable")
            return
        try:
            with context.signer(token) as signer:
                self.bundle = signer.sign_dsse(InTotoStatement(self._statement)).to_json().encode()
        except Exception as error:  # noqa: BLE001 - border to a client that raises whatever its libraries do
            said = f"Fulcio or Rekor: {type(error).__name__}: {str(error)[:200]}"
            self.error = UnavailableError(said, cause=Cause.SERVER_ERROR, reason_code="signing-unavailable")


def _signed(bundle: bytes, predicate_type: str) -> SignedStatement:
    document = json.loads(bundle)
    material = document["verificationMaterial"]
    certificate = x509.load_der_x509_certificate(b64decode(material["certificate"]["rawBytes"]))
    annotations = {
        media_types.SIGNATURE_ANNOTATION: "",
        media_types.PREDICATE_ANNOTATION: predicate_type,
        media_types.CERTIFICATE_ANNOTATION: certificate.public_bytes(Encoding.PEM).decode("ascii"),
        **_log_annotation(material),
        **_timestamp_annotation(material),
    }
    return SignedStatement(predicate_type, bundle, as_json(document["dsseEnvelope"]), annotations)


def _log_annotation(material: Mapping[str, Any]) -> dict[str, str]:
    """What a log promised, as a legacy layer carries it; a log that promises nothing (Rekor 2) cannot be told there."""
    entry = material["tlogEntries"][0]
    promise = entry.get("inclusionPromise")
    if not promise:
        return {}
    told = {
        "SignedEntryTimestamp": promise["signedEntryTimestamp"],
        "Payload": {
            "body": entry["canonicalizedBody"],
            "integratedTime": int(entry["integratedTime"]),
            "logIndex": int(entry.get("logIndex", 0)),
            "logID": b64decode(entry["logId"]["keyId"]).hex(),
        },
    }
    return {media_types.LOG_ANNOTATION: json.dumps(told)}


def _timestamp_annotation(material: Mapping[str, Any]) -> dict[str, str]:
    stamps = (material.get("timestampVerificationData") or {}).get("rfc3161Timestamps") or []
    if not stamps:
        return {}
    told = {"SignedRFC3161Timestamp": stamps[0]["signedTimestamp"]}
    return {media_types.TIMESTAMP_ANNOTATION: json.dumps(told)}
