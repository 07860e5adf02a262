"""``gatekeeper match``: exit codes, JSON and tables, without anything configured."""

from __future__ import annotations

import gc
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.cli import main, matching, output

RECORD = {
    "id": "GHSA-1",
    "modified": "2024-01-01T00:00:00Z",
    "aliases": ["CVE-2024-1"],
    "summary": "Pads \u001b[31mwrongly",
    "database_specific": {"severity": "HIGH"},
    "affected": [
        {
            "package": {"ecosystem": "npm", "name": "left-pad"},
            "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": "1.3.0"}]}],
        }
    ],
}


@pytest.fixture(autouse=True)
def collecting() -> Iterator[None]:
    """The command lives for one answer and turns the collector off; the tests live on."""
    yield
    gc.enable()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "feed.json").write_text(json.dumps(RECORD))
    return tmp_path


def sbom(*purls: str, **members: Any) -> str:
    components = [{"type": "library", "name": purl.rpartition("/")[2], "purl": purl} for purl in purls]
    document = {"bomFormat": "CycloneDX", "specVersion": "1.5", "components": components, **members}
    Path("sbom.json").write_text(json.dumps(document))
    return "sbom.json"


def answer(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    code = main(["match", *words, "--output", "json"])
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert found["exit_code"] == code
    return found


def test_a_vulnerable_component_ends_with_1(capsys: pytest.CaptureFixture[str]) -> None:
    found = answer(capsys, sbom("pkg:npm/left-pad@1.2.0", "pkg:gem/rack@1"), "--feed", "feed.json")
    assert (found["state"], found["reason_code"], found["exit_code"]) == (
        "failed",
        "vulnerabilities-found",
        1,
    )
    (match,) = found["matches"]
    assert {key: match[key] for key in ("purl", "advisory", "aliases", "severity", "fixed", "why")} == {
        "purl": "pkg:npm/left-pad@1.2.0",
        "advisory": "GHSA-1",
        "aliases": ["CVE-2024-1"],
        "severity": "high",
        "fixed": ["1.3.0"],
        "why": {"ground": "range", "text": "< 1.3.0", "fixed": "1.3.0"},
    }
    assert [gap["reason"] for gap in found["gaps"]] == ["ecosystem-not-covered"]


def test_a_clean_sbom_ends_with_0(capsys: pytest.CaptureFixture[str]) -> None:
    found = answer(capsys, sbom("pkg:npm/left-pad@1.3.0", "pkg:npm/other@1.0.0"), "--feed", "feed.json")
    assert (found["state"], found["exit_code"], found["sbom"]["judged"]) == ("passed", 0, 2)


@pytest.mark.parametrize("purls", [["pkg:gem/rack@1"], ["pkg:npm/left-pad@latest"], []])
def test_what_could_not_be_judged_ends_with_4(purls: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    found = answer(capsys, sbom(*purls), "--feed", "feed.json")
    assert (found["state"], found["exit_code"]) == ("indeterminate", 4)


@pytest.mark.parametrize(
    "root",
    [
        {"type": "application", "name": "app", "version": "1"},
        {"type": "application", "name": "app", "version": "1", "purl": "pkg:generic/app@1"},
        {"type": "container", "name": "app", "purl": "pkg:oci/app@sha256%3Aaa"},
    ],
)
def test_what_the_sbom_is_about_is_no_gap(root: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    """Most tools name the application that they were run on, and nobody publishes advisories about it."""
    clean = {"type": "library", "name": "left-pad", "purl": "pkg:npm/left-pad@1.3.0"}
    file = sbom(metadata={"component": root}, components=[clean, root])
    assert answer(capsys, file, "--feed", "feed.json")["exit_code"] == 0
    known = {"type": "application", "name": "left-pad", "purl": "pkg:npm/left-pad@1.2.0"}
    assert answer(capsys, sbom(metadata={"component": known}), "--feed", "feed.json")["exit_code"] == 1
    assert answer(capsys, sbom(metadata={"component": root}), "--feed", "feed.json")["exit_code"] == 4


def test_without_a_feed_nothing_can_be_judged(capsys: pytest.CaptureFixture[str]) -> None:
    assert answer(capsys, sbom("pkg:npm/left-pad@1.3.0"))["exit_code"] == 4


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["missing.json", "--feed", "feed.json"], "sbom-unreadable"),
        (["nothing.json", "--feed", "feed.json"], "sbom-format-unsupported"),
        (["cut.json", "--feed", "feed.json"], "sbom-malformed"),
        (["sbom.json", "--feed", "missing.json"], "feed-missing"),
        (["sbom.json", "--feed", "cut.json"], "feed-malformed"),
        (["sbom.json", "--feed", "nothing.json"], "feed-malformed"),
    ],
)
def test_what_cannot_be_read_ends_with_2_and_is_named(
    words: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    sbom("pkg:npm/left-pad@1.3.0")
    Path("cut.json").write_text('{"bomFormat": "CycloneDX", "id": ')
    Path("nothing.json").write_text("")
    found = answer(capsys, *words)
    assert (found["exit_code"], found["reason_code"]) == (2, reason)
    (named,) = {*words} - {"sbom.json", "feed.json", "--feed"}
    assert named in found["message"]


def test_the_sbom_comes_from_stdin(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    content = Path(sbom("pkg:npm/left-pad@1.2.0")).read_bytes()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))
    assert answer(capsys, "-", "--feed", "feed.json")["exit_code"] == 1


def test_people_read_one_line_for_each_vulnerability(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["match", sbom("pkg:npm/left-pad@1.2.0", "pkg:gem/rack@1"), "--feed", "feed.json"]) == 1
    told = capsys.readouterr()
    assert "high\tleft-pad\t1.2.0\t1.3.0\tGHSA-1\tCVE-2024-1\t< 1.3.0" in told.out
    assert "ecosystem-not-covered\tpkg:gem/rack@1" in told.out
    assert "\u001b" not in told.out
    assert "compiling the advisories" in told.err


def test_a_bad_record_is_set_aside_and_told(capsys: pytest.CaptureFixture[str]) -> None:
    Path("feed.json").write_text(json.dumps([RECORD, {"id": 5}]))
    found = answer(capsys, sbom("pkg:npm/left-pad@1.2.0"), "--feed", "feed.json")
    assert found["exit_code"] == 1
    assert [item["place"] for item in found["feeds"]["refusals"]] == ["feed.json[1]"]


def test_vex_excuses_and_the_vulnerability_stays(capsys: pytest.CaptureFixture[str]) -> None:
    Path("vex.json").write_text(
        json.dumps(
            {
                "@context": "https://openvex.dev/ns/v0.2.0",
                "@id": "https://example.com/vex/1",
                "author": "Team",
                "timestamp": "2024-01-01T00:00:00Z",
                "statements": [
                    {
                        "vulnerability": {"name": "CVE-2024-1"},
                        "products": [{"@id": "pkg:npm/left-pad@1.2.0"}],
                        "status": "not_affected",
                        "justification": "vulnerable_code_not_present",
                    }
                ],
            }
        )
    )
    words = (sbom("pkg:npm/left-pad@1.2.0"), "--feed", "feed.json", "--vex", "vex.json")
    found = answer(capsys, *words)
    assert (found["state"], found["exit_code"]) == ("passed", 0)
    (match,) = found["matches"]
    assert match["suppressed"] == {
        "status": "not_affected",
        "justification": "vulnerable_code_not_present",
        "author": "Team",
        "document": "https://example.com/vex/1",
        "at": "2024-01-01T00:00:00Z",
    }
    assert main(["match", *words]) == 0
    told = capsys.readouterr().out
    assert "GHSA-1\tleft-pad\t1.2.0\tTeam\tnot_affected\tvulnerable_code_not_present" in told
    assert "vex.json (given, trusted as it is)" in told


def test_vex_that_cannot_be_read_is_a_warning(capsys: pytest.CaptureFixture[str]) -> None:
    Path("vex.json").write_text("{}")
    code = main(
        ["match", sbom("pkg:npm/left-pad@1.2.0"), "--feed", "feed.json", "--vex", "vex.json", "-o", "json"]
    )
    told = capsys.readouterr()
    assert code == 1
    assert "vex.json: the VEX document cannot be read" in told.err
    assert json.loads(told.out)["vex"][0]["warnings"]


def test_an_sbom_inside_a_statement_is_read(capsys: pytest.CaptureFixture[str]) -> None:
    predicate = json.loads(Path(sbom("pkg:npm/left-pad@1.2.0")).read_text())
    statement = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [],
        "predicateType": "https://cyclonedx.org/bom",
        "predicate": predicate,
    }
    Path("statement.json").write_text(json.dumps(statement))
    assert answer(capsys, "statement.json", "--feed", "feed.json")["exit_code"] == 1


def test_the_fast_encoder_writes_what_every_command_writes() -> None:
    hostile: dict[str, Any] = {
        "text": 'Ünïcode \u202e \u001b[31m \x7f \ud800 \\ " \n',
        "empty": [{}, [], "", None],
        "nested": {"numbers": [1, -2.5, True], "deeper": [[["x"]], {"a": {"b": []}}]},
    }
    assert matching.indented(hostile) == output.indented(hostile)
    assert matching.indented(hostile).isascii()
    of_a_file = {"source": "\udcff.json"}
    assert matching.indented(of_a_file) == output.indented(of_a_file)
