"""``gatekeeper feed`` and ``gatekeeper affected`` as they are typed, with a configuration and a database on disk."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.cli import main
from gatekeeper.signatures.signing import SigningKey
from tests.integration.feeds.test_fetching import record


class Site:
    """One installation."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        folder.mkdir()
        self.folder, self.capsys = folder, capsys
        (folder / "policy.toml").write_text(
            "[policies.default]\nrules = ['user-root']\n"
            "[[scopes]]\nname = 'all'\nrepositories = ['**']\npolicy = 'default'\n"
        )
        (folder / "config.toml").write_text("[server]\nenabled = false\n")
        assert self.run("migrate")[0] == 0

    def run(self, *arguments: str) -> tuple[int, str]:
        code = main([*arguments, "--config", str(self.folder / "config.toml")])
        return code, self.capsys.readouterr().out

    def asked(self, *arguments: str) -> tuple[int, Any]:
        code, out = self.run(*arguments, "--output", "json")
        return code, json.loads(out)

    def write(self, name: str, content: object) -> str:
        path = self.folder / name
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return str(path)


@pytest.fixture
def site(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Site:
    return Site(tmp_path / "site", capsys)


def test_import_list_show_accept(site: Site) -> None:
    osv = site.write("x.json", [record("A"), {"id": "B", "affected": 7}])
    kev = site.write("y.json", {"vulnerabilities": [{"cveID": "CVE-1", "dateAdded": "2026-01-01"}]})
    code, answer = site.asked("feed", "import", osv, kev)
    assert code == 0
    assert [one["name"] for one in answer["feeds"]] == ["osv-pypi", "kev"]
    code, listed = site.asked("feed", "list")
    assert {row["name"]: row["state"] for row in listed["feeds"]} == {"kev": "fresh", "osv-pypi": "fresh"}
    code, shown = site.asked("feed", "show", "osv-pypi")
    assert (shown["records"], shown["problems"], shown["set_aside"][0]["record"]) == (1, 1, "x.json[1]")
    assert "set aside" in site.run("feed", "show", "osv-pypi")[1]
    assert (
        site.asked("feed", "accept", "osv-pypi", "--reason", "why not")[1]["reason_code"] == "feed-not-held"
    )
    assert site.run("feed", "show", "nothing")[0] == 5


def test_an_old_file_is_as_old_as_it_is(site: Site) -> None:
    site.run("feed", "import", site.write("x.json", [record("A")]), "--as-of", "2026-01-01")
    assert site.asked("feed", "list")[1]["feeds"][0]["state"] == "stale"


def test_what_is_no_feed_changes_nothing(site: Site) -> None:
    site.run("feed", "import", site.write("x.json", [record("A")]))
    code, answer = site.asked("feed", "import", site.write("x.json", "hello"))
    assert (code, answer["reason_code"]) == (2, "feed-malformed")
    code, answer = site.asked("feed", "import", site.write("x.json", [{"id": 7}]), "--name", "osv-pypi")
    assert (code, answer["reason_code"]) == (2, "feed-empty")
    assert site.asked("feed", "show", "osv-pypi")[1]["records"] == 1


def test_of_several_files_one_that_fails_keeps_nobody_from_the_others(site: Site) -> None:
    kev = site.write("y.json", {"vulnerabilities": [{"cveID": "CVE-1", "dateAdded": "2026-01-01"}]})
    code, answer = site.asked("feed", "import", site.write("x.json", "hello"), kev)
    assert (code, answer["exit_code"]) == (2, 2)
    assert [(one["name"], one["state"]) for one in answer["feeds"]] == [
        ("x.json", "failed"),
        ("kev", "published"),
    ]


@pytest.mark.parametrize(
    ("content", "options", "reason_code"),
    [
        ([record("A")], ["--name", "../x"], "feed-name-malformed"),
        ([record("A")], ["--as-of", "2999-01-01"], "feed-from-the-future"),
        ([{"id": 7}], [], "feed-empty"),
        ([], [], "feed-empty"),
    ],
)
def test_a_refused_import_leaves_no_feed_behind(
    site: Site, content: object, options: list[str], reason_code: str
) -> None:
    code, answer = site.asked("feed", "import", site.write("x.json", content), *options)
    assert (code, answer["reason_code"]) == (2, reason_code)
    assert site.asked("feed", "list")[1]["feeds"] == []


def test_a_bundle_from_one_site_to_another(
    site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key, stranger = SigningKey.generate(), SigningKey.generate()
    private, public = site.folder / "bundle.key", site.folder / "bundle.pub"
    private.write_bytes(key.to_pem())
    public.write_text(key.public.spki_pem)
    (site.folder / "stranger.pub").write_text(stranger.public.spki_pem)
    kev = site.write("y.json", {"vulnerabilities": [{"cveID": "CVE-1", "dateAdded": "2026-01-01"}]})
    site.run("feed", "import", site.write("x.json", [record("A")]), kev, "--as-of", "2026-02-01")
    bundle = tmp_path / "feeds.tar"
    code, answer = site.asked("feed", "export", str(bundle), "--key", str(private))
    assert (code, answer["feeds"]) == (0, ["kev", "osv-pypi"])

    other = Site(tmp_path / "other", capsys)
    assert other.asked("feed", "import", str(bundle))[1]["reason_code"] == "bundle-key-missing"
    wrong = other.asked("feed", "import", str(bundle), "--key", str(site.folder / "stranger.pub"))
    assert (wrong[0], wrong[1]["reason_code"]) == (6, "seal-by-nobody-trusted")
    code, answer = other.asked("feed", "import", str(bundle), "--key", str(public))
    assert (code, len(answer["feeds"])) == (0, 2)
    rows = {row["name"]: row for row in other.asked("feed", "list")[1]["feeds"]}
    assert {row["state"] for row in rows.values()} == {"stale"}
    assert rows["osv-pypi"]["fetched_at"] == "2026-02-01T00:00:00Z"
    assert (rows["kev"]["records"], rows["osv-pypi"]["records"]) == (1, 1)


def test_affected_says_what_it_could_not_judge(site: Site) -> None:
    code, answer = site.asked("affected", "cve-2026-1")
    assert (code, answer["state"], answer["answer"]["vulnerability"]) == (0, "unaffected", "CVE-2026-1")
    code, answer = site.asked("affected", "CVE-2026-1", "--repository", "app/*")
    assert (code, answer["reason_code"]) == (4, "no-repository-matches")
    assert site.run("affected", "no id")[0] == 2
    assert site.run("affected", "CVE-2026-1", "--verify")[0] == 0


def test_update_without_sources_says_what_to_do(site: Site) -> None:
    code, out = site.run("feed", "update")
    assert code == 0
    assert "[[feeds.sources]]" in out
    assert site.asked("feed", "update", "osv-debian")[1]["reason_code"] == "feed-not-configured"
