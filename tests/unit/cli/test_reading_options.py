from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import pytest
import typer

from gatekeeper.cli.app import command
from gatekeeper.cli.coercion import read_plainly
from gatekeeper.cli.options import duration_option
from gatekeeper.cli.reference import commands


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


def run(*arguments: str) -> dict[str, Any]:
    seen: dict[str, Any] = {}
    app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False)

    @app.command()
    def probe(
        text: Annotated[str, typer.Argument()] = "t",
        number: Annotated[int, typer.Option(min=1, max=9)] = 5,
        path: Annotated[Path | None, typer.Option()] = None,
        colour: Annotated[Colour, typer.Option()] = Colour.RED,
        colours: Annotated[list[Colour] | None, typer.Option()] = None,
        names: Annotated[list[str] | None, typer.Option(envvar="PROBE_NAMES")] = None,
        wait: Annotated[timedelta | None, typer.Option(parser=duration_option)] = None,
        flag: Annotated[bool, typer.Option("--flag")] = False,
    ) -> None:
        seen.update(locals())

    made = typer.main.get_command(app)
    read_plainly(made)
    made.main(args=list(arguments), standalone_mode=False)
    return seen


def test_defaults_stay_what_they_are() -> None:
    seen = run()
    assert (seen["text"], seen["number"], seen["path"], seen["colour"]) == ("t", 5, None, Colour.RED)
    assert not seen["colours"]
    assert not seen["names"]
    assert (seen["wait"], seen["flag"]) == (None, False)


def test_values_arrive_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROBE_NAMES", "a b")
    seen = run(
        *("word", "--number", "9", "--path", "/x", "--colour", "blue", "--flag"),
        *("--colours", "red", "--colours", "blue", "--wait", "5m"),
    )
    assert (seen["text"], seen["number"], seen["path"], seen["colour"]) == (
        "word",
        9,
        Path("/x"),
        Colour.BLUE,
    )
    assert list(seen["colours"]) == [Colour.RED, Colour.BLUE]
    assert list(seen["names"]) == ["a", "b"]
    assert (seen["wait"], seen["flag"]) == (timedelta(minutes=5), True)


@pytest.mark.parametrize(
    "arguments",
    [
        ("--number", "x"),
        ("--number", "0"),
        ("--number", "10"),
        ("--colour", "green"),
        ("--wait", "5"),
        ("--number", "٣"),
    ],
)
def test_a_wrong_value_is_a_bad_parameter(arguments: tuple[str, ...]) -> None:
    with pytest.raises(typer.BadParameter):
        run(*arguments)


def test_every_option_of_ours_has_our_reader() -> None:
    for path, node in commands(command()):
        for parameter in node.params:
            if parameter.type_descriptor.annotation is not bool:
                assert parameter._runtime_param is not None, (path, parameter.name)
