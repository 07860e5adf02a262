"""``scanning``: from evidence to the scan that rules read. Documents are kept first; then the database is asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from gatekeeper.core.component import SbomDocument
from gatekeeper.core.digest import Digest
from gatekeeper.core.evidence import Evidence, NodeEvidence, Sboms
from gatekeeper.core.inventory import Inventory
from gatekeeper.core.scan import cves_reported
from gatekeeper.ports import GatheredSbom
from gatekeeper.ports.feeds import ScanStore
from gatekeeper.ports.vulnerabilities import CarriedSbom, Scanned
from gatekeeper.workflow.collect import Collected
from gatekeeper.workflow.workroom import Workroom


def scan(room: Workroom, evidence: Evidence, gathered: Sequence[GatheredSbom] = ()) -> Scanned:
    """What is known about the components of a subject, as of now. No registry is asked."""
    room.store.keep_documents(gathered, room.matcher)
    reported = cves_reported(evidence)
    room.store.keep_reported(reported)
    return room.store.scan(
        carried(evidence), room.matcher, max_age=room.limits.feed_max_age, reported=reported
    )


def inventory_of(room: Workroom, collected: Collected) -> Inventory:
    """The documents behind evidence: as just read, else as they were kept, each when it is asked for."""
    if collected.sboms:
        return collected.inventory
    return Inventory(_KeptDocuments(room.store))


class _KeptDocuments(Mapping[Digest, SbomDocument]):
    """Reading the components of every image costs more than judging it: most rules never ask for them."""

    def __init__(self, store: ScanStore) -> None:
        self._store = store
        self._read: dict[Digest, SbomDocument] = {}

    def __getitem__(self, digest: Digest) -> SbomDocument:
        if digest not in self._read:
            document = self._store.document(digest)
            if document is None:
                raise KeyError(digest)
            self._read[digest] = document
        return self._read[digest]

    def __iter__(self) -> Iterator[Digest]:
        return iter(self._read)

    def __len__(self) -> int:
        return len(self._read)


def carried(evidence: Evidence) -> Mapping[Digest, tuple[CarriedSbom, ...]]:
    """Which documents count for which node: its own, and for a platform child those of the index that lists it."""
    of_root = _documents(evidence.root)
    nodes = {evidence.root.digest: of_root}
    for child in evidence.children:
        nodes[child.digest] = tuple(dict.fromkeys((*_documents(child), *of_root)))
    return nodes


def _documents(node: NodeEvidence) -> tuple[CarriedSbom, ...]:
    if not isinstance(node.sboms, Sboms):
        return ()
    return tuple(dict.fromkeys(CarriedSbom(sbom.document, sbom.trust) for sbom in node.sboms.items))
