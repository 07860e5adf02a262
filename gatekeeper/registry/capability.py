"""What a registry has shown it can do: learned from answers we get anyway, remembered, never found by writing."""

from __future__ import annotations

from dataclasses import replace
from threading import Lock

from gatekeeper.ports import Capabilities, Offered


class Learned:
    """The capabilities of one registry as seen so far. Thread-safe."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._known = Capabilities()

    @property
    def known(self) -> Capabilities:
        """What is known now."""
        return self._known

    def note(self, **seen: bool) -> None:
        """Remember what an answer showed; the newest answer counts."""
        with self._lock:
            changed = {name: Offered.YES if offered else Offered.NO for name, offered in seen.items()}
            self._known = replace(self._known, **changed)
