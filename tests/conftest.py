"""What every test shares: no sockets in unit tests, the real servers, and the list of absent parts."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

from tests.judges.tools import ABSENT

pytest_plugins = ["tests.judges.fixtures"]

UNIT = Path(__file__).parent / "unit"

# A busy machine is no fault of what is tested.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--full", action="store_true", help="demand every real part: an absent one fails instead of skipping"
    )


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--full"):
        # The environment reaches xdist's workers and the programs that tests start.
        os.environ["GATEKEEPER_TEST_FULL"] = "1"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(UNIT):
            item.add_marker(pytest.mark.disable_socket)


def absent_parts(terminalreporter: pytest.TerminalReporter) -> dict[str, int]:
    """Each absent part with how many tests were skipped for it."""
    counts: dict[str, int] = {}
    for report in terminalreporter.stats.get("skipped", []):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        _, found, part = reason.partition(ABSENT)
        if found:
            counts[part] = counts.get(part, 0) + 1
    return counts


def measured(terminalreporter: pytest.TerminalReporter) -> list[str]:
    """What tests recorded with ``record_property("measured", ...)``: numbers a person wants to see."""
    reports = [report for key in ("passed", "failed") for report in terminalreporter.stats.get(key, [])]
    return [str(value) for report in reports for key, value in report.user_properties if key == "measured"]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    told = measured(terminalreporter)
    if told:
        terminalreporter.section("measured", sep="-")
        for line in told:
            terminalreporter.line(line)
    absent = absent_parts(terminalreporter)
    if not absent:
        return
    terminalreporter.section("absent parts (GATEKEEPER_TEST_FULL=1 demands them)", sep="-")
    for part, count in sorted(absent.items()):
        terminalreporter.line(f"{part}: {count} skipped")
