"""A round over an unchanged registry: the daemon's own path beside regsync and an in-process Go client."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks import population, servers
from benchmarks.figures import Report, Target, interleaved, middle
from benchmarks.programs import Child, child, go_program, judge, ours, run_all
from tests.judges.servers import scratch

WORKERS = 8
TAGS = 50
DIGESTS = 500
_REGSYNC = """\
version: 1
creds:
  - {{registry: "{host}", tls: disabled, reqConcurrent: {workers}}}
defaults: {{parallel: {workers}, skipDockerConfig: true}}
sync:
"""
_ENTRY = '  - {{source: "{host}/{path}", target: "{host}/mirror/{path}", type: repository}}\n'


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured."""

    repositories: int = 200
    far_repositories: int = 40
    rounds: int = 5
    far_rounds: int = 3


QUICK = Sizes(20, 8, 1, 1)


@dataclass(frozen=True, slots=True)
class Swept:
    """One sweep: seconds, processor seconds, and what the proxy counted (0 without one)."""

    seconds: float
    cpu: float
    requests: int = 0
    connections: int = 0


def measure(sizes: Sizes) -> Iterator[Report]:
    """Loopback on both registries, and with 20 ms a round trip on one."""
    for kind in servers.KINDS:
        with servers.registry(kind) as host, scratch() as folder:
            paths = population.paths("team", sizes.repositories)
            population.push_tags(host, paths, TAGS, DIGESTS)
            regsync(host, paths, folder / "fill.yml", WORKERS)()
            yield _near(kind, host, paths, folder, sizes)
            if kind == "distribution3":
                yield _far(kind, host, paths[: sizes.far_repositories], folder, sizes)


def _near(kind: str, host: str, paths: list[str], folder: Path, sizes: Sizes) -> Report:
    with (
        child(ours("sweep", host, str(WORKERS), _new(folder / "near"), *paths)) as we,
        child([go_program("sweep"), host, str(WORKERS), *paths], greets=False) as go,
    ):
        runs = _runs(we, go, host, paths, folder / "near.yml")
        found = _rounds(sizes.rounds, runs)
        report = _table(f"sweep, {kind}, loopback", len(paths) * TAGS, found)
        ratio = _rate(found, "gatekeeper") / _rate(found, "regsync")
        report.targets.append(Target("tags/s against regsync, same number of connections", ratio, 1.0))
        report.notes.append(_first_sight(we))
        return report


def _far(kind: str, host: str, paths: list[str], folder: Path, sizes: Sizes) -> Report:
    with ExitStack() as stack:
        # A proxy for each, so that connections left open are counted to their owner.
        proxies = [stack.enter_context(servers.counted(host, "10ms")) for _ in range(3)]
        peer, go_host, our_host = (proxy.greeting for proxy in proxies)
        we = stack.enter_context(child(ours("sweep", our_host, str(WORKERS), _new(folder / "far"), *paths)))
        go = stack.enter_context(child([go_program("sweep"), go_host, str(WORKERS), *paths], greets=False))
        plain = _runs(we, go, peer, paths, folder / "far.yml")
        runs = {
            name: _counting(run, proxy) for (name, run), proxy in zip(plain.items(), proxies, strict=True)
        }
        found = _rounds(sizes.far_rounds, runs)
    report = _table(f"sweep, {kind}, 20 ms a round trip", len(paths) * TAGS, found)
    ratio = _rate(found, "gatekeeper") / _rate(found, "regsync")
    report.targets.append(Target("tags/s against regsync, same number of connections", ratio, 1.8))
    return report


def _runs(
    we: Child, go: Child, host: str, paths: list[str], configuration: Path
) -> dict[str, Callable[[], Swept]]:
    return {
        "regsync": regsync(host, paths, configuration, WORKERS),
        "go-containerregistry": lambda: _asked(go),
        "gatekeeper": lambda: _asked(we),
    }


def _rounds(rounds: int, runs: dict[str, Callable[[], Swept]]) -> dict[str, list[Swept]]:
    for run in runs.values():
        run()
    return interleaved(rounds, runs)


def regsync(host: str, paths: list[str], configuration: Path, workers: int) -> Callable[[], Swept]:
    """``regsync once``: every repository to a mirror in the same registry. Raises AbsentError."""
    program = judge("regsync")
    entries = "".join(_ENTRY.format(host=host, path=path) for path in paths)
    configuration.write_text(_REGSYNC.format(host=host, workers=workers) + entries)

    def once() -> Swept:
        ended = run_all([[program, "once", "--config", configuration, "--verbosity", "error"]])
        if ended.code != 0:
            raise RuntimeError(f"regsync ended with {ended.code}")
        return Swept(ended.seconds, ended.cpu)

    return once


def _first_sight(we: Child) -> str:
    first = json.loads(we.greeting)
    rate = first["subjects"] / first["seconds"]
    return (
        f"before, from an empty database: {first['subjects']:,} images watched, judged and recorded "
        f"in {first['seconds']:,.0f} s ({rate:,.0f} a second)"
    )


def _asked(running: Child) -> Swept:
    answer = running.ask()
    return Swept(answer["seconds"], answer["cpu"])


def _counting(run: Callable[[], Swept], proxy: Child) -> Callable[[], Swept]:
    def counted() -> Swept:
        proxy.ask()
        swept = run()
        counts = proxy.ask()
        return Swept(swept.seconds, swept.cpu, counts["requests"], counts["connections"])

    return counted


def _rate(found: dict[str, list[Swept]], name: str) -> float:
    return 1 / middle([swept.seconds for swept in found[name]])


def _table(title: str, tags: int, found: dict[str, list[Swept]]) -> Report:
    report = Report(
        f"{title}: {tags:,} unchanged tags",
        ("client", "tags/s", "x regsync", "CPU ms/tag", "requests/tag", "connections"),
    )
    for name, sweeps in found.items():
        seen = middle([swept.requests for swept in sweeps])
        report.row(
            name,
            tags * _rate(found, name),
            _rate(found, name) / _rate(found, "regsync"),
            1000 * middle([swept.cpu for swept in sweeps]) / tags,
            seen / tags if seen else "-",
            max(swept.connections for swept in sweeps) or "-",
        )
    return report


def _new(folder: Path) -> Path:
    folder.mkdir()
    return folder
