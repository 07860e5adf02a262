"""``KeyAttestor``: attestations signed with a managed key, and known again by that key and the retired ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from threading import Lock

from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import ConfigurationError, MalformedError
from gatekeeper.core.evidence import Outcome
from gatekeeper.core.manifest import Descriptor, ImageManifest
from gatekeeper.core.trust import PublicKey, TrustMaterial
from gatekeeper.ports import Attachment, Judged, SignedStatement, Statement, Wanted
from gatekeeper.signatures import attaching
from gatekeeper.signatures.signing import SigningKey, sign_with
from gatekeeper.signatures.verifier import Verifier


class Carriers:
    """The manifests that carry attestations: the part of ``ports.AttestationSigner`` that needs no key."""

    def referrer(self, signed: SignedStatement, subject: Descriptor, *, created: datetime) -> Attachment:
        """A manifest that carries the bundle and names the subject."""
        return attaching.bundle_referrer(signed.bundle, subject, signed.predicate_type, created=created)

    def appended(
        self, signed: SignedStatement, current: ImageManifest | None, config: bytes, *, subject: Digest
    ) -> Attachment:
        """The ``.att`` manifest with one layer more. Raises MalformedError when its configuration is unreadable."""
        return attaching.appended(current, config, signed.envelope, signed.annotations, subject=subject)

    def without(
        self, current: ImageManifest, config: bytes, positions: frozenset[int], *, subject: Digest
    ) -> Attachment:
        """The ``.att`` manifest without these layers. Raises MalformedError."""
        return attaching.without(current, config, positions, subject=subject)


class KeyAttestor(Carriers):
    """``ports.AttestationSigner`` with a managed key. Thread-safe.

    ``read`` gives PEM and password anew for every signature, so that a key is rotated without a restart; opening a
    sealed key is slow on purpose, so one that did not change is opened once.
    """

    def __init__(
        self, read: Callable[[], tuple[bytes, bytes | None]], retired: Sequence[PublicKey] = ()
    ) -> None:
        self._read = read
        self._lock = Lock()
        self._opened: tuple[tuple[bytes, bytes | None], SigningKey] | None = None
        self._known = {key.id: key for key in retired}
        self._verifier = Verifier()

    def sign(self, statement: bytes, predicate_type: str) -> SignedStatement:
        """Raises ConfigurationError or MalformedError when the key cannot be had."""
        return sign_with(self._key(), statement, predicate_type)

    def ours(self, wanted: Wanted, content: bytes, *, subject: Judged) -> Statement | None:
        """The statement of a candidate that one of our keys signed."""
        found = self._verifier.verify(
            wanted, content, subject=subject, trust=TrustMaterial(self.public_keys())
        )
        return found.statement if found.candidate.outcome is Outcome.VERIFIED else None

    def current(self) -> PublicKey | None:
        """The key in force; None when it cannot be read."""
        try:
            return self._key().public
        except (ConfigurationError, MalformedError):
            # Signing tells of it. What was signed before stays ours, by the keys that are known.
            return None

    def public_keys(self) -> tuple[PublicKey, ...]:
        """Every key whose attestations are ours: the one in force first, where it can be read."""
        current = self.current()
        first = () if current is None else (current,)
        return (*first, *(key for key in self._known.values() if key not in first))

    def _key(self) -> SigningKey:
        given = self._read()
        with self._lock:
            if self._opened is None or self._opened[0] != given:
                pem, password = given
                self._opened = (given, SigningKey.from_pem(pem, "signing.key", password=password))
                public = self._opened[1].public
                self._known[public.id] = public
            return self._opened[1]
