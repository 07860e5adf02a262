"""`gatekeeper trust`: roots are kept, shown and refused on the command line."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gatekeeper.cli import main
from gatekeeper.demo.sigstore.instance import VirtualSigstore

_ROOT = VirtualSigstore.since(datetime(2026, 1, 1, tzinfo=UTC)).trusted_root_json()


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "root.json").write_bytes(_ROOT)
    return tmp_path / "trust"


def _import(directory: Path, *options: str) -> int:
    file = directory.parent / "root.json"
    return main(["trust", "import", str(file), "--directory", str(directory), *options])


def test_a_root_from_a_file_is_listed(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _import(directory, "--name", "private", "--version", "3", "--expires", "2100-01-01") == 0
    capsys.readouterr()
    assert main(["trust", "list", "--directory", str(directory), "--output", "json"]) == 0
    (item,) = json.loads(capsys.readouterr().out)["items"]
    assert (item["name"], item["state"], item["version"]) == ("private", "current", "3")
    assert item["expires_at"] == "2100-01-01T00:00:00Z"
    assert item["source"] == str(directory.parent / "root.json")
    assert item["instances"][0]["transparency_logs"] == [
        "https://rekor.invalid",
        "https://log2.rekor.invalid",
    ]


def test_a_stale_root_says_so(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _import(directory, "--expires", "2026-01-02") == 0
    assert "state: stale" in capsys.readouterr().out


def test_a_changed_file_is_listed_as_broken(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _import(directory) == 0
    (file,) = directory.glob("*.json")
    file.write_bytes(_ROOT + b"\n")
    capsys.readouterr()
    assert main(["trust", "list", "--directory", str(directory)]) == 0
    listed = capsys.readouterr().out
    assert "broken" in listed
    assert "sha256 differs" in listed


def test_nothing_is_kept_yet(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trust", "list", "--directory", str(directory)]) == 0
    assert "gatekeeper trust update" in capsys.readouterr().out


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]"])
def test_a_file_that_is_no_trust_root(directory: Path, content: bytes) -> None:
    (directory.parent / "root.json").write_bytes(content)
    assert _import(directory) == 2
    assert not directory.exists()


def test_a_file_that_is_not_there(directory: Path) -> None:
    assert main(["trust", "import", str(directory / "gone"), "--directory", str(directory)]) == 2


def test_a_directory_that_cannot_be_written(directory: Path) -> None:
    directory.write_text("a file")
    assert _import(directory) == 3


def test_the_directory_of_the_configuration(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "config.toml").write_text('[trust]\ndirectory = "kept"\n')
    (tmp_path / "root.json").write_bytes(_ROOT)
    options = ["--config", str(tmp_path / "config.toml")]
    assert main(["trust", "import", str(tmp_path / "root.json"), *options]) == 0
    assert (tmp_path / "kept" / "public-good.root").exists()
    capsys.readouterr()


@pytest.mark.parametrize("arguments", [["github"], ["private"], ["Not a name"]])
def test_an_update_of_what_is_not_known(
    directory: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["trust", "update", *arguments, "--directory", str(directory)]) in (2, 5)
    assert "--tuf-root" in (said := capsys.readouterr().err) or "--tuf-url" in said or "small letters" in said


def test_the_policys_own_roots_are_listed_beside_those_that_are_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "config.toml").write_text('policy = "policy.toml"\n')
    (tmp_path / "root.json").write_bytes(_ROOT)
    (tmp_path / "policy.toml").write_text(
        '[trust_roots.internal]\nfile = "root.json"\nexpires_at = 2026-01-02\n'
        '[[signers.r.identities]]\nidentity = "a@b.test"\nissuer = "https://i.test"\n'
        '[policies.p]\nrules = ["signature-missing"]\n'
        '[[scopes]]\nname = "all"\nrepositories = ["**"]\npolicy = "p"\n'
    )
    options = ["--config", str(tmp_path / "config.toml")]
    assert main(["trust", "import", str(tmp_path / "root.json"), *options]) == 0
    capsys.readouterr()
    assert main(["trust", "list", *options, "--output", "json"]) == 0
    kept, named = json.loads(capsys.readouterr().out)["items"]
    assert (kept["name"], named["name"]) == ("public-good", "internal")
    assert (named["state"], named["sha256"]) == ("stale", kept["sha256"])
    (tmp_path / "policy.toml").write_text("[")
    assert main(["trust", "list", *options]) == 0
    assert "are not listed: " in capsys.readouterr().err
