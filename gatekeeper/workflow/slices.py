"""Many small questions to one registry, over a few threads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

WORTH_A_THREAD = 16
"""Questions; fewer are asked faster than a thread is started."""


def in_slices(
    ask: Callable[[Sequence[Item]], Result], items: Sequence[Item], *, at_once: int
) -> list[Result]:
    """``ask`` over disjoint slices of ``items``, at most ``at_once`` at the same time; one slice on this thread.

    A slice is asked from its beginning to its end by one thread: the cost of a hand-over is paid for each slice, not
    for each question. What ``ask`` raises is raised here.
    """
    threads = max(min(at_once, len(items) // WORTH_A_THREAD), 1)
    if threads == 1:
        return [ask(items)]
    with ThreadPoolExecutor(threads, thread_name_prefix="slice") as pool:
        return list(pool.map(ask, [items[first::threads] for first in range(threads)]))
