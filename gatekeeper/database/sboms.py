"""Components: one group for each SBOM document, shared by every image that carries it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, and_, delete, insert, select

from gatekeeper.core.component import Component
from gatekeeper.core.digest import Digest
from gatekeeper.core.evidence import ConfigFacts, Evidence, NodeEvidence, Sboms
from gatekeeper.database import tables
from gatekeeper.database.columns import storable
from gatekeeper.database.marks import chunks
from gatekeeper.database.upsert import insert_missing
from gatekeeper.ports import GatheredSbom, Judgement


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


def keep_sboms(
    connection: Connection, repository_id: int, evidence: Evidence, gathered: Sequence[GatheredSbom]
) -> None:
    """New documents with their components, and which node carries which with what trust."""
    for sbom in sorted(gathered, key=lambda sbom: sbom.document):
        _keep_document(connection, sbom)
    for node in (evidence.root, *evidence.children):
        if isinstance(node.sboms, Sboms):
            _connect(connection, repository_id, node.digest, node.sboms)


def _keep_document(connection: Connection, sbom: GatheredSbom) -> None:
    group = tables.component_group
    if connection.execute(select(group.c.id).where(group.c.digest == sbom.document)).first() is not None:
        return
    rows = {row["content"]: row for row in map(_component, sbom.content.components)}
    insert_missing(connection, tables.component, [rows[content] for content in sorted(rows)])
    group_id = connection.execute(
        insert(group)
        .values(
            digest=sbom.document, components=len(sbom.content.components), unreadable=sbom.content.unreadable
        )
        .returning(group.c.id)
    ).scalar_one()
    component = tables.component
    for chunk in chunks(sorted(rows)):
        ids = connection.execute(select(component.c.id).where(component.c.content.in_(chunk))).scalars()
        connection.execute(
            insert(tables.group_component),
            [{"group_id": group_id, "component_id": component_id} for component_id in sorted(ids)],
        )


def _component(component: Component) -> dict[str, Any]:
    licence = "" if component.licence is None else str(component.licence)
    texts = [storable(text) for text in (component.name, component.version, component.purl, licence)]
    content = hashlib.sha256("\0".join(texts).encode()).digest()
    return dict(zip(("content", "name", "version", "purl", "licence"), (content, *texts), strict=True))


def _connect(connection: Connection, repository_id: int, digest: Digest, sboms: Sboms) -> None:
    image, group, link = tables.image, tables.component_group, tables.image_group
    image_id = connection.execute(select(image.c.id).where(image.c.digest == digest)).scalar_one()
    groups = {
        row.digest: row.id
        for row in connection.execute(
            select(group.c.id, group.c.digest).where(
                group.c.digest.in_([sbom.document for sbom in sboms.items])
            )
        )
    }
    wanted = {
        (groups[sbom.document], sbom.carrier): {"form": str(sbom.form), "trust": str(sbom.trust)}
        for sbom in sboms.items
        if sbom.document in groups
    }
    here = and_(link.c.repository_id == repository_id, link.c.image_id == image_id)
    known = {
        (row.group_id, row.carrier): {"form": row.form, "trust": row.trust}
        for row in connection.execute(select(link).where(here))
    }
    if known == wanted:
        return
    connection.execute(delete(link).where(here))
    if wanted:
        connection.execute(
            insert(link),
            [
                {
                    "repository_id": repository_id,
                    "image_id": image_id,
                    "group_id": group_id,
                    "carrier": carrier,
                    **said,
                }
                for (group_id, carrier), said in sorted(wanted.items())
            ],
        )
