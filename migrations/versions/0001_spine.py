"""The tables of the spine, with the triggers that keep the audit chain append-only."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TABLES_DOWN = (
    "audit",
    "outbox",
    "image_group",
    "group_component",
    "component_group",
    "component",
    "our_tag",
    "intent",
    "counter",
    "api_token",
    "policy",
    "brake",
    "waiver",
    "case",
    "verdict",
    "evidence",
    "image",
    "subject",
    "passed_tag",
    "observation",
    "tag",
    "repository",
    "registry",
)

SQLITE_TRIGGER = """
CREATE TRIGGER audit_refuses_{event} BEFORE {event} ON audit
BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END
"""
POSTGRESQL_FUNCTION = """
CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'the audit trail is append-only'; END $$
"""
POSTGRESQL_TRIGGERS = (
    "audit_refuses_change BEFORE UPDATE OR DELETE ON audit FOR EACH ROW",
    "audit_refuses_truncate BEFORE TRUNCATE ON audit FOR EACH STATEMENT",
)


def _watched() -> None:
    op.create_table(
        "registry",
        sa.Column("id", KEY, nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_registry")),
        sa.UniqueConstraint("host", name=op.f("uq_registry_host")),
    )
    op.create_table(
        "repository",
        sa.Column("id", KEY, nullable=False),
        sa.Column("registry_id", KEY, nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("added_at", sa.BigInteger(), nullable=False),
        sa.Column("interval", sa.BigInteger(), nullable=False),
        sa.Column("next_due", sa.BigInteger(), nullable=True),
        sa.Column("priority", sa.Integer(), server_default="0", nullable=False),
        sa.Column("lease_until", sa.BigInteger(), nullable=True),
        sa.Column("lease_token", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["registry_id"], ["registry.id"], name=op.f("fk_repository_registry_id_registry")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_repository")),
        sa.UniqueConstraint("name", name=op.f("uq_repository_name")),
        sa.UniqueConstraint("registry_id", "path", name=op.f("uq_repository_registry_id_path")),
    )
    op.create_index("ix_repository_registry_id_next_due", "repository", ["registry_id", "next_due"])
    op.create_table(
        "tag",
        sa.Column("id", KEY, nullable=False),
        sa.Column("repository_id", KEY, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("missing", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.ForeignKeyConstraint(
            ["repository_id"], ["repository.id"], name=op.f("fk_tag_repository_id_repository")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tag")),
        sa.UniqueConstraint("repository_id", "name", name=op.f("uq_tag_repository_id_name")),
    )
    op.create_index("ix_tag_repository_id_digest", "tag", ["repository_id", "digest"])
    op.create_table(
        "observation",
        sa.Column("id", KEY, nullable=False),
        sa.Column("repository_id", KEY, nullable=False),
        sa.Column("tag", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["repository_id"], ["repository.id"], name=op.f("fk_observation_repository_id_repository")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_observation")),
    )
    op.create_index("ix_observation_repository_id_tag_id", "observation", ["repository_id", "tag", "id"])
    op.create_table(
        "passed_tag",
        sa.Column("repository_id", KEY, nullable=False),
        sa.Column("tag", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["repository_id"], ["repository.id"], name=op.f("fk_passed_tag_repository_id_repository")
        ),
        sa.PrimaryKeyConstraint("repository_id", "tag", "digest", name=op.f("pk_passed_tag")),
    )


def _subjects() -> None:
    op.create_table(
        "subject",
        sa.Column("id", KEY, nullable=False),
        sa.Column("registry_id", KEY, nullable=False),
        sa.Column("repository_id", KEY, nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("first_seen", sa.BigInteger(), nullable=False),
        sa.Column("dropped", sa.Text(), nullable=True),
        sa.Column("marked_at", sa.BigInteger(), nullable=True),
        sa.Column("marks", sa.Integer(), server_default="0", nullable=False),
        sa.Column("claimed_marks", sa.Integer(), server_default="0", nullable=False),
        sa.Column("evidence_due", sa.BigInteger(), nullable=True),
        sa.Column("undetermined_since", sa.BigInteger(), nullable=True),
        sa.Column("verdict_id", KEY, nullable=True),
        sa.Column("case_id", KEY, nullable=True),
        sa.Column("state", sa.Text(), nullable=True),
        sa.Column("policy_revision", sa.Text(), nullable=True),
        sa.Column("next_due", sa.BigInteger(), nullable=True),
        sa.Column("priority", sa.Integer(), server_default="0", nullable=False),
        sa.Column("lease_until", sa.BigInteger(), nullable=True),
        sa.Column("lease_token", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["registry_id"], ["registry.id"], name=op.f("fk_subject_registry_id_registry")
        ),
        sa.ForeignKeyConstraint(
            ["repository_id"], ["repository.id"], name=op.f("fk_subject_repository_id_repository")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subject")),
        sa.UniqueConstraint("repository_id", "digest", name=op.f("uq_subject_repository_id_digest")),
    )
    op.create_index("ix_subject_digest", "subject", ["digest"])
    op.create_index("ix_subject_registry_id_next_due", "subject", ["registry_id", "next_due"])
    op.create_index("ix_subject_state_id", "subject", ["state", "id"])


def _judged() -> None:
    op.create_table(
        "image",
        sa.Column("id", KEY, nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=True),
        sa.Column("platform", sa.Text(), nullable=True),
        sa.Column("raw", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_image")),
        sa.UniqueConstraint("digest", name=op.f("uq_image_digest")),
    )
    op.create_table(
        "evidence",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("gathered_at", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_evidence")),
    )
    op.create_table(
        "verdict",
        sa.Column("id", KEY, nullable=False),
        sa.Column("subject_id", KEY, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason_code", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("policy_revision", sa.Text(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("key_set", sa.Text(), nullable=False),
        sa.Column("evaluator", sa.Integer(), nullable=False),
        sa.Column("first_decided_at", sa.BigInteger(), nullable=False),
        sa.Column("decided_at", sa.BigInteger(), nullable=False),
        sa.Column("recheck_at", sa.BigInteger(), nullable=False),
        sa.Column("next_deadline", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["evidence"], ["evidence.digest"], name=op.f("fk_verdict_evidence_evidence")),
        sa.ForeignKeyConstraint(["subject_id"], ["subject.id"], name=op.f("fk_verdict_subject_id_subject")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_verdict")),
    )
    op.create_index("ix_verdict_subject_id_id", "verdict", ["subject_id", "id"])


def _reviewed() -> None:
    op.create_table(
        "case",
        sa.Column("id", KEY, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("repository_id", KEY, nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("tags", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("reason_code", sa.Text(), nullable=False),
        sa.Column("why_proposed", sa.Text(), nullable=True),
        sa.Column("fingerprints", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("release_proposed_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["repository_id"], ["repository.id"], name=op.f("fk_case_repository_id_repository")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case")),
        sa.UniqueConstraint("name", name=op.f("uq_case_name")),
    )
    op.create_index("ix_case_repository_id_digest_id", "case", ["repository_id", "digest", "id"])
    op.create_index("ix_case_state_id", "case", ["state", "id"])
    op.create_table(
        "waiver",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=True),
        sa.Column("fingerprints", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=True),
        sa.Column("repository_glob", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("approver", sa.Text(), nullable=True),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("added_at", sa.BigInteger(), nullable=False),
        sa.Column("case_id", KEY, nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["case.id"], name=op.f("fk_waiver_case_id_case")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_waiver")),
    )
    op.create_index("ix_waiver_digest", "waiver", ["digest"])


def _settings() -> None:
    op.create_table(
        "brake",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_brake")),
    )
    op.create_table(
        "policy",
        sa.Column("revision", sa.Text(), nullable=False),
        sa.Column("loaded_at", sa.BigInteger(), nullable=False),
        sa.Column("current", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("revision", name=op.f("pk_policy")),
    )
    op.create_table(
        "api_token",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("repositories", sa.Text(), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("one_use", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_token")),
    )
    op.create_table(
        "counter",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_counter")),
    )


def _carried_out() -> None:
    op.create_table(
        "intent",
        sa.Column("id", KEY, nullable=False),
        sa.Column("registry_id", KEY, nullable=False),
        sa.Column("repository_id", KEY, nullable=False),
        sa.Column("case_id", KEY, nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("tag", sa.Text(), nullable=True),
        sa.Column("nonce", sa.Text(), nullable=False),
        sa.Column("shown", sa.Text(), nullable=True),
        sa.Column("replaces", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("buries", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("counted", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("next_due", sa.BigInteger(), nullable=True),
        sa.Column("priority", sa.Integer(), server_default="0", nullable=False),
        sa.Column("lease_until", sa.BigInteger(), nullable=True),
        sa.Column("lease_token", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["case.id"], name=op.f("fk_intent_case_id_case")),
        sa.ForeignKeyConstraint(
            ["registry_id"], ["registry.id"], name=op.f("fk_intent_registry_id_registry")
        ),
        sa.ForeignKeyConstraint(
            ["repository_id"], ["repository.id"], name=op.f("fk_intent_repository_id_repository")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_intent")),
        sa.UniqueConstraint("nonce", name=op.f("uq_intent_nonce")),
    )
    op.create_index("ix_intent_case_id", "intent", ["case_id"])
    op.create_index("ix_intent_counted_created_at", "intent", ["counted", "created_at"])
    op.create_index("ix_intent_registry_id_next_due", "intent", ["registry_id", "next_due"])
    op.create_index("ix_intent_repository_id_tag_shown", "intent", ["repository_id", "tag", "shown"])
    op.create_index(
        "uq_intent_open",
        "intent",
        ["repository_id", "tag"],
        unique=True,
        sqlite_where=sa.text("kind <> 'anchor' AND state IN ('planned', 'copied', 'written')"),
        postgresql_where=sa.text("kind <> 'anchor' AND state IN ('planned', 'copied', 'written')"),
    )
    op.create_table(
        "our_tag",
        sa.Column("id", KEY, nullable=False),
        sa.Column("repository", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("intent_id", KEY, nullable=False),
        sa.ForeignKeyConstraint(["intent_id"], ["intent.id"], name=op.f("fk_our_tag_intent_id_intent")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_our_tag")),
        sa.UniqueConstraint("repository", "name", name=op.f("uq_our_tag_repository_name")),
    )
    op.create_index("ix_our_tag_intent_id", "our_tag", ["intent_id"])


def _components() -> None:
    op.create_table(
        "component",
        sa.Column("id", KEY, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("purl", sa.Text(), nullable=False),
        sa.Column("licence", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_component")),
        sa.UniqueConstraint("content", name=op.f("uq_component_content")),
    )
    op.create_table(
        "component_group",
        sa.Column("id", KEY, nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("components", sa.Integer(), nullable=False),
        sa.Column("unreadable", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_component_group")),
        sa.UniqueConstraint("digest", name=op.f("uq_component_group_digest")),
    )
    op.create_table(
        "group_component",
        sa.Column("group_id", KEY, nullable=False),
        sa.Column("component_id", KEY, nullable=False),
        sa.ForeignKeyConstraint(
            ["component_id"], ["component.id"], name=op.f("fk_group_component_component_id_component")
        ),
        sa.ForeignKeyConstraint(
            ["group_id"], ["component_group.id"], name=op.f("fk_group_component_group_id_component_group")
        ),
        sa.PrimaryKeyConstraint("group_id", "component_id", name=op.f("pk_group_component")),
    )
    op.create_index("ix_group_component_component_id", "group_component", ["component_id"])
    op.create_table(
        "image_group",
        sa.Column("repository_id", KEY, nullable=False),
        sa.Column("image_id", KEY, nullable=False),
        sa.Column("group_id", KEY, nullable=False),
        sa.Column("carrier", sa.Text(), nullable=False),
        sa.Column("form", sa.Text(), nullable=False),
        sa.Column("trust", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["group_id"], ["component_group.id"], name=op.f("fk_image_group_group_id_component_group")
        ),
        sa.ForeignKeyConstraint(["image_id"], ["image.id"], name=op.f("fk_image_group_image_id_image")),
        sa.ForeignKeyConstraint(
            ["repository_id"], ["repository.id"], name=op.f("fk_image_group_repository_id_repository")
        ),
        sa.PrimaryKeyConstraint(
            "repository_id", "image_id", "group_id", "carrier", name=op.f("pk_image_group")
        ),
    )
    op.create_index("ix_image_group_group_id", "image_group", ["group_id"])


def _told() -> None:
    op.create_table(
        "outbox",
        sa.Column("id", KEY, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_due", sa.BigInteger(), nullable=True),
        sa.Column("priority", sa.Integer(), server_default="0", nullable=False),
        sa.Column("lease_until", sa.BigInteger(), nullable=True),
        sa.Column("lease_token", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
    )
    op.create_index("ix_outbox_next_due", "outbox", ["next_due"])
    op.create_table(
        "audit",
        sa.Column("seq", KEY, autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("prev_hash", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit")),
    )
    op.create_index("ix_audit_subject_seq", "audit", ["subject", "seq"])


def upgrade() -> None:
    _watched()
    _subjects()
    _judged()
    _reviewed()
    _settings()
    _carried_out()
    _components()
    _told()
    op.execute("INSERT INTO counter (name, value) VALUES ('change', 0)")
    _triggers()


def _triggers() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for event in ("UPDATE", "DELETE"):
            op.execute(SQLITE_TRIGGER.format(event=event))
        return
    op.execute(POSTGRESQL_FUNCTION)
    for trigger in POSTGRESQL_TRIGGERS:
        op.execute(f"CREATE TRIGGER {trigger} EXECUTE FUNCTION audit_is_append_only()")


def downgrade() -> None:
    for table in TABLES_DOWN:
        op.drop_table(table)
    if op.get_bind().dialect.name != "sqlite":
        op.execute("DROP FUNCTION audit_is_append_only()")
