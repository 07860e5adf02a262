"""Real cosign as signer and as judge, on the embedded registry."""

from __future__ import annotations

import os
import subprocess
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from gatekeeper.core.digest import Digest
from gatekeeper.core.evidence import Candidate
from gatekeeper.core.manifest import Descriptor, Manifest, parse_manifest
from gatekeeper.core.trust import PublicKey, TrustMaterial
from gatekeeper.demo.images import Built, image
from gatekeeper.demo.registry import EmbeddedRegistry
from gatekeeper.ports import Attachment, Verified, Wanted
from gatekeeper.signatures import media_types
from gatekeeper.signatures.signing import Layer, SigningKey, tagged
from gatekeeper.signatures.verifier import Verifier
from tests.fakes.registry_dump import about
from tests.judges.tools import find

KEY_KINDS = ("ecdsa-p256", "ecdsa-p384", "ecdsa-p521", "rsa-2048", "ed25519")
TOOLS = ("cosign2", "cosign")
"""cosign 2.6.5 and 3.1.3."""
_REFUSALS = (
    "no matching signatures",
    "no matching attestations",
    "no signatures found",
    "no valid bundles exist in registry",
)
"""How cosign says no; anything else it says when it fails is a fault of the question."""
_NO_TRUST = '{"mediaType":"application/vnd.dev.sigstore.trustedroot+json;version=0.1"}'


def new_key(kind: str) -> SigningKey:
    """A private key of one of ``KEY_KINDS``."""
    if kind == "rsa-2048":
        return SigningKey.of(rsa.generate_private_key(65537, 2048), kind)
    if kind == "ed25519":
        return SigningKey.of(ed25519.Ed25519PrivateKey.generate(), kind)
    curve = {"256": ec.SECP256R1(), "384": ec.SECP384R1(), "521": ec.SECP521R1()}[kind[-3:]]
    return SigningKey.of(ec.generate_private_key(curve), kind)


@dataclass(frozen=True, slots=True)
class CosignVerdict:
    """Whether cosign accepted, and what it said."""

    accepts: bool
    said: str


@dataclass(frozen=True, slots=True)
class KeyFiles:
    """A key as cosign takes it, and its public half."""

    signing: SigningKey
    private: Path
    public: Path

    @property
    def trusted(self) -> PublicKey:
        return self.signing.public


@dataclass(frozen=True, slots=True)
class CosignBench:
    """A folder of key files, and a registry to sign in."""

    folder: Path
    registry: EmbeddedRegistry

    def run(
        self, tool: str, *arguments: str | Path, settings: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """One call of a cosign; nothing of this machine's own settings reaches it, and it finds no network."""
        environment = {
            **{name: os.environ[name] for name in ("PATH",) if name in os.environ},
            "HOME": str(self.folder),
            "TUF_ROOT": str(self.folder / "tuf"),
            "COSIGN_PASSWORD": "",
            "COSIGN_YES": "true",
            "DOCKER_CONFIG": str(self.folder / "docker"),
            "HTTPS_PROXY": "http://127.0.0.1:9",
            **(settings or {}),
        }
        return subprocess.run(
            [find(tool), *arguments],
            check=False,
            capture_output=True,
            text=True,
            env=environment,
            timeout=120,
        )

    def key(self, kind: str, tool: str) -> KeyFiles:
        """A new key, imported by that cosign."""
        signing = new_key(kind)
        prefix = self.folder / f"{tool}-{kind}-{signing.public.id[:8]}"
        pem, public = prefix.with_suffix(".pem"), prefix.with_suffix(".pub")
        pem.write_bytes(signing.to_pem())
        done = self.run(tool, "import-key-pair", "--key", pem, "--output-key-prefix", prefix)
        assert done.returncode == 0, done.stderr
        assert public.read_text() == signing.public.spki_pem
        return KeyFiles(signing, prefix.with_suffix(".key"), public)

    def push(self, repository: str, built: Built | None = None) -> Digest:
        """An image at the tag ``1``."""
        made = built or image({"etc/motd": repository})
        return Digest.parse(made.store_in(self.registry.store, repository, "1"))

    def reference(self, repository: str, digest: Digest) -> str:
        return f"{self.registry.host}/{repository}@{digest}"

    def sign(
        self,
        tool: str,
        form: str,
        key: KeyFiles,
        reference: str,
        *extra: str,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        """``form``: ``legacy`` or ``bundle``. No log, no network."""
        done = self.run(
            tool,
            "sign",
            *(["--use-signing-config=false"] if tool == "cosign" else []),
            f"--new-bundle-format={'true' if form == 'bundle' else 'false'}",
            "--tlog-upload=false",
            "--allow-http-registry",
            *extra,
            "--key",
            key.private,
            reference,
            settings=settings,
        )
        assert done.returncode == 0, done.stderr

    def attest(self, tool: str, form: str, key: KeyFiles, reference: str, kind: str, predicate: str) -> None:
        """``kind`` is ``--type``; ``predicate`` the predicate's text."""
        file = self.folder / "predicate.json"
        file.write_text(predicate)
        done = self.run(
            tool,
            "attest",
            *(["--use-signing-config=false"] if tool == "cosign" else []),
            f"--new-bundle-format={'true' if form == 'bundle' else 'false'}",
            "--tlog-upload=false",
            "--allow-http-registry",
            "--type",
            kind,
            "--predicate",
            file,
            "--key",
            key.private,
            reference,
        )
        assert done.returncode == 0, done.stderr

    def ask(
        self, tool: str, form: str, public: Path, reference: str, *, command: Sequence[str] = ("verify",)
    ) -> CosignVerdict:
        """cosign's own verdict. Fails when cosign could not judge at all (wrong option, no connection)."""
        root = self.folder / "trusted_root.json"
        root.write_text(_NO_TRUST)
        bundle = form == "bundle"
        done = self.run(
            tool,
            *command,
            f"--new-bundle-format={'true' if bundle else 'false'}",
            "--insecure-ignore-tlog=true",
            *(["--trusted-root", str(root)] if bundle and tool == "cosign2" else []),
            "--allow-http-registry",
            "--key",
            public,
            reference,
        )
        verdict = CosignVerdict(done.returncode == 0, done.stderr)
        assert verdict.accepts or any(sign in done.stderr for sign in _REFUSALS), done.stderr
        return verdict

    def attach(self, repository: str, attachment: Attachment) -> None:
        """Put what ``gatekeeper.signatures.signing`` made."""
        for blob in attachment.blobs:
            self.registry.store.put_blob(repository, blob)
        stored = self.registry.store.put_manifest(repository, attachment.manifest, attachment.media_type)
        if attachment.tag is not None:
            self.registry.store.set_tag(repository, attachment.tag, stored.digest)

    def signed_payload(self, key: KeyFiles, digest: Digest, payload: bytes) -> Attachment:
        """A ``.sig`` manifest over any payload, with a genuine signature."""
        signature = b64encode(key.signing.sign(payload)).decode("ascii")
        return tagged(
            digest,
            [Layer(media_types.SIMPLE_SIGNING, payload, {media_types.SIGNATURE_ANNOTATION: signature})],
        )

    def descriptor(self, repository: str, digest: Digest) -> Descriptor:
        """Of a stored manifest."""
        stored = self.registry.store.manifest(repository, str(digest))
        assert stored is not None
        return Descriptor(stored.media_type, digest, len(stored.raw))

    def _open(self, repository: str, reference: str) -> Manifest | None:
        stored = self.registry.store.manifest(repository, reference)
        if stored is None:
            return None
        return parse_manifest(stored.raw, content_type=stored.media_type, expected=None)

    def candidates(self, repository: str, subject: Digest) -> list[tuple[Wanted, bytes]]:
        """Everything that hangs on the subject, by referrers and by cosign's tags."""
        store, verifier = self.registry.store, Verifier()
        hanging: list[tuple[Manifest | None, str | None]] = [
            (self._open(repository, referrer.digest), None)
            for referrer in store.referrers(repository, str(subject))
        ]
        hanging += [
            (self._open(repository, subject.tag_form + suffix), subject.tag_form + suffix)
            for suffix in (".sig", ".att")
        ]
        found = []
        for manifest, tag in hanging:
            if manifest is None:
                continue
            for wanted in verifier.wanted(manifest, found_at=("test",), tag=tag):
                content = store.blob(repository, str(wanted.descriptor.digest))
                assert content is not None
                found.append((wanted, content))
        return found

    def judge(self, repository: str, subject: Digest, *keys: PublicKey) -> list[Verified]:
        """Our verdict on each candidate."""
        return [
            Verifier().verify(wanted, content, subject=about(subject), trust=TrustMaterial(keys))
            for wanted, content in self.candidates(repository, subject)
        ]


def outcomes(verified: list[Verified]) -> list[tuple[str, str]]:
    """(purpose, reason code) of each candidate, sorted."""

    def row(candidate: Candidate) -> tuple[str, str]:
        return candidate.purpose.value, candidate.reason_code

    return sorted(row(one.candidate) for one in verified)
