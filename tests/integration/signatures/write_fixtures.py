"""Sign sample images with the real cosigns and keep what they wrote in ``tests/fixtures/signed_with_every_key``.

``python -m tests.integration.signatures.write_fixtures``; a developer runs it when a new cosign is pinned. The private
keys are thrown away.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path

from gatekeeper.core.digest import Digest
from gatekeeper.demo.registry import EmbeddedRegistry
from tests.fakes.registry_dump import FIXTURES
from tests.integration.signatures.cosign_bench import KEY_KINDS, TOOLS, CosignBench, KeyFiles

TARGET = FIXTURES / "signed_with_every_key"
_CYCLONEDX = {
    "bomFormat": "CycloneDX",
    "specVersion": "1.6",
    "components": [
        {
            "type": "library",
            "name": "requests",
            "version": "2.31.0",
            "purl": "pkg:pypi/requests@2.31.0",
            "licenses": [{"license": {"id": "Apache-2.0"}}],
        }
    ],
}
_SPDX = {
    "spdxVersion": "SPDX-2.3",
    "SPDXID": "SPDXRef-DOCUMENT",
    "dataLicense": "CC0-1.0",
    "name": "sample",
    "documentNamespace": "https://example.test/sample",
    "creationInfo": {"created": "2026-11-24T00:00:00Z", "creators": ["Tool: sample"]},
    "packages": [
        {
            "SPDXID": "SPDXRef-requests",
            "name": "requests",
            "versionInfo": "2.31.0",
            "downloadLocation": "NOASSERTION",
            "licenseConcluded": "NOASSERTION",
            "licenseDeclared": "Apache-2.0",
            "externalRefs": [
                {
                    "referenceCategory": "PACKAGE-MANAGER",
                    "referenceType": "purl",
                    "referenceLocator": "pkg:pypi/requests@2.31.0",
                }
            ],
        }
    ],
}
_PREDICATES = {
    "cyclonedx": _CYCLONEDX,
    "spdx": _SPDX,
    "spdxjson": _SPDX,
    "custom": _CYCLONEDX,
    "https://example.test/review/v1": {"by": "ann", "score": 9.5},
}
_ORIGIN = """\
# Images signed by real cosign with every kind of key

Written by `python -m tests.integration.signatures.write_fixtures` with the cosigns that `tests/judges/install.py` pins
(2.6.5 as `cosign2`, 3.1.3 as `cosign`) into the embedded registry: `signed/TOOL/KEY/FORM` (FORM is `legacy` or
`bundle`) and `attested/TOOL/FORM` with five predicate types. The layout is that of `signed_by_real_tools`. The keys
are in `keys/TOOL-KEY.pub`; the private halves were thrown away.
"""


def _sign_everything(bench: CosignBench) -> dict[str, KeyFiles]:
    keys: dict[str, KeyFiles] = {}
    for tool in TOOLS:
        for kind in KEY_KINDS:
            key = keys[f"{tool}-{kind}"] = bench.key(kind, tool)
            for form in ("legacy", "bundle"):
                repository = f"signed/{tool}/{kind}/{form}"
                digest = bench.push(repository)
                bench.sign(tool, form, key, bench.reference(repository, digest))
        for form in ("legacy", "bundle"):
            repository = f"attested/{tool}/{form}"
            digest = bench.push(repository)
            for predicate_type, predicate in _PREDICATES.items():
                reference = bench.reference(repository, digest)
                text = json.dumps(predicate)
                bench.attest(tool, form, keys[f"{tool}-ecdsa-p256"], reference, predicate_type, text)
    return keys


def _keep(registry: EmbeddedRegistry, target: Path) -> None:
    blobs = target / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    listing = {}
    for name, found in registry.dump().items():
        for digest in found["manifests"]:
            stored = registry.store.manifest(name, digest)
            assert stored is not None
            (blobs / Digest.parse(digest).encoded).write_bytes(stored.raw)
        for digest in found["blobs"]:
            content = registry.store.blob(name, digest)
            assert content is not None
            (blobs / Digest.parse(digest).encoded).write_bytes(content)
        listing[name] = {
            "tags": found["tags"],
            "manifests": {digest: one["mediaType"] for digest, one in found["manifests"].items()},
            "blobs": sorted(found["blobs"]),
        }
    index = {"format": "registry-dump/1", "registries": {"embedded": listing}}
    (target / "index.json").write_text(json.dumps(index, indent=1) + "\n")


def main() -> None:
    """Write the whole folder anew."""
    with tempfile.TemporaryDirectory() as folder, EmbeddedRegistry() as registry:
        keys = _sign_everything(CosignBench(Path(folder), registry))
        shutil.rmtree(TARGET, ignore_errors=True)
        _keep(registry, TARGET)
        (TARGET / "keys").mkdir()
        for name, key in keys.items():
            (TARGET / "keys" / f"{name}.pub").write_text(key.trusted.spki_pem)
        (TARGET / "ORIGIN.md").write_text(_ORIGIN)


if __name__ == "__main__":
    main()
