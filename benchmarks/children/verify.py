"""``HOST KEY.pub|ROOT.json|policy.toml REFERENCES WORKERS``: for each line read, does what it names to all of them.

``verify`` is the use case behind ``gatekeeper verify IMAGE``, ``check`` that behind ``gatekeeper check IMAGE``, which
reads the image's configuration too and decides by a policy. ``fetch-verify`` and ``fetch`` ask the same client for
exactly the same bytes as each and look at none of them.
"""

from __future__ import annotations

import dataclasses
import json
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

from benchmarks import population
from gatekeeper.config.policy import load_policy
from gatekeeper.core.identity import Identity
from gatekeeper.core.manifest import ImageManifest
from gatekeeper.core.patterns import Pattern, PatternKind
from gatekeeper.core.policy import Policy, RuleSet, Scope
from gatekeeper.core.question import Question
from gatekeeper.core.reference import Reference, parse_reference
from gatekeeper.core.rules.signature_missing import SignatureMissing
from gatekeeper.core.signer import ManagedKey, Signer
from gatekeeper.core.trust import TrustRoot
from gatekeeper.ports import Registry
from gatekeeper.registry.registries import ConfiguredRegistries
from gatekeeper.registry.settings import Pace, RegistrySettings
from gatekeeper.sbom.reader import Reader
from gatekeeper.signatures.keys import load_public_key
from gatekeeper.signatures.verifier import Verifier
from gatekeeper.wiring import SystemClock, settle_memory
from gatekeeper.workflow.check import check
from gatekeeper.workflow.verify_image import Place, verify_image
from gatekeeper.workflow.workroom import Collector, Limits, TagLists

CAP = 4 * 1024 * 1024


def fetch(registry: Registry, reference: Reference, tags: frozenset[str], *, configuration: bool) -> None:
    """Manifest, configuration (where it is wanted), referrers, and of each its manifest and layers."""
    path, digest = reference.repository.path, reference.digest
    assert digest is not None
    manifest = registry.manifest(path, digest)
    assert isinstance(manifest, ImageManifest)
    if configuration:
        registry.blob(path, manifest.config, cap=CAP)
    for found in registry.referrers(path, digest, tags=tags).items:
        hanging = registry.manifest(path, found.descriptor.digest)
        assert isinstance(hanging, ImageManifest)
        for layer in hanging.layers:
            registry.blob(path, layer, cap=CAP)


def signed_by(key_file: Path) -> Policy:
    """A policy that wants a signature with this key."""
    key = load_public_key(key_file.read_bytes(), "release.pub")
    return Policy(
        {"release": Signer("release", (ManagedKey(key),))},
        {"default": RuleSet("default", (SignatureMissing(),))},
        (Scope("all", ("127.0.0.1:*/**",), "default", settle=timedelta(0)),),
    )


def signed_under(root_file: Path) -> Policy:
    """A policy that wants a signature by the population's identity under this trust root."""
    root = TrustRoot("virtual", root_file.read_bytes(), str(root_file))
    exact = PatternKind.EXACT
    who = Identity(root.name, Pattern(exact, population.IDENTITY), Pattern(exact, population.ISSUER))
    return Policy(
        {"release": Signer("release", identities=(who,))},
        {"default": RuleSet("default", (SignatureMissing(),))},
        (Scope("all", ("127.0.0.1:*/**",), "default", settle=timedelta(0)),),
        trust_roots=(root,),
    )


def policy_of(trusted: Path) -> Policy:
    """By the kind of file."""
    match trusted.suffix:
        case ".toml":
            return load_policy(trusted)
        case ".json":
            return signed_under(trusted)
    return signed_by(trusted)


def main() -> None:
    host, trusted, references_file, workers = sys.argv[1:]
    policy = policy_of(Path(trusted))
    references = [parse_reference(line) for line in Path(references_file).read_text().splitlines()]
    settings = RegistrySettings(host, plain_http=True, pace=Pace(concurrency=int(workers)))
    registries = ConfiguredRegistries([settings])
    collector = Collector(registries, Verifier(), Reader(), SystemClock(), Limits())
    registry = registries.get(host)

    def checking(fresh: Collector) -> Callable[[Reference], None]:
        def one(reference: Reference) -> None:
            answer = check(fresh, policy, reference)
            assert str(answer.state) == "passed", answer

        return one

    def verifying(fresh: Collector) -> Callable[[Reference], None]:
        question = Question(tuple(policy.signers.values()))

        def one(reference: Reference) -> None:
            answer = verify_image(fresh, policy.trust, question, reference, Place())
            assert str(answer.state) == "verified", answer

        return one

    def fetching(*, configuration: bool) -> Callable[[Reference], None]:
        tags = {path: frozenset(registry.tags(path)) for path in {one.repository.path for one in references}}
        return lambda reference: fetch(
            registry, reference, tags[reference.repository.path], configuration=configuration
        )

    settle_memory()
    with ThreadPoolExecutor(int(workers)) as pool:
        print("ready", flush=True)
        for line in sys.stdin:
            begin, cpu = time.perf_counter(), time.process_time()
            fresh = dataclasses.replace(collector, tag_lists=TagLists())
            match line.strip():
                case "verify":
                    one = verifying(fresh)
                case "check":
                    one = checking(fresh)
                case wanted:
                    one = fetching(configuration=wanted == "fetch")
            for _ in pool.map(one, references):
                pass
            spent = {"seconds": time.perf_counter() - begin, "cpu": time.process_time() - cpu}
            print(json.dumps(spent), flush=True)


if __name__ == "__main__":
    main()
