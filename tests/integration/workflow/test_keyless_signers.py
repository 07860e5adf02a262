"""Images signed without a key, from the registry to the verdict; and the negative cases of places, not of bytes."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from gatekeeper.core.digest import Digest
from gatekeeper.core.evidence import Candidate, Candidates
from gatekeeper.core.identity import Identity
from gatekeeper.core.manifest import OCI_MANIFEST, Descriptor
from gatekeeper.core.patterns import Pattern, PatternKind
from gatekeeper.core.signer import Signer
from gatekeeper.core.trust import TrustRoot
from gatekeeper.demo.sigstore import fulcio
from gatekeeper.demo.sigstore.instance import LOGGED, TILED, Recipe, VirtualSigstore
from gatekeeper.ports import Attachment
from gatekeeper.signatures import media_types
from gatekeeper.signatures.attaching import bundle_referrer
from gatekeeper.signatures.signing import Layer, tagged
from gatekeeper.workflow.answer import AnswerState
from tests.integration.workflow.test_what_hangs_on_images import evidence, store
from tests.integration.workflow.world import SCOPE, START, World, policy_of

_SIGSTORE = VirtualSigstore.since(START - timedelta(days=300))
_STRANGE = VirtualSigstore.since(START - timedelta(days=300))
_AT = START - timedelta(days=100)
_ISSUER = "https://token.actions.githubusercontent.com"
_PATH = "app/web"


def _robot(organisation: str) -> fulcio.Signer:
    return fulcio.Signer(
        f"https://github.com/{organisation}/web/.github/workflows/release.yml@refs/tags/v1",
        _ISSUER,
        {14: "refs/tags/v1", 20: "push"},
    )


_GOOD = _robot("org")


@pytest.fixture
def keyless(world: World) -> World:
    """A policy that trusts whoever releases from tags of one organisation."""
    identity = Identity(
        "virtual",
        Pattern(PatternKind.GLOB, "https://github.com/org/*/.github/workflows/*@refs/tags/*"),
        Pattern(PatternKind.EXACT, _ISSUER),
        {"build_trigger": Pattern(PatternKind.EXACT, "push")},
    )
    world.policy = replace(
        policy_of(SCOPE),
        signers={"releases": Signer("releases", identities=(identity,))},
        trust_roots=(TrustRoot("virtual", _SIGSTORE.trusted_root_json(), "root.json"),),
    )
    return world


def _statement(digest: Digest) -> bytes:
    return json.dumps(
        {
            "_type": media_types.STATEMENT_V1,
            "subject": [{"digest": {"sha256": digest.encoded}}],
            "predicateType": media_types.SIGNATURE_PREDICATE,
        }
    ).encode()


def _claims(world: World, digest: Digest) -> bytes:
    return json.dumps(
        {
            "critical": {
                "identity": {"docker-reference": f"{world.registry.host}/{_PATH}"},
                "image": {"docker-manifest-digest": str(digest)},
                "type": media_types.SIMPLE_SIGNING_CLAIM,
            },
            "optional": None,
        }
    ).encode()


def _bundle(
    world: World,
    digest: Digest,
    signer: fulcio.Signer = _GOOD,
    *,
    recipe: Recipe = LOGGED,
    about: Digest | None = None,
    sigstore: VirtualSigstore = _SIGSTORE,
) -> Attachment:
    """A bundle that hangs on ``digest``, and signs ``about``."""
    made = sigstore.bundle_of_statement(_statement(about or digest), signer, _AT, recipe)
    return _hanging(world, digest, json.dumps(made).encode())


def _hanging(world: World, digest: Digest, content: bytes) -> Attachment:
    stored = world.registry.store.manifest(_PATH, str(digest))
    assert stored is not None
    subject = Descriptor(stored.media_type, digest, len(stored.raw))
    return bundle_referrer(content, subject, media_types.SIGNATURE_PREDICATE, created=_AT)


def _codes(world: World, digest: Digest) -> list[str]:
    found = evidence(world, digest).root.signatures
    assert isinstance(found, Candidates)
    return sorted(candidate.reason_code for candidate in found.items)


def _only(world: World, digest: Digest) -> Candidate:
    found = evidence(world, digest).root.signatures
    assert isinstance(found, Candidates)
    (candidate,) = found.items
    return candidate


@pytest.mark.parametrize("recipe", [LOGGED, TILED], ids=["rekor-1", "rekor-2"])
def test_a_bundle_by_who_is_trusted_passes(keyless: World, recipe: Recipe) -> None:
    digest = keyless.push(_PATH, "1.0")
    store(keyless, _PATH, _bundle(keyless, digest, recipe=recipe))
    keyless.rounds(2)
    assert keyless.status(f"{_PATH}:1.0").state is AnswerState.PASSED
    found = _only(keyless, digest)
    assert (found.identity, found.issuer, found.signed_at) == (_GOOD.name, _GOOD.issuer, _AT)


def test_a_legacy_layer_by_who_is_trusted_passes(keyless: World) -> None:
    digest = keyless.push(_PATH, "1.0")
    layer = _SIGSTORE.signature_layer(_claims(keyless, digest), _GOOD, _AT)
    store(keyless, _PATH, tagged(digest, [layer]))
    keyless.rounds(2)
    assert keyless.status(f"{_PATH}:1.0").state is AnswerState.PASSED


@pytest.mark.parametrize(
    "signer",
    [
        _robot("org-evil"),
        _robot("evil/x?https://github.com/org"),
        replace(_GOOD, issuer="https://issuer.example.test"),
        replace(_GOOD, extensions={14: "refs/tags/v1", 20: "pull_request"}),
        replace(_GOOD, extensions={}),
        replace(_GOOD, name=_GOOD.name.replace("refs/tags/v1", "refs/heads/main")),
    ],
    ids=["28-similar-organisation", "28-inside-a-query", "issuer", "trigger", "no-extensions", "branch"],
)
def test_a_genuine_signature_by_somebody_else_fails(keyless: World, signer: fulcio.Signer) -> None:
    digest = keyless.push(_PATH, "1.0")
    store(keyless, _PATH, _bundle(keyless, digest, signer))
    keyless.settle()
    assert _codes(keyless, digest) == ["signature-verified"]
    assert keyless.tombstone(_PATH, "1.0")


def test_a_signature_of_another_instance_fails(keyless: World) -> None:
    digest = keyless.push(_PATH, "1.0")
    store(keyless, _PATH, _bundle(keyless, digest, sigstore=_STRANGE))
    keyless.settle()
    assert keyless.tombstone(_PATH, "1.0")


def test_a_changed_identity_judges_again_without_the_registry(keyless: World) -> None:
    digest = keyless.push(_PATH, "1.0")
    store(keyless, _PATH, _bundle(keyless, digest))
    keyless.rounds(2)
    before = evidence(keyless, digest).digest
    other = Identity("virtual", Pattern(PatternKind.EXACT, "x"), Pattern(PatternKind.EXACT, "y"))
    keyless.policy = replace(keyless.policy, signers={"other": Signer("other", identities=(other,))})
    assert evidence(keyless, digest).digest == before


def test_54_what_is_unsigned_makes_no_signature(keyless: World) -> None:
    digest = keyless.push(_PATH, "1.0")
    sbom = Layer("application/vnd.cyclonedx+json", b'{"bomFormat":"CycloneDX","specVersion":"1.5"}', {})
    store(keyless, _PATH, tagged(digest, [sbom], ".sbom"))
    keyless.settle()
    assert keyless.tombstone(_PATH, "1.0")


def test_62_a_bundle_that_hangs_here_and_signs_another_image(keyless: World) -> None:
    digest, other = keyless.push(_PATH, "1.0"), keyless.push(_PATH, "other")
    store(keyless, _PATH, _bundle(keyless, digest, about=other))
    keyless.settle()
    assert _codes(keyless, digest) == ["subject-mismatch"]
    assert keyless.tombstone(_PATH, "1.0")


def test_65_junk_beside_a_good_legacy_signature_hides_nothing(keyless: World) -> None:
    digest = keyless.push(_PATH, "1.0")
    layer = _SIGSTORE.signature_layer(_claims(keyless, digest), _GOOD, _AT)
    store(keyless, _PATH, tagged(digest, [layer]))
    for content in (b"{}", b"junk", b'{"mediaType":"application/vnd.dev.sigstore.bundle.v0.4+json"}'):
        store(keyless, _PATH, _hanging(keyless, digest, content))
    store(keyless, _PATH, _bundle(keyless, digest, sigstore=_STRANGE))
    keyless.rounds(2)
    assert keyless.status(f"{_PATH}:1.0").state is AnswerState.PASSED
    assert _codes(keyless, digest) == [
        "bundle-malformed",
        "bundle-malformed",
        "bundle-version-unsupported",
        "certificate-untrusted",
        "signature-verified",
    ]


def test_66_more_junk_than_is_read_is_not_known_and_never_unsigned(keyless: World) -> None:
    digest = keyless.push(_PATH, "1.0")
    for number in range(500):
        store(keyless, _PATH, _hanging(keyless, digest, b'{"junk": %d}' % number))
    keyless.settle()
    answer = keyless.status(f"{_PATH}:1.0")
    assert (answer.state, answer.exit_code) == (AnswerState.INDETERMINATE, 4)
    assert keyless.shown(_PATH, "1.0") == str(digest)


def test_67_a_tag_that_moved_leaves_the_verdict_with_its_digest(keyless: World) -> None:
    digest = keyless.push(_PATH, "1.0")
    store(keyless, _PATH, _bundle(keyless, digest))
    keyless.rounds(2)
    other = keyless.push(_PATH, "1.0", text="another one")
    assert keyless.status(f"{_PATH}@{digest}").state is AnswerState.PASSED
    assert keyless.status(f"{_PATH}@{other}").state is not AnswerState.PASSED


def test_signatures_behind_a_fallback_index_alone(keyless: World) -> None:
    digest = keyless.push(_PATH, "1.0")
    made = _bundle(keyless, digest)
    document = json.loads(made.manifest)
    del document["subject"]
    manifest = json.dumps(document).encode()
    for blob in made.blobs:
        keyless.registry.store.put_blob(_PATH, blob)
    keyless.registry.store.put_manifest(_PATH, manifest, OCI_MANIFEST)
    listed = {"mediaType": OCI_MANIFEST, "digest": str(Digest.of(manifest)), "size": len(manifest)}
    index = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [listed],
    }
    keyless.registry.store.put_manifest(
        _PATH, json.dumps(index).encode(), str(index["mediaType"]), tags=(digest.tag_form,)
    )
    assert _codes(keyless, digest) == ["signature-verified"]
