"""What SBOMs list is judged when it is read, and again from what was kept when only the policy changed."""

from __future__ import annotations

import dataclasses
import json

from gatekeeper.core.manifest import OCI_MANIFEST
from gatekeeper.core.policy import Mode, RuleSet
from gatekeeper.core.rules.licence_denied import LicenceDenied
from gatekeeper.core.rules.package_denied import PackageDenied
from gatekeeper.core.rules.rule import Rule
from gatekeeper.core.rules.sbom_untrusted import SbomUntrusted
from gatekeeper.core.rules.sboms import SbomTrust
from gatekeeper.core.rules.user_root import UserRoot
from gatekeeper.demo.images import image, referrer
from gatekeeper.signatures.signing import attestation_layer, tagged
from gatekeeper.workflow.answer import AnswerState
from tests.integration.workflow.world import ALICE, SCOPE, World, policy_of

SBOM = {
    "bomFormat": "CycloneDX",
    "specVersion": "1.6",
    "components": [
        {
            "type": "library",
            "name": "left-pad",
            "version": "1.3.0",
            "purl": "pkg:npm/left-pad@1.3.0",
            "licenses": [{"expression": "GPL-3.0-only OR MIT"}],
        }
    ],
}


def judged_by(world: World, *rules: Rule) -> None:
    scope = dataclasses.replace(SCOPE, mode=Mode.OBSERVE)
    world.policy = policy_of(scope, rules=RuleSet("default", rules))


def test_an_attested_sbom_is_judged_again_from_what_was_kept(world: World) -> None:
    judged_by(world, UserRoot())
    digest = world.push("app/web", "1.0")
    name = f"{world.registry.host}/app/web"
    attachment = tagged(
        digest, [attestation_layer(ALICE, name, digest, "https://cyclonedx.org/bom", SBOM)], ".att"
    )
    for blob in attachment.blobs:
        world.registry.store.put_blob("app/web", blob)
    assert attachment.tag is not None
    world.registry.store.put_manifest("app/web", attachment.manifest, OCI_MANIFEST, tags=(attachment.tag,))
    world.rounds(2)
    assert world.status("app/web:1.0").state is AnswerState.PASSED

    judged_by(world, PackageDenied(packages=("pkg:npm/left-pad",)), SbomUntrusted())
    world.registry.clear_requests()
    world.rounds(1)
    assert world.status("app/web:1.0").reason_code == "package-denied:pkg:npm/left-pad"
    assert not [one for one in world.registry.requests if "/blobs/" in one.path]

    judged_by(world, LicenceDenied(deny=("GPL-*",)))
    world.rounds(2)
    assert world.status("app/web:1.0").state is AnswerState.PASSED
    judged_by(world, LicenceDenied(allow=("Apache-2.0",)))
    world.rounds(2)
    assert world.status("app/web:1.0").reason_code == "licence-denied:GPL-3.0-only OR MIT"


def test_an_unsigned_sbom_raises_and_never_clears(world: World) -> None:
    built = image({"a": "b"}, user="1000")
    world.push("app/web", "1.0", built=built)
    hanging = referrer(built, "application/vnd.cyclonedx+json", json.dumps(SBOM).encode())
    hanging.store_in(world.registry.store, "app/web")
    rule = PackageDenied(packages=("pkg:npm/left-pad",))
    for judging, wanted in (
        (rule, "package-denied:pkg:npm/left-pad"),
        (dataclasses.replace(rule, packages=("other",)), "sbom-unsigned"),
        (dataclasses.replace(rule, packages=("other",), trust=SbomTrust.ANY), "passed"),
    ):
        judged_by(world, judging)
        world.settle()
        world.rounds(2)
        answer = world.status("app/web:1.0")
        assert answer.verdict is not None
        assert answer.verdict.reason_code == wanted
