"""Databases of every earlier revision, as its own program filled them, go to the newest one and lose nothing."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from gatekeeper.core.digest import Digest
from gatekeeper.core.lifecycle import CaseState
from gatekeeper.core.reference import parse_repository
from gatekeeper.database import Database, migrate
from gatekeeper.database.schema import migrations_directory
from gatekeeper.ports import Page, WorkKind
from tests.contract.store.samples import NOW, digest, failed, judgement, watch
from tests.migration import recording
from tests.migration.recording import Rows, fill, recorded, rows_of


def _revisions() -> list[str]:
    config = Config()
    config.set_main_option("script_location", str(migrations_directory()))
    config.set_main_option("path_separator", "os")
    return sorted(script.revision for script in ScriptDirectory.from_config(config).walk_revisions())


REVISIONS = _revisions()
EARLIER = REVISIONS[:-1]
UNWRITTEN = {"0002": {"waiver_use"}}
"""Tables that no program of that revision wrote yet."""


@dataclass(frozen=True, slots=True)
class Change:
    """What a revision does to rows that were there; whatever is not named here must be as it was."""

    dropped: frozenset[str] = frozenset()
    """Tables whose rows go."""
    renamed: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Columns by table: the old name to the new one."""
    removed: Mapping[str, frozenset[str]] = field(default_factory=dict)
    rewritten: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Columns by table that have another value afterwards."""


LEASE = frozenset({"next_due", "priority", "lease_until", "lease_token", "error"})
CHANGES = {
    # Every subject is judged again, because components are kept in another form.
    "0004": Change(
        dropped=frozenset({"component", "component_group", "group_component", "image_group"}),
        rewritten={"subject": frozenset({"evidence_due", "next_due", "marked_at", "marks"})},
    ),
    "0006": Change(renamed={"verdict": {"key_set": "trust"}}),
    "0007": Change(removed={"outbox": LEASE | {"attempts"}}),
}


@pytest.mark.parametrize("revision", REVISIONS)
def test_each_revision_has_recorded_rows(revision: str, tmp_path: Any) -> None:
    """A new revision comes with ``python3 -m tests.migration.recording``; later ones are proved against that file."""
    assert recording.file_of(revision).is_file(), (
        f"{recording.file_of(revision)} is missing: run `python3 -m {recording.__name__}` with the code of {revision}"
    )
    url = f"sqlite:///{tmp_path / 'gatekeeper.db'}"
    migrate.upgrade(url, revision)
    rows = recorded(revision)
    fill(url, rows)
    assert {name for name, found in rows.items() if not found} == UNWRITTEN.get(revision, set())
    assert rows_of(url) == rows


@pytest.mark.parametrize("revision", EARLIER)
def test_an_upgrade_keeps_every_row(revision: str, empty_url: str) -> None:
    before = _filled(empty_url, revision)
    assert migrate.upgrade(empty_url) == migrate.head()
    assert migrate.differences(empty_url) == []
    _kept(before, rows_of(empty_url), revision)


@pytest.mark.parametrize("revision", EARLIER)
def test_the_program_of_today_goes_on_with_it(revision: str, empty_url: str) -> None:
    before = _filled(empty_url, revision)
    migrate.upgrade(empty_url)
    store = Database.open(empty_url)
    try:
        _reads_judgements(store, before)
        _reads_people(store, before)
        _works(store, before)
    finally:
        store.close()


@pytest.mark.parametrize("statement", ["first", "middle", "last"])
def test_an_upgrade_that_is_killed_is_repeated(statement: str, empty_url: str) -> None:
    """All or nothing: between revisions, amid one, or just before the end."""
    before = _filled(empty_url, EARLIER[0])
    killed = subprocess.run(
        [sys.executable, "-c", _KILLED, empty_url, statement],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert killed.returncode == -9, killed.stderr
    assert migrate.current(empty_url) == EARLIER[0]
    assert rows_of(empty_url) == before
    assert migrate.upgrade(empty_url) == migrate.head()
    assert migrate.differences(empty_url) == []
    _kept(before, rows_of(empty_url), EARLIER[0])


_KILLED = textwrap.dedent("""
    import os, signal, sys
    from sqlalchemy import Engine, event
    from gatekeeper.database import migrate

    url, where = sys.argv[1:]
    seen = 0

    @event.listens_for(Engine, "after_cursor_execute")
    def die(connection, cursor, statement, parameters, context, many):
        global seen
        between = statement.startswith("UPDATE alembic_version")
        seen += between
        amid = statement.lstrip().startswith("CREATE TABLE advisory ")
        last = between and f"'{migrate.head()}'" in statement
        if {"first": between, "middle": amid, "last": last}[where]:
            os.kill(os.getpid(), signal.SIGKILL)

    migrate.upgrade(url)
""")


def _filled(url: str, revision: str) -> Rows:
    migrate.upgrade(url, revision)
    rows = recorded(revision)
    fill(url, rows)
    return rows


def _kept(before: Rows, after: Rows, revision: str) -> None:
    """Each row is there with each value, but for what the revisions in between say they change."""
    changes = [change for number, change in sorted(CHANGES.items()) if number > revision]
    for name, rows in before.items():
        if any(name in change.dropped for change in changes):
            continue
        expected = [_expected(name, row, changes) for row in rows]
        columns = set(expected[0]) if expected else set()
        found = [{column: row[column] for column in columns} for row in after[name]]
        missing = [row for row in expected if row not in found]
        assert missing == [], f"{name} lost rows"
        if name != "counter":
            assert len(found) == len(expected), f"{name} has rows that nobody wrote"


def _expected(table: str, row: Mapping[str, Any], changes: list[Change]) -> dict[str, Any]:
    values = dict(row)
    for change in changes:
        for old, new in change.renamed.get(table, {}).items():
            values[new] = values.pop(old)
        for gone in change.removed.get(table, frozenset()) | change.rewritten.get(table, frozenset()):
            values.pop(gone, None)
    return values


def _reads_judgements(store: Database, before: Rows) -> None:
    """Every subject answers as it did, with the evidence that its verdict names."""
    repositories = {row["id"]: parse_repository(row["name"]) for row in before["repository"]}
    verdicts = {row["id"]: row for row in before["verdict"]}
    for subject in before["subject"]:
        if subject["dropped"] is not None:
            continue
        status = store.status(
            repositories[subject["repository_id"]], Digest.parse(subject["digest"]), now=NOW
        )
        verdict = None if subject["verdict_id"] is None else verdicts[subject["verdict_id"]]
        assert (status is None or status.verdict is None) == (verdict is None)
        if status is not None and status.verdict is not None and verdict is not None:
            assert (status.verdict.state, status.verdict.reason_code) == (
                verdict["state"],
                verdict["reason_code"],
            )
            assert str(status.verdict.subject.digest) == subject["digest"]
    for row in before["evidence"]:
        evidence = store.evidence(Digest.parse(row["digest"]))
        assert evidence is not None
        assert str(evidence.root.digest) in row["body"]


def _reads_people(store: Database, before: Rows) -> None:
    """Cases with their intents, waivers, tokens, brakes, events and the audit trail."""
    found, _ = store.cases(states=frozenset(CaseState), repositories=("**",), page=Page(100, None))
    assert {(one.id, str(one.state), one.tags) for one in found} == {
        (row["name"], row["state"], tuple(json.loads(row["tags"]))) for row in before["case"]
    }
    names = {row["id"]: row["name"] for row in before["case"]}
    intents = {
        (names.get(row["case_id"]), row["nonce"], row["state"]) for row in before["intent"] if row["case_id"]
    }
    details = [store.case(one.id) for one in found]
    assert {
        (one.case.id, intent.draft.nonce, str(intent.state)) for one in details for intent in one.intents
    } == intents
    assert {row.waiver.id for row in store.waiver_rows()} == {row["id"] for row in before["waiver"]}
    assert {(one.id, one.name) for one in store.tokens()} == {
        (row["id"], row["name"]) for row in before["api_token"]
    }
    assert (store.hold() is not None, store.breaker() is not None) == (True, True)
    assert [event.id for event in store.events(after=0, limit=1000)] == [
        row["id"] for row in before["outbox"]
    ]
    assert store.broken_at() is None
    newest = before["audit"][-1]
    assert str(store.head()) == f"{newest['seq']}:{newest['hash']}"


def _works(store: Database, before: Rows) -> None:
    """What was due is judged, new rows follow the old ones, open intents go on, nothing is told a second time."""
    later = NOW + timedelta(days=3650)
    assert store.address_events({"ops": ("**",)}, now=later) == 0
    watch(store, {"after": digest("after the upgrade")}, now=later)
    judged = set()
    for lease in store.claim(WorkKind.SUBJECT, now=later, limit=100, lease_for=timedelta(minutes=1)):
        subject = store.due_subject(lease)
        store.record(lease, judgement(subject, failed(subject, now=later)), now=later)
        status = store.status(subject.repository, subject.digest, now=later)
        assert status is not None
        assert status.verdict is not None
        assert status.verdict.decided_at == later
        judged.add(subject.id)
    assert {row["id"] for row in before["subject"] if row["dropped"] is None} < judged
    claimed = store.claim(WorkKind.INTENT, now=later, limit=100, lease_for=timedelta(minutes=1))
    planned = {row["nonce"] for row in before["intent"] if row["state"] == "planned"}
    assert planned <= {store.intent(lease).draft.nonce for lease in claimed}
    assert store.broken_at() is None


def test_what_stored_advisories_cover_is_noted_by_the_upgrade(empty_url: str) -> None:
    """As an import notes it, what one that was interrupted had met already too."""
    _filled(empty_url, "0011")
    migrate.upgrade(empty_url, "0012")
    found = rows_of(empty_url)["feed_ecosystem"]
    assert found
    assert found == recorded("0012")["feed_ecosystem"]
