"""A registry in memory, and the command line as a person uses it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.cli import main
from gatekeeper.demo.images import Built, Piece, image
from gatekeeper.demo.registry import EmbeddedRegistry
from tests.fakes.package_databases import ALPINE_RELEASE, APK_INSTALLED, layer

Show = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def registry() -> Iterator[EmbeddedRegistry]:
    with EmbeddedRegistry() as made:
        yield made


@pytest.fixture
def show(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Show:
    """``gatekeeper sbom show … --output json`` -> exit code and answer. Nobody's own sign-ins are used."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.delenv("GATEKEEPER_CONFIG", raising=False)

    def run(*words: str) -> tuple[int, dict[str, Any]]:
        code = main(["sbom", "show", *words, "--output", "json"])
        answer: dict[str, Any] = json.loads(capsys.readouterr().out)
        return code, answer

    return run


def layered(*layers: bytes, platform: str = "linux/amd64") -> Built:
    """A runnable image of exactly these layers."""
    base = image([{"placeholder": str(number)} for number in range(len(layers))], platform=platform)
    document = base.document
    pieces = [Piece(content, "application/vnd.oci.image.layer.v1.tar+gzip") for content in layers]
    document["layers"] = [piece.descriptor() for piece in pieces]
    kept = tuple(piece for piece in base.pieces if "layer" not in piece.media_type)
    return Built(json.dumps(document).encode(), base.media_type, (*kept, *pieces), platform=base.platform)


@pytest.fixture
def alpine() -> Built:
    return layered(layer({"etc/os-release": ALPINE_RELEASE, "lib/apk/db/installed": APK_INSTALLED}))
