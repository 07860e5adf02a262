"""``gatekeeper doctor`` beside registries with one thing wrong each."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.cli import main
from gatekeeper.demo.images import image
from gatekeeper.demo.registry import BasicAuthentication, Behaviour, EmbeddedRegistry, Match
from gatekeeper.demo.registry_faults import Headers, Status
from gatekeeper.demo.sigstore.instance import VirtualSigstore
from gatekeeper.signatures.signing import SigningKey
from tests.fakes.certificates import Authority

CONFIG = """\
version = 1

[[registries]]
host = "{host}"
plain_http = true
{registry}

[database]
path = "gatekeeper.db"
"""
POLICY = """\
version = 1

[policies.default]
rules = ["user-root"]

[[scopes]]
name = "all"
repositories = ["{host}/app/**"]
policy = "default"
mode = "{mode}"
action = "quarantine"
"""
Lines = dict[str, dict[str, Any]]
Examine = Callable[..., tuple[int, Lines]]


@pytest.fixture
def installation(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Examine]:
    """Starts a registry and a database, runs the doctor; (exit code, lines by reason code)."""
    with ExitStack() as stack:

        def examine(
            behaviour: Behaviour | None = None,
            *arguments: str,
            registry: str = "",
            mode: str = "enforce",
            prepare: Callable[[EmbeddedRegistry], None] = lambda _: None,
            migrate: bool = True,
            policy: str = "",
        ) -> tuple[int, Lines]:
            started = stack.enter_context(EmbeddedRegistry(behaviour))
            image({"a": "b"}).store_in(started.store, "app/web", "1.0")
            prepare(started)
            (tmp_path / "config.toml").write_text(CONFIG.format(host=started.host, registry=registry))
            (tmp_path / "policy.toml").write_text(POLICY.format(host=started.host, mode=mode) + policy)
            config = ("--config", str(tmp_path / "config.toml"))
            if migrate:
                assert main(["migrate", *config]) == 0
            started.clear_requests()
            capsys.readouterr()
            code = main(["doctor", "--output", "json", *arguments, *config])
            answer = json.loads(capsys.readouterr().out)
            assert answer["exit_code"] == code
            for line in answer["items"]:
                assert line["health"] == "ok" or line["remedy"], line
            if "--write-probe" not in arguments:
                assert {request.method for request in started.requests} <= {"GET", "HEAD"}
            return code, {line["reason_code"]: line for line in answer["items"]}

        yield examine


def _closed(*users: str) -> Behaviour:
    return Behaviour(authentication=BasicAuthentication({"gatekeeper": "correct horse"}))


SIGNED_IN = 'credentials = { username = "gatekeeper", password = { env = "DOCTOR_PASSWORD" } }'


def test_a_sound_installation_has_nothing_to_mend(
    installation: Examine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCTOR_PASSWORD", "correct horse")
    code, lines = installation(_closed(), registry=SIGNED_IN)
    assert code == 0
    assert {line["health"] for line in lines.values()} == {"ok"}
    assert {"schema-current", "registry-answers", "clock-agrees", "catalog-offered", "pull-allowed"} <= set(
        lines
    )
    assert "push and delete app/web" in lines["permissions-needed"]["message"]
    assert "quarantine-closed" in lines


def test_quarantined_images_that_anybody_can_pull_are_told(installation: Examine) -> None:
    code, lines = installation()
    assert (code, lines["quarantine-open"]["health"]) == (1, "failed")
    _, observing = installation(mode="observe")
    assert "quarantine-open" not in observing


def test_credentials_that_are_refused_are_no_outage(
    installation: Examine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCTOR_PASSWORD", "wrong")
    code, lines = installation(_closed(), registry=SIGNED_IN)
    assert (code, lines["credentials-refused"]["health"]) == (1, "failed")


def test_a_registry_that_is_away_says_nothing_about_itself(installation: Examine) -> None:
    code, lines = installation(prepare=lambda registry: registry.faults.add(Match(), Status(503)))
    assert (code, lines["server-error"]["health"]) == (5, "unreachable")


@pytest.mark.parametrize(
    ("status", "reason", "health"),
    [(403, "catalog-refused", "failed"), (404, "catalog-not-offered", "failed")],
)
def test_a_listing_that_is_refused_is_never_an_empty_estate(
    installation: Examine, status: int, reason: str, health: str
) -> None:
    def refuse(registry: EmbeddedRegistry) -> None:
        registry.faults.add(Match("GET", "_catalog"), Status(status))

    code, lines = installation(prepare=refuse, mode="observe")
    assert (code, lines[reason]["health"]) == (1, health)
    assert ("registry:catalog:*" in lines[reason]["remedy"]) == (status == 403)
    code, lines = installation(prepare=refuse, mode="observe", registry='repositories = ["app/web"]')
    assert (code, lines[reason]["health"]) == (0, "ok")


def test_a_permission_that_lacks_is_named(installation: Examine) -> None:
    code, lines = installation(
        mode="observe",
        prepare=lambda registry: registry.faults.add(Match("GET", "app/web/tags"), Status(403)),
    )
    assert code == 1
    assert "repository:app/web:pull" in lines["pull-refused"]["remedy"]


def test_globs_that_match_nothing_are_told(installation: Examine) -> None:
    code, lines = installation(mode="observe", registry='repositories = ["app/*", "apps/**"]')
    assert code == 0
    assert lines["glob-matches-nothing"]["subject"].endswith("/apps/**")


def test_a_clock_that_is_wrong_is_told(installation: Examine) -> None:
    long_ago = Headers.one("Date", "Thu, 26 Nov 2020 08:00:00 GMT")
    code, lines = installation(
        mode="observe", prepare=lambda registry: registry.faults.add(Match(), long_ago)
    )
    assert (code, lines["clock-skewed"]["health"]) == (1, "failed")
    assert "ahead of the registry's" in lines["clock-skewed"]["message"]
    nonsense = Headers.one("Date", "yesterday")
    code, lines = installation(
        mode="observe", prepare=lambda registry: registry.faults.add(Match(), nonsense)
    )
    assert code == 0
    assert not {"clock-skewed", "clock-agrees"} & set(lines)


def test_what_is_protected_is_told_with_its_place_in_the_policy(
    installation: Examine, tmp_path: Path
) -> None:
    code, lines = installation(mode="observe", policy='protected_tags = ["stable", "v*"]\n')
    line = lines["never-written"]
    assert (code, line["check"], line["subject"], line["health"]) == (0, "protected", "scope all", "ok")
    assert line["message"].startswith("protected_tags stable, v*: never written to")
    assert f"{tmp_path / 'policy.toml'}: scope 'all': protected_tags" in line["message"]


@pytest.mark.parametrize(
    ("days", "code", "reason", "health"),
    [
        (60, 0, "trust-root-in-force", "ok"),
        (5, 0, "trust-root-ending", "warning"),
        (-5, 1, "trust-root-ended", "failed"),
    ],
)
def test_a_key_that_ends_is_told(
    installation: Examine, tmp_path: Path, days: int, code: int, reason: str, health: str
) -> None:
    (tmp_path / "release.pub").write_text(SigningKey.generate().public.spki_pem)
    end = datetime.now(UTC) + timedelta(days=days)
    key = f'{{ file = "release.pub", not_after = {end:%Y-%m-%dT%H:%M:%SZ} }}'
    found, lines = installation(mode="observe", policy=f"\n[signers.release]\nkeys = [{key}]\n")
    line = lines[reason]
    assert (found, line["subject"], line["health"]) == (code, "key release.pub of signer release", health)
    assert f"{end:%Y-%m-%d %H:%M} UTC" in line["message"]
    assert ("signers.release" in line["remedy"]) == (health != "ok")


def test_a_trust_root_that_nobody_renewed_is_told(installation: Examine, tmp_path: Path) -> None:
    began = datetime.now(UTC) - timedelta(days=30)
    (tmp_path / "root.json").write_bytes(VirtualSigstore.since(began).trusted_root_json())
    root = 'file = "root.json"\nexpires_at = 2026-01-01T00:00:00Z\nwhen_stale = "indeterminate"\n'
    code, lines = installation(mode="observe", policy=f"\n[trust_roots.private]\n{root}")
    line = lines["trust-root-ended"]
    assert (code, line["subject"]) == (1, "trust root private")
    assert "indeterminate" in line["message"]
    assert "gatekeeper trust update private" in line["remedy"]


def test_certificates_of_ours_that_end_are_told(installation: Examine, tmp_path: Path) -> None:
    certificate = Authority(tmp_path).issue("gatekeeper")
    client = f'client_certificate = "{certificate}"'
    _, lines = installation(mode="observe", registry=client)
    line = lines["credential-in-force"]
    assert line["subject"].startswith("client certificate of 127.0.0.1:")
    assert "the registry refuses us" in line["message"]


def test_an_outdated_schema_and_bad_files_are_lines_too(installation: Examine, tmp_path: Path) -> None:
    code, lines = installation(mode="observe", migrate=False)
    assert (code, lines["schema-outdated"]["health"]) == (1, "failed")
    assert "gatekeeper migrate" in lines["schema-outdated"]["message"]
    code, lines = installation(mode="sometimes", migrate=False)
    assert code == 3
    assert "policy.toml:10" in lines["configuration-error"]["message"]


PROBED = {"write-push", "write-move-tag", "write-read-back", "write-delete-tag", "write-delete-digest"}


@pytest.mark.parametrize(
    "behaviour", [Behaviour(), Behaviour(tag_delete=False), Behaviour.docker_registry_2()]
)
def test_the_write_probe_writes_in_its_repository_and_leaves_nothing(
    installation: Examine, behaviour: Behaviour
) -> None:
    seen: list[EmbeddedRegistry] = []
    code, lines = installation(
        behaviour,
        "--write-probe",
        mode="observe",
        registry='scratch_repository = "scratch/probe"',
        prepare=seen.append,
    )
    assert code == 0
    writes = [request for request in seen[0].requests if request.method not in ("GET", "HEAD")]
    assert writes
    assert all(request.path.startswith("/v2/scratch/probe/") for request in writes)
    assert seen[0].store.tags("scratch/probe") == {}
    assert ("not-offered" in lines) == (not behaviour.tag_delete)


def test_the_write_probe_says_what_is_refused_and_needs_a_place(installation: Examine) -> None:
    code, lines = installation(
        Behaviour(read_only=True),
        "--write-probe",
        mode="observe",
        registry='scratch_repository = "scratch/probe"',
    )
    assert code == 1
    (refused,) = [line for line in lines.values() if line["check"] == "write-push"]
    assert "repository:scratch/probe:pull,push,delete" in refused["remedy"]
    code, lines = installation(None, "--write-probe", mode="observe")
    assert (code, lines["no-scratch-repository"]["health"]) == (0, "warning")
