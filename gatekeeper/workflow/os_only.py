"""An SBOM of our own where an image has none: the package databases in its layers, and nothing else."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from threading import Lock

from gatekeeper.core.canonical import canonical_digest
from gatekeeper.core.component import SbomDocument
from gatekeeper.core.digest import Digest


@dataclass(slots=True)
class LayerReadings:
    """What the layers of the last images said. Layers never change, so an image is read once while it is remembered."""

    most: int = 256
    _lock: Lock = field(default_factory=Lock)
    _known: OrderedDict[Digest, SbomDocument] = field(default_factory=OrderedDict)

    def get(self, image: Digest) -> SbomDocument | None:
        """None for an image that was not read, or too long ago."""
        with self._lock:
            return self._known.get(image)

    def put(self, image: Digest, document: SbomDocument) -> None:
        """Remembers one reading; forgets the oldest beyond ``most``."""
        with self._lock:
            self._known[image] = document
            while len(self._known) > self.most:
                self._known.popitem(last=False)


def document_digest(document: SbomDocument) -> Digest:
    """Names a reading by what it found: there are no bytes that it could be named by."""
    return canonical_digest(document)
