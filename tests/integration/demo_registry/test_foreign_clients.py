"""skopeo, oras and cosign use the embedded registry as they use any other."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from gatekeeper.demo.images import Flavour, image, index
from gatekeeper.demo.registry import (
    BasicAuthentication,
    Behaviour,
    EmbeddedRegistry,
    Grant,
    TokenAuthentication,
)
from gatekeeper.demo.registry_push import PushClient
from tests.judges.tools import find

_APP = image({"etc/motd": "hello"}, labels={"team": "blue"})
_BOTH = index([_APP, image({"etc/motd": "hello"}, platform="linux/arm64")])
_USERS = {"ann": "secret"}


def run(program: str, *arguments: str | Path, cwd: Path | None = None) -> str:
    """The standard output of a judge that must succeed."""
    environment = {**os.environ, "COSIGN_PASSWORD": "", "COSIGN_YES": "true", "DOCKER_CONFIG": "/nonexistent"}
    done = subprocess.run(
        [find(program), *arguments],
        check=False,
        capture_output=True,
        text=True,
        cwd=cwd,
        env=environment,
        timeout=120,
    )
    assert done.returncode == 0, f"{program} {arguments}: {done.stdout}{done.stderr}"
    return done.stdout


@pytest.mark.judge("skopeo")
@pytest.mark.parametrize("on_disk", [False, True], ids=["memory", "disk"])
def test_skopeo_copies_an_index_and_keeps_every_digest(tmp_path: Path, on_disk: bool) -> None:
    with EmbeddedRegistry(directory=tmp_path / "kept" if on_disk else None) as registry:
        _BOTH.store_in(registry.store, "team/app", "1.0")
        here, there = f"docker://{registry.host}/team/app:1.0", f"docker://{registry.host}/other/copy:2.0"
        layout = f"oci:{tmp_path / 'layout'}:x"
        run("skopeo", "copy", "--all", "--src-tls-verify=false", here, layout)
        run("skopeo", "copy", "--all", "--dest-tls-verify=false", layout, there)
        run("skopeo", "copy", "--all", "--src-tls-verify=false", "--dest-tls-verify=false", here, there + "b")
        dump = registry.dump()
        assert dump["other/copy"]["tags"] == {"2.0": _BOTH.digest, "2.0b": _BOTH.digest}
        assert dump["other/copy"]["manifests"] == dump["team/app"]["manifests"]
        assert dump["other/copy"]["blobs"] == dump["team/app"]["blobs"]
        raw = run("skopeo", "inspect", "--raw", "--tls-verify=false", there)
        assert raw.encode() == _BOTH.raw


@pytest.mark.judge("skopeo")
def test_skopeo_lists_inspects_and_deletes(registry: EmbeddedRegistry) -> None:
    _APP.store_in(registry.store, "team/app", "b", "a")
    listed = json.loads(
        run("skopeo", "list-tags", "--tls-verify=false", f"docker://{registry.host}/team/app")
    )
    assert listed["Tags"] == ["a", "b"]
    seen = json.loads(run("skopeo", "inspect", "--tls-verify=false", f"docker://{registry.host}/team/app:a"))
    assert seen["Digest"] == _APP.digest
    assert seen["Labels"] == {"team": "blue"}
    run("skopeo", "delete", "--tls-verify=false", f"docker://{registry.host}/team/app:a")
    assert registry.store.tags("team/app") == {}
    assert registry.internal_errors == ()


@pytest.mark.judge("skopeo")
@pytest.mark.parametrize("flavour", Flavour)
def test_skopeo_reads_both_flavours_from_the_old_docker_registry(flavour: Flavour) -> None:
    built = image({"etc/motd": "hello"}, flavour=flavour)
    with EmbeddedRegistry(Behaviour.docker_registry_2()) as registry:
        built.store_in(registry.store, "team/app", "1")
        source, target = (f"docker://{registry.host}/{name}:1" for name in ("team/app", "team/other"))
        run("skopeo", "copy", "--src-tls-verify=false", "--dest-tls-verify=false", source, target)
        assert registry.store.tag("team/other", "1") == built.digest


@pytest.mark.judge("skopeo")
@pytest.mark.parametrize("kind", ["token", "basic"])
def test_skopeo_logs_in(kind: str) -> None:
    grants = (Grant("ann", "team/*"),)
    authentication = (
        TokenAuthentication(_USERS, grants) if kind == "token" else BasicAuthentication(_USERS, grants)
    )
    with EmbeddedRegistry(Behaviour(authentication=authentication)) as registry:
        _APP.store_in(registry.store, "team/app", "1")
        source, target, forbidden = (
            f"docker://{registry.host}/{name}:1" for name in ("team/app", "team/other", "alien/app")
        )
        given = ["--src-tls-verify=false", "--dest-tls-verify=false", "--src-creds=ann:secret"]
        run("skopeo", "copy", *given, "--dest-creds=ann:secret", source, target)
        assert registry.store.tag("team/other", "1") == _APP.digest
        for credentials, goal in (("ann:wrong", target), ("ann:secret", forbidden)):
            command: list[str | Path] = [
                find("skopeo"),
                "copy",
                *given,
                f"--dest-creds={credentials}",
                source,
                goal,
            ]
            assert subprocess.run(command, check=False, capture_output=True, timeout=60).returncode != 0
        assert registry.store.tags("alien/app") == {}


@pytest.mark.judge("oras")
@pytest.mark.parametrize(
    "behaviour", [Behaviour(), Behaviour.docker_registry_2()], ids=["api", "fallback tag"]
)
def test_oras_attaches_discovers_and_copies_with_referrers(behaviour: Behaviour, tmp_path: Path) -> None:
    (tmp_path / "sbom.json").write_text("{}")
    with EmbeddedRegistry(behaviour) as registry:
        _APP.store_in(registry.store, "team/app", "1")
        subject = f"{registry.host}/team/app:1"
        attach = ("attach", "--plain-http", "--artifact-type", "application/spdx+json", subject, "sbom.json")
        run("oras", *attach, cwd=tmp_path)
        found = json.loads(run("oras", "discover", "--plain-http", "--format", "json", subject))
        assert [entry["artifactType"] for entry in found["referrers"]] == ["application/spdx+json"]
        fallback = f"sha256-{_APP.digest.removeprefix('sha256:')}"
        assert (registry.store.tag("team/app", fallback) is None) is behaviour.referrers_api
        copy = ("cp", "-r", "--from-plain-http", "--to-plain-http", subject, f"{registry.host}/prod/app:1")
        run("oras", *copy)
        copied = json.loads(
            run("oras", "discover", "--plain-http", "--format", "json", f"{registry.host}/prod/app:1")
        )
        assert copied["referrers"][0]["digest"] == found["referrers"][0]["digest"]


@pytest.mark.judge("oras")
def test_oras_pushes_lists_filters_and_deletes(registry: EmbeddedRegistry, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a" * 100_000)
    (tmp_path / "b.txt").write_text("b")
    target = f"{registry.host}/files/one"
    run("oras", "push", "--plain-http", f"{target}:v1,v2", "a.txt", "b.txt", cwd=tmp_path)
    assert run("oras", "repo", "tags", "--plain-http", target).split() == ["v1", "v2"]
    assert run("oras", "repo", "ls", "--plain-http", registry.host).split() == ["files/one"]
    run("oras", "pull", "--plain-http", "-o", tmp_path / "out", f"{target}:v2")
    assert (tmp_path / "out" / "a.txt").read_text() == "a" * 100_000
    for kind in ("x/one", "x/two"):
        run("oras", "attach", "--plain-http", "--artifact-type", kind, "--annotation", "k=v", f"{target}:v1")
    discover = ("discover", "--plain-http", "--format", "json", "--artifact-type", "x/two", f"{target}:v1")
    assert [one["artifactType"] for one in json.loads(run("oras", *discover))["referrers"]] == ["x/two"]
    run("oras", "manifest", "delete", "--plain-http", "--force", f"{target}:v1")
    assert registry.store.tags("files/one") == {}
    blob = next(iter(registry.dump()["files/one"]["blobs"]))
    run("oras", "blob", "delete", "--plain-http", "--force", f"{target}@{blob}")
    assert blob not in registry.dump()["files/one"]["blobs"]


@pytest.mark.judge("oras")
def test_oras_logs_in_after_one_challenge() -> None:
    with EmbeddedRegistry(Behaviour(authentication=TokenAuthentication(_USERS))) as registry:
        _APP.store_in(registry.store, "team/app", "1")
        login = ("-u", "ann", "-p", "secret", "--plain-http")
        assert run("oras", "resolve", *login, f"{registry.host}/team/app:1").strip() == _APP.digest
        assert [one.path for one in registry.requests if one.status == 401] == ["/v2/team/app/manifests/1"]


@pytest.mark.judge("cosign")
@pytest.mark.parametrize("program", ["cosign", "cosign2"])
@pytest.mark.parametrize("behaviour", [Behaviour(), Behaviour.distribution_3()], ids=["api", "no api"])
def test_cosign_signs_and_verifies(program: str, behaviour: Behaviour, tmp_path: Path) -> None:
    run(program, "generate-key-pair", cwd=tmp_path)
    with EmbeddedRegistry(behaviour) as registry, PushClient(registry.url) as client:
        digest = client.push("team/app", _APP, "1")
        reference = f"{registry.host}/team/app@{digest}"
        before = set(registry.dump()["team/app"]["manifests"])
        offline = ["--use-signing-config=false"] if program == "cosign" else []
        key, public = tmp_path / "cosign.key", tmp_path / "cosign.pub"
        run(
            program, "sign", *offline, "--tlog-upload=false", "--key", key, "--allow-http-registry", reference
        )
        assert set(registry.dump()["team/app"]["manifests"]) > before
        check = ("verify", "--insecure-ignore-tlog=true", "--allow-http-registry", "--key", public, reference)
        assert digest in run(program, *check)
        assert registry.internal_errors == ()
