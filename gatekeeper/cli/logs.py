"""The daemon's log on stderr, as text or JSON lines. Hostile text cannot forge a line in either."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime

from gatekeeper.cli.text import harmless
from gatekeeper.config.settings import LogFormat, LoggingSettings

OURS = "gatekeeper"


class _Text(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        at = (
            datetime.fromtimestamp(record.created, UTC)
            .isoformat(timespec="milliseconds")
            .replace("+00:00", "Z")
        )
        line = f"{at} {record.levelname.lower():7} {record.name} {harmless(record.getMessage())}"
        if record.exc_info:
            line += "\n" + "\n".join(
                f"  {harmless(part)}" for part in self.formatException(record.exc_info).split("\n")
            )
        return line


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat().replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "thread": record.threadName,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line)


def configure(settings: LoggingSettings) -> None:
    """Sets level and format; called again after a reload. Other libraries' records follow from warning on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Json() if settings.format is LogFormat.JSON else _Text())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger(OURS).setLevel(str(settings.level).upper())
