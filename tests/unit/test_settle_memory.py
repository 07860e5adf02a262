"""A long-running process does not go through the objects of its start again and again."""

from __future__ import annotations

import gc

from gatekeeper.wiring import settle_memory


def test_what_exists_is_left_alone_by_the_collector() -> None:
    threshold = gc.get_threshold()
    try:
        settle_memory()
        assert gc.get_freeze_count() > 0
        assert gc.get_threshold() > threshold
    finally:
        gc.unfreeze()
        gc.set_threshold(*threshold)
