"""Small values of the core for tests: an image, an index, evidence, a policy."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import Cause
from gatekeeper.core.evidence import (
    Absent,
    Candidate,
    Candidates,
    ConfigFacts,
    Evidence,
    Form,
    NodeEvidence,
    Outcome,
    Platform,
    Purpose,
    Sbom,
    Sboms,
    Trust,
    Unavailable,
)
from gatekeeper.core.inventory import NO_DOCUMENTS, Inventory
from gatekeeper.core.manifest import (
    OCI_CONFIG,
    OCI_EMPTY,
    OCI_INDEX,
    OCI_MANIFEST,
    Descriptor,
    ImageIndex,
    ImageManifest,
    Manifest,
    parse_manifest,
)
from gatekeeper.core.policy import Policy, RuleSet, Scope, ScopedPolicy
from gatekeeper.core.reference import Repository
from gatekeeper.core.rules.rule import Check, Context, Rule
from gatekeeper.core.signer import ManagedKey, Signer
from gatekeeper.core.trust import PublicKey
from gatekeeper.core.verdict import Subject

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
REPOSITORY = Repository("registry.example", "team/app")
LINUX = Platform("linux", "amd64")
ARM = Platform("linux", "arm64", "v8")
OUTAGE = Unavailable("referrers", Cause.TIMEOUT, "no answer")
JUNK = Unavailable("referrers", Cause.OVER_CAP, "too many")
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


def digest(name: str) -> Digest:
    return Digest.of(name.encode())


def described(name: str, media_type: str, **more: Any) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": str(digest(name)), "size": len(name), **more}


def manifest(
    *, config: str = OCI_CONFIG, layers: Iterable[str] = (LAYER,), name: str = "app", **members: Any
) -> ImageManifest:
    """An image manifest, parsed from bytes, with one layer of each of these media types."""
    content = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": EMPTY if config == OCI_EMPTY else described(f"{name}-config", config),
        "layers": [
            EMPTY if media_type == OCI_EMPTY else described(f"{name}-layer-{position}", media_type)
            for position, media_type in enumerate(layers)
        ],
        **members,
    }
    parsed = parse(content)
    assert isinstance(parsed, ImageManifest)
    return parsed


EMPTY = {"mediaType": OCI_EMPTY, "digest": str(Digest.of(b"{}")), "size": 2}


def index(*children: Manifest | Mapping[str, Any], **members: Any) -> ImageIndex:
    """An index over opened manifests or ready descriptors."""
    content = {
        "schemaVersion": 2,
        "mediaType": OCI_INDEX,
        "manifests": [child if isinstance(child, Mapping) else child_of(child) for child in children],
        **members,
    }
    parsed = parse(content)
    assert isinstance(parsed, ImageIndex)
    return parsed


def child_of(child: Manifest, **more: Any) -> dict[str, Any]:
    return {"mediaType": child.media_type, "digest": str(child.digest), "size": len(child.raw), **more}


def opened(*manifests: Manifest) -> dict[Digest, Manifest]:
    return {item.digest: item for item in manifests}


def parse(content: Mapping[str, Any]) -> Manifest:
    return parse_manifest(json.dumps(content).encode(), content_type=None, expected=None)


def descriptor(raw: bytes, media_type: str = OCI_CONFIG) -> Descriptor:
    return Descriptor(media_type, Digest.of(raw), len(raw))


def config(
    user: str = "10001",
    *,
    labels: Mapping[str, str] | None = None,
    created: datetime | None = NOW - timedelta(days=3),
    platform: Platform | None = LINUX,
    name: str = "config",
) -> ConfigFacts:
    return ConfigFacts(digest(name), user, labels or {}, created, platform)


def candidate(
    key_id: str | None = "k1",
    *,
    outcome: Outcome | None = None,
    reason_code: str | None = None,
    purpose: Purpose = Purpose.SIGNATURE,
    carrier: str = "carrier",
) -> Candidate:
    verified = key_id is not None
    return Candidate(
        form=Form.COSIGN_SIGNATURE_TAG,
        carrier=digest(carrier),
        position=0,
        found_at=("tag:sha256-x.sig",),
        purpose=purpose,
        outcome=outcome or (Outcome.VERIFIED if verified else Outcome.REFUSED),
        reason_code=reason_code or ("signature-verified" if verified else "signature-not-by-trusted-key"),
        detail="",
        key_ids=(key_id,) if key_id is not None else (),
        signature=digest(f"signature {key_id}") if key_id is not None else None,
    )


def sbom(
    *,
    trust: Trust = Trust.SIGNED,
    by: tuple[str, ...] = ("k1",),
    components: int = 5,
    format: str = "cyclonedx-json",  # noqa: A002 - the field's name
    name: str = "sbom",
) -> Sbom:
    return Sbom(
        Form.SIGSTORE_BUNDLE,
        digest(f"{name}-carrier"),
        digest(name),
        format,
        trust,
        components,
        0,
        signatures=tuple(digest(f"signature {key_id}") for key_id in by),
    )


def node(
    name: str = "app",
    *,
    user: str = "10001",
    facts: ConfigFacts | Absent | Unavailable | None = None,
    signatures: Candidates | Absent | Unavailable | None = None,
    sboms: Sboms | Absent | Unavailable | None = None,
    platform: Platform | None = LINUX,
    media_type: str = OCI_MANIFEST,
) -> NodeEvidence:
    return NodeEvidence(
        digest=digest(name),
        media_type=media_type,
        platform=platform,
        config=facts if facts is not None else config(user, platform=platform),
        signatures=signatures if signatures is not None else Absent("signature"),
        sboms=sboms if sboms is not None else Absent("sbom"),
    )


def signed(*items: Candidate, gap: Unavailable | None = None) -> Candidates:
    return Candidates(items or (candidate(),), gap)


def evidence(
    root: NodeEvidence | None = None,
    *children: NodeEvidence,
    unavailable: tuple[Unavailable, ...] = (),
) -> Evidence:
    return Evidence(root or node(), children, str(digest("keys")), unavailable)


def index_node(
    name: str = "index",
    *,
    signatures: Candidates | Absent | Unavailable | None = None,
    sboms: Sboms | Absent | Unavailable | None = None,
) -> NodeEvidence:
    return node(
        name, facts=Absent("config"), signatures=signatures, sboms=sboms, platform=None, media_type=OCI_INDEX
    )


def subject(
    of: Evidence | None = None, *, tags: tuple[str, ...] = ("v1",), seen: datetime | None = None
) -> Subject:
    return Subject(REPOSITORY, (of or evidence()).root.digest, tags, seen or NOW - timedelta(days=1))


def signer(name: str, *key_ids: str) -> Signer:
    return Signer(name, tuple(ManagedKey(PublicKey(key_id, "", "test")) for key_id in key_ids))


SIGNERS = {"release": signer("release", "k1"), "security": signer("security", "k2")}


def policy(*rules: Rule, signers: Mapping[str, Signer] | None = None, **scope: Any) -> ScopedPolicy:
    whole = Policy(
        signers=SIGNERS if signers is None else signers,
        rule_sets={"default": RuleSet("default", rules)},
        scopes=(Scope(name="all", repositories=("**",), policy="default", **scope),),
    )
    resolved = whole.resolve(REPOSITORY)
    assert resolved is not None
    return resolved


def checks(
    rule: Rule,
    of: Evidence,
    *,
    tags: tuple[str, ...] = ("v1",),
    now: datetime = NOW,
    signers: Mapping[str, Signer] | None = None,
    inventory: Inventory = NO_DOCUMENTS,
) -> list[Check]:
    context = Context(subject(of, tags=tags), of, signers or SIGNERS, now, inventory=inventory)
    return list(rule.check(context))
