"""``sbom show`` of files: one answer for programs, a table for people, and errors that name the file."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.cli import main
from gatekeeper.core.digest import Digest

CYCLONEDX: dict[str, Any] = {
    "bomFormat": "CycloneDX",
    "specVersion": "1.5",
    "components": [
        {
            "type": "library",
            "name": "libc6",
            "version": "2.36-9",
            "purl": "pkg:deb/debian/libc6@2.36-9?arch=amd64&distro=debian-12&upstream=glibc",
            "licenses": [{"expression": "LGPL-2.1-only AND GPLv2+"}],
        },
        {"type": "library", "name": "odd", "purl": "nonsense"},
        {"type": "file", "name": "/etc/passwd"},
        7,
    ],
}
RAW = json.dumps(CYCLONEDX).encode()


def answer(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, Any]]:
    code = main(["sbom", "show", *words, "--output", "json"])
    plain: dict[str, Any] = json.loads(capsys.readouterr().out)
    return code, plain


def test_the_answer_for_programs(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "app.cdx.json"
    file.write_bytes(RAW)
    code, found = answer(capsys, str(file))
    assert (code, found["state"], found["reason_code"], found["exit_code"]) == (
        0, "partly-read", "sbom-partly-read", 0,
    )  # fmt: skip
    assert (found["subject"], found["digest"]) == (str(file), str(Digest.of(RAW)))
    assert (found["format"], found["format_version"]) == ("cyclonedx-json", "1.5")
    assert found["operating_system"] == {"id": "debian", "version_id": "12", "name": None, "codename": None}
    assert found["totals"] == {
        "components": 3, "packages": 2, "with_purl": 1, "with_version": 1, "with_licence": 1, "with_source": 1,
        "malformed_purls": 1, "unreadable": 1, "unparsed": 2,
    }  # fmt: skip
    assert found["coverage"]["ecosystems"] == {"deb": 1}
    assert found["coverage"]["percent"] == 50
    assert found["unread"] == [
        {"document": str(Digest.of(RAW)), "place": "components[3]", "reason": "it is no object"}
    ]
    libc = found["components"][0]
    assert libc["package_url"]["qualifiers"] == {"arch": "amd64", "distro": "debian-12", "upstream": "glibc"}
    assert (libc["source"], libc["licence"]) == (
        {"name": "glibc", "version": None}, "LGPL-2.1-only AND GPL-2.0-or-later",
    )  # fmt: skip
    assert (found["components"][1]["purl"], found["components"][1]["package_url"]) == ("nonsense", None)


def test_standard_input(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(RAW)))
    code, found = answer(capsys, "-")
    assert (code, found["subject"], found["totals"]["components"]) == (0, "-", 3)


def test_the_table_for_people(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "app.cdx.json"
    hostile = {"type": "library", "name": "\x1b[2Jred", "version": "1"}
    file.write_bytes(json.dumps({**CYCLONEDX, "components": [hostile]}).encode())
    assert main(["sbom", "show", str(file)]) == 0
    shown = capsys.readouterr().out
    assert "format: cyclonedx-json 1.5" in shown
    assert "\\x1b[2Jred" in shown
    assert "\x1b" not in shown


@pytest.mark.parametrize(
    ("content", "code", "reason"),
    [
        (b"", 2, "sbom-format-unsupported"),
        (b"{", 2, "sbom-malformed"),
        (b'{"bomFormat": "CycloneDX", "specVersion": "2.0"}', 2, "sbom-format-unsupported"),
        (None, 2, "file-unreadable"),
    ],
)
def test_what_is_no_sbom_is_told_with_its_name(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, content: bytes | None, code: int, reason: str
) -> None:
    file = tmp_path / "app.json"
    if content is not None:
        file.write_bytes(content)
    found = answer(capsys, str(file))
    assert (found[0], found[1]["reason_code"]) == (code, reason)
    assert str(file) in found[1]["message"]
