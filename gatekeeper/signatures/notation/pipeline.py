"""The checks that a trust policy statement governs (trust-store-trust-policy.md, "Signature Evaluation"), in order.

What a level enforces refuses; what it only logs is kept beside a verified signature, for everyone to see. A check that
could not be made is inconclusive: the checks after it are still made, because one of them may refuse.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from gatekeeper.core.evidence import Outcome
from gatekeeper.core.trust import StoreKind
from gatekeeper.ports import RevocationAnswers
from gatekeeper.signatures.meanings import MEANINGS
from gatekeeper.signatures.notation.attributes import Scheme
from gatekeeper.signatures.notation.certificates import Certificate
from gatekeeper.signatures.notation.countersignature import Countersignature, verify_countersignature
from gatekeeper.signatures.notation.integrity import Signature
from gatekeeper.signatures.notation.revocation import NothingStored, check_revocation
from gatekeeper.signatures.notation.trust_policy import (
    Check,
    Enforcement,
    TrustStatement,
    VerifyTimestamp,
)
from gatekeeper.signatures.notation.trust_store import TrustStores
from gatekeeper.signatures.reason_codes import ReasonCode
from gatekeeper.signatures.refusal import RefusedError


@dataclass(frozen=True, slots=True)
class StatementResult:
    """What one statement says of a signature that holds."""

    code: ReasonCode
    detail: str
    logged: tuple[ReasonCode, ...] = ()
    """Checks that failed and that the level only logs, in order."""
    good_until: datetime | None = None
    """From then on an enforced check would fail by the passing of time alone."""
    unchecked: tuple[Check, ...] = ()
    """Checks that the statement skips."""
    countersignature: Countersignature | None = None
    """Verified, if the statement asks for one."""
    authentic: bool = False
    """True when a trust store vouches for the chain and the signer is a trusted identity."""

    @property
    def outcome(self) -> Outcome:
        """The outcome of the code."""
        return MEANINGS[self.code].outcome


def judge(
    signature: Signature,
    statement: TrustStatement,
    stores: TrustStores,
    answers: RevocationAnswers,
    *,
    now: datetime,
) -> StatementResult:
    """Whether the signer is trusted, in force, in time and not revoked. Never raises for what the signature says."""
    run = _Run(signature, statement, stores, answers, now)
    steps: tuple[tuple[Check, Callable[[], None]], ...] = (
        (Check.AUTHENTICITY, run.check_authenticity),
        (Check.EXPIRY, run.check_expiry),
        (Check.AUTHENTIC_TIMESTAMP, run.check_authentic_timestamp),
        (Check.REVOCATION, run.check_revocation),
    )
    logged: list[ReasonCode] = []
    unchecked: list[Check] = []
    open_question: RefusedError | None = None
    for check, step in steps:
        action = statement.enforcement[check]
        if action is Enforcement.SKIP:
            unchecked.append(check)
            continue
        try:
            step()
        except RefusedError as failed:
            if action is Enforcement.LOG:
                logged.append(failed.code)
            elif MEANINGS[failed.code].outcome is Outcome.INCONCLUSIVE:
                open_question = open_question or failed
            else:
                return StatementResult(failed.code, failed.message, tuple(logged))
    if open_question is not None:
        return StatementResult(open_question.code, open_question.message, tuple(logged))
    detail = f"signed by {signature.leaf.named}"
    return StatementResult(
        ReasonCode.SIGNATURE_VERIFIED,
        detail,
        tuple(logged),
        run.good_until(),
        tuple(unchecked),
        run.countersignature,
        run.authentic,
    )


@dataclass(slots=True)
class _Run:
    """One evaluation."""

    signature: Signature
    statement: TrustStatement
    stores: TrustStores
    answers: RevocationAnswers
    now: datetime
    anchored: bool = False
    """True once a certificate of the chain was found in a trust store."""
    authentic: bool = False
    countersignature: Countersignature | None = field(default=None)

    @property
    def _chain(self) -> tuple[Certificate, ...]:
        return self.signature.envelope.chain

    def check_authenticity(self) -> None:
        """A certificate of the chain lies in a store of the scheme's type, and the leaf is a trusted identity."""
        kind = (
            StoreKind.CA if self.signature.attributes.scheme is Scheme.X509 else StoreKind.SIGNING_AUTHORITY
        )
        trusted = self._trusted(kind)
        if not trusted:
            raise RefusedError(
                ReasonCode.NOTATION_UNTRUSTED,
                f"the statement {self.statement.name!r} names no {kind} store, which this signing scheme needs",
            )
        if not trusted.intersection(self._chain):
            raise RefusedError(
                ReasonCode.NOTATION_UNTRUSTED,
                f"no certificate of its chain, up to {self._chain[-1].named}, is in the trust stores",
            )
        self.anchored = True
        leaf = self.signature.leaf
        self.authentic = self.statement.any_identity or any(
            identity.matches(leaf.parsed.subject) for identity in self.statement.identities
        )
        if not self.authentic:
            raise RefusedError(
                ReasonCode.NOTATION_IDENTITY_UNTRUSTED,
                f"{leaf.named} is no trusted identity of the statement {self.statement.name!r}",
            )

    def check_expiry(self) -> None:
        """The signer's own end date has not come."""
        expiry = self.signature.attributes.expiry
        if expiry is not None and self.now >= expiry:
            raise RefusedError(ReasonCode.NOTATION_EXPIRED, f"the signature expired at {expiry.isoformat()}")

    def check_authentic_timestamp(self) -> None:
        """The whole chain was in force when the signature was made, as far as somebody can be believed about it."""
        attributes = self.signature.attributes
        if attributes.scheme is Scheme.SIGNING_AUTHORITY:
            self._check_in_force(attributes.signing_time, attributes.signing_time)
        elif not self._needs_timestamp():
            self._check_in_force(self.now, self.now)
        else:
            self._check_countersignature()

    def good_until(self) -> datetime | None:
        """The signer's own end date, and the end of the chain where it was looked at as of now; if enforced."""
        attributes, enforced = self.signature.attributes, self.statement.enforcement
        ends = []
        if attributes.expiry is not None and enforced[Check.EXPIRY] is Enforcement.ENFORCE:
            ends.append(attributes.expiry)
        as_of_now = attributes.scheme is Scheme.X509 and self.countersignature is None
        if as_of_now and enforced[Check.AUTHENTIC_TIMESTAMP] is Enforcement.ENFORCE:
            ends += [certificate.not_after for certificate in self._chain]
        return min(ends, default=None)

    def check_revocation(self) -> None:
        """No certificate of the chain was revoked. Nobody is asked about a chain that no store vouches for."""
        attributes = self.signature.attributes
        authentic = attributes.signing_time if attributes.scheme is Scheme.SIGNING_AUTHORITY else None
        answers = self.answers if self.anchored else NothingStored()
        check_revocation(self._chain, answers, now=self.now, signed_at=authentic)

    def _trusted(self, kind: StoreKind) -> frozenset[Certificate]:
        found: set[Certificate] = set()
        for name in self.statement.stores_of(kind):
            certificates = self.stores.of(name)
            if not certificates:
                raise RefusedError(
                    ReasonCode.NOTATION_TRUST_STORE_MISSING,
                    f"the trust store {name} of the statement {self.statement.name!r} is absent or empty",
                )
            found.update(certificates)
        return frozenset(found)

    def _needs_timestamp(self) -> bool:
        if not self.statement.stores_of(StoreKind.TSA):
            return False
        if self.statement.verify_timestamp is VerifyTimestamp.ALWAYS:
            return True
        return any(self.now > certificate.not_after for certificate in self._chain)

    def _check_in_force(self, earliest: datetime, latest: datetime) -> None:
        for certificate in self._chain:
            if not certificate.covers(earliest, latest):
                raise RefusedError(
                    ReasonCode.NOTATION_NOT_IN_FORCE,
                    f"the certificate {certificate.named} is in force from {certificate.not_before.isoformat()} "
                    f"to {certificate.not_after.isoformat()}, not at {latest.isoformat()}",
                )

    def _check_countersignature(self) -> None:
        envelope = self.signature.envelope
        roots = sorted(self._trusted(StoreKind.TSA), key=lambda root: root.encoded)
        if envelope.timestamp is None:
            raise RefusedError(
                ReasonCode.NOTATION_TIMESTAMP_MISSING,
                f"the statement {self.statement.name!r} asks for a time-stamp, and there is none",
            )
        verified = verify_countersignature(envelope.timestamp, envelope.signature, roots)
        self._check_in_force(verified.earliest, verified.latest)
        check_revocation(verified.chain, self.answers, now=self.now)
        self.countersignature = verified
