"""``gatekeeper doctor`` on registries of other people, and behind a proxy that refuses what is not allowed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.cli import main
from gatekeeper.demo.images import image
from gatekeeper.demo.registry_push import PushClient
from tests.judges.registries import REAL_KINDS, registry_server
from tests.judges.servers import free_port, scratch, serve
from tests.judges.tools import find

_NGINX = """\
daemon off;
master_process off;
pid {folder}/pid;
error_log stderr warn;
events {{}}
http {{
  access_log off;
  client_max_body_size 0;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{
    listen {host};
    {rules}
    location / {{ proxy_pass http://{behind}; proxy_set_header Host $http_host; }}
  }}
}}
"""
CONFIG = """\
[[registries]]
host = "{host}"
plain_http = true
scratch_repository = "scratch/probe"
repositories = {repositories}
[registries.pace]
attempts = 1
"""
POLICY = """\
[policies.default]
rules = ["user-root"]

[[scopes]]
name = "all"
repositories = ["{host}/app/**"]
policy = "default"
mode = "{mode}"
action = "quarantine"
"""
Lines = dict[str, list[dict[str, Any]]]


@contextmanager
def refusing_proxy(behind: str, rules: str) -> Iterator[str]:
    """nginx with these rules in front of a registry."""
    host = f"127.0.0.1:{free_port()}"
    program = find("nginx")
    with scratch() as folder:
        configuration = folder / "nginx.conf"
        configuration.write_text(_NGINX.format(folder=folder, host=host, behind=behind, rules=rules))
        with serve([program, "-e", "stderr", "-p", folder, "-c", configuration], folder) as running:
            running.answering(host)
            yield host


def doctor(
    folder: Path,
    host: str,
    capsys: pytest.CaptureFixture[str],
    *arguments: str,
    mode: str = "observe",
    repositories: str = '["**"]',
) -> tuple[int, Lines]:
    config = folder / "config.toml"
    config.write_text(CONFIG.format(host=host, repositories=repositories))
    (folder / "policy.toml").write_text(POLICY.format(host=host, mode=mode))
    assert main(["migrate", "--config", str(config)]) == 0
    capsys.readouterr()
    code = main(["doctor", "--config", str(config), "-o", "json", *arguments])
    found: Lines = {}
    for line in json.loads(capsys.readouterr().out)["items"]:
        assert line["health"] == "ok" or line["remedy"], line
        found.setdefault(line["check"], []).append(line)
    return code, found


def push(host: str) -> None:
    with PushClient(f"http://{host}") as client:
        client.push("app/web", image({"a": "b"}), "1.0")


@pytest.mark.parametrize("kind", REAL_KINDS)
def test_a_real_registry_is_examined_and_probed_and_left_clean(
    tmp_path: Path, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with registry_server(kind) as registry:
        push(registry.host)
        code, lines = doctor(tmp_path, registry.host, capsys, "--write-probe")
        assert code == 0, lines
        assert [line["reason_code"] for line in lines["pull"]] == ["pull-allowed"]
        assert {line["health"] for line in lines["write-push"] + lines["write-move-tag"]} == {"ok"}
        (deleting,) = lines["write-delete-tag"]
        assert deleting["reason_code"] == ("write-works" if registry.tag_delete else "not-offered")
        assert "write-clean-up" not in lines
        code, lines = doctor(tmp_path, registry.host, capsys, mode="enforce")
        assert code == 1
        assert "quarantine-open" in [line["reason_code"] for line in lines["quarantine-repository"]]
        assert "push and delete app/web" in lines["permissions"][0]["message"]


@pytest.mark.parametrize("status", [401, 403])
def test_what_a_proxy_refuses_is_named(
    tmp_path: Path, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    rules = (
        f"location = /v2/_catalog {{ return {status}; }}\n"
        f"location ~ ^/v2/app/api/ {{ return {status}; }}\n"
        f"location ~ ^/v2/quarantine/ {{ return {status}; }}"
    )
    with registry_server("debian") as registry, refusing_proxy(registry.host, rules) as host:
        push(registry.host)
        code, lines = doctor(tmp_path, host, capsys)
        (listing,) = lines["catalog"]
        assert (code, listing["health"], listing["reason_code"]) == (1, "failed", "catalog-refused")
        assert "registry:catalog:*" in listing["remedy"]
        named = '["app/web", "app/api"]'
        code, lines = doctor(tmp_path, host, capsys, mode="enforce", repositories=named)
        assert code == 1
        assert lines["catalog"][0]["health"] == "ok"
        assert [line["reason_code"] for line in lines["pull"]] == ["pull-allowed", "pull-refused"]
        assert "repository:app/api:pull" in lines["pull"][1]["remedy"]
        (quarantine,) = [line for line in lines["quarantine-repository"] if line["health"] == "failed"]
        assert "repository:quarantine/app/web:pull,push,delete" in quarantine["remedy"]


@pytest.mark.parametrize("status", [401, 403, 405, 412, 451])
def test_a_write_that_a_proxy_refuses_is_named(
    tmp_path: Path, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    rules = f"location ~ /manifests/ {{ if ($request_method = PUT) {{ return {status}; }} proxy_pass http://BEHIND; }}"
    with registry_server("debian") as registry:
        push(registry.host)
        with refusing_proxy(registry.host, rules.replace("BEHIND", registry.host)) as host:
            code, lines = doctor(tmp_path, host, capsys, "--write-probe")
        (refused,) = lines["write-push"]
        assert (code, refused["health"]) == (1, "failed")
        assert "repository:scratch/probe:pull,push,delete" in refused["remedy"]
