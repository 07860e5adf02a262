"""A source of feeds on loopback: files below a directory, with entity tags, as publishers serve them."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

import pytest


@dataclass(slots=True)
class Source:
    """``asked`` counts what was served whole; so many answers as ``breaking`` says break off halfway."""

    url: str
    folder: Path
    asked: list[str] = field(default_factory=list)
    ranges: list[str] = field(default_factory=list)
    breaking: int = 0

    def put(self, name: str, content: bytes | str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path


@pytest.fixture
def source(tmp_path: Path) -> Iterator[Source]:
    folder = tmp_path / "published"
    folder.mkdir()

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = folder / unquote(self.path).lstrip("/")
            if not path.is_file():
                self.send_error(404)
                return
            content = path.read_bytes()
            tag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
            unchanged = self.headers.get("If-None-Match") == tag
            after, size = 0, len(content)
            if "Range" in self.headers:
                made.ranges.append(self.headers["Range"])
                if self.headers["If-Range"] == tag:
                    after = int(self.headers["Range"].removeprefix("bytes=").removesuffix("-"))
            content = content[after:]
            self.send_response(304 if unchanged else 206 if after else 200)
            self.send_header("ETag", tag)
            if after:
                self.send_header("Content-Range", f"bytes {after}-{size - 1}/{size}")
            self.send_header("Content-Length", "0" if unchanged else str(len(content)))
            self.end_headers()
            if unchanged:
                return
            if made.breaking:
                made.breaking -= 1
                self.wfile.write(content[: len(content) // 2])
                self.close_connection = True
                return
            made.asked.append(unquote(self.path))
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    made = Source(f"http://127.0.0.1:{server.server_address[1]}", folder)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield made
    server.shutdown()
    server.server_close()
    thread.join()
