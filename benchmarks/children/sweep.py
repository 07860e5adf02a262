"""``HOST WORKERS FOLDER REPOSITORY...``: prepares, then makes one sweep for each line it reads."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from benchmarks.children.daemon import bench
from gatekeeper.wiring import settle_memory


def main() -> None:
    host, workers, folder, *repositories = sys.argv[1:]
    running = bench(host, repositories, Path(folder), int(workers))
    settle_memory()
    print(json.dumps(running.prepare()), flush=True)
    for _ in sys.stdin:
        print(json.dumps(running.sweep()), flush=True)


if __name__ == "__main__":
    main()
