"""The installer of the judges builds what is missing, once, and says what failed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.judges import install, tools

GO = """\
#!/bin/sh
echo "$@" >> "{log}"
case "$1" in
    install) package=${{2%@*}}; printf '#!/bin/sh\\n' > "$GOBIN/${{package##*/}}"; chmod +x "$GOBIN/${{package##*/}}";;
    build) printf '#!/bin/sh\\n' > "$4"; chmod +x "$4";;
esac
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "go").write_text(GO.format(log=tmp_path / "go.log"))
    (programs / "go").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    monkeypatch.setenv("GATEKEEPER_JUDGES", str(tmp_path / "judges"))
    return tmp_path


def _calls(folder: Path) -> int:
    log = folder / "go.log"
    return len(log.read_text().splitlines()) if log.exists() else 0


def test_every_judge_is_built_and_found(folder: Path) -> None:
    assert install.main([]) == 0
    for name in install.JUDGES:
        assert tools.look_up(name) == folder / "judges" / name


def test_two_programs_of_one_name_stay_apart(folder: Path) -> None:
    assert install.main(["cosign", "cosign2"]) == 0
    assert (folder / "judges" / "cosign2").exists()
    assert (folder / "go.log").read_text().count("/cmd/cosign@") == 2


def test_a_second_run_builds_nothing(folder: Path) -> None:
    install.main(["crane"])
    install.main(["crane"])
    assert _calls(folder) == 1


def test_another_version_or_a_missing_program_is_built_again(folder: Path) -> None:
    install.main(["crane"])
    stamp = folder / "judges" / ".stamps" / "crane"
    stamp.write_text("github.com/google/go-containerregistry/cmd/crane@v0.0.1")
    assert install.installed("crane") is None
    install.main(["crane"])
    (folder / "judges" / "crane").unlink()
    assert install.installed("crane") is None
    install.main(["crane"])
    assert _calls(folder) == 3


def test_a_failure_is_tried_again_then_named_and_the_others_are_built(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    program = folder / "programs" / "go"
    program.write_text(program.read_text() + 'case "$2" in *oras*) echo "no such module"; exit 1;; esac\n')
    assert install.main(["oras", "crane"]) == 1
    said = capsys.readouterr()
    assert "failed: oras: " in said.err
    assert "no such module" in said.err
    assert said.out == ""
    assert install.installed("crane") is not None
    assert install.installed("oras") is None
    assert _calls(folder) == install.ATTEMPTS + 1


def test_without_go_the_remedy_is_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(folder))
    assert install.main(["crane"]) == 1
    assert "install Go" in capsys.readouterr().err


def test_an_absent_judge_skips_with_its_remedy_and_fails_when_demanded(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GATEKEEPER_TEST_FULL", raising=False)
    with pytest.raises(pytest.skip.Exception, match=r"absent part: cosign .*tests\.judges\.install cosign"):
        tools.find("cosign")
    monkeypatch.setenv("GATEKEEPER_TEST_FULL", "1")
    with pytest.raises(pytest.fail.Exception, match="demands every real part"):
        tools.find("cosign")


def test_an_unknown_judge_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        install.main(["trivia"])
    assert ended.value.code == 2
    assert "no such judge: trivia" in capsys.readouterr().err
