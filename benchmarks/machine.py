"""The machine, named: a figure without it says nothing."""

from __future__ import annotations

import os
import platform
import subprocess
from pathlib import Path


def machine() -> str:
    """Processor, cores, memory, system, Python and Go, in one line."""
    go = subprocess.run(["go", "version"], capture_output=True, text=True, check=False)
    parts = [
        f"{os.cpu_count()} x {_field('/proc/cpuinfo', 'model name')}",
        f"{int(_field('/proc/meminfo', 'MemTotal').split()[0]) / 2**20:.0f} GiB",
        f"Linux {platform.release()}",
        f"Python {platform.python_version()}",
        go.stdout.split(" ")[2] if go.returncode == 0 else "no Go",
    ]
    return ", ".join(parts)


def resident(pid: int) -> float:
    """Resident memory of a process, MiB."""
    return int(_field(f"/proc/{pid}/status", "VmRSS").split()[0]) / 1024


def greatest(pid: int) -> float:
    """The most resident memory a process ever had, MiB."""
    return int(_field(f"/proc/{pid}/status", "VmHWM").split()[0]) / 1024


def _field(path: str, name: str) -> str:
    for line in Path(path).read_text().splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return "unknown"
