"""`gatekeeper trust update` against a TUF repository that is served over HTTP."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from gatekeeper.cli import main
from tests.fakes.tuf_repository import TufRepository
from tests.unit.signatures.keyless.minted import SIGSTORE, STRANGE


class Served:
    """The repository behind an address."""

    def __init__(self, repository: TufRepository) -> None:
        self.repository = repository
        files = repository.files

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                content = files.get(self.path.removeprefix("/"))
                self.send_response(404 if content is None else 200)
                self.send_header("Content-Length", str(len(content or b"")))
                self.end_headers()
                self.wfile.write(content or b"")

            def log_message(self, *_: object) -> None:
                """Says nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"


@pytest.fixture
def served() -> Iterator[Served]:
    repository = TufRepository()
    repository.publish(SIGSTORE.trusted_root_json())
    place = Served(repository)
    thread = threading.Thread(target=place.server.serve_forever)
    thread.start()
    yield place
    place.server.shutdown()
    thread.join()
    place.server.server_close()


def _update(served: Served, folder: Path, *, first_root: bytes | None = None) -> int:
    file = folder / "first.json"
    file.write_bytes(first_root or served.repository.first_root)
    place = str(folder / "trust")
    options = ["--tuf-url", served.url, "--tuf-root", str(file), "--directory", place]
    return main(["trust", "update", "private", *options])


def _listed(folder: Path, capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    capsys.readouterr()
    assert main(["trust", "list", "--directory", str(folder / "trust"), "--output", "json"]) == 0
    items: list[dict[str, object]] = json.loads(capsys.readouterr().out)["items"]
    return items


def test_a_root_is_fetched_and_renewed(
    served: Served, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _update(served, tmp_path) == 0
    (first,) = _listed(tmp_path, capsys)
    assert (first["name"], first["version"], first["source"]) == (
        "private",
        "root 1, targets 1",
        served.url,
    )
    first_root = served.repository.first_root
    served.repository.publish(STRANGE.trusted_root_json())
    assert _update(served, tmp_path, first_root=first_root) == 0
    (second,) = _listed(tmp_path, capsys)
    assert second["version"] == "root 2, targets 2"
    assert second["sha256"] != first["sha256"]


def test_what_does_not_hold_leaves_the_root_as_it_was(
    served: Served, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _update(served, tmp_path) == 0
    before = _listed(tmp_path, capsys)
    strange = TufRepository()
    strange.publish(STRANGE.trusted_root_json())
    assert _update(served, tmp_path, first_root=strange.first_root) == 2
    served.repository.files.pop("timestamp.json")
    assert _update(served, tmp_path) == 5
    assert _listed(tmp_path, capsys) == before


def test_nobody_answers(served: Served, tmp_path: Path) -> None:
    served.url = "http://127.0.0.1:9"
    assert _update(served, tmp_path) == 5
