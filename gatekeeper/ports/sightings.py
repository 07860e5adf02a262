"""When signatures were first recorded."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from gatekeeper.core.digest import Digest


class SightingStore(Protocol):
    """First sight of signatures, wherever they hang."""

    def first_sightings(self, signatures: frozenset[Digest]) -> Mapping[Digest, datetime]:
        """Those of the signatures that were recorded before, with the moment. ``record`` adds the others."""
        ...
