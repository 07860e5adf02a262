"""Components: SBOM documents in content-addressed groups, and the inverted index from a component to subjects."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, and_, delete, insert, select, update

from gatekeeper.core.component import OS_PACKAGE_TYPES, Component, SbomDocument
from gatekeeper.core.digest import Digest
from gatekeeper.core.evidence import Evidence, NodeEvidence, Sboms, Trust
from gatekeeper.core.match import Unjudged
from gatekeeper.core.scan import cves_reported
from gatekeeper.database import tables
from gatekeeper.database.columns import escaped_text
from gatekeeper.database.connection import Link
from gatekeeper.database.marks import chunks
from gatekeeper.database.matches import match_new_components
from gatekeeper.database.packages import package_ids
from gatekeeper.database.reported import reported_group
from gatekeeper.database.rows import read_body
from gatekeeper.database.stored import read_stored, write_stored
from gatekeeper.database.upsert import insert_missing
from gatekeeper.ports import GatheredSbom
from gatekeeper.ports.vulnerabilities import Matcher, NamedVersion, StoredComponent

_MEMBER_BITS = 7
READING = 2
"""Raised when documents are read or divided otherwise: those that an older version kept are made anew."""
UNIDENTIFIED = "?"
"""Among a subject's ecosystems: it has components that belong to none."""


class Documents:
    """The part of ``ports.VerifyStore`` that keeps what SBOMs list."""

    _link: Link

    def keep_documents(self, gathered: Sequence[GatheredSbom], matcher: Matcher) -> None:
        """New documents with their components, each component matched with every advisory. Idempotent."""
        if not gathered:
            return
        with self._link.writing(serial=True) as connection:
            keep_documents(connection, gathered, matcher)

    def document(self, digest: Digest) -> SbomDocument | None:
        """What was kept of a document; None for one that is not known.

        Where in the image a component lies (layer, paths, file digests) is not kept: images share components.
        """
        document, link, group = tables.sbom_document, tables.document_group, tables.component_group
        with self._link.reading() as connection:
            row = connection.execute(select(document).where(document.c.digest == digest)).first()
            if row is None:
                return None
            statement = (
                select(group.c.members)
                .join(link, link.c.group_id == group.c.id)
                .where(link.c.document_id == row.id)
            )
            members = [ids_of(members) for members in connection.execute(statement).scalars()]
            components = _read_components(connection, sorted(set().union(*members)))
        return dataclasses.replace(read_body(SbomDocument, row.body), components=components)


def keep_documents(connection: Connection, gathered: Sequence[GatheredSbom], matcher: Matcher) -> None:
    """In the caller's transaction, which must be a serial one."""
    for sbom in sorted(gathered, key=lambda sbom: sbom.document):
        _keep_document(connection, sbom, matcher)


def _read_components(connection: Connection, ids: Sequence[int]) -> tuple[Component, ...]:
    component = tables.component
    found: list[Component] = []
    for chunk in chunks(ids):
        bodies = connection.execute(
            select(component.c.body).where(component.c.id.in_(chunk)).order_by(component.c.id)
        ).scalars()
        found += [read_stored(body).component for body in bodies]
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Kept:
    """A component as it is stored."""

    stored: StoredComponent
    body: str
    content: bytes
    part: tuple[bool, str]
    """Of OS packages or not, and its layer: what images share."""
    vendor: str
    """The realm of the OS package that brought it; empty: none did."""


def _keep_document(connection: Connection, sbom: GatheredSbom, matcher: Matcher) -> None:
    document = tables.sbom_document
    known = connection.execute(
        select(document.c.id, document.c.reading).where(document.c.digest == sbom.document)
    ).first()
    if known is not None and known.reading >= READING:
        return
    vendors = matcher.vendors(sbom.content)
    kept = [
        _kept(component, sbom.content, vendor)
        for component, vendor in zip(sbom.content.components, vendors, strict=True)
    ]
    ids = _keep_components(connection, {entry.content: entry for entry in kept}, matcher)
    parts: dict[tuple[bool, str], dict[bytes, _Kept]] = {}
    for entry in kept:
        parts.setdefault(entry.part, {})[entry.content] = entry
    groups = {_keep_group(connection, part, ids, matcher) for part in parts.values()}
    values = {
        "format": str(sbom.content.format),
        "components": len(sbom.content.components),
        "unreadable": sbom.content.unreadable,
        "body": escaped_text(dataclasses.replace(sbom.content, components=())),
        "reading": READING,
    }
    if known is None:
        document_id = connection.execute(
            insert(document).values(digest=sbom.document, **values).returning(document.c.id)
        ).scalar_one()
    else:
        document_id = known.id
        connection.execute(update(document).where(document.c.id == document_id).values(values))
        link = tables.document_group
        connection.execute(delete(link).where(link.c.document_id == document_id))
    if groups:
        connection.execute(
            insert(tables.document_group),
            [{"document_id": document_id, "group_id": group_id} for group_id in sorted(groups)],
        )


def _kept(component: Component, document: SbomDocument, vendor: str) -> _Kept:
    """Without where it lies, so that the same package is one component in every image."""
    purl = component.package_url
    of_system = purl is not None and purl.type in OS_PACKAGE_TYPES
    bare = dataclasses.replace(component, layer="", paths=(), digests=(), brought_by="")
    stored = StoredComponent(bare, document.operating_system if of_system else None)
    body = write_stored(stored)
    # The same package is another component where a distribution vouches for it.
    content = hashlib.sha256(f"{body}\n{vendor}".encode() if vendor else body.encode()).digest()
    return _Kept(stored, body, content, (of_system, component.layer), vendor)


def _keep_components(
    connection: Connection, wanted: dict[bytes, _Kept], matcher: Matcher
) -> dict[bytes, int]:
    """The id of every component; those that are new are matched."""
    ids = _ids_of_components(connection, wanted)
    new = [wanted[content] for content in sorted(wanted) if content not in ids]
    if not new:
        return ids
    names = {entry.content: matcher.names(entry.stored) for entry in new}
    connection.execute(insert(tables.component), [_row(entry, names[entry.content]) for entry in new])
    ids |= _ids_of_components(connection, [entry.content for entry in new])
    packages = package_ids(
        connection,
        {version.package for found in names.values() if not isinstance(found, Unjudged) for version in found},
    )
    links = [
        {"package_id": packages[version.package], "component_id": ids[entry.content], "vkey": version.key}
        for entry in new
        for version in _versions(names[entry.content])
    ]
    insert_missing(connection, tables.component_package, links)
    match_new_components(connection, matcher, {ids[entry.content]: entry.stored for entry in new}, links)
    return ids


def _versions(names: tuple[NamedVersion, ...] | Unjudged) -> tuple[NamedVersion, ...]:
    return () if isinstance(names, Unjudged) else names


def _row(entry: _Kept, names: tuple[NamedVersion, ...] | Unjudged) -> dict[str, Any]:
    component = entry.stored.component
    return {
        "content": entry.content,
        "name": component.name,
        "version": component.version,
        "purl": component.purl,
        "body": entry.body,
        "unjudged": str(names) if isinstance(names, Unjudged) else None,
        "vendor": entry.vendor or None,
    }


def _ids_of_components(connection: Connection, contents: Iterable[bytes]) -> dict[bytes, int]:
    component = tables.component
    ids: dict[bytes, int] = {}
    for chunk in chunks(contents):
        found = connection.execute(
            select(component.c.content, component.c.id).where(component.c.content.in_(chunk))
        )
        ids |= {bytes(row.content): row.id for row in found}
    return ids


def _keep_group(
    connection: Connection, part: Mapping[bytes, _Kept], ids: dict[bytes, int], matcher: Matcher
) -> int:
    """The id of the group of exactly these components, by content; those of an older reading are other groups."""
    group = tables.component_group
    content = hashlib.sha256(b"%d\n" % READING + b"".join(sorted(part))).digest()
    known = connection.execute(select(group.c.id).where(group.c.content == content)).scalar()
    if known is not None:
        return int(known)
    members = sorted(ids[entry] for entry in part)
    group_id: int = connection.execute(
        insert(group)
        .values(content=content, members=members_of(members), summary=_summary(part.values(), matcher))
        .returning(group.c.id)
    ).scalar_one()
    connection.execute(
        insert(tables.group_component),
        [{"component_id": component_id, "group_id": group_id} for component_id in members],
    )
    return group_id


def _summary(part: Iterable[_Kept], matcher: Matcher) -> str:
    """``{"ecosystems": {"PyPI": 12}, "unjudged": {"no-purl": 3}, "of_vendor": {"Debian:12": {"ecosystems": …}}}``.

    A component counts once, in its realm; one that a distribution brought counts only below ``of_vendor``.
    """
    by_vendor: dict[str, dict[str, Counter[str]]] = {}

    def counted(vendor: str) -> dict[str, Counter[str]]:
        return by_vendor.setdefault(vendor, {"ecosystems": Counter(), "unjudged": Counter()})

    own = counted("")
    for entry in part:
        match matcher.realm(entry.stored):
            case Unjudged() as reason:
                counted(entry.vendor)["unjudged"][str(reason)] += 1
            case realm if realm:
                counted(entry.vendor)["ecosystems"][realm] += 1
    del by_vendor[""]
    return json.dumps({**own, "of_vendor": by_vendor}, sort_keys=True, separators=(",", ":"))


def members_of(ids: Sequence[int]) -> bytes:
    """Ascending ids as differences in LEB128."""
    packed = bytearray()
    before = 0
    for number in ids:
        left, before = number - before, number
        while left >= 1 << _MEMBER_BITS:
            packed.append(left & 0x7F | 0x80)
            left >>= _MEMBER_BITS
        packed.append(left)
    return bytes(packed)


def ids_of(packed: bytes) -> list[int]:
    """The inverse of ``members_of``."""
    ids: list[int] = []
    number = left = shift = 0
    for byte in packed:
        left |= (byte & 0x7F) << shift
        if byte & 0x80:
            shift += _MEMBER_BITS
            continue
        number += left
        ids.append(number)
        left = shift = 0
    return ids


def connect_documents(connection: Connection, subject: Any, evidence: Evidence) -> dict[str, Any]:
    """Which node carries which document with what trust, and which groups the subject consists of.

    Returns what the subject's own row says of it.
    """
    documents: set[int] = set()
    for node in (evidence.root, *evidence.children):
        if isinstance(node.sboms, Sboms):
            documents |= _connect(connection, subject.repository_id, node.digest, node.sboms)
    reported = cves_reported(evidence)
    groups = {reported_group(connection, reported)} if reported else set[int]()
    _connect_groups(connection, subject.id, documents, groups)
    trust = _least_trust(evidence)
    return {
        "sbom_trust": None if trust is None else str(trust),
        "ecosystems": _ecosystems(connection, subject.id),
    }


def _least_trust(evidence: Evidence) -> Trust | None:
    """Of the least trusted image the most trusted SBOM; an SBOM of the index counts for each image."""
    ladder = tuple(Trust)
    of_index = _ranks(evidence.root, ladder)
    best = [min((*_ranks(node, ladder), *of_index), default=None) for node in evidence.images]
    if not best or any(rank is None for rank in best):
        return None
    return ladder[max(rank for rank in best if rank is not None)]


def _ranks(node: NodeEvidence, ladder: Sequence[Trust]) -> tuple[int, ...]:
    return (
        tuple(ladder.index(sbom.trust) for sbom in node.sboms.items) if isinstance(node.sboms, Sboms) else ()
    )


def _ecosystems(connection: Connection, subject_id: int) -> tuple[str, ...]:
    group, link = tables.component_group, tables.subject_group
    names: set[str] = set()
    statement = (
        select(group.c.summary)
        .join(link, link.c.group_id == group.c.id)
        .where(link.c.subject_id == subject_id)
    )
    for summary in connection.execute(statement).scalars():
        told = json.loads(summary)
        names |= set(told["ecosystems"]) | ({UNIDENTIFIED} if told["unjudged"] else set())
    return tuple(sorted(names))


def _connect(connection: Connection, repository_id: int, digest: Digest, sboms: Sboms) -> set[int]:
    image, document, link = tables.image, tables.sbom_document, tables.image_document
    image_id = connection.execute(select(image.c.id).where(image.c.digest == digest)).scalar_one()
    documents = {
        row.digest: row.id
        for row in connection.execute(
            select(document.c.id, document.c.digest).where(
                document.c.digest.in_([sbom.document for sbom in sboms.items])
            )
        )
    }
    wanted = {
        (documents[sbom.document], sbom.carrier): {"form": str(sbom.form), "trust": str(sbom.trust)}
        for sbom in sboms.items
        if sbom.document in documents
    }
    here = and_(link.c.repository_id == repository_id, link.c.image_id == image_id)
    known = {
        (row.document_id, row.carrier): {"form": row.form, "trust": row.trust}
        for row in connection.execute(select(link).where(here))
    }
    if known != wanted:
        connection.execute(delete(link).where(here))
        rows = [
            {
                "repository_id": repository_id,
                "image_id": image_id,
                "document_id": document_id,
                "carrier": carrier,
                **said,
            }
            for (document_id, carrier), said in sorted(wanted.items())
        ]
        if rows:
            connection.execute(insert(link), rows)
    return set(documents.values())


def _connect_groups(connection: Connection, subject_id: int, documents: set[int], others: set[int]) -> None:
    """``others``: groups that are of no document."""
    of_document, link = tables.document_group, tables.subject_group
    wanted = set(others)
    for chunk in chunks(sorted(documents)):
        wanted |= set(
            connection.execute(
                select(of_document.c.group_id).where(of_document.c.document_id.in_(chunk))
            ).scalars()
        )
    known = set(connection.execute(select(link.c.group_id).where(link.c.subject_id == subject_id)).scalars())
    for chunk in chunks(sorted(known - wanted)):
        connection.execute(delete(link).where(link.c.subject_id == subject_id, link.c.group_id.in_(chunk)))
    new = [{"group_id": group_id, "subject_id": subject_id} for group_id in sorted(wanted - known)]
    if new:
        connection.execute(insert(link), new)
