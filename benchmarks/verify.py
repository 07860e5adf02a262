"""Images with one bundle each, keyed and keyless: ours beside cosign in one process, in a loop, and only fetching."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks import population, servers
from benchmarks.figures import Report, Target, interleaved, middle
from benchmarks.programs import Child, child, judge, ours, run_all
from gatekeeper.demo.sigstore.instance import VirtualSigstore
from gatekeeper.signatures.signing import SigningKey
from tests.judges.servers import scratch

WORKERS = 4


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured."""

    repositories: int = 10
    each: int = 50
    loop: int = 40
    rounds: int = 5


QUICK = Sizes(4, 10, 4, 1)


@dataclass(frozen=True, slots=True)
class Spent:
    """One run over ``images`` images."""

    images: int
    seconds: float
    cpu: float


def measure(sizes: Sizes) -> Iterator[Report]:
    """On the registry with the referrers API."""
    key = SigningKey.generate("release.pub")
    sigstore = VirtualSigstore.since(datetime.now(UTC) - timedelta(days=1))
    with servers.registry("referrers") as host, scratch() as folder:
        public, root = folder / "release.pub", folder / "trusted_root.json"
        public.write_text(key.public.spki_pem)
        root.write_bytes(sigstore.trusted_root_json())
        paths = population.paths("team", sizes.repositories)
        references = population.push_signed(host, paths, sizes.each, key)
        keyed: list[str | Path] = ["--key", public, "--insecure-ignore-tlog=true"]
        title = f"verify {len(references)} images signed with one key (bundle v0.3, referrers API)"
        yield _measure(Trusted(title, host, public, references, keyed, True), folder, sizes)
        paths = population.paths("keyless", sizes.repositories)
        references = population.push_keyless(host, paths, sizes.each, sigstore)
        keyless: list[str | Path] = [
            "--trusted-root", root, "--certificate-identity", population.IDENTITY,
            "--certificate-oidc-issuer", population.ISSUER,
        ]  # fmt: skip
        title = f"verify {len(references)} images signed keyless (bundle v0.3, Rekor 1, referrers API)"
        yield _measure(Trusted(title, host, root, references, keyless, False), folder, sizes)


@dataclass(frozen=True, slots=True)
class Trusted:
    """Images, and whom to trust: for us a file, for cosign options."""

    title: str
    host: str
    file: Path
    references: list[str]
    options: list[str | Path]
    keyed: bool


def _measure(trusted: Trusted, folder: Path, sizes: Sizes) -> Report:
    references = trusted.references
    with ExitStack() as stack:
        whole, *halves = (
            stack.enter_context(child(ours("verify", trusted.host, trusted.file, part, str(WORKERS))))
            for part in (*_parts(folder, references, 1), *_parts(folder, references, 2))
        )
        loop = [[one] for one in references[: sizes.loop]]
        runs: dict[str, Callable[[], Spent]] = {
            "cosign, loop": cosign(loop, trusted, folder, 1),
            "cosign, 1 process": cosign([references], trusted, folder, 1),
            "gatekeeper, 1 process": _ours([whole], "verify", len(references)),
            "only fetching, 1 process": _ours([whole], "fetch-verify", len(references)),
            "cosign, 2 processes": cosign([references[::2], references[1::2]], trusted, folder, 2),
            "gatekeeper, 2 processes": _ours(halves, "verify", len(references)),
            "only fetching, 2 processes": _ours(halves, "fetch-verify", len(references)),
            "gatekeeper check, 1 process": _ours([whole], "check", len(references)),
        }
        for run in runs.values():
            run()
        return _report(trusted, interleaved(sizes.rounds, runs))


def _parts(folder: Path, references: list[str], count: int) -> list[Path]:
    files = []
    for number in range(count):
        file = folder / f"references-{count}-{number}"
        file.write_text("\n".join(references[number::count]))
        files.append(file)
    return files


def cosign(groups: list[list[str]], trusted: Trusted, folder: Path, at_once: int) -> Callable[[], Spent]:
    """``cosign verify``, one process for each group, so many side by side. Raises AbsentError."""
    program = judge("cosign")
    command: list[str | Path] = [
        program, "verify", *trusted.options, "--allow-http-registry",
        "--new-bundle-format=true", "--max-workers", str(WORKERS),
    ]  # fmt: skip
    environment = {"HOME": str(folder), "TUF_ROOT": str(folder / "tuf"), "HTTPS_PROXY": "http://127.0.0.1:9"}

    def run() -> Spent:
        seconds = cpu = 0.0
        for start in range(0, len(groups), at_once):
            ended = run_all([[*command, *group] for group in groups[start : start + at_once]], environment)
            if ended.code != 0:
                raise RuntimeError(f"cosign ended with {ended.code}")
            seconds, cpu = seconds + ended.seconds, cpu + ended.cpu
        return Spent(sum(map(len, groups)), seconds, cpu)

    return run


def _ours(children: list[Child], command: str, images: int) -> Callable[[], Spent]:
    def run() -> Spent:
        for one in children:
            one.tell(command)
        answers = [one.hear() for one in children]
        return Spent(
            images, max(answer["seconds"] for answer in answers), sum(answer["cpu"] for answer in answers)
        )

    return run


def _report(trusted: Trusted, found: dict[str, list[Spent]]) -> Report:
    rates = {name: 1 / middle([one.seconds / one.images for one in spent]) for name, spent in found.items()}
    report = Report(
        trusted.title,
        ("way", "images/s", "x cosign loop", "CPU ms/image"),
    )
    for name, spent in found.items():
        cpu = 1000 * middle([one.cpu / one.images for one in spent])
        report.row(name, rates[name], rates[name] / rates["cosign, loop"], cpu)
    for processes in ("1 process", "2 processes"):
        we = rates[f"gatekeeper, {processes}"]
        report.targets.append(
            Target(f"images/s against cosign, {processes}", we / rates[f"cosign, {processes}"], 1.0)
        )
        if trusted.keyed:
            # Keyless, the certificate chain, log and time cost more than the fetch does: for everybody.
            fetching = rates[f"only fetching, {processes}"] / we
            name = f"time against only fetching the same bytes, {processes}"
            report.targets.append(Target(name, fetching, 1.3, at_least=False))
    best = max(rates["gatekeeper, 1 process"], rates["gatekeeper, 2 processes"])
    if trusted.keyed:
        report.targets.append(Target("images/s against cosign in a loop", best / rates["cosign, loop"], 20.0))
    report.notes.append(
        "cosign's figures include its start of some 50 ms a process; ours run already, as a daemon does"
    )
    report.notes.append(f"{WORKERS} threads in each of our processes, --max-workers {WORKERS} for cosign")
    report.notes.append("`check` reads each image's configuration as well and decides by a policy")
    return report
