"""Prometheus metrics: labels are registries, states and rules, never images, digests or tags."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.process_collector import ProcessCollector

from gatekeeper import __version__
from gatekeeper.core.errors import UnavailableError
from gatekeeper.ports import Store

COUNTS_GOOD_FOR_SECONDS = 5.0


class _Recorded:
    """What the database counts, asked at most every five seconds."""

    def __init__(self, store: Store) -> None:
        self._store = store
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
            brakes = {"hold": self._store.hold(), "breaker": self._store.breaker()}
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
        brake = GaugeMetricFamily("gatekeeper_brake", "1 while registry writes are braked", labels=["brake"])
        for name, value in brakes.items():
            brake.add_metric([name], 0 if value is None else 1)
        yield brake


class Metrics:
    """One registry per application, so that tests and several servers do not share counters."""

    def __init__(self, store: Store) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._registry.register(_Recorded(store))
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
