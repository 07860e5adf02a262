"""When what signatures are verified with ends: keys, trust roots and their authorities, trust store certificates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from gatekeeper.core.ending import Ending, EndingKind
from gatekeeper.core.errors import MalformedError
from gatekeeper.core.policy import Policy
from gatekeeper.core.signer import Signer
from gatekeeper.core.trust import NotationTrust, TrustRoot, WhenStale
from gatekeeper.signatures.keyless import trust_root
from gatekeeper.signatures.keyless.trust_root import Authority, LogKey
from gatekeeper.signatures.notation.trust import read_trust


@dataclass(frozen=True, slots=True)
class _Life:
    begins: datetime | None
    ends: datetime | None


def endings_of(policy: Policy) -> Iterator[Ending]:
    """Every end that the policy's trust material knows, past ones too."""
    for root in policy.trust_roots:
        yield from _of_root(root)
    for signer in policy.signers.values():
        yield from _of_signer(signer)
    for trust in policy.notation:
        yield from _of_notation(trust)


def _of_root(root: TrustRoot) -> Iterator[Ending]:
    if root.expires_at is not None:
        stale = root.when_stale is WhenStale.INDETERMINATE
        consequence = "what rests on it is indeterminate then" if stale else "it is used on, with a warning"
        yield Ending(
            EndingKind.TRUST_ROOT,
            f"trust root {root.name}",
            root.expires_at,
            None,
            f"its publisher must have renewed it by then: {consequence}",
            f"`gatekeeper trust update {root.name}` (or `trust import`), then reload.",
        )
    try:
        instances = trust_root.opened(root)
    except MalformedError:
        # A policy with such a root is never loaded.
        return
    for number, instance in enumerate(instances, 1):
        name = f"trust root {root.name}" if len(instances) == 1 else f"trust root {root.name} ({number})"
        for what, lives in (
            ("certificate authorities", [_of_authority(one) for one in instance.certificate_authorities]),
            ("transparency logs", [_of_log(one) for one in instance.logs]),
            ("certificate logs", [_of_log(one) for one in instance.ct_logs]),
            ("timestamp authorities", [_of_authority(one) for one in instance.timestamp_authorities]),
        ):
            last = _last(lives)
            if last is not None and last.ends is not None:
                yield Ending(
                    EndingKind.TRUST_ROOT,
                    f"{name}: {what}",
                    last.ends,
                    last.begins,
                    "the last of them is trusted for nothing newer",
                    f"`gatekeeper trust update {root.name}` (or `trust import`), then reload.",
                )


def _of_authority(authority: Authority) -> _Life:
    """An authority signs no longer than the shortest of its certificates lasts."""
    moments = [certificate.not_valid_after_utc for certificate in authority.chain]
    if authority.period.ends is not None:
        moments.append(authority.period.ends)
    return _Life(authority.period.begins, min(moments))


def _of_log(log: LogKey) -> _Life:
    return _Life(log.period.begins, log.period.ends)


def _last(lives: list[_Life]) -> _Life | None:
    """The one that lasts longest; one without an end before all."""
    return max(lives, key=lambda life: life.ends or datetime.max.replace(tzinfo=UTC), default=None)


def _of_signer(signer: Signer) -> Iterator[Ending]:
    ends = {
        key: min(moment for moment in (key.not_after, key.retired_at) if moment is not None)
        for key in signer.keys
        if key.not_after is not None or key.retired_at is not None
    }
    speaks_on = bool(signer.identities or signer.notation) or len(ends) < len(signer.keys)
    for key, moment in ends.items():
        yield Ending(
            EndingKind.TRUST_ROOT,
            f"key {key.key.source} of signer {signer.name}",
            moment,
            key.not_before,
            "what it signs later does not count",
            f"Add the next key to `signers.{signer.name}` and sign with it.",
            outlived=speaks_on or any(other > moment for other in ends.values()),
        )


def _of_notation(trust: NotationTrust) -> Iterator[Ending]:
    stores = read_trust(trust).stores
    for store, certificates in stores.certificates.items():
        last = max(certificate.not_after for certificate in certificates)
        for certificate in certificates:
            yield Ending(
                EndingKind.TRUST_ROOT,
                f"certificate {certificate.named} in trust store {store} of {trust.name}",
                certificate.not_after,
                certificate.not_before,
                "signatures below it that no trusted timestamp dates do not count",
                f"Put its successor into the trust store {store}, then reload.",
                outlived=certificate.not_after < last,
            )
