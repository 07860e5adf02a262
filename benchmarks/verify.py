"""Keyed images, each with one bundle: ours beside cosign in one process, cosign in a loop, and only fetching."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks import population, servers
from benchmarks.figures import Report, Target, interleaved, middle
from benchmarks.programs import Child, child, judge, ours, run_all
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
    with servers.registry("referrers") as host, scratch() as folder:
        public = folder / "release.pub"
        public.write_text(key.public.spki_pem)
        paths = population.paths("team", sizes.repositories)
        references = population.push_signed(host, paths, sizes.each, key)
        with ExitStack() as stack:
            children = [
                stack.enter_context(child(ours("verify", host, public, part, str(WORKERS))))
                for part in _parts(folder, references, 2)
            ]
            whole = stack.enter_context(
                child(ours("verify", host, public, *_parts(folder, references, 1), str(WORKERS)))
            )
            runs: dict[str, Callable[[], Spent]] = {
                "cosign, loop": cosign([[one] for one in references[: sizes.loop]], public, folder, 1),
                "cosign, 1 process": cosign([references], public, folder, 1),
                "gatekeeper, 1 process": _ours([whole], "check", len(references)),
                "only fetching, 1 process": _ours([whole], "fetch", len(references)),
                "cosign, 2 processes": cosign([references[::2], references[1::2]], public, folder, 2),
                "gatekeeper, 2 processes": _ours(children, "check", len(references)),
                "only fetching, 2 processes": _ours(children, "fetch", len(references)),
            }
            for run in runs.values():
                run()
            yield _report(interleaved(sizes.rounds, runs), len(references))


def _parts(folder: Path, references: list[str], count: int) -> list[Path]:
    files = []
    for number in range(count):
        file = folder / f"references-{count}-{number}"
        file.write_text("\n".join(references[number::count]))
        files.append(file)
    return files


def cosign(groups: list[list[str]], public: Path, folder: Path, at_once: int) -> Callable[[], Spent]:
    """``cosign verify``, one process for each group, so many side by side. Raises AbsentError."""
    program = judge("cosign")
    command: list[str | Path] = [
        program, "verify", "--key", public, "--insecure-ignore-tlog=true", "--allow-http-registry",
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


def _report(found: dict[str, list[Spent]], images: int) -> Report:
    rates = {name: 1 / middle([one.seconds / one.images for one in spent]) for name, spent in found.items()}
    report = Report(
        f"verify {images} images signed with one key (bundle v0.3, referrers API)",
        ("way", "images/s", "x cosign loop", "CPU ms/image"),
    )
    for name, spent in found.items():
        cpu = 1000 * middle([one.cpu / one.images for one in spent])
        report.row(name, rates[name], rates[name] / rates["cosign, loop"], cpu)
    for processes in ("1 process", "2 processes"):
        we = rates[f"gatekeeper, {processes}"]
        report.targets += [
            Target(f"images/s against cosign, {processes}", we / rates[f"cosign, {processes}"], 1.0),
            Target(
                f"time against only fetching the same bytes, {processes}",
                rates[f"only fetching, {processes}"] / we,
                1.3,
                at_least=False,
            ),
        ]
    best = max(rates["gatekeeper, 1 process"], rates["gatekeeper, 2 processes"])
    report.targets.append(Target("images/s against cosign in a loop", best / rates["cosign, loop"], 20.0))
    report.notes.append(
        "cosign's figures include its start of some 50 ms a process; ours is a running daemon's rate"
    )
    return report
