"""What the feeds say, and which components it concerns.

A row of a feed is seen from the version that it was ``loaded`` with until the version that it was ``retired`` with.
An import writes its rows in small transactions under the next version, which nobody reads; publishing it is one row:
readers see the old feed or the new one, never half of it, and an interrupted import goes on where it was.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    false,
)

from gatekeeper.database.columns import Key, Moment, Words
from gatekeeper.database.metadata import key, lease_columns, metadata, refers

feed = Table(
    "feed",
    metadata,
    key(),
    # what people write
    Column("name", Text, nullable=False, unique=True),
    # osv | kev | epss | endoflife
    Column("kind", Text, nullable=False),
    Column("ecosystem", Text),
    Column("source", Words, nullable=False),
    # what `version` was made of
    Column("sha256", Text),
    Column("records", Integer, nullable=False, server_default="0"),
    # when its source was last asked with success: what freshness is counted from
    Column("fetched_at", Moment),
    # the newest record
    Column("as_of", Moment),
    # where the next incremental fetch begins, in the source's own words
    Column("cursor", Words),
    # what readers see, and what actions rest on; they differ while the newest is weighed or held
    Column("version", Integer, nullable=False, server_default="0"),
    Column("acted", Integer, nullable=False, server_default="0"),
    Column("held", Boolean, nullable=False, server_default=false()),
    # the newest change of the change counter that it made
    Column("change", BigInteger, nullable=False, server_default="0"),
    *lease_columns(),
)

feed_import = Table(
    "feed_import",
    metadata,
    # one that is under way or was interrupted
    Column("feed_id", Key, ForeignKey("feed.id"), primary_key=True),
    Column("version", Integer, nullable=False),
    # of what is imported: only the same content is taken up again
    Column("sha256", Text, nullable=False),
    Column("done", Integer, nullable=False, server_default="0"),
    Column("started_at", Moment, nullable=False),
)

feed_problem = Table(
    "feed_problem",
    metadata,
    key(),
    refers("feed_id", "feed.id"),
    Column("version", Integer, nullable=False),
    Column("record", Words, nullable=False),
    Column("reason_code", Text, nullable=False),
    Column("message", Words, nullable=False),
    Index(None, "feed_id", "version"),
)

feed_ecosystem = Table(
    "feed_ecosystem",
    metadata,
    # what its records name, as written: `Debian:12`. Whether a component is covered is decided by these.
    Column("feed_id", Key, ForeignKey("feed.id"), primary_key=True),
    Column("label", Text, primary_key=True),
    # the version that named it first, and the newest whose import met it
    Column("loaded", Integer, nullable=False),
    Column("met", Integer, nullable=False),
)

advisory = Table(
    "advisory",
    metadata,
    key(),
    refers("feed_id", "feed.id"),
    # the record's own id there: GHSA-…, DSA-…, CVE-…
    Column("record", Text, nullable=False),
    # sha256 of the record
    Column("content", LargeBinary, nullable=False),
    # sha256 of what of it can change an answer: another text is no news
    Column("meaning", LargeBinary, nullable=False),
    Column("loaded", Integer, nullable=False),
    Column("retired", Integer),
    # the newest version whose import met it: a complete one retires those it did not meet
    Column("met", Integer, nullable=False),
    Column("modified", Moment, nullable=False),
    # when we could first know of it, and of a fix; kept over its revisions
    Column("seen_at", Moment, nullable=False),
    Column("fix_seen_at", Moment),
    # the record as it came, zlib
    Column("body", LargeBinary, nullable=False),
    Index(None, "feed_id", "record"),
    Index(None, "feed_id", "loaded"),
    Index(None, "feed_id", "retired"),
)

advisory_name = Table(
    "advisory_name",
    metadata,
    # its id and aliases: what people ask for
    Column("name", Text, primary_key=True),
    Column("advisory_id", Key, ForeignKey("advisory.id"), primary_key=True),
    # a vulnerability that it refers to, not another name of it
    Column("upstream", Boolean, nullable=False),
    Index(None, "advisory_id"),
    sqlite_with_rowid=False,
)

advisory_range = Table(
    "advisory_range",
    metadata,
    key(),
    refers("advisory_id", "advisory.id"),
    refers("package_id", "package.id"),
    # versions that may be affected lie between these keys, both included; NULL: no bound. The matcher decides.
    Column("low", LargeBinary),
    Column("high", LargeBinary),
    Index(None, "package_id"),
    Index(None, "advisory_id"),
)

match = Table(
    "match",
    metadata,
    Column("advisory_id", Key, ForeignKey("advisory.id"), primary_key=True),
    Column("component_id", Key, ForeignKey("component.id"), primary_key=True),
    # affected | indeterminate
    Column("state", Text, nullable=False),
    # the Match, or the Gap of what cannot be told, as canonical JSON
    Column("body", Text, nullable=False),
    Index(None, "component_id"),
    sqlite_with_rowid=False,
)

feed_fact = Table(
    "feed_fact",
    metadata,
    key(),
    refers("feed_id", "feed.id"),
    # a CVE id (kev, epss), or product:cycle (endoflife)
    Column("name", Text, nullable=False),
    Column("loaded", Integer, nullable=False),
    Column("retired", Integer),
    Column("met", Integer, nullable=False),
    # EPSS: the probability
    Column("score", Float),
    # KEV: when it was added; endoflife: when support ends
    Column("at", Moment),
    Column("seen_at", Moment, nullable=False),
    Index(None, "name", "feed_id"),
    Index(None, "feed_id", "loaded"),
    Index(None, "feed_id", "retired"),
)

__all__ = [
    "advisory",
    "advisory_name",
    "advisory_range",
    "feed",
    "feed_ecosystem",
    "feed_fact",
    "feed_import",
    "feed_problem",
    "match",
]
