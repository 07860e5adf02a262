"""``HOST CONNECTIONS REQUESTS-FILE``: for each number it reads, sends so many requests over kept-alive connections.

The file is a JSON list of header blocks without their end; they are sent in turn. Plain sockets and one epoll: the
client must cost less than the server.
"""

from __future__ import annotations

import itertools
import json
import select
import socket
import sys
import time
from collections import Counter
from pathlib import Path


class Connection:
    """One socket with one request under way at most."""

    def __init__(self, host: str) -> None:
        address, _, port = host.rpartition(":")
        self.socket = socket.create_connection((address, int(port)))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""
        self.began = 0.0

    def send(self, request: bytes) -> None:
        self.began = time.perf_counter()
        self.socket.sendall(request)

    def answer(self) -> bytes | None:
        """The status when the whole answer is here. Raises ConnectionError."""
        piece = self.socket.recv(65536)
        if not piece:
            raise ConnectionError("the server closed a connection")
        self.buffer += piece
        head, end, rest = self.buffer.partition(b"\r\n\r\n")
        if not end:
            return None
        length = next(
            (int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0
        )
        if len(rest) < length:
            return None
        self.buffer = rest[length:]
        return head[9:12]


def run(connections: list[Connection], requests: list[bytes], count: int) -> dict[str, object]:
    """``count`` answers, one request under way on each connection."""
    epoll = select.epoll()
    waiting = {one.socket.fileno(): one for one in connections}
    for number in waiting:
        epoll.register(number, select.EPOLLIN)
    turn = itertools.cycle(requests)
    statuses: Counter[str] = Counter()
    taken: list[float] = []
    begin = time.perf_counter()
    for one in connections:
        one.send(next(turn))
    while len(taken) < count:
        for number, _ in epoll.poll():
            one = waiting[number]
            status = one.answer()
            if status is None:
                continue
            taken.append(time.perf_counter() - one.began)
            statuses[status.decode()] += 1
            if len(taken) + len(waiting) <= count:
                one.send(next(turn))
            else:
                epoll.unregister(number)
                del waiting[number]
    seconds = time.perf_counter() - begin
    epoll.close()
    taken.sort()
    return {
        "seconds": seconds,
        "requests": len(taken),
        "statuses": dict(statuses),
        "p50": 1000 * taken[len(taken) // 2],
        "p99": 1000 * taken[len(taken) * 99 // 100],
    }


def main() -> None:
    host, count, file = sys.argv[1:]
    requests = [f"{head}\r\n\r\n".encode() for head in json.loads(Path(file).read_text())]
    print("ready", flush=True)
    for line in sys.stdin:
        # Connected anew each time: a server closes what was idle between two rounds.
        connections = [Connection(host) for _ in range(int(count))]
        print(json.dumps(run(connections, requests, int(line))), flush=True)
        for one in connections:
            one.socket.close()


if __name__ == "__main__":
    main()
