"""First sight: when we first recorded a signature. Without trusted time it is what a key's window is compared with."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from datetime import datetime

from gatekeeper.core.digest import Digest
from gatekeeper.core.evidence import Candidate, Candidates, Evidence, NodeEvidence, Outcome


def verified_candidates(evidence: Evidence) -> Iterator[Candidate]:
    """Every verified candidate of the subject and its children."""
    for node in (evidence.root, *evidence.children):
        if isinstance(node.signatures, Candidates):
            yield from (item for item in node.signatures.items if item.outcome is Outcome.VERIFIED)


def signatures_of(evidence: Evidence) -> frozenset[Digest]:
    """The verified signatures, each by its own digest, wherever it is stored."""
    return frozenset(item.signature for item in verified_candidates(evidence) if item.signature is not None)


def sighted(evidence: Evidence, known: Mapping[Digest, datetime], now: datetime) -> Evidence:
    """The evidence with the first sight of each verified signature: what is known, else now."""
    return dataclasses.replace(
        evidence,
        root=_sighted_node(evidence.root, known, now),
        children=tuple(_sighted_node(child, known, now) for child in evidence.children),
    )


def _sighted_node(node: NodeEvidence, known: Mapping[Digest, datetime], now: datetime) -> NodeEvidence:
    if not isinstance(node.signatures, Candidates):
        return node
    items = tuple(_sighted_candidate(item, known, now) for item in node.signatures.items)
    return dataclasses.replace(node, signatures=dataclasses.replace(node.signatures, items=items))


def _sighted_candidate(item: Candidate, known: Mapping[Digest, datetime], now: datetime) -> Candidate:
    if item.outcome is not Outcome.VERIFIED or item.signature is None:
        return item
    return dataclasses.replace(item, first_seen=known.get(item.signature, now))
