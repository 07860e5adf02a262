"""``gatekeeper match`` beside grype and osv-scanner: whole processes, the same SBOM, the same advisories."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.cold import GATEKEEPER
from benchmarks.figures import Report, Target, interleaved, middle
from benchmarks.programs import Ended, judge, run_all
from tests.judges import advisories
from tests.judges.servers import scratch

BESIDE_GRYPE, BESIDE_OSV = 4, 3


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured."""

    advisories: int = 20_000
    components: tuple[int, ...] = (1_000, 5_000)
    rounds: int = 7


QUICK = Sizes(1_000, (100,), 1)


def measure(sizes: Sizes) -> Iterator[Report]:
    """The index is compiled before; grype's database and osv-scanner's files are laid ready alike."""
    for name in ("grype", "grype-database", "osv-scanner"):
        judge(name)
    with scratch() as folder:
        records = advisories.records(sizes.advisories)
        feed = advisories.write_feed(folder, records)
        grype = advisories.Grype(folder / "grype", records)
        scanner = advisories.OsvScanner(folder / "osv", records)
        for components in sizes.components:
            document = folder / f"{components}.cdx.json"
            document.write_bytes(advisories.sbom(components, sizes.advisories))
            yield _beside(components, document, feed, grype, scanner, sizes)


def _beside(
    components: int,
    document: Path,
    feed: Path,
    grype: advisories.Grype,
    scanner: advisories.OsvScanner,
    sizes: Sizes,
) -> Report:
    cache = {"XDG_CACHE_HOME": str(feed.parent / "cache")}
    command = [*GATEKEEPER, "match", document, "--feed", feed, "--output", "json"]
    run_all([command], cache)
    runs = {
        "gatekeeper": lambda: run_all([command], cache),
        "grype": lambda: run_all([grype.command(document)], _added(grype.environment)),
        "osv-scanner": lambda: run_all([scanner.command(document)], _added(scanner.environment)),
    }
    found: dict[str, list[Ended]] = interleaved(sizes.rounds, runs)
    title = f"match: {components:,} components, {sizes.advisories:,} advisories"
    report = Report(title, ("program", "ms", "CPU ms", "MiB"))
    wall = {name: middle([run.seconds for run in ended]) for name, ended in found.items()}
    for name, ended in found.items():
        cpu, memory = middle([run.cpu for run in ended]), middle([run.memory for run in ended])
        report.row(name, wall[name] * 1000, cpu * 1000, memory)
    ours = wall["gatekeeper"]
    report.targets = [
        Target("faster than grype", wall["grype"] / ours, BESIDE_GRYPE),
        Target("faster than osv-scanner", wall["osv-scanner"] / ours, BESIDE_OSV),
    ]
    return report


def _added(environment: Mapping[str, str]) -> dict[str, str]:
    """What a scanner's environment has beyond ours."""
    return {key: value for key, value in environment.items() if os.environ.get(key) != value}
