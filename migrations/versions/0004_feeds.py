"""Feeds, advisories and matches; components in content-addressed groups with an inverted index to subjects.

Components were kept by document, without what matching needs (source packages, the distribution). They are dropped,
and every subject is due for new evidence: the registry still has the documents.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
OLD_TABLES = ("image_group", "group_component", "component_group", "component")
NEW_TABLES = (
    "match",
    "advisory_range",
    "advisory_name",
    "advisory",
    "feed_fact",
    "feed_problem",
    "feed_import",
    "feed",
    "subject_group",
    "image_document",
    "document_group",
    "sbom_document",
    "group_component",
    "component_group",
    "component_package",
    "component",
    "package",
)


def _id(table: str) -> tuple[sa.Column[int], sa.PrimaryKeyConstraint]:
    return (
        sa.Column("id", KEY, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    )


def _refers(table: str, column: str, target: str) -> tuple[sa.Column[int], sa.ForeignKeyConstraint]:
    return (
        sa.Column(column, KEY, nullable=False),
        sa.ForeignKeyConstraint([column], [f"{target}.id"], name=op.f(f"fk_{table}_{column}_{target}")),
    )


def _components() -> None:
    op.create_table(
        "package",
        *_id("package"),
        sa.Column("ecosystem", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.UniqueConstraint("ecosystem", "name", name=op.f("uq_package_ecosystem_name")),
    )
    op.create_table(
        "component",
        *_id("component"),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("purl", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("unjudged", sa.Text(), nullable=True),
        sa.UniqueConstraint("content", name=op.f("uq_component_content")),
    )
    op.create_table(
        "component_package",
        *_refers("component_package", "package_id", "package"),
        *_refers("component_package", "component_id", "component"),
        sa.Column("vkey", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("package_id", "component_id", name=op.f("pk_component_package")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_component_package_component_id", "component_package", ["component_id"])
    op.create_table(
        "component_group",
        *_id("component_group"),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("members", sa.LargeBinary(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("changed", sa.BigInteger(), server_default="0", nullable=False),
        sa.UniqueConstraint("content", name=op.f("uq_component_group_content")),
    )
    op.create_index("ix_component_group_changed", "component_group", ["changed"])
    op.create_table(
        "group_component",
        *_refers("group_component", "component_id", "component"),
        *_refers("group_component", "group_id", "component_group"),
        sa.PrimaryKeyConstraint("component_id", "group_id", name=op.f("pk_group_component")),
        sqlite_with_rowid=False,
    )


def _documents() -> None:
    op.create_table(
        "sbom_document",
        *_id("sbom_document"),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("components", sa.Integer(), nullable=False),
        sa.Column("unreadable", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.UniqueConstraint("digest", name=op.f("uq_sbom_document_digest")),
    )
    op.create_table(
        "document_group",
        *_refers("document_group", "document_id", "sbom_document"),
        *_refers("document_group", "group_id", "component_group"),
        sa.PrimaryKeyConstraint("document_id", "group_id", name=op.f("pk_document_group")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_document_group_group_id", "document_group", ["group_id"])
    op.create_table(
        "image_document",
        *_refers("image_document", "repository_id", "repository"),
        *_refers("image_document", "image_id", "image"),
        *_refers("image_document", "document_id", "sbom_document"),
        sa.Column("carrier", sa.Text(), nullable=False),
        sa.Column("form", sa.Text(), nullable=False),
        sa.Column("trust", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint(
            "repository_id", "image_id", "document_id", "carrier", name=op.f("pk_image_document")
        ),
    )
    op.create_index("ix_image_document_document_id", "image_document", ["document_id"])
    op.create_table(
        "subject_group",
        *_refers("subject_group", "group_id", "component_group"),
        *_refers("subject_group", "subject_id", "subject"),
        sa.PrimaryKeyConstraint("group_id", "subject_id", name=op.f("pk_subject_group")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_subject_group_subject_id", "subject_group", ["subject_id"])


def _feeds() -> None:
    op.create_table(
        "feed",
        *_id("feed"),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("ecosystem", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=True),
        sa.Column("records", sa.Integer(), server_default="0", nullable=False),
        sa.Column("fetched_at", sa.BigInteger(), nullable=True),
        sa.Column("as_of", sa.BigInteger(), nullable=True),
        sa.Column("cursor", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="0", nullable=False),
        sa.Column("acted", sa.Integer(), server_default="0", nullable=False),
        sa.Column("held", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("change", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("next_due", sa.BigInteger(), nullable=True),
        sa.Column("priority", sa.Integer(), server_default="0", nullable=False),
        sa.Column("lease_until", sa.BigInteger(), nullable=True),
        sa.Column("lease_token", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.UniqueConstraint("name", name=op.f("uq_feed_name")),
    )
    op.create_table(
        "feed_import",
        *_refers("feed_import", "feed_id", "feed"),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("done", sa.Integer(), server_default="0", nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("feed_id", name=op.f("pk_feed_import")),
    )
    op.create_table(
        "feed_problem",
        *_id("feed_problem"),
        *_refers("feed_problem", "feed_id", "feed"),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("record", sa.Text(), nullable=False),
        sa.Column("reason_code", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
    )
    op.create_index("ix_feed_problem_feed_id_version", "feed_problem", ["feed_id", "version"])
    op.create_table(
        "feed_fact",
        *_id("feed_fact"),
        *_refers("feed_fact", "feed_id", "feed"),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("loaded", sa.Integer(), nullable=False),
        sa.Column("retired", sa.Integer(), nullable=True),
        sa.Column("met", sa.Integer(), nullable=False),
        sa.Column("score", sa.Float(), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=True),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
    )
    for columns in (["name", "feed_id"], ["feed_id", "loaded"], ["feed_id", "retired"]):
        op.create_index(f"ix_feed_fact_{'_'.join(columns)}", "feed_fact", columns)


def _advisories() -> None:
    op.create_table(
        "advisory",
        *_id("advisory"),
        *_refers("advisory", "feed_id", "feed"),
        sa.Column("record", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("meaning", sa.LargeBinary(), nullable=False),
        sa.Column("loaded", sa.Integer(), nullable=False),
        sa.Column("retired", sa.Integer(), nullable=True),
        sa.Column("met", sa.Integer(), nullable=False),
        sa.Column("modified", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("fix_seen_at", sa.BigInteger(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=False),
    )
    for columns in (["feed_id", "record"], ["feed_id", "loaded"], ["feed_id", "retired"]):
        op.create_index(f"ix_advisory_{'_'.join(columns)}", "advisory", columns)
    op.create_table(
        "advisory_name",
        sa.Column("name", sa.Text(), nullable=False),
        *_refers("advisory_name", "advisory_id", "advisory"),
        sa.Column("upstream", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("name", "advisory_id", name=op.f("pk_advisory_name")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_advisory_name_advisory_id", "advisory_name", ["advisory_id"])
    op.create_table(
        "advisory_range",
        *_id("advisory_range"),
        *_refers("advisory_range", "advisory_id", "advisory"),
        *_refers("advisory_range", "package_id", "package"),
        sa.Column("low", sa.LargeBinary(), nullable=True),
        sa.Column("high", sa.LargeBinary(), nullable=True),
    )
    op.create_index("ix_advisory_range_package_id", "advisory_range", ["package_id"])
    op.create_index("ix_advisory_range_advisory_id", "advisory_range", ["advisory_id"])
    op.create_table(
        "match",
        *_refers("match", "advisory_id", "advisory"),
        *_refers("match", "component_id", "component"),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("advisory_id", "component_id", name=op.f("pk_match")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_match_component_id", "match", ["component_id"])


def _subject_columns() -> tuple[sa.Column[object], ...]:
    return (
        sa.Column("judged_change", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("marked_change", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("failed_by_change", sa.BigInteger()),
        sa.Column("fails_at", sa.BigInteger()),
        sa.Column("sbom_trust", sa.Text()),
        sa.Column("ecosystems", sa.Text()),
    )


def _judge_again() -> None:
    op.execute(
        "UPDATE subject SET evidence_due = 0, next_due = 0, marked_at = coalesce(marked_at, 0), marks = marks + 1"
        " WHERE dropped IS NULL"
    )


def upgrade() -> None:
    for table in OLD_TABLES:
        op.drop_table(table)
    _components()
    _documents()
    _feeds()
    _advisories()
    for column in _subject_columns():
        op.add_column("subject", column)
    op.create_index("ix_subject_fails_at", "subject", ["fails_at"])
    op.execute("INSERT INTO counter (name, value) VALUES ('feed', 0), ('feed-marked', 0)")
    _judge_again()


def downgrade() -> None:
    op.execute("DELETE FROM counter WHERE name IN ('feed', 'feed-marked')")
    for table in NEW_TABLES:
        op.drop_table(table)
    op.drop_index("ix_subject_fails_at", table_name="subject")
    for column in reversed(_subject_columns()):
        op.drop_column("subject", column.name)
    _old_components()
    _judge_again()


def _old_components() -> None:
    op.create_table(
        "component",
        *_id("component"),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("purl", sa.Text(), nullable=False),
        sa.Column("licence", sa.Text(), nullable=False),
        sa.UniqueConstraint("content", name=op.f("uq_component_content")),
    )
    op.create_table(
        "component_group",
        *_id("component_group"),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("components", sa.Integer(), nullable=False),
        sa.Column("unreadable", sa.Integer(), nullable=False),
        sa.UniqueConstraint("digest", name=op.f("uq_component_group_digest")),
    )
    op.create_table(
        "group_component",
        *_refers("group_component", "group_id", "component_group"),
        *_refers("group_component", "component_id", "component"),
        sa.PrimaryKeyConstraint("group_id", "component_id", name=op.f("pk_group_component")),
    )
    op.create_index("ix_group_component_component_id", "group_component", ["component_id"])
    op.create_table(
        "image_group",
        *_refers("image_group", "repository_id", "repository"),
        *_refers("image_group", "image_id", "image"),
        *_refers("image_group", "group_id", "component_group"),
        sa.Column("carrier", sa.Text(), nullable=False),
        sa.Column("form", sa.Text(), nullable=False),
        sa.Column("trust", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint(
            "repository_id", "image_id", "group_id", "carrier", name=op.f("pk_image_group")
        ),
    )
    op.create_index("ix_image_group_group_id", "image_group", ["group_id"])
