"""What scanner reports read beside the scan: the indexes that name an image, and the texts of advisories."""

from __future__ import annotations

import zlib
from collections.abc import Iterable

from sqlalchemy import or_, select

from gatekeeper.core.digest import Digest
from gatekeeper.core.manifest import DOCKER_LIST, OCI_INDEX
from gatekeeper.core.reference import Repository
from gatekeeper.database import tables
from gatekeeper.database.connection import Link
from gatekeeper.database.marks import chunks


class ScannerReports:
    """``ports.ScannerReportStore``."""

    _link: Link

    def indexes_naming(self, repository: Repository, digest: Digest) -> tuple[Digest, ...]:
        """Judged indexes of this repository whose manifest names the digest, the newest first."""
        image, subject, table = tables.image, tables.subject, tables.repository
        statement = (
            select(image.c.digest, image.c.raw)
            .join(subject, subject.c.digest == image.c.digest)
            .join(table, table.c.id == subject.c.repository_id)
            .where(
                table.c.name == str(repository),
                subject.c.dropped.is_(None),
                subject.c.verdict_id.is_not(None),
                image.c.media_type.in_((OCI_INDEX, DOCKER_LIST)),
                image.c.raw.is_not(None),
            )
            .order_by(subject.c.id.desc())
        )
        wanted = str(digest).encode()
        with self._link.reading() as connection:
            # Every judged image of an index is kept: one that is not known is in none.
            if connection.execute(select(image.c.id).where(image.c.digest == digest)).first() is None:
                return ()
            return tuple(row.digest for row in connection.execute(statement) if wanted in bytes(row.raw))

    def advisory_records(self, names: Iterable[str]) -> dict[str, bytes]:
        """Records of the feeds by their own id, as they came; of several with one id the last modified."""
        named, advisory, feed = tables.advisory_name, tables.advisory, tables.feed
        found: dict[str, bytes] = {}
        with self._link.reading() as connection:
            for chunk in chunks(sorted(set(names))):
                statement = (
                    select(advisory.c.record, advisory.c.body)
                    .join(named, named.c.advisory_id == advisory.c.id)
                    .join(feed, feed.c.id == advisory.c.feed_id)
                    .where(
                        named.c.name.in_(chunk),
                        advisory.c.record == named.c.name,
                        advisory.c.loaded <= feed.c.version,
                        or_(advisory.c.retired.is_(None), advisory.c.retired > feed.c.version),
                    )
                    .order_by(advisory.c.modified)
                )
                found |= {row.record: zlib.decompress(row.body) for row in connection.execute(statement)}
        return found
