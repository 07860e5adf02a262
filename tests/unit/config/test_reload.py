from __future__ import annotations

from pathlib import Path

import pytest

from gatekeeper.config.reload import Reloader, load_configuration
from gatekeeper.core.errors import ConfigurationError

POLICY = (
    '[policies.p]\nrules = ["{rule}"]\n[[scopes]]\nname = "all"\nrepositories = ["{glob}"]\npolicy = "p"\n'
)


def write(tmp_path: Path, *, config: str = "", rule: str = "user-root", glob: str = "**") -> Path:
    path = tmp_path / "config.toml"
    path.write_text(config)
    (tmp_path / "policy.toml").write_text(POLICY.format(rule=rule, glob=glob))
    return path


def test_a_good_configuration_replaces_the_old_one(tmp_path: Path) -> None:
    path = write(tmp_path)
    reloader = Reloader(path)
    before = reloader.current
    write(
        tmp_path, config='[logging]\nlevel = "debug"\n[server]\nlisten = "127.0.0.1:9"\n', rule="tag-latest"
    )
    reloaded = reloader.reload()
    assert reloaded.problems == ()
    assert set(reloaded.changed) == {"logging", "server", "policy"}
    assert reloaded.needs_restart == ("server",)
    assert reloader.current.policy.revision != before.policy.revision
    assert reloader.current.settings.server.port == 9


@pytest.mark.parametrize("bad", ["config", "policy"])
def test_a_bad_configuration_changes_nothing(tmp_path: Path, bad: str) -> None:
    path = write(tmp_path)
    reloader = Reloader(path)
    before = reloader.current
    if bad == "config":
        write(tmp_path, config="[logging]\nlevel = 5\n", rule="tag-latest")
    else:
        write(tmp_path, config='[logging]\nlevel = "debug"\n', rule="tag-latestt")
    reloaded = reloader.reload()
    assert reloaded.problems
    assert reloaded.changed == ()
    assert reloader.current is before


def test_nothing_changed_is_said(tmp_path: Path) -> None:
    reloader = Reloader(write(tmp_path))
    assert reloader.reload().changed == ()


def test_the_problems_of_both_files_are_told_together(tmp_path: Path) -> None:
    path = write(tmp_path, config="[logging]\nlevel = 5\n", rule="user-rot")
    with pytest.raises(ConfigurationError) as caught:
        load_configuration(path)
    assert [problem.split(":")[0].rsplit("/", 1)[1] for problem in caught.value.problems] == [
        "config.toml",
        "policy.toml",
    ]


def test_a_scope_for_a_registry_that_is_not_configured_is_warned_of(tmp_path: Path) -> None:
    path = write(tmp_path, config='[[registries]]\nhost = "a.example.com"\n', glob="b.example.com/**")
    assert "names b.example.com, which is not in [[registries]]" in load_configuration(path).warnings[0]
