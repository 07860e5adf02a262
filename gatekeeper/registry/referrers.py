"""Everything that hangs on a digest: referrers API, fallback tag and cosign's tags, as one union.

Real tools (see docs/registry-adapters.md): cosign writes the wrong artifactType and no annotations into a fallback
index, so nothing is chosen or left out by an entry; ``cosign copy`` puts the image itself at the fallback tag, which is
then no index and no error; some registries list a referrer by its subject although the client wrote the tag too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field

from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import Cause, GatekeeperError, MalformedError, NotFoundError, UnavailableError
from gatekeeper.core.evidence import Unavailable
from gatekeeper.core.manifest import OCI_INDEX, Descriptor, ImageIndex, Manifest, parse_manifest
from gatekeeper.ports import FoundReferrer, Offered, Referrers
from gatekeeper.registry.answers import error_code, failure, media_type_of, protocol_error
from gatekeeper.registry.asking import Asking, Terms, checked_path
from gatekeeper.registry.capability import Learned
from gatekeeper.registry.links import next_link, on_origin
from gatekeeper.registry.scope import reading

COSIGN_SUFFIXES = (".sig", ".att", ".sbom")
API = "referrers-api"
FALLBACK = "fallback-tag"
COSIGN = "cosign-tag"
_NOT_OFFERED = (400, 404, 405, 406, 501)
_ABOUT_THE_REPOSITORY = frozenset({"NAME_UNKNOWN", "NAME_INVALID", "MANIFEST_UNKNOWN", "DIGEST_INVALID"})
"""Codes that say nothing of whether the API exists."""


@dataclass(slots=True)
class Gathered:
    """Referrers found so far, each digest once."""

    cap: int
    items: dict[Digest, FoundReferrer] = field(default_factory=dict)
    gap: Unavailable | None = None

    def add(self, descriptor: Descriptor, place: str, tag: str | None = None) -> None:
        """One more place that named a referrer."""
        known = self.items.get(descriptor.digest)
        if known is not None:
            self.items[descriptor.digest] = FoundReferrer(
                known.descriptor, (*known.found_at, place), known.tag or tag
            )
        elif len(self.items) >= self.cap:
            self.missing(
                Unavailable(
                    "referrers", Cause.OVER_CAP, f"more than {self.cap} manifests hang on the subject"
                )
            )
        else:
            self.items[descriptor.digest] = FoundReferrer(descriptor, (place,), tag)

    def missing(self, gap: Unavailable) -> None:
        """What could not be asked; the first counts."""
        if self.gap is None:
            self.gap = gap


def find_referrers(
    asking: Asking,
    path: str,
    subject: Digest,
    *,
    learned: Learned,
    tags: frozenset[str] | None,
    manifest_at: Callable[[str, str], Manifest],
) -> Referrers:
    """The union. What could not be asked is the gap, never an empty answer.

    ``tags``: those of the repository, or None when it has no list of them; then each tag is asked for.
    """
    gathered = Gathered(asking.settings.caps.referrer_count)
    try:
        _from_api(asking, path, subject, learned, gathered)
    except UnavailableError as error:
        gathered.missing(Unavailable.of("referrers API", error))
    fallback = subject.tag_form
    places = [(fallback, FALLBACK), *((f"{fallback}{suffix}", COSIGN) for suffix in COSIGN_SUFFIXES)]
    for tag, place in places:
        if tags is None or tag in tags:
            _from_tag(path, tag, place, manifest_at, gathered, listed=tags is not None)
    return Referrers(tuple(gathered.items.values()), gathered.gap)


def api_lists(asking: Asking, path: str, subject: Digest, digest: Digest, *, learned: Learned) -> bool:
    """Whether the referrers API names ``digest``; an API that cannot be asked does not."""
    gathered = Gathered(asking.settings.caps.referrer_count)
    with suppress(UnavailableError):
        _from_api(asking, path, subject, learned, gathered)
    return digest in gathered.items


def _from_api(asking: Asking, path: str, subject: Digest, learned: Learned, gathered: Gathered) -> None:
    """Pages of the referrers API. A 404 means "not offered" only where the API was never seen to work."""
    if learned.skips_referrers:
        return
    caps = asking.settings.caps
    what = f"referrers of {asking.host}/{checked_path(path)}@{subject}"
    terms = Terms(reading(path), cap=caps.referrers)
    url = f"{asking.base}/v2/{path}/referrers/{subject}"
    seen: set[str] = set()
    while True:
        seen.add(url)
        answer = asking.do_request(url, "GET", None, {"Accept": OCI_INDEX}, terms=terms)
        if answer.status_code in _NOT_OFFERED and len(seen) == 1:
            if learned.known.referrers is Offered.YES:
                raise protocol_error(what, f"the API worked before and answered {answer.status_code} now")
            if error_code(answer) not in _ABOUT_THE_REPOSITORY:
                learned.referrers_refused()
            return
        if answer.status_code != 200:
            error = failure(answer, what)
            raise error if isinstance(error, UnavailableError) else protocol_error(what, error.message)
        if media_type_of(answer.headers) != OCI_INDEX:
            raise protocol_error(what, "the answer is no image index")
        page = _index(answer.content, what)
        learned.referrers_answered()
        for descriptor in page.manifests:
            gathered.add(descriptor, API)
        target = next_link(answer.headers.getlist("Link"))
        if target is None or gathered.gap is not None:
            return
        url = on_origin(target, url, asking.origin, what)
        if url in seen:
            raise protocol_error(what, "its pages go round in a circle")
        if len(seen) >= caps.pages:
            raise UnavailableError(f"{what}: more than {caps.pages} pages", cause=Cause.OVER_CAP)


def _index(content: bytes, what: str) -> ImageIndex:
    try:
        page = parse_manifest(content, content_type=OCI_INDEX, expected=None)
    except MalformedError as error:
        # The registry made this list itself: its bytes are no doing of the subject.
        raise protocol_error(what, f"the list cannot be read ({error.reason_code})") from error
    if not isinstance(page, ImageIndex):
        raise protocol_error(what, "the answer is no image index")
    return page


def _from_tag(
    path: str,
    tag: str,
    place: str,
    manifest_at: Callable[[str, str], Manifest],
    gathered: Gathered,
    *,
    listed: bool,
) -> None:
    try:
        found = manifest_at(path, tag)
    except NotFoundError as error:
        if listed:
            gathered.missing(Unavailable(f"tag {tag}", Cause.VANISHED, error.message))
    except (UnavailableError, MalformedError) as error:
        gathered.missing(_gap(f"tag {tag}", error))
    else:
        if place == COSIGN:
            gathered.add(Descriptor(found.media_type, found.digest, len(found.raw)), place, tag)
        elif isinstance(found, ImageIndex):
            for descriptor in found.manifests:
                gathered.add(descriptor, place)


def _gap(source: str, error: GatekeeperError) -> Unavailable:
    if isinstance(error, UnavailableError):
        return Unavailable.of(source, error)
    cause = error.cause if isinstance(error, MalformedError) else Cause.PROTOCOL
    return Unavailable(source, cause, error.message)


def related_tags(tags: Iterable[str]) -> frozenset[str]:
    """Those of a repository's tags that name a digest: fallback tags and cosign's."""
    return frozenset(tag for tag in tags if tag.startswith(("sha256-", "sha512-")))
