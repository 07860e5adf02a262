"""How our own attestations are attached: which verdicts, in which form, so that nobody's verification breaks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from gatekeeper.core.evidence import Candidate, Form
from gatekeeper.core.policy import matches_any
from gatekeeper.core.reference import Repository
from gatekeeper.core.verification_summary import UNEVALUATED


class AttachForm(StrEnum):
    """How an attestation of ours is stored."""

    BUNDLE = "bundle"
    """A Sigstore bundle v0.3 as a referrer."""
    TAG = "att"
    """A layer of the ``.att`` tag."""
    NONE = "none"
    """Not at all."""


@dataclass(frozen=True, slots=True)
class AttestingTerms:
    """What ``[signing]`` says. Without it nothing is ever attached."""

    verifier: str
    """``verifier.id`` of the summaries, a URI."""
    policy: str
    """``policy.uri``."""
    version: str
    """Of this program."""
    levels: tuple[str, ...] = (UNEVALUATED,)
    repositories: tuple[str, ...] = ("**",)
    """Globs over ``registry/path``."""
    exclude: tuple[str, ...] = ()
    failed: bool = False
    """Attach summaries of failed verdicts too."""
    unsigned: AttachForm = AttachForm.NONE
    """The form for images that carry no cosign signature."""
    keep: int = 0
    """How many superseded summaries stay beside the newest."""
    per_hour: int = 600

    def cover(self, repository: Repository) -> bool:
        """True when images of this repository are attested."""
        name = str(repository)
        return matches_any(self.repositories, name) and not matches_any(self.exclude, name)


@dataclass(frozen=True, slots=True)
class Neighbour:
    """What somebody else has hung on the image."""

    form: Form
    media_type: str
    """Of the layer."""
    readable: bool
    """True when its own shape holds, whoever signed it."""

    @property
    def hides(self) -> bool:
        """True when both cosigns stop looking at legacy signatures because of it, whoever made it."""
        return self.form is Form.SIGSTORE_BUNDLE and self.readable and self.media_type in _READ_BY_COSIGN


_READ_BY_COSIGN = (
    "application/vnd.dev.sigstore.bundle.v0.3+json",
    "application/vnd.dev.sigstore.bundle+json;version=0.3",
)
_LEGACY = (Form.COSIGN_SIGNATURE_TAG, Form.COSIGN_SIGNATURE_REFERRER)
_SIGNATURES = (*_LEGACY, Form.SIGSTORE_BUNDLE)
_SHAPELESS = ("bundle-", "candidate-", "carrier-", "content-", "envelope-", "layer-", "unreadable")
"""How the reason codes of candidates begin whose own shape does not hold."""


def readable(candidate: Candidate) -> bool:
    """True when the candidate's own shape holds, whoever signed it."""
    return not candidate.reason_code.startswith(_SHAPELESS)


def chosen_form(others: Iterable[Neighbour], unsigned: AttachForm) -> AttachForm:
    """The form that breaks nobody.

    Both cosigns stop looking at legacy signatures as soon as they can read one bundle: so a bundle is added only where
    another one hides them already, and beside nothing but legacy signatures the ``.att`` tag is taken.
    """
    found = tuple(others)
    if any(one.hides for one in found):
        return AttachForm.BUNDLE
    if any(one.form in _LEGACY for one in found):
        return AttachForm.TAG
    if any(one.form is Form.SIGSTORE_BUNDLE for one in found):
        return AttachForm.BUNDLE
    return unsigned


def carries_cosign(candidates: Iterable[Candidate]) -> bool:
    """True when something is there that ``chosen_form`` finds a form for."""
    return any(candidate.form in _SIGNATURES for candidate in candidates)
