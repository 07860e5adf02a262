"""The files under deploy/ ask for no more privilege than they need and agree with the image."""

from __future__ import annotations

import configparser
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from gatekeeper.config.load import load_settings
from tests.judges.tools import find

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
UID = 65532


@pytest.fixture(scope="module")
def kubernetes() -> dict[str, Any]:
    documents = yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text())
    return {document["kind"]: document for document in documents}


def test_the_pod_meets_the_restricted_standard(kubernetes: dict[str, Any]) -> None:
    pod = kubernetes["Deployment"]["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] == UID
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod)
    allowed = {"configMap", "emptyDir", "persistentVolumeClaim", "secret"}
    assert all(set(volume) - {"name"} <= allowed for volume in pod["volumes"])
    for container in pod["containers"]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert not any("hostPort" in port for port in container["ports"])


def test_the_namespace_enforces_the_restricted_standard(kubernetes: dict[str, Any]) -> None:
    labels = kubernetes["Namespace"]["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


def test_no_api_token_is_mounted(kubernetes: dict[str, Any]) -> None:
    assert kubernetes["ServiceAccount"]["automountServiceAccountToken"] is False
    assert kubernetes["Deployment"]["spec"]["template"]["spec"]["automountServiceAccountToken"] is False


def test_every_mount_has_its_volume_and_the_selector_its_pod(kubernetes: dict[str, Any]) -> None:
    spec = kubernetes["Deployment"]["spec"]
    pod = spec["template"]["spec"]
    mounted = {mount["name"] for mount in pod["containers"][0]["volumeMounts"]}
    assert mounted == {volume["name"] for volume in pod["volumes"]}
    labels = spec["template"]["metadata"]["labels"]
    assert spec["selector"]["matchLabels"] == labels == kubernetes["Service"]["spec"]["selector"]


def test_the_version_in_the_manifest_is_ours(kubernetes: dict[str, Any]) -> None:
    from gatekeeper import __version__

    image = kubernetes["Deployment"]["spec"]["template"]["spec"]["containers"][0]["image"]
    assert image.endswith(f":{__version__}")


def test_one_writer_of_the_sqlite_volume_at_a_time(kubernetes: dict[str, Any]) -> None:
    spec = kubernetes["Deployment"]["spec"]
    assert (spec["replicas"], spec["strategy"]) == (1, {"type": "Recreate"})


def test_compose_names_no_image_of_its_own_and_drops_privileges() -> None:
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    assert all(
        service["image"].startswith("${") and ":?" in service["image"] for service in services.values()
    )
    assert all(service["cap_drop"] == ["ALL"] for service in services.values())
    gatekeeper = services["gatekeeper"]
    assert gatekeeper["read_only"] is True
    assert gatekeeper["user"] == f"{UID}:{UID}"
    assert gatekeeper["ports"] == ["127.0.0.1:8080:8080"]


def test_every_deployment_writes_the_first_token_into_its_state(
    kubernetes: dict[str, Any], tmp_path: Path
) -> None:
    container = kubernetes["Deployment"]["spec"]["template"]["spec"]["containers"][0]
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]["gatekeeper"]
    unit = _unit()["Service"]
    name, _, value = unit["Environment"].partition("=")
    assert {"name": "state", "mountPath": "/data"} in container["volumeMounts"]
    assert "state:/data" in compose["volumes"]
    for state, environment in (
        ("/data", {entry["name"]: entry["value"] for entry in container["env"]}),
        ("/data", compose["environment"]),
        (f"/var/lib/{unit['StateDirectory']}", {name: value}),
    ):
        config = tmp_path / "config.toml"
        config.write_text((ROOT / "config.example.toml").read_text())
        settings = load_settings(config, environment, check_secrets=False)
        assert settings.server.bootstrap_token_file.parent == Path(state)


class _Unit(configparser.RawConfigParser):
    """systemd's keys are case-sensitive."""

    def optionxform(self, optionstr: str) -> str:
        return optionstr


def _unit() -> configparser.RawConfigParser:
    unit = _Unit(strict=False)
    unit.read(DEPLOY / "gatekeeper.service")
    return unit


def test_the_unit_is_confined() -> None:
    service = _unit()["Service"]
    for key in ("NoNewPrivileges", "PrivateTmp", "PrivateDevices", "ProtectHome", "DynamicUser"):
        assert service[key] == "yes", key
    assert service["ProtectSystem"] == "strict"
    assert service["CapabilityBoundingSet"] == ""


def test_systemd_accepts_the_unit(tmp_path: Path) -> None:
    analyze = find("systemd-analyze")
    program = tmp_path / "gatekeeper"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    unit = tmp_path / "gatekeeper.service"
    unit.write_text((DEPLOY / unit.name).read_text().replace("/opt/gatekeeper/bin/gatekeeper", str(program)))
    done = subprocess.run(
        [analyze, "verify", "--man=no", unit], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, [line for line in done.stderr.splitlines() if unit.name in line]) == (0, [])
