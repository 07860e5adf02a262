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
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

from gatekeeper.database.columns import DigestText, Duration, Key, Moment, Names, Words
from gatekeeper.database.component_tables import (
    component,
    component_group,
    component_package,
    document_group,
    group_component,
    image_document,
    package,
    reported_cve,
    sbom_document,
    subject_group,
)
from gatekeeper.database.feed_tables import (
    advisory,
    advisory_name,
    advisory_range,
    feed,
    feed_ecosystem,
    feed_fact,
    feed_import,
    feed_problem,
    match,
)
from gatekeeper.database.metadata import key, lease_columns, metadata, refers

registry = Table(
    "registry",
    metadata,
    key(),
    Column("host", Text, nullable=False, unique=True),
    # since when so much has vanished or moved there that nothing of it is recorded until it is believed
    Column("doubted_at", Moment),
    Column("doubt", Words),
)

repository = Table(
    "repository",
    metadata,
    key(),
    refers("registry_id", "registry.id"),
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
    *lease_columns(),
    UniqueConstraint("registry_id", "path"),
    Index(None, "registry_id", "next_due"),
)

tag = Table(
    "tag",
    metadata,
    key(),
    refers("repository_id", "repository.id"),
    Column("name", Text, nullable=False),
    Column("digest", DigestText, nullable=False),
    Column("since", Moment, nullable=False),
    # answered 404 once: gone only when another round confirms it
    Column("missing", Boolean, nullable=False, server_default=false()),
    Column("missing_at", Moment),
    UniqueConstraint("repository_id", "name"),
    Index(None, "repository_id", "digest"),
)

observation = Table(
    "observation",
    metadata,
    key(),
    refers("repository_id", "repository.id"),
    Column("tag", Text, nullable=False),
    # NULL: the tag was gone
    Column("digest", DigestText),
    Column("at", Moment, nullable=False),
    Index(None, "repository_id", "tag", "id"),
)

subject = Table(
    "subject",
    metadata,
    key(),
    refers("registry_id", "registry.id"),
    refers("repository_id", "repository.id"),
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
    # the change of the feeds that its newest verdict knows, and the one it was last made due for
    Column("judged_change", BigInteger, nullable=False, server_default="0"),
    Column("marked_change", BigInteger, nullable=False, server_default="0"),
    # the change that made it fail, while actions on that change still wait
    Column("failed_by_change", BigInteger),
    # since when it fails by what feeds say alone, after it did not
    Column("failed_by_feed_at", Moment),
    # when time alone will make it fail
    Column("fails_at", Moment),
    # of the least trusted image in it the most trusted SBOM; NULL: one has none
    Column("sbom_trust", Text),
    # the realms of its components (ecosystems with their releases); "?" for those that belong to none
    Column("ecosystems", Names),
    *lease_columns(),
    UniqueConstraint("repository_id", "digest"),
    Index(None, "registry_id", "next_due"),
    Index(None, "state", "id"),
    Index(None, "digest"),
    Index(None, "turned"),
    Index(None, "fails_at"),
    Index(
        None,
        "undetermined_since",
        sqlite_where=text("undetermined_since IS NOT NULL"),
        postgresql_where=text("undetermined_since IS NOT NULL"),
    ),
)

image = Table(
    "image",
    metadata,
    key(),
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
    key(),
    refers("subject_id", "subject.id"),
    Column("state", Text, nullable=False),
    Column("reason_code", Text, nullable=False),
    Column("scope", Words, nullable=False),
    Column("policy_revision", Text, nullable=False),
    Column("evidence", DigestText, ForeignKey("evidence.digest"), nullable=False),
    Column("trust", Text, nullable=False),
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

sighting = Table(
    "sighting",
    metadata,
    # of the signature itself (Candidate.signature), wherever it is stored
    Column("signature", DigestText, primary_key=True),
    Column("first_seen", Moment, nullable=False),
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
    key(),
    # what people write
    Column("name", Text, nullable=False, unique=True),
    refers("repository_id", "repository.id"),
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
    refers("case_id", "case.id", nullable=True),
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
    key(),
    refers("registry_id", "registry.id"),
    refers("repository_id", "repository.id"),
    refers("case_id", "case.id", nullable=True),
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
    *lease_columns(),
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
    key(),
    # host/path by name: quarantine repositories and promotion targets are watched by nobody
    Column("repository", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("digest", DigestText, nullable=False),
    refers("intent_id", "intent.id"),
    UniqueConstraint("repository", "name"),
    Index(None, "intent_id"),
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
    # its canonical form, whose sha256 is the revision
    Column("body", Text),
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
    # rises in the order of the transactions: whoever follows goes on from the last one seen
    key(),
    Column("at", Moment, nullable=False),
    Column("kind", Text, nullable=False),
    Column("subject", Words, nullable=False),
    Column("body", Text, nullable=False),
    # no deliveries were made of it yet
    Column("unsent", Boolean, nullable=False),
    Index("ix_outbox_unsent", "id", sqlite_where=text("unsent"), postgresql_where=text("unsent")),
    Index(None, "at"),
)

delivery = Table(
    "delivery",
    metadata,
    key(),
    refers("outbox_id", "outbox.id"),
    # the webhook's name in the configuration
    Column("endpoint", Text, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    # given up: listed, and sent again when a person says so
    Column("dead_at", Moment),
    *lease_columns(),
    UniqueConstraint("outbox_id", "endpoint"),
    Index(None, "endpoint", "next_due"),
)

alarm = Table(
    "alarm",
    metadata,
    # what people were told is wrong, until it is right again: told once, not at every look
    Column("kind", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("since", Moment, nullable=False),
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

audit_checkpoint = Table(
    "audit_checkpoint",
    metadata,
    # up to this row (inclusive) the chain lies in an archive; only those may be deleted
    Column("seq", Key, primary_key=True, autoincrement=False),
    Column("hash", Text, nullable=False),
    Column("archived_at", Moment, nullable=False),
    # of the archive's bytes
    Column("content", DigestText, nullable=False),
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

__all__ = [
    "advisory", "advisory_name", "advisory_range", "api_token", "audit", "brake", "case", "component",
    "component_group", "component_package", "counter", "document_group", "evidence", "feed", "feed_ecosystem",
    "feed_fact", "feed_import", "feed_problem", "group_component", "image", "image_document", "intent", "match",
    "metadata", "observation", "our_tag", "outbox", "package", "passed_tag", "policy", "registry", "reported_cve",
    "repository", "sbom_document", "subject", "subject_group", "tag", "verdict", "waiver", "waiver_use",
]  # fmt: skip
