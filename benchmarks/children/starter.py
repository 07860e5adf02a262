"""Runs programs side by side and says what they took. Small on purpose, and without imports of ours.

The greatest resident memory of a program is counted from the memory of the process that started it (getrusage(2),
``ru_maxrss`` lives through fork and exec), so that a large one would answer with its own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time


def main() -> None:
    """One JSON line in (``commands``, ``environment``, ``folder``), one out: the members of ``programs.Ended``."""
    for line in sys.stdin:
        asked = json.loads(line)
        began = time.perf_counter()
        running = [
            subprocess.Popen(
                command,
                cwd=asked["folder"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=asked["environment"],
            )
            for command in asked["commands"]
        ]
        code, cpu, memory = 0, 0.0, 0.0
        for one in running:
            _, status, usage = os.wait4(one.pid, 0)
            one.returncode = os.waitstatus_to_exitcode(status)
            code = code or one.returncode
            cpu += usage.ru_utime + usage.ru_stime
            memory += usage.ru_maxrss / 1024
        seconds = time.perf_counter() - began
        print(json.dumps({"seconds": seconds, "cpu": cpu, "memory": memory, "code": code}), flush=True)


if __name__ == "__main__":
    main()
