"""``collect``: a subject -> everything that hangs on it, as one Evidence value. It asks and never judges.

1. open the manifest; an index's platform children and BuildKit attestation children too
2. read each image's configuration
3. open the referrers of each node; verify what claims to be a signature or attestation, read what claims to be an SBOM
4. what the registry denies to exist is Absent; what could not be asked, or is over a cap, is Unavailable; what cannot
   be parsed is a refused candidate
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import Cause, ConfigurationError, MalformedError, NotFoundError, UnavailableError
from gatekeeper.core.evidence import (
    Absent,
    ConfigFacts,
    Evidence,
    NodeEvidence,
    Outcome,
    Platform,
    Purpose,
    Trust,
    Unavailable,
)
from gatekeeper.core.image_config import RUNNABLE_CONFIG_TYPES, parse_config
from gatekeeper.core.inventory import Inventory
from gatekeeper.core.manifest import DEEPEST_INDEX, Descriptor, ImageIndex, ImageManifest, Manifest
from gatekeeper.core.policy import Policy, ScopedPolicy
from gatekeeper.core.reference import Repository
from gatekeeper.core.subject import attestations, classify, judged_children, says_manifest, to_open
from gatekeeper.ports import GatheredSbom
from gatekeeper.workflow.attached import (
    Site,
    add_layers,
    add_sbom,
    gather_attached,
    unsigned_attestations,
)
from gatekeeper.workflow.pile import Attached, Pile
from gatekeeper.workflow.scan_live import add_live_scans
from gatekeeper.workflow.workroom import Collector


@dataclass(frozen=True, slots=True)
class Collected:
    """What was gathered. ``not_subject`` says why the digest is none, if it is none."""

    evidence: Evidence
    sboms: tuple[GatheredSbom, ...] = ()
    raw_manifests: Mapping[Digest, bytes] = field(default_factory=dict)
    not_subject: str | None = None

    @property
    def inventory(self) -> Inventory:
        """What the SBOMs that were read list."""
        return Inventory({gathered.document: gathered.content for gathered in self.sboms})


@dataclass(slots=True)
class _Gathering:
    """What one run of ``collect`` has in hand."""

    site: Site
    elsewhere: tuple[Repository, ...]
    """Signature repositories beside the image's own."""
    limits_children: int
    opened: dict[Digest, Manifest] = field(default_factory=dict)
    missing: dict[Digest, Unavailable] = field(default_factory=dict)
    unavailable: list[Unavailable] = field(default_factory=list)
    documents: dict[Digest, GatheredSbom] = field(default_factory=dict)


def collect(
    collector: Collector, repository: Repository, digest: Digest, scoped: ScopedPolicy, policy: Policy
) -> Collected:
    """Everything about one digest. Raises ConfigurationError for a registry that is not configured, nothing else."""
    registry = collector.registries.get(repository.registry)
    tags = collector.tag_lists.recent(repository, registry, now=collector.clock.now())
    site = Site(collector, registry, repository, policy.trust, tags)
    elsewhere = scoped.scope.signature_repositories_of(repository)
    looked_in = tuple(str(place) for place in elsewhere)
    gathering = _Gathering(site, elsewhere, collector.limits.children)
    root = _open_manifest(gathering, digest)
    if isinstance(root, Unavailable):
        node = _unread_node(digest, "", None, root)
        return Collected(Evidence(node, (), policy.trust.digest, (root,), looked_in=looked_in))
    if isinstance(root, ImageIndex):
        _open_children(gathering, root, DEEPEST_INDEX)
    try:
        kind = classify(root, gathering.opened)
        children = judged_children(root, gathering.opened) if isinstance(root, ImageIndex) else ()
    except MalformedError as error:
        blamed = Unavailable("index", error.cause, error.message)
        node = _unread_node(digest, root.media_type, None, blamed)
        return Collected(Evidence(node, (), policy.trust.digest, (blamed,), looked_in=looked_in))
    root_node, nodes = _nodes(gathering, root, children, read_layers=scoped.scope.read_layers)
    evidence = Evidence(
        root_node, nodes, policy.trust.digest, tuple(gathering.unavailable), looked_in=looked_in
    )
    raw = {root.digest: root.raw, **{child.digest: child.raw for child in gathering.opened.values()}}
    judged = kind.judged(scoped.scope.artifacts)
    return Collected(evidence, tuple(gathering.documents.values()), raw, None if judged else str(kind))


def _open_manifest(gathering: _Gathering, digest: Digest) -> Manifest | Unavailable:
    try:
        return gathering.site.registry.manifest(gathering.site.repository.path, digest)
    except (NotFoundError, UnavailableError, MalformedError) as error:
        return _unread(digest, error)


def _open_child(gathering: _Gathering, child: Descriptor) -> Manifest | Unavailable | None:
    """None for what calls itself no manifest, where the registry has none either that anybody could run."""
    try:
        return gathering.site.registry.manifest(gathering.site.repository.path, child.digest)
    except NotFoundError as error:
        return _unread(child.digest, error) if says_manifest(child) else None
    except MalformedError as error:
        unknown = error.reason_code == "manifest-media-type-unsupported" and not says_manifest(child)
        return None if unknown else _unread(child.digest, error)
    except UnavailableError as error:
        return _unread(child.digest, error)


def _unread(digest: Digest, error: NotFoundError | UnavailableError | MalformedError) -> Unavailable:
    source = f"manifest {digest}"
    if isinstance(error, UnavailableError):
        return Unavailable.of(source, error)
    cause = Cause.VANISHED if isinstance(error, NotFoundError) else error.cause
    return Unavailable(source, cause, error.message)


def _open_children(gathering: _Gathering, index: ImageIndex, levels: int) -> None:
    for child in to_open(index):
        if child.digest in gathering.opened or child.digest in gathering.missing:
            continue
        if len(gathering.opened) >= gathering.limits_children:
            over = Unavailable(
                "index", Cause.OVER_CAP, f"more than {gathering.limits_children} manifests below it"
            )
            if over not in gathering.unavailable:
                gathering.unavailable.append(over)
            return
        manifest = _open_child(gathering, child)
        if manifest is None:
            continue
        if isinstance(manifest, Unavailable):
            gathering.missing[child.digest] = manifest
            if not says_manifest(child):
                gathering.unavailable.append(manifest)
            continue
        gathering.opened[child.digest] = manifest
        if isinstance(manifest, ImageIndex) and levels > 1:
            _open_children(gathering, manifest, levels - 1)


def _nodes(
    gathering: _Gathering, root: Manifest, children: tuple[Descriptor, ...], *, read_layers: bool
) -> tuple[NodeEvidence, tuple[NodeEvidence, ...]]:
    root_pile = Pile(root.digest)
    _gather(gathering, _described(root), root_pile)
    piles = {child.digest: Pile(child.digest) for child in children}
    for child in children:
        _gather(gathering, _judged_as(gathering, child), piles[child.digest])
    if isinstance(root, ImageIndex):
        _add_buildkit(gathering, root, root_pile, piles)
    if gathering.site.collector.live.scanners:
        _scan_live(gathering, root, root_pile, piles)
    if read_layers:
        _read_layers(gathering, root, root_pile, piles)
    root_node = _node(gathering, root.digest, root, root.media_type, None, root_pile)
    nodes = tuple(
        _node(
            gathering,
            child.digest,
            gathering.opened.get(child.digest),
            child.media_type,
            child.platform,
            piles[child.digest],
        )
        for child in children
    )
    return root_node, nodes


def _gather(gathering: _Gathering, manifest: Descriptor, pile: Pile) -> None:
    """In the image's own repository, and in every signature repository."""
    gather_attached(gathering.site, manifest, pile)
    for place in gathering.elsewhere:
        site = gathering.site
        try:
            registry = site.collector.registries.get(place.registry)
        except ConfigurationError as error:
            pile.missing(Unavailable(f"referrers in {place}", Cause.NOT_CONFIGURED, str(error)))
            continue
        # A signature repository may have very many tags: each wanted one is asked for by its name.
        other = Site(site.collector, registry, place, site.trust, None, site.spent, elsewhere=True)
        gather_attached(other, manifest, pile)


def _described(manifest: Manifest) -> Descriptor:
    return Descriptor(manifest.media_type, manifest.digest, len(manifest.raw))


def _judged_as(gathering: _Gathering, child: Descriptor) -> Descriptor:
    opened = gathering.opened.get(child.digest)
    return child if opened is None else _described(opened)


def _scan_live(gathering: _Gathering, root: Manifest, root_pile: Pile, piles: Mapping[Digest, Pile]) -> None:
    """Images that run; charts and other artifacts have no scanner."""
    images = [(root, root_pile)] if isinstance(root, ImageManifest) else []
    images += [
        (child, pile)
        for digest, pile in piles.items()
        if isinstance(child := gathering.opened.get(digest), ImageManifest)
    ]
    for manifest, pile in images:
        if manifest.config.media_type in RUNNABLE_CONFIG_TYPES:
            add_live_scans(gathering.site, manifest, pile, root_pile)


def _read_layers(
    gathering: _Gathering, root: Manifest, root_pile: Pile, piles: Mapping[Digest, Pile]
) -> None:
    """Images alone; an SBOM of the index counts for each of its images, so these need none of ours."""
    if isinstance(root, ImageManifest):
        if root.config.media_type in RUNNABLE_CONFIG_TYPES:
            add_layers(gathering.site, root, root_pile)
        return
    if root_pile.sboms:
        return
    for digest, pile in piles.items():
        child = gathering.opened.get(digest)
        if isinstance(child, ImageManifest) and child.config.media_type in RUNNABLE_CONFIG_TYPES:
            add_layers(gathering.site, child, pile)


def _add_buildkit(
    gathering: _Gathering, index: ImageIndex, root_pile: Pile, piles: Mapping[Digest, Pile]
) -> None:
    """BuildKit's SBOMs are unsigned statements inside the index: only the index's own signature vouches for them."""
    signed = [
        candidate
        for candidate in root_pile.candidates
        if candidate.outcome is Outcome.VERIFIED and candidate.purpose is Purpose.SIGNATURE
    ]
    trust = Trust.SIGNED_INDEX if signed else Trust.UNSIGNED
    signatures = tuple(sorted({candidate.signature for candidate in signed if candidate.signature}))
    for _, manifest, attested in attestations(index, gathering.opened):
        if attested not in piles:
            continue
        piles[attested].candidates += unsigned_attestations(manifest)
        for wanted in gathering.site.collector.sboms.wanted(manifest, tag=None):
            add_sbom(gathering.site, attested, wanted, piles[attested], trust=trust, signatures=signatures)


def _node(
    gathering: _Gathering,
    digest: Digest,
    manifest: Manifest | None,
    media_type: str,
    platform: Platform | None,
    pile: Pile,
) -> NodeEvidence:
    attached: Attached = pile.sealed()
    gathering.documents.update({document.document: document for document in attached.documents})
    config = _config(gathering, digest, manifest, media_type)
    if platform is None and isinstance(config, ConfigFacts):
        platform = config.platform
    return NodeEvidence(
        digest,
        media_type,
        platform,
        config,
        attached.signatures,
        attached.sboms,
        attached.reports,
        attached.vex,
    )


def _config(
    gathering: _Gathering, digest: Digest, manifest: Manifest | None, media_type: str
) -> ConfigFacts | Absent | Unavailable:
    if isinstance(manifest, ImageIndex):
        return Absent("config")
    if manifest is None:
        unknown = Unavailable(f"manifest {digest}", Cause.MALFORMED, f"{media_type[:100]!r} cannot be read")
        return gathering.missing.get(digest, unknown)
    source = f"config of {digest}"
    descriptor = manifest.config
    try:
        cap = gathering.site.collector.limits.config_bytes
        return parse_config(
            gathering.site.registry.blob(gathering.site.repository.path, descriptor, cap=cap), descriptor
        )
    except NotFoundError as error:
        return Unavailable(source, Cause.VANISHED, error.message)
    except UnavailableError as error:
        return Unavailable.of(source, error)
    except MalformedError as error:
        return Unavailable(source, error.cause, error.message)


def _unread_node(
    digest: Digest, media_type: str, platform: Platform | None, why: Unavailable
) -> NodeEvidence:
    return NodeEvidence(digest, media_type, platform, why, why, why)
