"""Images with one Notary Project signature each: ours beside notation-go run per image, and in one process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks import population, servers
from benchmarks.figures import Report, Target, interleaved, middle
from benchmarks.programs import Child, child, judge, ours, run_all
from benchmarks.verify import WORKERS, Spent
from gatekeeper.core.trust import StoreKind
from gatekeeper.signatures.notation import envelope
from tests.fakes import notary
from tests.judges.servers import scratch

_POLICY = """\
[notation.site]
trust_policy = "config/trustpolicy.json"
trust_store = "config/truststore"
[signers.site]
notation = ["site"]
[policies.signed]
rules = ["signature-missing"]
[[scopes]]
name = "all"
repositories = ["127.0.0.1:*/**"]
policy = "signed"
settle = "0s"
"""


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured, of each kind of signature."""

    repositories: int = 5
    each: int = 40
    loop: int = 60
    rounds: int = 5


QUICK = Sizes(2, 10, 4, 1)


def measure(sizes: Sizes) -> Iterator[Report]:
    """On the registry with the referrers API: ECDSA in COSE, then RSA in JWS."""
    for kind, media_type in (("p256", envelope.COSE), ("rsa2048", envelope.JWS)):
        with servers.registry("referrers") as host, scratch() as folder:
            signer = notary.issue("signer", notary.key(kind, "leaf"), notary.ISSUING)
            chain = (signer, *notary.CHAIN[1:])
            config = _config(folder)
            policy = folder / "policy.toml"
            policy.write_text(_POLICY)
            paths = population.paths("team", sizes.repositories)
            references = population.push_notation(host, paths, sizes.each, chain, media_type)
            listed = folder / "references"
            listed.write_text("\n".join(references))
            with ExitStack() as stack:
                one = stack.enter_context(child(ours("verify", host, policy, listed, str(WORKERS))))
                runs: dict[str, Callable[[], Spent]] = {
                    "notation-go, per image": _go(
                        [[reference] for reference in references[: sizes.loop]], config
                    ),
                    "notation-go, 1 process": _go([references], config),
                    "gatekeeper, 1 process": _ours(one, "check", len(references)),
                    "only fetching, 1 process": _ours(one, "fetch", len(references)),
                }
                for run in runs.values():
                    run()
                yield _report(interleaved(sizes.rounds, runs), len(references), kind, media_type)


def _config(folder: Path) -> Path:
    """notation's configuration, and what our policy names."""
    config = folder / "config"
    store = config / "truststore" / "x509" / StoreKind.CA / "acme"
    store.mkdir(parents=True)
    (store / "root.der").write_bytes(notary.ROOT.der)
    (config / "trustpolicy.json").write_bytes(notary.document())
    return config


def _go(groups: list[list[str]], config: Path) -> Callable[[], Spent]:
    """``notation verify`` over notation-go, one process for each group, one after the other. Raises AbsentError."""
    program = judge("notation")

    def run() -> Spent:
        seconds = cpu = 0.0
        for group in groups:
            ended = run_all([[program, "verify", "-config", config, *group]])
            if ended.code != 0:
                raise RuntimeError(f"notation ended with {ended.code}")
            seconds, cpu = seconds + ended.seconds, cpu + ended.cpu
        return Spent(sum(map(len, groups)), seconds, cpu)

    return run


def _ours(one: Child, command: str, images: int) -> Callable[[], Spent]:
    def run() -> Spent:
        answer = one.ask(command)
        return Spent(images, answer["seconds"], answer["cpu"])

    return run


def _report(found: dict[str, list[Spent]], images: int, kind: str, media_type: str) -> Report:
    rates = {name: 1 / middle([one.seconds / one.images for one in spent]) for name, spent in found.items()}
    report = Report(
        f"verify {images} images signed with notation ({kind}, {media_type}, chain of three, referrers API)",
        ("way", "images/s", "x per image", "CPU ms/image"),
    )
    for name, spent in found.items():
        cpu = 1000 * middle([one.cpu / one.images for one in spent])
        report.row(name, rates[name], rates[name] / rates["notation-go, per image"], cpu)
    we = rates["gatekeeper, 1 process"]
    report.targets.append(
        Target("images/s against notation-go run per image", we / rates["notation-go, per image"], 3.0)
    )
    report.notes.append(
        f"ours with {WORKERS} threads in one process; notation-go asks one image after the other"
    )
    return report
