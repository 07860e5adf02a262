"""``GET /v1/status`` with bearer token, ETag and a warm cache beside a bare Starlette route."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.figures import Report, Target, interleaved, middle
from benchmarks.programs import Child, child, ours
from tests.judges.servers import scratch

CONNECTIONS = 16


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured."""

    images: int = 200
    requests: int = 10_000
    rounds: int = 5


QUICK = Sizes(20, 1_000, 1)


def measure(sizes: Sizes) -> Iterator[Report]:
    """One server process each, one client process each, in turn."""
    with scratch() as folder, ExitStack() as stack:
        we = json.loads(
            stack.enter_context(child(ours("status", "ours", folder, str(sizes.images)))).greeting
        )
        heads = [_head(we, image) for image in we["images"]]
        etags, size = _first_answers(we)
        bare = json.loads(stack.enter_context(child(ours("status", "bare", str(size)))).greeting)
        known = [f"{head}\r\nIf-None-Match: {etag}" for head, etag in zip(heads, etags, strict=True)]
        loads = {
            "bare Starlette route": (bare["host"], heads),
            "status, 200": (we["host"], heads),
            "status, 304 (If-None-Match)": (we["host"], known),
        }
        runs = {
            name: _load(stack.enter_context(_client(folder / f"load-{number}", host, lines)), sizes.requests)
            for number, (name, (host, lines)) in enumerate(loads.items())
        }
        for run in runs.values():
            run()
        yield _report(interleaved(sizes.rounds, runs), size)


def _head(we: dict[str, Any], image: str) -> str:
    return (
        f"GET /v1/status?image={image} HTTP/1.1\r\nHost: {we['host']}\r\nAuthorization: Bearer {we['token']}"
    )


def _first_answers(we: dict[str, Any]) -> tuple[list[str], int]:
    """The ETag of each image, and how long an answer is."""
    connection = http.client.HTTPConnection(we["host"])
    etags, size = [], 0
    for image in we["images"]:
        connection.request(
            "GET", f"/v1/status?image={image}", headers={"Authorization": f"Bearer {we['token']}"}
        )
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200 or json.loads(body)["state"] != "passed":
            raise RuntimeError(f"status answered {answer.status}: {body[:500]!r}")
        etags.append(str(answer.headers["ETag"]))
        size = len(body)
    connection.close()
    return etags, size


def _client(file: Path, host: str, lines: list[str]):  # type: ignore[no-untyped-def]
    file.write_text(json.dumps(lines))
    return child(ours("load", host, str(CONNECTIONS), file))


def _load(client: Child, requests: int) -> Callable[[], dict[str, Any]]:
    return lambda: client.ask(str(requests))


def _report(found: dict[str, list[dict[str, Any]]], size: int) -> Report:
    report = Report(
        f"status look-ups, {CONNECTIONS} connections, answers of {size:,} bytes",
        ("server", "requests/s", "x bare", "p50 ms", "p99 ms"),
    )
    rates = {
        name: 1 / middle([answer["seconds"] / answer["requests"] for answer in answers])
        for name, answers in found.items()
    }
    bare = rates["bare Starlette route"]
    for name, answers in found.items():
        report.row(
            name,
            rates[name],
            rates[name] / bare,
            middle([answer["p50"] for answer in answers]),
            middle([answer["p99"] for answer in answers]),
        )
        statuses = {status for answer in answers for status in answer["statuses"]}
        if statuses != ({"304"} if "304" in name else {"200"}):
            raise RuntimeError(f"{name} answered {statuses}")
    report.targets.append(Target("requests/s against the bare route", rates["status, 200"] / bare, 0.6))
    return report
