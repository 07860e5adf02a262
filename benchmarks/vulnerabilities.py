"""From an advisory to the images that it concerns, in an estate of a million; judging again; importing a large feed."""

from __future__ import annotations

import json
import multiprocessing
import os
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from statistics import median

from benchmarks import estate as estates
from benchmarks.figures import Report, Target
from benchmarks.machine import greatest
from gatekeeper.core.decide import decide
from gatekeeper.core.digest import Digest
from gatekeeper.core.evidence import Absent, Evidence, Form, NodeEvidence, Sbom, Sboms, Trust
from gatekeeper.core.feed import FeedKind
from gatekeeper.core.policy import RuleSet, Scope, ScopedPolicy
from gatekeeper.core.reference import Repository
from gatekeeper.core.rules.sboms import SbomTrust
from gatekeeper.core.rules.vulnerability_severity import VulnerabilitySeverity
from gatekeeper.core.verdict import Subject
from gatekeeper.database import Database
from gatekeeper.database.migrate import upgrade
from gatekeeper.ports.vulnerabilities import CarriedSbom, FeedRecord, FeedSpec
from gatekeeper.vulnerabilities.feeds.contents import open_feed
from gatekeeper.vulnerabilities.stored import StoredMatcher
from tests.judges.servers import postgres, scratch

MATCHER = StoredMatcher()
NOW = datetime(2026, 11, 26, tzinfo=UTC)
MAX_AGE = timedelta(days=3)
_SPECS = {name: FeedSpec(f"osv-{name.lower()}", FeedKind.OSV, name, "made up") for name in ("Debian", "PyPI")}


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured."""

    images: int = 1_000_000
    advisories: int = 200
    """Against random components; as many again as a quarter against packages that every base image has."""
    judged: int = 3_000
    records: int = 200_000


QUICK = Sizes(10_000, 20, 200, 4_000)


def measure(sizes: Sizes) -> Iterator[Report]:
    """SQLite, PostgreSQL, then the import of a large feed."""
    estate = estates.make(sizes.images)
    with scratch() as folder:
        yield _measure_database("SQLite", f"sqlite:///{folder / 'estate.db'}", estate, sizes, bound=0.5)
    with postgres() as server, server.database() as url:
        yield _measure_database("PostgreSQL", url, estate, sizes, bound=1.0)
    del estate
    yield _measure_import(sizes)


def _measure_database(name: str, url: str, estate: estates.Estate, sizes: Sizes, *, bound: float) -> Report:
    report = Report(
        f"{name}: a new advisory in an estate of {len(estate.images):,} images ({estate.mean:.0f} components each, "
        f"{len(estate.components):,} different, {len(estate.groups):,} groups)",
        ("advisory about", "p50 ms", "p95 ms", "worst ms", "images, worst"),
    )
    upgrade(url)
    begin = time.perf_counter()
    estates.write(estate, url, MATCHER)
    loaded = time.perf_counter() - begin
    store = Database.open(url)
    try:
        for spec in _SPECS.values():
            _publish(store, spec, [_record("FIRST", spec.ecosystem, "nothing-of-this-name", 1)])
        store.spread_changes(now=NOW)
        dice = Random(1)
        anything = [dice.randrange(len(estate.components)) for _ in range(sizes.advisories)]
        core = [
            number
            for number, (package, version) in enumerate(estate.components)
            if package.startswith("os") and int(package.partition("-")[2]) < estates.CORE and version > 0
        ]
        chosen = dice.sample(core, min(len(core), max(5, sizes.advisories // 4)))
        worst = 0.0
        for what, numbers in (("any component", anything), ("in every base image", chosen)):
            found = [_advise(store, estate, number, f"{what[:2]}-{at}") for at, number in enumerate(numbers)]
            seconds = sorted(taken for taken, _ in found)
            worst = max(worst, seconds[-1])
            most = max(found)[1]
            tail = seconds[len(seconds) * 95 // 100]
            report.row(what, 1e3 * median(seconds), 1e3 * tail, 1e3 * seconds[-1], most)
        report.targets.append(
            Target(
                f"{name}: advisory to images known and marked, worst", worst, bound, at_least=False, unit="s"
            )
        )
        rate = _judge(store, estate, sizes.judged)
        report.notes.append(
            f"{name}: {rate:,.0f} images a second judged again on one thread (loaded in {loaded:.0f} s)"
        )
    finally:
        store.close()
    return report


def _record(name: str, ecosystem: str, package: str, fixed: int) -> FeedRecord:
    suffix = ":12" if ecosystem == "Debian" else ""
    version = f"1.{fixed}.0" + ("-1" if ecosystem == "Debian" else "")
    document = {
        "id": name,
        "aliases": [f"CVE-{name}"],
        "modified": "2026-11-25T00:00:00Z",
        "affected": [
            {
                "package": {"ecosystem": f"{ecosystem}{suffix}", "name": package},
                "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": version}]}],
            }
        ],
        "database_specific": {"severity": "HIGH"},
    }
    raw = json.dumps(document).encode()
    return FeedRecord(MATCHER.read(raw), raw)


def _publish(store: Database, spec: FeedSpec, records: list[FeedRecord]) -> None:
    sha256 = Digest.of(b"".join(record.raw for record in records)).encoded
    under = store.begin_import(spec, sha256=sha256, now=NOW)
    store.add_records(under, records, (), MATCHER, done=len(records), now=NOW)
    store.publish(under, MATCHER, source="", complete=False, fetched_at=NOW, cursor=None, now=NOW)


def _advise(store: Database, estate: estates.Estate, number: int, name: str) -> tuple[float, int]:
    """(seconds until the images are known and due, how many they are) of one new advisory."""
    package, version = estate.components[number]
    ecosystem = "Debian" if package.startswith("os") else "PyPI"
    record = _record(name, ecosystem, package, version + 1)
    begin = time.perf_counter()
    _publish(store, _SPECS[ecosystem], [record])
    images = store.affected_ids(f"CVE-{name}", MATCHER)
    return time.perf_counter() - begin, len(images)


def _judge(store: Database, estate: estates.Estate, count: int) -> float:
    """Images a second: the scan read from the database, and ``decide`` over it."""
    rule = VulnerabilitySeverity(trust=SbomTrust.ANY)
    scoped = ScopedPolicy(Scope("all", ("**",), "all"), RuleSet("all", (rule,)), {}, "revision")
    dice = Random(2)
    chosen = [dice.randrange(len(estate.images)) for _ in range(count)]
    begin = time.perf_counter()
    for image in chosen:
        digest, document = Digest.of(f"image {image}".encode()), estates.document_digest(image)
        scanned = store.scan({digest: (CarriedSbom(document, Trust.SIGNED),)}, MATCHER, max_age=MAX_AGE)
        sbom = Sbom(
            Form.SBOM_REFERRER,
            document,
            document,
            "cyclonedx-json",
            Trust.SIGNED,
            components=300,
            unreadable=0,
        )
        node = NodeEvidence(
            digest,
            "application/vnd.oci.image.manifest.v1+json",
            None,
            Absent("config"),
            Absent("signature"),
            Sboms((sbom,)),
        )
        subject = Subject(Repository("registry.example", "team/app"), digest, (), NOW)
        decide(scoped, subject, Evidence(node, (), "trust"), (), NOW, scanned.scan)
    return count / (time.perf_counter() - begin)


def _measure_import(sizes: Sizes) -> Report:
    report = Report(
        "Import of an OSV dump from a zip into SQLite", ("records", "seconds", "records/s", "greatest MiB")
    )
    peaks: list[float] = []
    with scratch() as folder:
        for records in (sizes.records // 10, sizes.records):
            path = folder / f"{records}.zip"
            _write_dump(path, records)
            # A process of its own: greatest memory is a figure of a whole process.
            context = multiprocessing.get_context("spawn")
            with context.Pool(1) as pool:
                seconds, mib = pool.apply(_import_dump, (path, f"sqlite:///{folder / f'{records}.db'}"))
            report.row(records, seconds, records / seconds, mib)
            peaks.append(mib)
    report.targets.append(
        Target("memory of ten times as many records", peaks[1] / peaks[0], 1.25, at_least=False)
    )
    return report


def _write_dump(path: Path, records: int) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(records):
            record = _record(f"PYSEC-{number}", "PyPI", f"library-{number % 60_000}", 1 + number % 40)
            document = json.loads(record.raw) | {"details": f"Made up number {number}. " * 40}
            archive.writestr(f"PYSEC-{number}.json", json.dumps(document))


def _import_dump(path: Path, url: str) -> tuple[float, float]:
    upgrade(url)
    store = Database.open(url)
    begin = time.perf_counter()
    content = open_feed(path)
    under = store.begin_import(_SPECS["PyPI"], sha256=content.sha256, now=NOW)
    batch: list[FeedRecord] = []
    done = 0
    for entry in content.records():
        assert isinstance(entry, FeedRecord)
        batch.append(entry)
        if len(batch) == 500:
            done += len(batch)
            store.add_records(under, batch, (), MATCHER, done=done, now=NOW)
            batch.clear()
    store.add_records(under, batch, (), MATCHER, done=done + len(batch), now=NOW)
    store.publish(under, MATCHER, source="", complete=True, fetched_at=NOW, cursor=None, now=NOW)
    seconds = time.perf_counter() - begin
    store.close()
    # Not ru_maxrss: it begins with what the parent process had when it made this one.
    return seconds, greatest(os.getpid())
