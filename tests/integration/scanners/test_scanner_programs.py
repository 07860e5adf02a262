"""Scanners as programs: the real syft and grype, and programs that misbehave in every way a process can."""

from __future__ import annotations

import os
import select
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import Cause, NotOfferedError, UnavailableError
from gatekeeper.demo.oci_registry.behaviour import Behaviour, TokenAuthentication
from gatekeeper.demo.registry import EmbeddedRegistry
from gatekeeper.ports.scanners import Program
from gatekeeper.sbom.reader import Reader
from gatekeeper.vulnerabilities.scanner_program import Bounds, ScannerProgram
from tests.fakes.package_databases import ALPINE_RELEASE, APK_INSTALLED, layer
from tests.integration.sbom.conftest import layered
from tests.integration.scanners.conftest import to_scan
from tests.judges import advisories
from tests.judges.tools import find

TOKEN = "short-lived-and-for-pulling"


def script(folder: Path, body: str) -> Path:
    path = folder / "program"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def program(folder: Path, body: str, bounds: Bounds = Bounds(seconds=60)) -> ScannerProgram:  # noqa: B008 - frozen
    return ScannerProgram("mine", Program.SYFT, script(folder, body), bounds)


def failure(scanner: ScannerProgram, *, token: str = "") -> UnavailableError:
    with pytest.raises(UnavailableError) as caught:
        scanner.sbom(to_scan(token=token))
    return caught.value


def test_it_is_given_what_it_needs_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGISTRY_PASSWORD", "ours")
    made = replace(program(tmp_path, "pwd; env; cat; ls -A"), environment={"HOME": "/root", "MY_CACHE": "/c"})
    first, *lines = made.sbom(to_scan(token=TOKEN)).decode().splitlines()
    environment = dict(line.partition("=")[::2] for line in lines)
    assert set(environment) - {"PWD", "SHLVL", "_", "OLDPWD"} == {
        "HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "DOCKER_CONFIG", "PATH", "LANG",
        "SYFT_CHECK_FOR_APP_UPDATE", "SYFT_REGISTRY_AUTH_AUTHORITY", "SYFT_REGISTRY_AUTH_TOKEN", "MY_CACHE",
    }  # fmt: skip
    assert environment["HOME"] == first
    assert environment["SYFT_REGISTRY_AUTH_TOKEN"] == TOKEN
    assert not Path(first).exists()


def test_no_shell_reads_the_arguments_and_no_argument_holds_the_token(tmp_path: Path) -> None:
    made = program(tmp_path, 'printf "%s\\n" "$@"')
    image = to_scan(path="team/$(touch x);app", token=TOKEN)
    arguments = made.sbom(image).decode().splitlines()
    assert arguments[-1] == f"registry:registry.test/team/$(touch x);app@{image.digest}"
    assert not any(TOKEN in argument for argument in arguments)
    assert [path.name for path in tmp_path.iterdir()] == ["program"]


def test_it_gets_a_group_of_its_own_that_ends_with_it(tmp_path: Path) -> None:
    pids = program(tmp_path, "sleep 300 >/dev/null 2>&1 & echo $!").sbom(to_scan()).split()
    try:
        left = os.pidfd_open(int(pids[0]))
    except ProcessLookupError:
        return
    with os.fdopen(left):
        # Readable as soon as the process has ended.
        assert select.select([left], [], [], 30)[0]


@pytest.mark.parametrize(
    ("body", "cause", "said"),
    [
        ("yes", Cause.OVER_CAP, "prints more than"),
        ("yes >&2", Cause.TIMEOUT, "no result within"),
        ("sleep 300", Cause.TIMEOUT, "no result within"),
        ("exec >&- 2>&-; sleep 300", Cause.TIMEOUT, "no result within"),
        ("trap '' TERM INT HUP; sleep 300 & wait", Cause.TIMEOUT, "no result within"),
        ("echo cannot pull >&2; exit 3", Cause.SERVER_ERROR, "ended with 3: cannot pull"),
        ("kill -9 $$", Cause.SERVER_ERROR, "signal 9"),
    ],
)
def test_misbehaviour_is_an_outage_with_its_cause(tmp_path: Path, body: str, cause: Cause, said: str) -> None:
    error = failure(program(tmp_path, body, Bounds(seconds=1.5, output=1_000_000)))
    assert error.cause is cause
    assert said in error.message


def test_limits_of_the_kernel(tmp_path: Path) -> None:
    greedy = "head -c 10000000 /dev/zero > big && echo done"
    assert "ended with" in failure(program(tmp_path, greedy, Bounds(seconds=60, file_size=1_000_000))).message
    burning = program(tmp_path, "while :; do :; done", Bounds(seconds=60, cpu_seconds=1))
    assert "signal" in failure(burning).message
    limits = program(
        tmp_path, "ulimit -v; ulimit -n; ulimit -c", Bounds(seconds=60, memory=512 * 1024**2, open_files=64)
    )
    assert limits.sbom(to_scan()).split() == [b"524288", b"64", b"0"]


def test_complaints_are_told_without_the_token_and_printable(tmp_path: Path) -> None:
    error = failure(program(tmp_path, f"printf 'bad \\033[31m{TOKEN}\\007' >&2; exit 1"), token=TOKEN)
    assert error.message.endswith(r": bad ***\x07")


def test_a_program_that_is_not_there(tmp_path: Path) -> None:
    gone = ScannerProgram("mine", Program.SYFT, tmp_path / "gone")
    assert failure(gone).reason_code == "scanner-failed"


def test_junk_is_no_report(tmp_path: Path) -> None:
    made = replace(program(tmp_path, "echo '[1,2'"), program=Program.GRYPE)
    with pytest.raises(UnavailableError) as caught:
        made.report(to_scan())
    assert caught.value.reason_code == "scanner-answer-malformed"


def test_what_a_program_does_not_make(tmp_path: Path) -> None:
    syft = program(tmp_path, "exit 0")
    with pytest.raises(NotOfferedError):
        syft.report(to_scan())
    with pytest.raises(NotOfferedError):
        replace(syft, program=Program.GRYPE).sbom(to_scan())


def test_trivy_is_told_where_to_pull(tmp_path: Path) -> None:
    # The program itself is no judge here: its arguments and variables are as its documentation has them.
    made = replace(
        program(tmp_path, 'echo "$@"; echo "$TRIVY_REGISTRY_TOKEN $TRIVY_INSECURE"'), program=Program.TRIVY
    )
    image = to_scan(url="http://registry.test:5000", token=TOKEN)
    arguments, variables = made.sbom(image).decode().splitlines()
    assert arguments.endswith(f"--format cyclonedx registry.test:5000/team/app@{image.digest}")
    assert variables == f"{TOKEN} true"


@pytest.fixture
def registry() -> Iterator[EmbeddedRegistry]:
    """Gives nothing without a token. syft refuses token services at inner addresses, so it names one far away."""
    tokens = TokenAuthentication({"robot": "password"}, realm="https://tokens.example.com/token")
    with EmbeddedRegistry(Behaviour(authentication=tokens)) as made:
        yield made


def stored(registry: EmbeddedRegistry) -> Digest:
    image = layered(layer({"etc/os-release": ALPINE_RELEASE, "lib/apk/db/installed": APK_INSTALLED}))
    return Digest.parse(image.store_in(registry.store, "team/app", "1"))


@pytest.mark.judge("syft")
@pytest.mark.timeout(300)
def test_syft_makes_an_sbom_with_a_token_for_pulling(registry: EmbeddedRegistry) -> None:
    digest = stored(registry)
    scanner = ScannerProgram("syft", Program.SYFT, find("syft"))
    url = f"http://{registry.host}"
    token = registry.issue_token("robot", ["repository:team/app:pull"])
    document = Reader().read(scanner.sbom(to_scan(digest, url=url, token=token)))
    assert {"musl", "libcrypto3"} <= {one.name for one in document.components}
    assert document.operating_system is not None
    assert document.operating_system.id == "alpine"
    with pytest.raises(UnavailableError) as caught:
        scanner.sbom(to_scan(digest, url=url))
    assert caught.value.reason_code == "scanner-failed"


@pytest.mark.judge("grype")
@pytest.mark.timeout(300)
def test_grype_makes_a_report_with_a_database_of_its_own(registry: EmbeddedRegistry, tmp_path: Path) -> None:
    digest = stored(registry)
    record = {
        "schema_version": "1.6.0",
        "id": "TEST-2024-1",
        "modified": "2024-01-01T00:00:00Z",
        "published": "2024-01-01T00:00:00Z",
        "affected": [
            {
                "package": {"ecosystem": "Alpine:v3.20", "name": "musl"},
                "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1.2.5-r1"}]}],
            }
        ],
    }
    prepared = advisories.Grype(tmp_path / "grype", [record]).environment
    database = {name: value for name, value in prepared.items() if name.startswith("GRYPE_DB_")}
    scanner = ScannerProgram("grype", Program.GRYPE, find("grype"), environment=database)
    token = registry.issue_token("robot", ["repository:team/app:pull"])
    report = scanner.report(to_scan(digest, url=f"http://{registry.host}", token=token))
    assert ("TEST-2024-1", "musl", ("1.2.5-r1",)) in [
        (one.id, one.package, one.fixed) for one in report.vulnerabilities
    ]
    assert report.scanner.startswith("grype")
    assert report.database_at is not None
