"""The story of the demo on other people's registries and on PostgreSQL, by configuration alone."""

from __future__ import annotations

import io

from gatekeeper.cli.local import open_demo
from gatekeeper.demo.story_files import Stage
from gatekeeper.demo.story_page import Page
from gatekeeper.demo.story_steps import Story


def test_the_whole_story(stage: Stage) -> None:
    told = io.StringIO()
    Story(stage, open_demo, Page(told)).tell()
    for claim in ("is passed", "rolled back to", "promoted sha256:", "refused", "restored", "hash-chained"):
        assert claim in told.getvalue()
