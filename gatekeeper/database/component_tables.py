"""What images consist of: components, the groups they come in, and the inverted index from a component to subjects.

A group is a content-addressed set of components: images that share their packages share the group, so that an
advisory reaches a million images through some hundred rows.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
)

from gatekeeper.database.columns import DigestText, Key, Words
from gatekeeper.database.metadata import key, metadata

package = Table(
    "package",
    metadata,
    key(),
    # the name that components and advisories meet at: the ecosystem without its release, the name as normalised there
    Column("ecosystem", Text, nullable=False),
    Column("name", Words, nullable=False),
    UniqueConstraint("ecosystem", "name"),
)

component = Table(
    "component",
    metadata,
    key(),
    # sha256 of the canonical form
    Column("content", LargeBinary, nullable=False, unique=True),
    Column("name", Words, nullable=False),
    Column("version", Words, nullable=False),
    Column("purl", Words, nullable=False),
    # the whole component as canonical JSON: what is matched
    Column("body", Text, nullable=False),
    # why no advisory can name it
    Column("unjudged", Text),
    # the realm of the OS package that brought it: while feeds tell of that one, they judge the component
    Column("vendor", Text),
)

component_package = Table(
    "component_package",
    metadata,
    Column("package_id", Key, ForeignKey("package.id"), primary_key=True),
    Column("component_id", Key, ForeignKey("component.id"), primary_key=True),
    # the order-preserving key of its version there; NULL: cannot be ordered
    Column("vkey", LargeBinary),
    Index(None, "component_id"),
    sqlite_with_rowid=False,
)

component_group = Table(
    "component_group",
    metadata,
    key(),
    # sha256 over the contents of its components
    Column("content", LargeBinary, nullable=False, unique=True),
    # the ids of its components, ascending: differences as LEB128
    Column("members", LargeBinary, nullable=False),
    # how many of them belong to which realm (an ecosystem with its release), to which one under which vendor, and to
    # none for which reason;
    # canonical JSON
    Column("summary", Text, nullable=False),
    # the newest change of the feeds that concerns one of them
    Column("changed", BigInteger, nullable=False, server_default="0"),
    Index(None, "changed"),
)

group_component = Table(
    "group_component",
    metadata,
    Column("component_id", Key, ForeignKey("component.id"), primary_key=True),
    Column("group_id", Key, ForeignKey("component_group.id"), primary_key=True),
    sqlite_with_rowid=False,
)

sbom_document = Table(
    "sbom_document",
    metadata,
    key(),
    Column("digest", DigestText, nullable=False, unique=True),
    Column("format", Text, nullable=False),
    Column("components", Integer, nullable=False),
    Column("unreadable", Integer, nullable=False),
    # which reading of documents made its groups: an older one is made again when the document is met again
    Column("reading", Integer, nullable=False, server_default="0"),
    # what the document says beside its components, as canonical JSON
    Column("body", Text, nullable=False),
)

document_group = Table(
    "document_group",
    metadata,
    Column("document_id", Key, ForeignKey("sbom_document.id"), primary_key=True),
    Column("group_id", Key, ForeignKey("component_group.id"), primary_key=True),
    Index(None, "group_id"),
    sqlite_with_rowid=False,
)

image_document = Table(
    "image_document",
    metadata,
    # the same image may carry other documents elsewhere
    Column("repository_id", Key, ForeignKey("repository.id"), primary_key=True),
    Column("image_id", Key, ForeignKey("image.id"), primary_key=True),
    Column("document_id", Key, ForeignKey("sbom_document.id"), primary_key=True),
    Column("carrier", DigestText, primary_key=True),
    Column("form", Text, nullable=False),
    Column("trust", Text, nullable=False),
    Index(None, "document_id"),
)

subject_group = Table(
    "subject_group",
    metadata,
    # of the subject's own documents and of those of its platform children
    Column("group_id", Key, ForeignKey("component_group.id"), primary_key=True),
    Column("subject_id", Key, ForeignKey("subject.id"), primary_key=True),
    Index(None, "subject_id"),
    sqlite_with_rowid=False,
)

reported_cve = Table(
    "reported_cve",
    metadata,
    # what the scan reports of a subject name together is a group without components
    Column("name", Text, primary_key=True),
    Column("group_id", Key, ForeignKey("component_group.id"), primary_key=True),
    Index(None, "group_id"),
    sqlite_with_rowid=False,
)

__all__ = [
    "component",
    "component_group",
    "component_package",
    "document_group",
    "group_component",
    "image_document",
    "package",
    "reported_cve",
    "sbom_document",
    "subject_group",
]
