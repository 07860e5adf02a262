"""The tables (design, section 6). Only this room imports them; ``migrations/`` must always agree with them.

Rows that are worked on (repository, subject, intent) carry the same lease columns: ``next_due`` (NULL: nothing to do),
``priority``, ``lease_until`` and ``lease_token``, which only ever rises.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

from gatekeeper.database.columns import DigestText, Duration, Key, Moment, Names, Words

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _lease_columns() -> tuple[Column[object], ...]:
    return (
        Column("next_due", Moment),
        Column("priority", Integer, nullable=False, server_default="0"),
        Column("lease_until", Moment),
        Column("lease_token", BigInteger, nullable=False, server_default="0"),
        Column("error", Words),
    )


def _key() -> Column[int]:
    return Column("id", Key, primary_key=True)


def _refers(name: str, column: str, *, nullable: bool = False) -> Column[int]:
    return Column(name, Key, ForeignKey(column), nullable=nullable)


registry = Table(
    "registry",
    metadata,
    _key(),
    Column("host", Text, nullable=False, unique=True),
    # since when so much has vanished or moved there that nothing of it is recorded until it is believed
    Column("doubted_at", Moment),
    Column("doubt", Words),
)

repository = Table(
    "repository",
    metadata,
    _key(),
    _refers("registry_id", "registry.id"),
    Column("path", Text, nullable=False),
    # host/path: what globs match and what people write
    Column("name", Text, nullable=False, unique=True),
    Column("added_at", Moment, nullable=False),
    Column("interval", Duration, nullable=False),
    # digests first seen before this moment are proposed only: the scope began to act here then
    Column("baseline_at", Moment),
    # of the last round that read everything it wanted to read
    Column("read_at", Moment),
    # tags known before the last round, and how many of those it saw vanished or moved
    Column("known_tags", Integer, nullable=False, server_default="0"),
    Column("changed_tags", Integer, nullable=False, server_default="0"),
    # a person has said so: the next round is recorded, whatever it saw
    Column("believed", Boolean, nullable=False, server_default=false()),
    *_lease_columns(),
    UniqueConstraint("registry_id", "path"),
    Index(None, "registry_id", "next_due"),
)

tag = Table(
    "tag",
    metadata,
    _key(),
    _refers("repository_id", "repository.id"),
    Column("name", Text, nullable=False),
    Column("digest", DigestText, nullable=False),
    Column("since", Moment, nullable=False),
    # answered 404 once: gone only when another round confirms it
    Column("missing", Boolean, nullable=False, server_default=false()),
    UniqueConstraint("repository_id", "name"),
    Index(None, "repository_id", "digest"),
)

observation = Table(
    "observation",
    metadata,
    _key(),
    _refers("repository_id", "repository.id"),
    Column("tag", Text, nullable=False),
    # NULL: the tag was gone
    Column("digest", DigestText),
    Column("at", Moment, nullable=False),
    Index(None, "repository_id", "tag", "id"),
)

subject = Table(
    "subject",
    metadata,
    _key(),
    _refers("registry_id", "registry.id"),
    _refers("repository_id", "repository.id"),
    Column("digest", DigestText, nullable=False),
    Column("first_seen", Moment, nullable=False),
    # why it is none after all; such a row is never due and answers nothing
    Column("dropped", Words),
    # since when an event (not only time) asks for a new judgement
    Column("marked_at", Moment),
    # counts those events; a judgement that began before the last of them leaves the subject due
    Column("marks", Integer, nullable=False, server_default="0"),
    Column("claimed_marks", Integer, nullable=False, server_default="0"),
    Column("evidence_due", Moment),
    Column("undetermined_since", Moment),
    # the policy revision that turned it from passed to failed, while nobody has accepted that
    Column("turned", Text),
    # the newest verdict and case; no foreign keys, because those rows refer to this one
    Column("verdict_id", Key),
    Column("case_id", Key),
    # copies of the newest verdict's, to list, count and mark by
    Column("state", Text),
    Column("policy_revision", Text),
    *_lease_columns(),
    UniqueConstraint("repository_id", "digest"),
    Index(None, "registry_id", "next_due"),
    Index(None, "state", "id"),
    Index(None, "digest"),
    Index(None, "turned"),
)

image = Table(
    "image",
    metadata,
    _key(),
    Column("digest", DigestText, nullable=False, unique=True),
    Column("media_type", Words),
    Column("platform", Words),
    Column("raw", LargeBinary),
)

evidence = Table(
    "evidence",
    metadata,
    Column("digest", DigestText, primary_key=True),
    Column("gathered_at", Moment, nullable=False),
    # canonical JSON; its sha256 is the key
    Column("body", Text, nullable=False),
)

verdict = Table(
    "verdict",
    metadata,
    _key(),
    _refers("subject_id", "subject.id"),
    Column("state", Text, nullable=False),
    Column("reason_code", Text, nullable=False),
    Column("scope", Words, nullable=False),
    Column("policy_revision", Text, nullable=False),
    Column("evidence", DigestText, ForeignKey("evidence.digest"), nullable=False),
    Column("key_set", Text, nullable=False),
    Column("evaluator", Integer, nullable=False),
    Column("first_decided_at", Moment, nullable=False),
    Column("decided_at", Moment, nullable=False),
    Column("recheck_at", Moment, nullable=False),
    Column("next_deadline", Moment, nullable=False),
    # sha256 of everything but the times: judging again to the same end renews the row instead of adding one
    Column("content", DigestText, nullable=False),
    Column("body", Text, nullable=False),
    Index(None, "subject_id", "id"),
)

passed_tag = Table(
    "passed_tag",
    metadata,
    Column("repository_id", Key, ForeignKey("repository.id"), primary_key=True),
    Column("tag", Text, primary_key=True),
    Column("digest", DigestText, primary_key=True),
    Column("at", Moment, nullable=False),
)

case = Table(
    "case",
    metadata,
    _key(),
    # what people write
    Column("name", Text, nullable=False, unique=True),
    _refers("repository_id", "repository.id"),
    Column("digest", DigestText, nullable=False),
    Column("tags", Names, nullable=False),
    Column("state", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("reason_code", Text, nullable=False),
    Column("why_proposed", Text),
    Column("fingerprints", Names, nullable=False),
    Column("opened_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    # since when the quarantined digest passes and its release is proposed
    Column("release_proposed_at", Moment),
    Index(None, "repository_id", "digest", "id"),
    Index(None, "state", "id"),
)

waiver = Table(
    "waiver",
    metadata,
    Column("id", Text, primary_key=True),
    Column("rule", Text),
    Column("fingerprints", Names, nullable=False),
    Column("digest", DigestText),
    Column("repository_glob", Text, nullable=False),
    Column("reason", Words, nullable=False),
    Column("owner", Words, nullable=False),
    Column("approver", Words),
    Column("expires_at", Moment),
    Column("added_at", Moment, nullable=False),
    Column("revoked_at", Moment),
    # its end was told of in advance
    Column("announced_at", Moment),
    # set for a release
    _refers("case_id", "case.id", nullable=True),
    Index(None, "digest"),
)

waiver_use = Table(
    "waiver_use",
    metadata,
    Column("waiver_id", Text, ForeignKey("waiver.id"), primary_key=True),
    Column("subject_id", Key, ForeignKey("subject.id"), primary_key=True),
    Column("first_at", Moment, nullable=False),
    Column("last_at", Moment, nullable=False),
)

intent = Table(
    "intent",
    metadata,
    _key(),
    _refers("registry_id", "registry.id"),
    _refers("repository_id", "repository.id"),
    _refers("case_id", "case.id", nullable=True),
    Column("kind", Text, nullable=False),
    Column("digest", DigestText, nullable=False),
    # the watched tag it is about; only an anchor leaves that tag alone
    Column("tag", Text),
    Column("nonce", Text, nullable=False, unique=True),
    # what the tag shows once the intent was carried out
    Column("shown", DigestText),
    Column("replaces", Boolean, nullable=False, server_default=false()),
    # it shows a tombstone then, not another image
    Column("buries", Boolean, nullable=False, server_default=false()),
    # against the caps
    Column("counted", Boolean, nullable=False, server_default=false()),
    Column("state", Text, nullable=False),
    Column("note", Words, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("created_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    # the draft as canonical JSON: everything needed to finish it
    Column("body", Text, nullable=False),
    *_lease_columns(),
    Index(None, "registry_id", "next_due"),
    Index(None, "repository_id", "tag", "shown"),
    Index(None, "case_id"),
    Index(None, "counted", "created_at"),
    Index("ix_intent_kind_created_at", "kind", "created_at"),
    Index("ix_intent_repository_id_digest", "repository_id", "digest"),
    Index(
        "uq_intent_open",
        "repository_id",
        "tag",
        unique=True,
        sqlite_where=text("kind <> 'anchor' AND state IN ('planned', 'copied', 'written')"),
        postgresql_where=text("kind <> 'anchor' AND state IN ('planned', 'copied', 'written')"),
    ),
)

our_tag = Table(
    "our_tag",
    metadata,
    _key(),
    # host/path by name: quarantine repositories and promotion targets are watched by nobody
    Column("repository", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("digest", DigestText, nullable=False),
    _refers("intent_id", "intent.id"),
    UniqueConstraint("repository", "name"),
    Index(None, "intent_id"),
)

component = Table(
    "component",
    metadata,
    _key(),
    # sha256 over the four texts
    Column("content", LargeBinary, nullable=False, unique=True),
    Column("name", Words, nullable=False),
    Column("version", Words, nullable=False),
    Column("purl", Words, nullable=False),
    Column("licence", Words, nullable=False),
)

component_group = Table(
    "component_group",
    metadata,
    _key(),
    # one group for each SBOM document, whoever carries it
    Column("digest", DigestText, nullable=False, unique=True),
    Column("components", Integer, nullable=False),
    Column("unreadable", Integer, nullable=False),
)

group_component = Table(
    "group_component",
    metadata,
    Column("group_id", Key, ForeignKey("component_group.id"), primary_key=True),
    Column("component_id", Key, ForeignKey("component.id"), primary_key=True),
    Index(None, "component_id"),
)

image_group = Table(
    "image_group",
    metadata,
    # the same image may carry other documents elsewhere
    Column("repository_id", Key, ForeignKey("repository.id"), primary_key=True),
    Column("image_id", Key, ForeignKey("image.id"), primary_key=True),
    Column("group_id", Key, ForeignKey("component_group.id"), primary_key=True),
    Column("carrier", DigestText, primary_key=True),
    Column("form", Text, nullable=False),
    Column("trust", Text, nullable=False),
    Index(None, "group_id"),
)

brake = Table(
    "brake",
    metadata,
    # hold | breaker; a row means it is on
    Column("name", Text, primary_key=True),
    Column("actor", Words, nullable=False),
    Column("reason", Words, nullable=False),
    Column("since", Moment, nullable=False),
)

policy = Table(
    "policy",
    metadata,
    Column("revision", Text, primary_key=True),
    Column("loaded_at", Moment, nullable=False),
    Column("current", Boolean, nullable=False),
    # which repositories it acts on, as canonical JSON; NULL: written by a version that kept none
    Column("reach", Text),
    # of the version that judged under it last
    Column("evaluator", Integer),
    Column("accepted_at", Moment),
    Column("accepted_by", Words),
    Column("accepted_reason", Words),
)

counter = Table(
    "counter",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", BigInteger, nullable=False),
)

outbox = Table(
    "outbox",
    metadata,
    _key(),
    Column("at", Moment, nullable=False),
    Column("kind", Text, nullable=False),
    Column("subject", Words, nullable=False),
    Column("body", Text, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    *_lease_columns(),
    Index(None, "next_due"),
)

audit = Table(
    "audit",
    metadata,
    # given by the chain, without gaps
    Column("seq", Key, primary_key=True, autoincrement=False),
    Column("at", Moment, nullable=False),
    Column("actor", Words, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Words, nullable=False),
    Column("reason", Words, nullable=False),
    Column("detail", Text, nullable=False),
    Column("prev_hash", Text, nullable=False),
    Column("hash", Text, nullable=False),
    Index(None, "subject", "seq"),
)

api_token = Table(
    "api_token",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Words, nullable=False),
    Column("scopes", Names, nullable=False),
    Column("repositories", Names, nullable=False),
    Column("secret_hash", LargeBinary, nullable=False),
    Column("one_use", Boolean, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("expires_at", Moment),
    Column("revoked_at", Moment),
)
