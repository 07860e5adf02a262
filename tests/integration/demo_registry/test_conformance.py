"""The judge of the embedded registry: the conformance suite of the OCI distribution specification."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from gatekeeper.demo.registry import BasicAuthentication, Behaviour, EmbeddedRegistry, TokenAuthentication
from tests.judges.tools import find

_USERS = {"conformance": "made-up"}
_CASES = {
    "stable": ("1.1", Behaviour()),
    # The draft after 1.1 adds tag parameters and demands the digest headers.
    "draft": ("dev", Behaviour()),
    "token": ("1.1", Behaviour(authentication=TokenAuthentication(_USERS), mount_anonymous=False)),
    "basic": ("1.1", Behaviour(authentication=BasicAuthentication(_USERS), mount_anonymous=False)),
}


@pytest.mark.judge("conformance")
@pytest.mark.parametrize("case", _CASES)
@pytest.mark.parametrize("on_disk", [False, True], ids=["memory", "disk"])
def test_distribution_spec_conformance(case: str, on_disk: bool, tmp_path: Path) -> None:
    program = find("conformance")
    version, behaviour = _CASES[case]
    directory = tmp_path / "registry" if on_disk else None
    with EmbeddedRegistry(behaviour, directory=directory) as registry:
        settings = {
            "OCI_REGISTRY": registry.host,
            "OCI_TLS": "disabled",
            "OCI_VERSION": version,
            "OCI_RESULTS_DIR": str(tmp_path / "results"),
            "OCI_USERNAME": "conformance" if behaviour.authentication else "",
            "OCI_PASSWORD": "made-up" if behaviour.authentication else "",
            # With credentials nobody may learn by a mount what other repositories hold.
            "OCI_API_BLOBS_MOUNT_ANONYMOUS": str(behaviour.mount_anonymous).lower(),
        }
        run = subprocess.run(
            [program],
            check=False,
            env={**os.environ, **settings},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=240,
        )
        assert run.returncode == 0, run.stdout[-4000:] + run.stderr[-4000:]
        assert "OCI Conformance Result: Pass" in run.stdout
        for total in ("FAIL", "Error", "Skip"):
            assert _total(run.stdout, total) == 0
        assert _total(run.stdout, "Pass") >= 850
        assert registry.internal_errors == ()


def _total(report: str, name: str) -> int:
    line = next(line for line in report.splitlines() if line.startswith(f"  {name}..."))
    return int(line.rpartition(":")[2])
