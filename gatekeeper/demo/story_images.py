"""What the demo pushes: an image for each thing that can be right or wrong with one, and what hangs on them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from gatekeeper.core.digest import Digest
from gatekeeper.core.manifest import Descriptor
from gatekeeper.demo.images import Built, image, index
from gatekeeper.demo.registry_push import PushClient
from gatekeeper.demo.sigstore.fulcio import Signer
from gatekeeper.demo.sigstore.instance import TILED, VirtualSigstore
from gatekeeper.ports import Attachment
from gatekeeper.signatures import media_types
from gatekeeper.signatures.attaching import bundle_referrer
from gatekeeper.signatures.signing import (
    SigningKey,
    attestation_bundle,
    signature_bundle,
    signature_layer,
    tagged,
)

CYCLONEDX = "https://cyclonedx.org/bom"
_INDEX = "application/vnd.oci.image.index.v1+json"


@dataclass(frozen=True, slots=True)
class Sample:
    """One image of the story: ``what`` is said about it when it is pushed."""

    name: str
    """Last segment of its repository."""
    tag: str
    what: str
    built: Built


def samples(now: datetime) -> tuple[Sample, ...]:
    """The images of the story; built a few days before ``now``, and the same for the same ``now``."""
    built = now - timedelta(days=3)

    def made(text: str, *, user: str = "1000", platform: str = "linux/amd64") -> Built:
        return image({"srv/index.html": text}, user=user, platform=platform, created=built)

    both = index([made("worker"), made("worker", platform="linux/arm64")])
    return (
        Sample("web", "1.0", "signed by release, with a signed SBOM", made("web")),
        Sample("worker", "1.0", "two platforms, the index is signed by a workflow, without a key", both),
        Sample("cart", "stable", "signed", made("cart")),
        Sample("api", "2.3", "not signed yet", made("api")),
        Sample("legacy", "0.9", "never signed", made("legacy")),
        Sample("payments", "1.0", "signed by a key that nobody named", made("payments")),
        Sample("batch", "1.0", "signed, but runs as root", made("batch", user="root")),
    )


def intruder(now: datetime) -> Built:
    """What somebody with push rights puts at a tag of others."""
    return image(
        {"srv/index.html": "cart", "usr/bin/miner": "#!/bin/sh\n"}, user="0", created=now - timedelta(hours=1)
    )


@dataclass(frozen=True, slots=True)
class Publisher:
    """Pushes and signs, as build pipelines do; not a part of Gatekeeper."""

    client: PushClient
    host: str
    """As in image references."""
    now: Callable[[], datetime]

    def push(self, repository: str, built: Built, tag: str) -> Digest:
        """Raises UnavailableError."""
        return Digest.parse(self.client.push(repository, built, tag))

    def sign(self, repository: str, built: Built, key: SigningKey) -> None:
        """A signature as cosign 2 writes it: at a ``.sig`` tag."""
        digest = Digest.parse(built.digest)
        layer = signature_layer(key, f"{self.host}/{repository}", digest)
        self._attach(repository, tagged(digest, [layer]))

    def sign_as_referrer(self, repository: str, built: Built, key: SigningKey) -> None:
        """A signature as cosign 3 writes it: a Sigstore bundle that names the image as its subject."""
        self._attach(repository, signature_bundle(key, _descriptor(built), created=self.now()))

    def sign_without_key(
        self, repository: str, built: Built, sigstore: VirtualSigstore, signer: Signer
    ) -> None:
        """As ``cosign sign`` in a pipeline writes it: a certificate for minutes, a log entry, a timestamp."""
        statement = {
            "_type": media_types.STATEMENT_V1,
            "subject": [{"digest": {"sha256": Digest.parse(built.digest).encoded}, "annotations": {}}],
            "predicateType": media_types.SIGNATURE_PREDICATE,
            "predicate": {},
        }
        made = sigstore.bundle_of_statement(json.dumps(statement).encode(), signer, self.now(), TILED)
        attachment = bundle_referrer(
            json.dumps(made).encode(),
            _descriptor(built),
            media_types.SIGNATURE_PREDICATE,
            created=self.now(),
        )
        self._attach(repository, attachment)

    def attest_sbom(self, repository: str, built: Built, key: SigningKey) -> None:
        """A signed CycloneDX SBOM, as ``cosign attest --type cyclonedx`` writes it."""
        component = {
            "type": "library",
            "name": "musl",
            "version": "1.2.5",
            "purl": "pkg:apk/alpine/musl@1.2.5",
        }
        sbom = {"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "components": [component]}
        name = f"{self.host}/{repository}"
        self._attach(
            repository,
            attestation_bundle(key, _descriptor(built), CYCLONEDX, sbom, name=name, created=self.now()),
        )

    def _attach(self, repository: str, attachment: Attachment) -> None:
        for blob in attachment.blobs:
            self.client.push_blob(repository, blob, str(Digest.of(blob)))
        reference = attachment.tag or str(attachment.digest)
        answered = self.client.put_manifest(repository, reference, attachment.manifest, attachment.media_type)
        subject = json.loads(attachment.manifest).get("subject")
        if subject is not None and "oci-subject" not in answered:
            self._list_referrer(repository, Digest.parse(subject["digest"]), attachment)

    def _list_referrer(self, repository: str, subject: Digest, attachment: Attachment) -> None:
        """The registry has no referrers API: the client keeps the list (distribution-spec, Referrers Tag Schema)."""
        document = json.loads(attachment.manifest)
        entry = {
            "mediaType": attachment.media_type,
            "digest": str(attachment.digest),
            "size": len(attachment.manifest),
            "artifactType": document["artifactType"],
            "annotations": document["annotations"],
        }
        listed = self.client.manifest(repository, subject.tag_form)
        entries = [] if listed is None else json.loads(listed)["manifests"]
        raw = json.dumps({"schemaVersion": 2, "mediaType": _INDEX, "manifests": [*entries, entry]}).encode()
        self.client.put_manifest(repository, subject.tag_form, raw, _INDEX)


def _descriptor(built: Built) -> Descriptor:
    return Descriptor(built.media_type, Digest.parse(built.digest), len(built.raw))
