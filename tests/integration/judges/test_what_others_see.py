"""What other clients say to a tag that shows a tombstone, and to one that is gone; docs/operations.md quotes it."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gatekeeper.core.digest import Digest
from gatekeeper.core.lifecycle import IntentDraft, IntentKind
from gatekeeper.core.reference import Repository
from gatekeeper.core.subject import EMPTY_DIGEST, EMPTY_JSON
from gatekeeper.core.tombstone import case_annotations
from gatekeeper.demo.images import image
from gatekeeper.demo.registry_push import PushClient
from gatekeeper.workflow import drafts, graveyard
from tests.judges.registries import registry_server
from tests.judges.tools import find

DOCS = (Path(__file__).parents[3] / "docs" / "operations.md").read_text()
TOMBSTONE = "0.9"
GONE = "0.8"


@dataclass(frozen=True, slots=True)
class Place:
    """A repository with a tombstone at one tag, and the folder that clients may write to."""

    name: str
    folder: Path
    original: str

    def says(self, tag: str, command: str) -> tuple[int, str]:
        """Exit code and everything that was printed. ``{image}`` and ``{out}`` are filled in."""
        program, *words = command.split()
        filled = [word.format(image=f"{self.name}:{tag}", out=self.folder / "out") for word in words]
        done = subprocess.run(
            [str(find(program)), *filled],
            cwd=self.folder,
            env={**os.environ, "HOME": str(self.folder), "COSIGN_PASSWORD": ""},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with registry_server("debian") as server, PushClient(server.url) as client:
        built = image({"etc/motd": "legacy"})
        client.push("shop/legacy", built, TOMBSTONE)
        repository, digest = Repository(server.host, "shop/legacy"), Digest.parse(built.digest)
        draft = IntentDraft(
            kind=IntentKind.QUARANTINE,
            repository=repository,
            digest=digest,
            tag=TOMBSTONE,
            expected=digest,
            replacement=None,
            target=Repository(server.host, "quarantine/shop/legacy"),
            target_tag=f"{TOMBSTONE}--{digest.short}",
            nonce="0" * 16,
            case_id="c0ffee",
            actor="gatekeeper",
            reason="user-root",
            annotations=case_annotations(
                "user-root",
                ("sha256:1",),
                opened_at=datetime(2026, 11, 26, tzinfo=UTC),
                who_can_release=drafts.WHO_CAN_RELEASE,
                review="https://gatekeeper.example.com",
            ),
        )
        stone = graveyard.tombstone_of(draft)
        client.push_blob("shop/legacy", EMPTY_JSON, str(EMPTY_DIGEST))
        client.put_manifest("shop/legacy", TOMBSTONE, stone.raw, stone.media_type)
        yield Place(f"{server.host}/shop/legacy", tmp_path_factory.mktemp("clients"), built.digest)


SEEN = [
    (
        TOMBSTONE,
        "skopeo inspect --tls-verify=false docker://{image}",
        1,
        'unsupported image-specific operation on artifact with type "application/vnd.oci.empty.v1+json"',
    ),
    (TOMBSTONE, "skopeo copy --insecure-policy --src-tls-verify=false docker://{image} dir:{out}", 0, ""),
    (TOMBSTONE, "crane pull --insecure {image} {out}.tar", 0, ""),
    (TOMBSTONE, "oras pull --plain-http -o {out} {image}", 0, ""),
    (
        TOMBSTONE,
        "cosign verify --allow-http-registry --insecure-ignore-tlog --key cosign.pub {image}",
        10,
        "no signatures found",
    ),
    (GONE, "skopeo inspect --tls-verify=false docker://{image}", 1, "manifest unknown"),
    (
        GONE,
        "skopeo copy --insecure-policy --src-tls-verify=false docker://{image} dir:{out}",
        1,
        "manifest unknown",
    ),
    (GONE, "crane pull --insecure {image} {out}.tar", 1, "MANIFEST_UNKNOWN: manifest unknown"),
    (GONE, "oras pull --plain-http -o {out} {image}", 1, "not found"),
    (
        GONE,
        "cosign verify --allow-http-registry --insecure-ignore-tlog --key cosign.pub {image}",
        11,
        "image tag not found",
    ),
]


@pytest.mark.parametrize(("tag", "command", "code", "words"), SEEN)
def test_each_client_says_what_the_docs_quote(
    place: Place, tag: str, command: str, code: int, words: str
) -> None:
    if "cosign.pub" in command and not (place.folder / "cosign.pub").exists():
        assert place.says(tag, "cosign generate-key-pair")[0] == 0
    found, said = place.says(tag, command)
    assert found == code, said
    assert words in said.replace('\\"', '"')
    assert words in DOCS


@pytest.mark.parametrize(
    "command",
    [
        "skopeo inspect --raw --tls-verify=false docker://{image}",
        "crane manifest --insecure {image}",
        "oras manifest fetch --plain-http {image}",
    ],
)
def test_its_annotations_tell_what_happened_and_where_to_ask(place: Place, command: str) -> None:
    code, said = place.says(TOMBSTONE, command)
    assert code == 0
    told = json.loads(said)["annotations"]
    assert told["io.gatekeeper.original-digest"] == place.original
    assert told["io.gatekeeper.case"] == "c0ffee"
    assert "user-root" in told["io.gatekeeper.reason"]
    assert told["io.gatekeeper.who-can-release"] == drafts.WHO_CAN_RELEASE
    assert told["io.gatekeeper.review"] == "https://gatekeeper.example.com"
