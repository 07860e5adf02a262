"""Opened manifests by digest: a restore survives a registry that collected them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, select

from gatekeeper.core.digest import Digest
from gatekeeper.core.evidence import ConfigFacts, NodeEvidence
from gatekeeper.database import tables
from gatekeeper.database.marks import chunks
from gatekeeper.database.upsert import insert_missing
from gatekeeper.ports import Judgement


def keep_images(connection: Connection, judgement: Judgement) -> None:
    """The opened manifests of subject and children, by digest."""
    nodes = (judgement.evidence.root, *judgement.evidence.children)
    rows = {node.digest: _image(node, judgement.raw_manifests.get(node.digest)) for node in nodes}
    for digest, raw in judgement.raw_manifests.items():
        rows.setdefault(digest, {"digest": digest, "media_type": None, "platform": None, "raw": raw})
    known = _known_images(connection, rows)
    new = [rows[digest] for digest in sorted(rows) if digest not in known]
    insert_missing(connection, tables.image, new)
    image = tables.image
    for digest in sorted(known):
        raw = rows[digest]["raw"]
        if raw is not None and not known[digest]:
            connection.execute(
                image.update().where(image.c.digest == digest, image.c.raw.is_(None)).values(raw=raw)
            )


def _known_images(connection: Connection, digests: Iterable[Digest]) -> dict[Digest, bool]:
    """Which are known, and whether their bytes are."""
    image = tables.image
    known: dict[Digest, bool] = {}
    for chunk in chunks(sorted(digests)):
        found = connection.execute(
            select(image.c.digest, image.c.raw.is_not(None).label("whole")).where(image.c.digest.in_(chunk))
        )
        known.update({row.digest: bool(row.whole) for row in found})
    return known


def _image(node: NodeEvidence, raw: bytes | None) -> dict[str, Any]:
    platform = node.platform
    if platform is None and isinstance(node.config, ConfigFacts):
        platform = node.config.platform
    return {
        "digest": node.digest,
        "media_type": node.media_type,
        "platform": None if platform is None else str(platform),
        "raw": raw,
    }
