"""Revocation of a chain (trust-store-trust-policy.md, "Certificate Revocation Evaluation").

For every certificate but the root: what lies on file decides first; then OCSP, if the certificate names a responder;
then the CRLs of all its distribution points. A certificate that names neither cannot be revoked by anyone. Only
``http`` addresses are asked (a certificate check over TLS would need a certificate check). ``revoked`` refuses; what
could not be asked or believed is inconclusive, never a pass.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from cryptography import x509
from cryptography.x509.oid import AuthorityInformationAccessOID

from gatekeeper.core.errors import Cause, UnavailableError
from gatekeeper.ports import RevocationAnswers
from gatekeeper.signatures.notation import crl, ocsp
from gatekeeper.signatures.notation.certificates import Certificate
from gatekeeper.signatures.reason_codes import ReasonCode
from gatekeeper.signatures.refusal import RefusedError

MAX_ADDRESSES = 8


class NothingStored:
    """The ``RevocationAnswers`` of a site that configured none."""

    def stored_lists(self) -> Sequence[bytes]:
        return ()

    def stored_responses(self) -> Sequence[bytes]:
        return ()

    def list_at(self, url: str) -> bytes:
        raise _not_configured(url)

    def response_from(self, url: str, request: bytes) -> bytes:  # noqa: ARG002 - the port's
        raise _not_configured(url)


def _not_configured(url: str) -> UnavailableError:
    return UnavailableError(f"asking {url[:200]} is not configured", cause=Cause.NOT_CONFIGURED)


def check_revocation(
    chain: Sequence[Certificate],
    answers: RevocationAnswers,
    *,
    now: datetime,
    signed_at: datetime | None = None,
) -> None:
    """``chain`` is in order and was checked. ``signed_at``: the time of signing, where an authority vouches for it.

    Raises RefusedError ``notation-revoked notation-revocation-not-configured notation-revocation-unavailable``; a
    revoked certificate outweighs one that could not be asked about.
    """
    gap: tuple[Certificate, UnavailableError] | None = None
    for certificate, issuer in pairwise(chain):
        try:
            revoked = _Question(certificate, issuer, answers, now, signed_at).is_revoked()
        except UnavailableError as unknown:
            gap = gap or (certificate, unknown)
            continue
        if revoked:
            raise RefusedError(
                ReasonCode.NOTATION_REVOKED, f"the certificate {certificate.named} was revoked"
            )
    if gap is not None:
        unasked, why = gap
        raise RefusedError(
            ReasonCode.NOTATION_REVOCATION_NOT_CONFIGURED
            if why.cause is Cause.NOT_CONFIGURED
            else ReasonCode.NOTATION_REVOCATION_UNAVAILABLE,
            f"whether the certificate {unasked.named} was revoked is not known: {why.message}",
        )


@dataclass(frozen=True, slots=True)
class _Question:
    """Was this certificate revoked, as far as ``answers`` can say?"""

    certificate: Certificate
    issuer: Certificate
    answers: RevocationAnswers
    now: datetime
    signed_at: datetime | None

    def is_revoked(self) -> bool:
        """Raises UnavailableError when nobody can say."""
        responders, points = self._responders(), self._points()
        last: UnavailableError | None = None
        for ask in (self._by_stored_lists, self._by_stored_responses, self._by_responders, self._by_points):
            try:
                return ask(responders, points)
            except _NoneNamedError:
                continue
            except UnavailableError as error:
                last = _weightier(last, error)
        if last is not None:
            raise last
        return False

    def _responders(self) -> tuple[str, ...]:
        access = self.certificate.extension(x509.AuthorityInformationAccess)
        return tuple(
            description.access_location.value
            for description in (access.value if access is not None else ())
            if description.access_method == AuthorityInformationAccessOID.OCSP
            and isinstance(description.access_location, x509.UniformResourceIdentifier)
        )[:MAX_ADDRESSES]

    def _points(self) -> tuple[x509.DistributionPoint, ...]:
        found = self.certificate.extension(x509.CRLDistributionPoints)
        return tuple(found.value) if found is not None else ()

    def _by_stored_responses(self, *_: object) -> bool:
        for encoded in self.answers.stored_responses():
            with suppress(UnavailableError):
                return ocsp.is_revoked(encoded, self.certificate, self.issuer, now=self.now)
        raise _NoneNamedError

    def _by_responders(self, responders: tuple[str, ...], *_: object) -> bool:
        if not responders:
            raise _NoneNamedError
        last: UnavailableError | None = None
        request = ocsp.request_for(self.certificate, self.issuer)
        for url in responders:
            try:
                answer = self.answers.response_from(_http(url), request)
                return ocsp.is_revoked(answer, self.certificate, self.issuer, now=self.now)
            except UnavailableError as error:
                last = _weightier(last, error)
        raise last or _NoneNamedError

    def _by_stored_lists(self, _: object, points: tuple[x509.DistributionPoint, ...]) -> bool:
        addresses = crl.addresses_of(points)
        stored = [listed for listed in self._stored() if listed.issuer == self.issuer.parsed.subject]
        last: UnavailableError | None = None
        answered = False
        for base in stored:
            if base.base_number is not None or not crl.covers(base, self.certificate, addresses):
                continue
            try:
                if self._judge(base, stored):
                    return True
                answered = True
            except UnavailableError as error:
                last = _weightier(last, error)
        if answered:
            return False
        raise last or _NoneNamedError

    def _stored(self) -> Iterator[crl.RevocationList]:
        for encoded in self.answers.stored_lists():
            with suppress(UnavailableError):
                yield crl.read_list(encoded)

    def _by_points(self, _: object, points: tuple[x509.DistributionPoint, ...]) -> bool:
        """All of them: each may list other certificates, or other reasons. Any that says revoked decides."""
        if not points:
            raise _NoneNamedError
        if len(points) > MAX_ADDRESSES:
            raise crl.unusable(f"the certificate names {len(points)} distribution points", Cause.OVER_CAP)
        last: UnavailableError | None = None
        for point in points:
            try:
                if self._at_point(point):
                    return True
            except UnavailableError as error:
                last = _weightier(last, error)
        if last is not None:
            raise last
        return False

    def _at_point(self, point: x509.DistributionPoint) -> bool:
        uris = crl.uris_of(point.full_name)
        if not uris or point.crl_issuer is not None or point.reasons is not None:
            raise crl.unusable("the certificate names a distribution point of a kind that is not read")
        base = crl.read_list(self._first_of(uris))
        if base.base_number is not None or not crl.covers(base, self.certificate, uris):
            raise crl.unusable("the one at this address answers for other certificates")
        return self._judge(base, ())

    def _first_of(self, uris: Sequence[str]) -> bytes:
        """Several addresses of one distribution point are the same list (RFC 5280, 4.2.1.13)."""
        last: UnavailableError | None = None
        for url in uris[:MAX_ADDRESSES]:
            try:
                return self.answers.list_at(_http(url))
            except UnavailableError as error:
                last = _weightier(last, error)
        raise last or crl.unusable("no address is named")

    def _judge(self, base: crl.RevocationList, stored: Sequence[crl.RevocationList]) -> bool:
        """A complete list with its delta, when it says that it has one."""
        crl.check_believable(base, self.issuer, self.now)
        lists = [base]
        if base.delta_addresses:
            lists.append(self._delta(base, stored))
        elif self.certificate.extension(x509.FreshestCRL) is not None:
            raise crl.unusable("its certificate names a delta that the complete list does not name")
        return crl.lists_as_revoked(lists, self.certificate, self.signed_at)

    def _delta(self, base: crl.RevocationList, stored: Sequence[crl.RevocationList]) -> crl.RevocationList:
        for delta in stored:
            with suppress(UnavailableError):
                return self._believed_delta(delta, base)
        return self._believed_delta(crl.read_list(self._first_of(base.delta_addresses)), base)

    def _believed_delta(self, delta: crl.RevocationList, base: crl.RevocationList) -> crl.RevocationList:
        crl.check_delta(delta, base)
        crl.check_believable(delta, self.issuer, self.now)
        return delta


class _NoneNamedError(Exception):
    """One way of asking does not apply: nothing is named, or nothing is stored."""


def _http(url: str) -> str:
    if not url.lower().startswith("http://"):
        raise UnavailableError(
            f"{url[:200]!r} is no http address, and no other is asked", cause=Cause.PROTOCOL
        )
    return url


def _weightier(known: UnavailableError | None, new: UnavailableError) -> UnavailableError:
    """What was asked and not answered tells more than what was not asked."""
    if known is None or (known.cause is Cause.NOT_CONFIGURED and new.cause is not Cause.NOT_CONFIGURED):
        return new
    return known
