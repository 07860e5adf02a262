"""``gatekeeper demo``: the whole story on this machine."""

from __future__ import annotations

import typer


def demo() -> None:
    """The whole story on this machine. No network, no root, no set-up.

    Starts an embedded registry, fills it with signed, unsigned and bad images, and tells what happens to them, from
    push to verdict to action and back. Exit code 1 when a step does not come out as told.
    """
    from gatekeeper.cli.local import open_demo
    from gatekeeper.demo.story import run

    raise typer.Exit(run(open_demo))
