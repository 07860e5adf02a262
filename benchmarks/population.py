"""Fills a registry with images that cost little to push: layers are shared, manifests are many."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from gatekeeper.core.digest import Digest
from gatekeeper.core.manifest import OCI_MANIFEST, Descriptor
from gatekeeper.demo.images import Built, image
from gatekeeper.demo.registry_push import PushClient
from gatekeeper.demo.sigstore.fulcio import Signer
from gatekeeper.demo.sigstore.instance import VirtualSigstore
from gatekeeper.ports import Attachment
from gatekeeper.signatures import media_types
from gatekeeper.signatures.attaching import bundle_referrer
from gatekeeper.signatures.signing import SigningKey, signature_bundle
from tests.fakes.notary import Party, Signing, payload_about, signature_manifest

PUSHERS = 4


def images(count: int, *, own: bool) -> list[Built]:
    """So many digests; ``own``: each with a configuration of its own."""
    return [
        image({"etc/motd": "hello"}, labels={"version": str(number)})
        if own
        else image({"etc/motd": "hello"}, annotations={"version": str(number)})
        for number in range(count)
    ]


def paths(prefix: str, count: int) -> list[str]:
    """Repository paths."""
    return [f"{prefix}/repository-{number:03d}" for number in range(count)]


def push_tags(host: str, repositories: Sequence[str], tags: int, digests: int) -> None:
    """``tags`` tags in each repository, ``digests`` digests in all of them together."""
    stock = images(digests, own=False)

    def fill(numbered: tuple[int, str]) -> None:
        number, path = numbered
        with PushClient(f"http://{host}") as client:
            for piece in stock[0].pieces:
                client.push_blob(path, piece.content, piece.digest)
            for tag in range(tags):
                built = stock[(number * tags + tag) % digests]
                client.put_manifest(path, f"v{tag}", built.raw, built.media_type)

    _all(fill, enumerate(repositories))


def push_signed(host: str, repositories: Sequence[str], each: int, key: SigningKey) -> list[str]:
    """``each`` images in each repository, every one signed with a bundle v0.3 referrer; gives the references."""
    created = datetime.now(UTC)
    return _push_bundles(
        host, repositories, each, lambda subject: signature_bundle(key, subject, created=created)
    )


IDENTITY, ISSUER = (
    "https://github.com/team/app/.github/workflows/r.yml@refs/tags/v1",
    "https://issuer.invalid",
)


def push_keyless(host: str, repositories: Sequence[str], each: int, sigstore: VirtualSigstore) -> list[str]:
    """The same, signed with certificates of a virtual Sigstore, logged in its Rekor 1."""
    signer, created = Signer(IDENTITY, ISSUER), datetime.now(UTC)

    def bundle(subject: Descriptor) -> Attachment:
        statement = {
            "_type": media_types.STATEMENT_V1,
            "subject": [{"digest": {"sha256": subject.digest.encoded}}],
            "predicateType": media_types.SIGNATURE_PREDICATE,
            "predicate": {},
        }
        made = sigstore.bundle_of_statement(json.dumps(statement).encode(), signer, created)
        content = json.dumps(made).encode()
        return bundle_referrer(content, subject, media_types.SIGNATURE_PREDICATE, created=created)

    return _push_bundles(host, repositories, each, bundle)


def _push_bundles(
    host: str, repositories: Sequence[str], each: int, make: Callable[[Descriptor], Attachment]
) -> list[str]:
    stock = images(each * len(repositories), own=True)

    def fill(numbered: tuple[int, str]) -> list[str]:
        number, path = numbered
        found = []
        with PushClient(f"http://{host}") as client:
            for place in range(each):
                built = stock[number * each + place]
                client.push(path, built, f"v{place}")
                subject = Descriptor(built.media_type, Digest.parse(built.digest), len(built.raw))
                bundle = make(subject)
                for blob in bundle.blobs:
                    client.push_blob(path, blob, str(Digest.of(blob)))
                client.put_manifest(path, str(bundle.digest), bundle.manifest, bundle.media_type)
                found.append(f"{host}/{path}@{built.digest}")
        return found

    return [reference for part in _all(fill, enumerate(repositories)) for reference in part]


def push_notation(
    host: str, repositories: Sequence[str], each: int, chain: Sequence[Party], media_type: str
) -> list[str]:
    """``each`` images in each repository, every one with a Notary Project signature; gives the references."""
    stock = images(each * len(repositories), own=True)

    def fill(numbered: tuple[int, str]) -> list[str]:
        number, path = numbered
        found = []
        with PushClient(f"http://{host}") as client:
            for place in range(each):
                built = stock[number * each + place]
                client.push(path, built, f"v{place}")
                subject = Descriptor(built.media_type, Digest.parse(built.digest), len(built.raw))
                signed = Signing(chain=chain, content=payload_about(subject)).envelope(media_type)
                manifest = signature_manifest(signed, media_type, subject)
                for blob in (b"{}", signed):
                    client.push_blob(path, blob, str(Digest.of(blob)))
                client.put_manifest(path, str(Digest.of(manifest)), manifest, OCI_MANIFEST)
                found.append(f"{host}/{path}@{built.digest}")
        return found

    return [reference for part in _all(fill, enumerate(repositories)) for reference in part]


def _all(fill, numbered: Iterable[tuple[int, str]]):  # type: ignore[no-untyped-def]
    with ThreadPoolExecutor(PUSHERS) as pool:
        return list(pool.map(fill, numbered))
