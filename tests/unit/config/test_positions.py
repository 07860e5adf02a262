"""Every key that tomllib can read has the position where a person finds it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gatekeeper.config.problems import Location
from gatekeeper.config.source import TomlSource
from gatekeeper.core.errors import ConfigurationError

DOCUMENT = """\
top = 1
a.b."c d" = [ 1,
  { x = 2, y.z = [3] } ]  # comment

[table]
key = "v"
inline = { one = 1, two = { three = 3 } }

[[list]]
name = "first"
[list.sub]
deep = true
[[list]]
name = "second"
[[list.inner]]
n = 1
[[list.inner]]
n = 2
[x.'y']
'quoted key' = 1
umlaut = { "ä" = 1, after = 2 }
"""

PLACES: dict[Location, tuple[int, int]] = {
    ("top",): (1, 1),
    ("a", "b", "c d"): (2, 1),
    ("a", "b", "c d", 0): (2, 15),
    ("a", "b", "c d", 1): (3, 3),
    ("a", "b", "c d", 1, "x"): (3, 5),
    ("a", "b", "c d", 1, "y", "z", 0): (3, 19),
    ("table",): (5, 2),
    ("table", "key"): (6, 1),
    ("table", "inline", "two", "three"): (7, 29),
    ("list", 0): (9, 3),
    ("list", 0, "name"): (10, 1),
    ("list", 0, "sub"): (11, 2),
    ("list", 0, "sub", "deep"): (12, 1),
    ("list", 1): (13, 3),
    ("list", 1, "name"): (14, 1),
    ("list", 1, "inner", 0, "n"): (16, 1),
    ("list", 1, "inner", 1, "n"): (18, 1),
    ("x", "y", "quoted key"): (20, 1),
    ("x", "y", "umlaut", "after"): (21, 21),
}


@pytest.fixture
def source(tmp_path: Path) -> TomlSource:
    path = tmp_path / "document.toml"
    path.write_text(DOCUMENT)
    return TomlSource.read(path)


@pytest.mark.parametrize("location", PLACES, ids=str)
def test_a_key_is_found_where_it_is_written(source: TomlSource, location: Location) -> None:
    assert source.position(location) == PLACES[location]


def test_a_missing_key_is_told_at_the_table_that_lacks_it(source: TomlSource) -> None:
    assert source.position(("list", 1, "host")) == (13, 3)
    assert source.position(("nowhere", "at", "all")) == (1, 1)


def test_every_key_of_the_document_has_its_own_place(source: TomlSource) -> None:
    def walk(value: Any, location: Location) -> list[Location]:
        if isinstance(value, dict):
            return [
                spot
                for key, item in value.items()
                for spot in [(*location, key), *walk(item, (*location, key))]
            ]
        if isinstance(value, list):
            return [
                spot for n, item in enumerate(value) for spot in [(*location, n), *walk(item, (*location, n))]
            ]
        return []

    source.position(())
    known = source._positions
    assert known is not None
    assert [spot for spot in walk(source.content, ()) if spot not in known] == []


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a = 1\nb = \n", ":2:5:"),
        ("a = 'x\n", ":2:1:"),
        ("[a]\n[a]\n", ":2:"),
        ("a = [1", ":1:7:"),
        ("a=1\na=2", ":2:"),
    ],
)
def test_a_syntax_error_has_line_and_column(tmp_path: Path, text: str, place: str) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(text)
    with pytest.raises(ConfigurationError) as caught:
        TomlSource.read(path)
    assert caught.value.problems[0].startswith(f"{path}{place}")
    assert "is no TOML" in caught.value.problems[0]


def test_bytes_that_are_no_utf8_have_a_position(tmp_path: Path) -> None:
    path = tmp_path / "latin.toml"
    path.write_bytes(b"a = 1\nb = '\xe4'\n")
    with pytest.raises(ConfigurationError, match=r"latin\.toml:2:6: is not UTF-8"):
        TomlSource.read(path)


def test_a_missing_file_and_a_directory_are_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="there is no such file"):
        TomlSource.read(tmp_path / "nowhere.toml")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        TomlSource.read(tmp_path)


def test_endless_nesting_is_an_error_and_no_crash(tmp_path: Path) -> None:
    path = tmp_path / "deep.toml"
    path.write_text("a = " + "[" * 100_000 + "]" * 100_000)
    with pytest.raises(ConfigurationError, match=r"deep\.toml"):
        TomlSource.read(path)
