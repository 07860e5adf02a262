"""Prometheus metrics: labels are registries, states and rules, never images, digests or tags."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.process_collector import ProcessCollector

from gatekeeper import __version__
from gatekeeper.core.errors import UnavailableError
from gatekeeper.ports import Store
from gatekeeper.ports.vulnerabilities import FeedRow
from gatekeeper.workflow.brakes import Summary

COUNTS_GOOD_FOR_SECONDS = 5.0
_WITHIN = {"24h": timedelta(hours=24), "7d": timedelta(days=7)}
BRAKES = (
    "breaker",
    "cap-per-hour",
    "cap-per-repository",
    "hold",
    "policy-change",
    "recovery",
    "registry-doubted",
)
LABEL_CAP = 200


class _Recorded:
    """What the database counts, asked at most every five seconds."""

    def __init__(self, store: Store, summary: Callable[[], Summary]) -> None:
        self._store = store
        self._summary = summary
        self._lock = threading.Lock()
        self._asked = 0.0
        self._metrics: tuple[Metric, ...] = ()

    def describe(self) -> Iterator[Metric]:
        """Nothing: else registering would ask the database."""
        yield from ()

    def collect(self) -> Iterator[Metric]:
        with self._lock:
            if not self._metrics or time.monotonic() - self._asked >= COUNTS_GOOD_FOR_SECONDS:
                self._metrics = tuple(self._ask())
                self._asked = time.monotonic()
            yield from self._metrics

    def _ask(self) -> Iterator[Metric]:
        reachable = GaugeMetricFamily("gatekeeper_database_up", "1 when the database answered")
        try:
            counts = self._store.counts()
            found = self._summary()
            feeds = self._store.feeds()
            now = datetime.now(UTC)
            soon = {name: self._store.failing_soon(now + within) for name, within in _WITHIN.items()}
        except UnavailableError:
            reachable.add_metric([], 0)
            yield reachable
            return
        reachable.add_metric([], 1)
        yield reachable
        rows = GaugeMetricFamily(
            "gatekeeper_rows", "recorded rows by noun and state", labels=["noun", "state"]
        )
        for name, count in sorted(counts.items()):
            noun, _, state = name.partition(".")
            rows.add_metric([noun, state], count)
        yield rows
        yield from _braked(found)
        yield from _protected(found)
        yield from _seen(found)
        yield from _ending(found)
        yield from _of_feeds(feeds)
        deadlines = GaugeMetricFamily(
            "gatekeeper_fails_within", "passing images that time alone makes fail within", labels=["within"]
        )
        for name, number in soon.items():
            deadlines.add_metric([name], number)
        yield deadlines


def _braked(found: Summary) -> Iterator[Metric]:
    on = {brake.name: brake for brake in found.brakes}
    brake = GaugeMetricFamily("gatekeeper_brake", "1 while registry writes are braked", labels=["brake"])
    since = GaugeMetricFamily("gatekeeper_brake_since_seconds", "since when, in Unix time", labels=["brake"])
    info = GaugeMetricFamily(
        "gatekeeper_brake_info",
        "1 for each brake that is on: by whom and why",
        labels=["brake", "actor", "reason"],
    )
    for name in sorted({*BRAKES, *on}):
        brake.add_metric([name], int(name in on))
    for one in found.brakes:
        info.add_metric([one.name, one.actor[:LABEL_CAP], one.reason[:LABEL_CAP]], 1)
        if one.since is not None:
            since.add_metric([one.name], one.since.timestamp())
    yield from (brake, since, info)
    used = GaugeMetricFamily("gatekeeper_cap_used", "tags acted on in the last hour", labels=["cap"])
    limit = GaugeMetricFamily("gatekeeper_cap_limit", "what the cap allows", labels=["cap"])
    for use in found.caps:
        used.add_metric([use.cap], use.used)
        limit.add_metric([use.cap], use.limit)
    yield from (used, limit)


def _protected(found: Summary) -> Iterator[Metric]:
    labels = ["scope", "key"]
    globs = GaugeMetricFamily("gatekeeper_protected_globs", "globs that are never written to", labels=labels)
    since = GaugeMetricFamily("gatekeeper_protected_since_seconds", "since when, in Unix time", labels=labels)
    info = GaugeMetricFamily(
        "gatekeeper_protected_info",
        "1 for each protecting key: its globs, and where the configuration says so",
        labels=[*labels, "globs", "source"],
    )
    for one in found.protections:
        globs.add_metric([one.scope, one.key], len(one.globs))
        info.add_metric([one.scope, one.key, ", ".join(one.globs)[:LABEL_CAP], one.source[:LABEL_CAP]], 1)
        if one.since is not None:
            since.add_metric([one.scope, one.key], one.since.timestamp())
    yield from (globs, since, info)


def _ending(found: Summary) -> Iterator[Metric]:
    ends = GaugeMetricFamily(
        "gatekeeper_ends_seconds",
        "when a credential or what signatures are verified with ends, in Unix time",
        labels=["kind", "subject"],
    )
    for one in found.endings:
        if not one.outlived:
            ends.add_metric([str(one.kind), one.subject[:LABEL_CAP]], one.ends_at.timestamp())
    yield ends


def _seen(found: Summary) -> Iterator[Metric]:
    blind = GaugeMetricFamily(
        "gatekeeper_blind_repositories",
        "repositories that could not be read for too long",
        labels=["registry"],
    )
    doubted = GaugeMetricFamily(
        "gatekeeper_registry_doubted", "1 while a registry is not believed", labels=["registry"]
    )
    unread = GaugeMetricFamily(
        "gatekeeper_catalog_unread",
        "1 while a registry's list of repositories could not be read for too long",
        labels=["registry"],
    )
    for row in found.registries:
        unread.add_metric([row.host], int(row.unlisted_since is not None))
        blind.add_metric([row.host], row.blind)
        doubted.add_metric([row.host], int(row.doubt is not None))
    yield from (blind, unread, doubted)


def _of_feeds(feeds: Sequence[FeedRow]) -> Iterator[Metric]:
    renewed = GaugeMetricFamily(
        "gatekeeper_feed_renewed_seconds", "when a feed was last renewed, in Unix time", labels=["feed"]
    )
    records = GaugeMetricFamily("gatekeeper_feed_records", "records of a feed", labels=["feed"])
    held = GaugeMetricFamily("gatekeeper_feed_held", "1 while a version waits for a person", labels=["feed"])
    for feed in feeds:
        if feed.fetched_at is not None:
            renewed.add_metric([feed.name], feed.fetched_at.timestamp())
        records.add_metric([feed.name], feed.records)
        held.add_metric([feed.name], int(feed.held))
    yield from (renewed, records, held)


class Metrics:
    """One registry per application, so that tests and several servers do not share counters."""

    def __init__(self, store: Store, summary: Callable[[], Summary]) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._registry.register(_Recorded(store, summary))
        built = Gauge(
            "gatekeeper_build", "1, labelled with the version", ["version"], registry=self._registry
        )
        built.labels(__version__).set(1)
        self._requests = Counter(
            "gatekeeper_http_requests", "answered requests", ["route", "status"], registry=self._registry
        )
        self._seconds = Histogram(
            "gatekeeper_http_seconds", "seconds until the answer", ["route"], registry=self._registry
        )
        self._children: dict[tuple[str, int], tuple[Counter, Histogram]] = {}

    def answered(self, route: str, status: int, seconds: float) -> None:
        """Counts one request. ``route`` is a template such as ``/v1/quarantine/{case}``; status 0: never answered."""
        children = self._children.get((route, status))
        if children is None:
            children = (self._requests.labels(route, str(status)), self._seconds.labels(route))
            self._children[route, status] = children
        children[0].inc()
        children[1].observe(seconds)

    def text(self) -> bytes:
        """The exposition format."""
        return generate_latest(self._registry)
