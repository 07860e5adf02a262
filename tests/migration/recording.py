"""What a database holds at each revision, written by the program of that revision: ``recorded/REVISION.json``.

``python3 -m tests.migration.recording`` plays the story of ``gatekeeper demo`` and what it does not reach, and records
every row under the newest revision. Do it once for each new revision and keep the file for ever: later programs write
their rows in other ways, but must read these.
"""

from __future__ import annotations

import base64
import io
import json
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Boolean, Engine, MetaData, Table, delete, func, insert, inspect, select, text

from gatekeeper.cli.local import open_demo
from gatekeeper.core.digest import Digest
from gatekeeper.core.feed import FeedKind
from gatekeeper.core.lifecycle import Hold
from gatekeeper.core.waiver import Waiver
from gatekeeper.database import Database, migrate
from gatekeeper.database.connection import make_engine
from gatekeeper.demo.registry import EmbeddedRegistry
from gatekeeper.demo.story_files import Stage
from gatekeeper.demo.story_page import Page
from gatekeeper.demo.story_steps import Story
from gatekeeper.ports import ApiToken, AuditHead, Checkpoint, TokenScope
from gatekeeper.ports.vulnerabilities import FeedFact, FeedProblem, FeedSpec
from tests.contract.store.knowledge import MATCHER, PYPI, document, load, load_facts, record
from tests.contract.store.samples import (
    APP,
    FAR,
    HOUR,
    NOW,
    WEB,
    digest,
    due,
    failed,
    judgement,
    propose,
    quarantined,
    watch,
)

RECORDED = Path(__file__).parent / "recorded"
_OWN = "alembic_version"

Rows = Mapping[str, Sequence[Mapping[str, Any]]]
"""Rows by table; a value is what JSON has, bytes are ``{"base64": ...}``."""


def file_of(revision: str) -> Path:
    """Where the rows of a revision are recorded."""
    return RECORDED / f"{revision}.json"


def recorded(revision: str) -> Rows:
    """The rows that a database of this revision held. Raises OSError when nobody recorded them."""
    rows: Rows = json.loads(file_of(revision).read_text())
    return rows


def rows_of(url: str) -> Rows:
    """Every row of a database, sorted by primary key."""
    with _reflected(url) as (engine, metadata), engine.connect() as connection:
        return {
            table.name: [
                {column.name: _kept(column.type, row[column.name]) for column in table.columns}
                for row in connection.execute(select(table).order_by(*table.primary_key.columns)).mappings()
            ]
            for table in metadata.sorted_tables
        }


def fill(url: str, rows: Rows) -> None:
    """Puts recorded rows, and no others, into a database of their revision."""
    with _reflected(url) as (engine, metadata), engine.begin() as connection:
        assert {table.name for table in metadata.sorted_tables} == set(rows), "the revision has other tables"
        for table in reversed(metadata.sorted_tables):
            connection.execute(delete(table))
        for table in metadata.sorted_tables:
            found = [{name: _plain(value) for name, value in row.items()} for row in rows[table.name]]
            for row in found:
                assert set(row) == set(table.columns.keys()), f"{table.name} has other columns"
            _insert(connection, table, found)


def _insert(connection: Any, table: Table, rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    booleans = [column.name for column in table.columns if isinstance(column.type, Boolean)]
    for row in rows:
        row.update({name: None if row[name] is None else bool(row[name]) for name in booleans})
    connection.execute(insert(table), rows)
    if connection.dialect.name == "postgresql" and table.columns.get("id") is not None:
        name = connection.dialect.identifier_preparer.quote(table.name)
        sequence = connection.execute(select(func.pg_get_serial_sequence(name, "id"))).scalar()
        if sequence is not None:
            newest = max(row["id"] for row in rows)
            connection.execute(
                text("SELECT setval(:sequence, :newest)"), {"sequence": sequence, "newest": newest}
            )


@contextmanager
def _reflected(url: str) -> Iterator[tuple[Engine, MetaData]]:
    """The tables as they are in the database, whatever ``gatekeeper.database.tables`` says."""
    engine = make_engine(url, foreign_keys=True)
    try:
        metadata = MetaData()
        names = [name for name in inspect(engine).get_table_names() if name != _OWN]
        metadata.reflect(engine, only=names)
        yield engine, metadata
    finally:
        engine.dispose()


def _kept(kind: object, value: Any) -> Any:
    if isinstance(value, bytes | memoryview):
        return {"base64": base64.b64encode(bytes(value)).decode()}
    return bool(value) if isinstance(kind, Boolean) and value is not None else value


def _plain(value: Any) -> Any:
    return base64.b64decode(value["base64"]) if isinstance(value, dict) else value


def play(directory: Path) -> str:
    """Fills a new SQLite database with rows in every table; returns its URL."""
    with EmbeddedRegistry() as registry:
        Story(Stage(registry.host, directory), open_demo, Page(io.StringIO())).tell()
    url = f"sqlite:///{directory / 'gatekeeper.db'}"
    store = Database.open(url)
    try:
        _people(store)
        _unfinished(store)
        _feeds(store)
        _told(store)
        _archived(store)
    finally:
        store.close()
    return url


def _people(store: Database) -> None:
    token = ApiToken(
        "0123456789ab", "pipeline \N{PACKAGE}", frozenset(TokenScope), ("**",), NOW + HOUR, None, NOW
    )
    store.add_token(token, b"\0hash", actor="rita")
    waiver = Waiver(
        "waiver-1", "user-root", frozenset(), digest("waived"), "far.example/*", "ticket 4711", "team shop", "rita",
        NOW + 24 * HOUR, NOW,
    )  # fmt: skip
    store.add_waiver(waiver, actor="rita", now=NOW)
    store.set_hold(Hold("rita", "upgrade", NOW), actor="rita", reason="upgrade", now=NOW)


def _unfinished(store: Database) -> None:
    """An open case with a planned intent, an opened breaker, a doubted registry, a claim that nobody ended."""
    quarantined(store)
    watch(store, {"v2": digest("over the cap")}, repository=WEB)
    lease, subject = due(store)
    store.record(
        lease, judgement(subject, failed(subject), {"v2": propose("cap-per-run", "per_run")}), now=NOW
    )
    watch(store, {"v3": digest("claimed")}, repository=FAR)
    due(store)
    store.doubt(APP.registry, reason="9 of 10 tags moved", now=NOW)


def _feeds(store: Database) -> None:
    store.keep_documents((document("sbom", "pkg:pypi/requests@1.5"),), MATCHER)
    store.keep_reported(("CVE-2026-1",))
    load(store, [record("GHSA-1", aliases=["CVE-2026-1"])])
    load_facts(store, FeedSpec("kev", FeedKind.KEV, "", "kev.json"), [FeedFact("CVE-2026-1", None, NOW)])
    under = store.begin_import(PYPI, sha256="2" * 64, now=NOW)
    problem = FeedProblem("GHSA-9.json", "advisory-malformed", "no JSON")
    store.add_records(under, [record("GHSA-2")], [problem], MATCHER, done=2, now=NOW)


def _told(store: Database) -> None:
    store.raise_alarm("registry-unreadable", APP.registry, reason="no answer", now=NOW)
    store.address_events({"ops": ("**",)}, now=NOW)
    claimed = store.claim_delivery("ops", now=NOW, lease_for=timedelta(minutes=1))
    assert claimed is not None
    store.not_delivered(claimed, error="410 Gone", retry_at=None, now=NOW)


def _archived(store: Database) -> None:
    row = store.rows(after=4, limit=1)[0]
    checkpoint = Checkpoint(AuditHead(row.seq, row.hash), NOW, Digest.of(b"the archive"))
    store.cut(checkpoint, actor="rita", reason="yearly retention", now=NOW)


def _write(rows: Rows, file: Path) -> None:
    """One line for each row, so that a difference can be read."""
    tables = (
        f"{json.dumps(name)}: [\n"
        + ",\n".join(f"  {json.dumps(row, ensure_ascii=True, sort_keys=True)}" for row in found)
        + "\n]"
        for name, found in sorted(rows.items())
    )
    file.write_text("{\n" + ",\n".join(tables) + "\n}\n")


def main() -> int:
    """Records the newest revision; a file that is there already is history and stays."""
    file = file_of(migrate.head())
    if file.exists():
        sys.stderr.write(f"{file} is there: what a released revision held does not change\n")
        return 1
    with tempfile.TemporaryDirectory() as directory:
        rows = rows_of(play(Path(directory)))
    empty = sorted(name for name, found in rows.items() if not found)
    if empty:
        sys.stderr.write(f"no row in {', '.join(empty)}: extend {__name__} so that each table has one\n")
        return 1
    file.parent.mkdir(exist_ok=True)
    _write(rows, file)
    sys.stdout.write(f"recorded {sum(map(len, rows.values()))} rows in {file}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
