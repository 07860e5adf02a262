"""``verify IMAGE``: one question about one image, by trust that was given on the line. No policy, no database.

1. resolve the reference to a digest once; with a platform, to the child of that platform
2. gather every candidate beside it (and beside the index that lists it), in every form, wherever it is stored
3. answer by the signers that were named (pure)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import Cause, MalformedError, NotFoundError, UnavailableError
from gatekeeper.core.evidence import Candidate, Outcome, Platform, Unavailable
from gatekeeper.core.exit_codes import ExitCode
from gatekeeper.core.image_config import parse_config
from gatekeeper.core.manifest import Descriptor, ImageIndex, ImageManifest, Manifest
from gatekeeper.core.platforms import is_listed
from gatekeeper.core.question import Considered, Question, answer_to
from gatekeeper.core.reference import Reference, Repository
from gatekeeper.core.rules.signed import SignedVia
from gatekeeper.core.subject import says_attestation
from gatekeeper.core.trust import TrustMaterial
from gatekeeper.ports import Statement
from gatekeeper.workflow.attached import Site, gather_attached
from gatekeeper.workflow.pile import Pile
from gatekeeper.workflow.workroom import Collector

EXIT_CODES = {
    Outcome.VERIFIED: ExitCode.PASSED,
    Outcome.REFUSED: ExitCode.FAILED,
    Outcome.SKIPPED: ExitCode.FAILED,
    Outcome.INCONCLUSIVE: ExitCode.INDETERMINATE,
}


@dataclass(frozen=True, slots=True)
class Place:
    """Which node of the image is judged, and where signatures that count for it may lie."""

    platform: str | None = None
    """``os/architecture[/variant]``: that child of the index. None: the digest that the reference names."""
    signed_via: SignedVia = SignedVia.ANY
    signature_repository: Repository | None = None
    """Looked at beside the image's own (``COSIGN_REPOSITORY``)."""


@dataclass(frozen=True, slots=True)
class ImageVerification:
    """What became of one question. ``core.canonical.to_plain`` makes JSON of it."""

    state: Outcome
    reason_code: str
    exit_code: int
    repository: Repository
    digest: Digest
    """The digest that was judged: the platform child when a platform was asked for."""
    index: Digest | None
    """The index that lists it, when a platform was asked for."""
    tag: str | None
    platform: str | None
    message: str
    next: str
    """What the reader can do about it."""
    signers: tuple[str, ...]
    candidates: tuple[Considered, ...]
    unavailable: tuple[Unavailable, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """An image and everything that hangs on it."""

    digest: Digest
    index: Digest | None
    candidates: tuple[tuple[Digest, Candidate], ...]
    """Each with the manifest it hangs on."""
    gaps: tuple[Unavailable, ...]
    summaries: tuple[tuple[Candidate, Statement], ...] = field(default=(), repr=False)
    """Verified verification summaries with what they say."""


def verify_image(
    collector: Collector, trust: TrustMaterial, question: Question, reference: Reference, place: Place
) -> ImageVerification:
    """The answer to one question.

    Raises NotFoundError (no such image, or none for the platform), UnavailableError (it cannot be read),
    ConfigurationError.
    """
    found = find(collector, trust, reference, place)
    reply = answer_to(question, found.candidates, found.gaps, collector.clock.now())
    return ImageVerification(
        state=reply.outcome,
        reason_code=reply.reason_code,
        exit_code=int(EXIT_CODES[reply.outcome]),
        repository=reference.repository,
        digest=found.digest,
        index=found.index,
        tag=reference.tag,
        platform=place.platform,
        message=reply.message,
        next=reply.remedy,
        signers=reply.signers,
        candidates=reply.candidates,
        unavailable=reply.gaps,
    )


def find(collector: Collector, trust: TrustMaterial, reference: Reference, place: Place) -> Found:
    """Resolves once and gathers. Raises what ``verify_image`` raises."""
    repository = reference.repository
    registry = collector.registries.get(repository.registry)
    if reference.digest is None and reference.tag is None:
        raise MalformedError(f"{reference} names neither tag nor digest", reason_code="reference-incomplete")
    digest = reference.digest or registry.resolve(repository.path, reference.tag or "").digest
    try:
        root = registry.manifest(repository.path, digest)
    except MalformedError as error:
        raise UnavailableError(
            f"{repository}@{digest}: {error.message}", cause=Cause.MALFORMED, reason_code=error.reason_code
        ) from error
    node, index = _node(collector, root, place.platform, reference)
    wanted = [node] if index is None or place.signed_via is not SignedVia.PARENT_INDEX else []
    if index is not None and place.signed_via is not SignedVia.SELF:
        wanted.append(index)
    piles = [
        _gather(collector, trust, where, described, elsewhere=where != repository)
        for described in wanted
        for where in _places(repository, place)
    ]
    return Found(
        node.digest,
        None if index is None else index.digest,
        _candidates(piles),
        tuple(pile.signature_gap for pile in piles if pile.signature_gap is not None),
        tuple(summary for pile in piles for summary in pile.summaries),
    )


def _describe(manifest: Manifest) -> Descriptor:
    return Descriptor(manifest.media_type, manifest.digest, len(manifest.raw))


def _node(
    collector: Collector, root: Manifest, platform: str | None, reference: Reference
) -> tuple[Descriptor, Descriptor | None]:
    """(what is judged, the index that lists it)."""
    if platform is None:
        return _describe(root), None
    if not isinstance(root, ImageIndex):
        own = _platform_of(collector, root, reference)
        if is_listed(own, (platform,)):
            return _describe(root), None
        raise _missing(reference, root, platform, {str(own)})
    children = [child for child in root.manifests if child.platform is not None]
    for child in children:
        if is_listed(child.platform, (platform,)) and not says_attestation(child):
            return child, _describe(root)
    raise _missing(reference, root, platform, {str(child.platform) for child in children})


def _platform_of(collector: Collector, image: ImageManifest, reference: Reference) -> Platform | None:
    registry = collector.registries.get(reference.repository.registry)
    content = registry.blob(reference.repository.path, image.config, cap=collector.limits.config_bytes)
    try:
        return parse_config(content, image.config).platform
    except MalformedError:
        return None


def _missing(reference: Reference, root: Manifest, platform: str, offered: set[str]) -> NotFoundError:
    return NotFoundError(
        f"{reference.repository}@{root.digest} has no image for {platform}; "
        f"it has: {', '.join(sorted(offered)) or 'none'}",
        reason_code="platform-missing",
    )


def _places(repository: Repository, place: Place) -> tuple[Repository, ...]:
    elsewhere = place.signature_repository
    return (repository,) if elsewhere in (None, repository) else (repository, elsewhere)


def _gather(
    collector: Collector, trust: TrustMaterial, where: Repository, subject: Descriptor, *, elsewhere: bool
) -> Pile:
    registry = collector.registries.get(where.registry)
    tags = collector.tag_lists.recent(where, registry, now=collector.clock.now())
    pile = Pile(subject.digest)
    gather_attached(Site(collector, registry, where, trust, tags, elsewhere=elsewhere), subject, pile)
    return pile


def _candidates(piles: Sequence[Pile]) -> tuple[tuple[Digest, Candidate], ...]:
    """In one order whatever was asked first; what lies at two places is one."""
    found = {
        (pile.subject, candidate.carrier, candidate.position, candidate.form): candidate
        for pile in piles
        for candidate in pile.candidates
    }
    return tuple((key[0], found[key]) for key in sorted(found))
