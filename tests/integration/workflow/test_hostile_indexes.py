"""An index is the pusher's word: what a runtime would run of it is judged, whatever it calls its children."""

import json
from collections.abc import Mapping

from gatekeeper.core.digest import Digest
from gatekeeper.demo.images import Built, image
from gatekeeper.workflow.answer import AnswerState
from tests.integration.workflow.world import World

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
LINUX = {"os": "linux", "architecture": "amd64"}
EVIDENCE = "application/vnd.dsse.envelope.v1+json"


def push_index(world: World, path: str, tag: str, *listed: tuple[Built, Mapping[str, object]]) -> Digest:
    """An index whose descriptors say what they are told to say, signed as a whole."""
    for child, _ in listed:
        child.store_in(world.registry.store, path)
    entries = [{**child.descriptor(), **said} for child, said in listed]
    raw = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}).encode()
    world.registry.store.put_manifest(path, raw, OCI_INDEX, tags=[tag])
    digest = Digest.of(raw)
    world.sign(path, digest)
    return digest


def test_another_spelling_of_a_listed_platform_is_judged(world: World) -> None:
    world.scope(platforms=("linux/amd64",))
    digest = push_index(
        world,
        "app/web",
        "1.0",
        (image({"a": "bad"}, user="0"), {"platform": {"os": "linux", "architecture": "x86_64"}}),
        (image({"a": "good"}), {"platform": LINUX}),
    )
    world.rounds(2)
    assert world.status(f"app/web@{digest}").state is AnswerState.QUARANTINED


def test_an_image_that_the_index_calls_evidence_is_judged(world: World) -> None:
    digest = push_index(
        world,
        "app/web",
        "1.0",
        (image({"a": "bad"}, user="0"), {"mediaType": EVIDENCE, "platform": LINUX}),
        (image({"a": "good"}), {"platform": LINUX}),
    )
    world.rounds(2)
    assert world.status(f"app/web@{digest}").state is AnswerState.QUARANTINED


def test_an_index_that_calls_its_only_image_evidence_is_a_subject(world: World) -> None:
    bad = image({"a": "bad"}, user="0")
    digest = push_index(world, "app/web", "1.0", (bad, {"mediaType": EVIDENCE, "platform": LINUX}))
    world.rounds(2)
    assert world.status(f"app/web@{digest}").state is AnswerState.QUARANTINED


def test_a_child_that_is_no_manifest_keeps_no_image_from_passing(world: World) -> None:
    missing = image({"a": "never pushed"})
    good = image({"a": "good"})
    digest = push_index(
        world, "app/web", "1.0", (good, {"platform": LINUX}), (missing, {"mediaType": "application/x-notes"})
    )
    world.registry.store.delete_manifest("app/web", missing.digest)
    world.rounds(2)
    assert world.status(f"app/web@{digest}").state is AnswerState.PASSED
