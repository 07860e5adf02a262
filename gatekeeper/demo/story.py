"""``gatekeeper demo``: the whole story on this machine. No network, no root, no external program."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import TextIO

from gatekeeper.core.errors import GatekeeperError
from gatekeeper.demo.registry import EmbeddedRegistry
from gatekeeper.demo.story_files import Stage
from gatekeeper.demo.story_page import Page
from gatekeeper.demo.story_steps import Open, Story, StoryError

DONE, FAILED = 0, 1


def run(open_application: Open, out: TextIO | None = None) -> int:
    """Tells it. ``out``: standard output by default; what went wrong goes to standard error.

    Returns 0, or 1 when a step did not come out as it was told. ``open_application`` makes the database of a
    configuration file and builds the application over it (the command line has it from ``wiring``).
    """
    page = Page(out or sys.stdout)
    began = time.monotonic()
    page.title("Gatekeeper: one registry, one policy, from push to verdict to action and back")
    with tempfile.TemporaryDirectory(prefix="gatekeeper-demo-") as directory, EmbeddedRegistry() as registry:
        try:
            Story(Stage(registry.host, Path(directory)), open_application, page).tell()
        except (StoryError, GatekeeperError) as error:
            sys.stderr.write(f"\nThe story broke here: {error}\n")
            return FAILED
    page.section("That was all")
    page.say(f"Every step came out as told, in {time.monotonic() - began:.1f} s; nothing is left behind.")
    page.say("README.md has a tour on a registry of your own; docs/index.md names every document.")
    return DONE
