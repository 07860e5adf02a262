"""What a registry has shown it can do: learned from answers we get anyway, remembered, never found by writing."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from threading import Lock

from gatekeeper.ports import Capabilities, Offered

_REFUSALS = 3
_BELIEVED = 300.0
"""Seconds; shorter than any `settle`, so that a signature missed by mistake is found before anything is acted on."""


class Learned:
    """The capabilities of one registry as seen so far. Thread-safe."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._lock = Lock()
        self._known = Capabilities()
        self._refusals = 0
        self._ask_again_at = 0.0

    @property
    def known(self) -> Capabilities:
        """What is known now."""
        return self._known

    @property
    def skips_referrers(self) -> bool:
        """True while the referrers API need not be asked: refused several times in a row, and not long ago.

        One refusal may be a flicker, and believing it for good would hide every signature from then on.
        """
        return self._refusals >= _REFUSALS and self._monotonic() < self._ask_again_at

    def referrers_refused(self) -> None:
        """The API answered that there is none such."""
        self._refusals += 1
        self._ask_again_at = self._monotonic() + _BELIEVED
        self.note(referrers=False)

    def referrers_answered(self) -> None:
        """The API answered."""
        self._refusals = 0
        self.note(referrers=True)

    def note(self, **seen: bool) -> None:
        """Remember what an answer showed; the newest answer counts."""
        changed = {name: Offered.YES if offered else Offered.NO for name, offered in seen.items()}
        if all(getattr(self._known, name) is offered for name, offered in changed.items()):
            return  # every HEAD of a sweep shows what is known already
        with self._lock:
            self._known = replace(self._known, **changed)
