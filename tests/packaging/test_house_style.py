"""The limits of the house that no linter knows: lengths and words."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCES = sorted(
    path
    for folder in ("gatekeeper", "tests", "migrations", "benchmarks")
    for path in (ROOT / folder).rglob("*.py")
    if "__pycache__" not in path.parts
)
FILE_LINES = 500
FUNCTION_LINES = 90
BANNED = {
    "manager",
    "helper",
    "helpers",
    "util",
    "utils",
    "data",
    "info",
    "process",
    "handle",
    "misc",
    "common",
}
REQUIRED_BY_OTHERS = {
    "handle": "socketserver and logging call a method of this name",
    "handle_error": "socketserver calls a method of this name",
    "process_request": "socketserver calls a method of this name",
    "process_request_thread": "socketserver calls a method of this name",
    "handle_starttag": "html.parser calls a method of this name",
    "handle_data": "html.parser calls a method of this name",
    "process_bind_param": "sqlalchemy.types calls a method of this name",
    "process_result_value": "sqlalchemy.types calls a method of this name",
}


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _words(name: str) -> set[str]:
    return {word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)}


def _definitions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node


def _long_functions(path: Path) -> Iterator[tuple[str, int]]:
    for node in _definitions(path):
        lines = (node.end_lineno or node.lineno) - node.lineno + 1
        if not isinstance(node, ast.ClassDef) and lines > FUNCTION_LINES:
            yield f"{_name(path)}: {node.name}", lines


def test_no_file_is_too_long() -> None:
    lengths = {_name(path): len(path.read_text().splitlines()) for path in SOURCES}
    assert {name: lines for name, lines in lengths.items() if lines > FILE_LINES} == {}


def test_no_function_is_too_long() -> None:
    assert dict(found for path in SOURCES for found in _long_functions(path)) == {}


def test_no_name_hides_what_it_means() -> None:
    names = {
        (_name(path), name)
        for path in SOURCES
        if path.is_relative_to(ROOT / "gatekeeper")
        for name in (path.stem, *(node.name for node in _definitions(path)))
        if name not in REQUIRED_BY_OTHERS
    }
    assert {(place, name) for place, name in names if _words(name) & BANNED} == set()


def test_the_words_of_a_name_are_told_apart() -> None:
    assert _words("HTTPHandler_forMetadata") == {"http", "handler", "for", "metadata"}
    assert _words("process_ImageInfo") == {"process", "image", "info"}
