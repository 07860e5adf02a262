"""The real oras beside us: we read what it attaches, and it lists what we attach."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.core.digest import Digest
from gatekeeper.core.manifest import ImageManifest, parse_manifest
from gatekeeper.demo import images
from tests.contract.registry.conftest import LOGIN, PASSWORD, USER, Site
from tests.judges.tools import find

pytestmark = [pytest.mark.judge("oras"), pytest.mark.timeout(120)]
FILES = {"etc/motd": b"hello"}


def oras(site: Site, folder: Path, *words: str) -> Any:
    """Run oras in an empty folder with a configuration of its own; its JSON answer."""
    login = []
    if site.client.settings.credentials == LOGIN:
        login = ["--username", USER, "--password", PASSWORD]
    command = [str(find("oras")), *words, "--plain-http", "--format", "json", *login]
    environment = {"HOME": str(folder), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, timeout=60, check=False, text=True
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_what_oras_attaches_is_read(site: Site, path: str, tmp_path: Path) -> None:
    image = images.image(FILES)
    site.push(path, image, "v1")
    (tmp_path / "sbom.json").write_text('{"bomFormat":"CycloneDX"}')
    reference = f"{site.client.host}/{path}@{image.digest}"
    attached = oras(
        site, tmp_path, "attach", "--artifact-type", "application/vnd.cyclonedx+json", reference, "sbom.json"
    )
    (item,) = site.client.referrers(path, Digest.parse(image.digest)).items
    assert str(item.descriptor.digest) == attached["digest"]
    opened = site.client.manifest(path, item.descriptor.digest)
    assert isinstance(opened, ImageManifest)
    assert opened.artifact_type == "application/vnd.cyclonedx+json"
    assert opened.subject is not None
    assert str(opened.subject.digest) == image.digest
    assert site.client.blob(path, opened.layers[0], cap=4096) == b'{"bomFormat":"CycloneDX"}'


def test_what_we_attach_is_listed_by_oras(site: Site, path: str, tmp_path: Path) -> None:
    image = images.image(FILES)
    site.push(path, image, "v1")
    sbom = images.referrer(image, "application/spdx+json", b"{}", annotations={"made-by": "us"})
    for piece in sbom.pieces:
        site.client.put_blob(path, piece.content)
    site.client.attach(path, parse_manifest(sbom.raw, content_type=None, expected=None))
    found = oras(site, tmp_path, "discover", f"{site.client.host}/{path}@{image.digest}")
    listed = found.get("referrers") or found.get("manifests")
    assert [entry["digest"] for entry in listed] == [sbom.digest]


def test_ours_and_theirs_are_one_list(site: Site, path: str, tmp_path: Path) -> None:
    image = images.image(FILES)
    site.push(path, image, "v1")
    ours = images.referrer(image, "application/spdx+json", b"{}")
    for piece in ours.pieces:
        site.client.put_blob(path, piece.content)
    site.client.attach(path, parse_manifest(ours.raw, content_type=None, expected=None))
    (tmp_path / "note").write_text("note")
    reference = f"{site.client.host}/{path}@{image.digest}"
    theirs = oras(site, tmp_path, "attach", "--artifact-type", "text/x-note", reference, "note")
    items = site.client.referrers(path, Digest.parse(image.digest)).items
    assert {str(item.descriptor.digest) for item in items} == {ours.digest, theirs["digest"]}


def test_a_copy_of_ours_is_complete_to_oras(site: Site, path: str, other_path: str, tmp_path: Path) -> None:
    index = images.index([images.image(FILES, platform=f"linux/{name}") for name in ("amd64", "arm64")])
    site.push(path, index, "v1")
    sbom = images.referrer(index, "application/spdx+json", b"{}")
    for piece in sbom.pieces:
        site.client.put_blob(path, piece.content)
    site.client.attach(path, parse_manifest(sbom.raw, content_type=None, expected=None))
    root = Digest.parse(index.digest)
    site.client.copy_closure(path, root, site.client, other_path)
    copied = f"{site.client.host}/{other_path}@{index.digest}"
    found = oras(site, tmp_path, "discover", copied)
    listed = found.get("referrers") or found.get("manifests")
    assert [entry["digest"] for entry in listed] == [sbom.digest]
    assert oras(site, tmp_path, "manifest", "fetch", copied)["digest"] == index.digest
