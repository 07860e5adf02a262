"""Every revision goes up and down on both databases, empty and with rows in it, and agrees with the tables."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import inspect

from gatekeeper.core.errors import ConfigurationError
from gatekeeper.database import Current, Database, Outdated, migrate
from gatekeeper.database.connection import make_engine
from gatekeeper.database.tables import metadata
from tests.contract.store.knowledge import DEBIAN, MATCHER, advisories, document, load, record
from tests.contract.store.samples import APP, NOW, quarantined
from tests.contract.store.test_vendors import BROUGHT, OS_FEED, PACKAGE


def _tables(url: str) -> set[str]:
    engine = make_engine(url)
    try:
        return set(inspect(engine).get_table_names())
    finally:
        engine.dispose()


def test_up_check_down_up(empty_url: str) -> None:
    assert migrate.current(empty_url) is None
    assert migrate.check(empty_url) == Outdated(None, migrate.head())
    assert migrate.upgrade(empty_url) == migrate.head()
    assert migrate.check(empty_url) == Current(migrate.head())
    assert migrate.differences(empty_url) == []
    assert migrate.downgrade(empty_url) is None
    assert _tables(empty_url) == {"alembic_version"}
    assert migrate.upgrade(empty_url) == migrate.head()
    assert migrate.differences(empty_url) == []
    assert _tables(empty_url) == {*metadata.tables, "alembic_version"}


def test_up_and_down_with_rows_in_it(empty_url: str) -> None:
    migrate.upgrade(empty_url)
    store = Database.open(empty_url)
    subject, case_id = quarantined(store)
    store.keep_documents((document("sbom", "pkg:pypi/requests@1.5"),), MATCHER)
    load(store, [record("GHSA-1")])
    head = store.head()
    migrate.upgrade(empty_url)
    assert store.case(case_id).case.digest == subject.digest
    assert store.head() == head
    assert store.broken_at() is None
    store.close()
    migrate.downgrade(empty_url)
    migrate.upgrade(empty_url)
    store = Database.open(empty_url)
    assert store.status(APP, subject.digest, now=NOW) is None
    assert store.append(actor="a", action="b", subject="c", reason="", detail={}, now=NOW).seq == 1
    assert store.broken_at() is None
    store.close()


def test_documents_that_are_there_are_read_again_after_0009(empty_url: str) -> None:
    """What an OS package brought was not kept before: until the image is looked at again its own feed judges it."""
    migrate.upgrade(empty_url)
    store = Database.open(empty_url)
    sbom = document("sbom", PACKAGE, BROUGHT, system=DEBIAN)
    store.keep_documents((sbom,), MATCHER)
    load(store, [record("GHSA-1")])
    load(store, [record("DEBIAN-1", "other", ecosystem="Debian:12")], OS_FEED)
    assert advisories(store, "sbom") == []
    store.close()
    migrate.downgrade(empty_url, "0008")
    migrate.upgrade(empty_url)
    store = Database.open(empty_url)
    assert advisories(store, "sbom") == ["GHSA-1"]
    assert store.rebuild_differences(MATCHER) == ()
    store.keep_documents((sbom,), MATCHER)
    assert advisories(store, "sbom") == []
    assert store.rebuild_differences(MATCHER) == ()
    store.close()


def test_an_outdated_schema_is_refused_until_it_is_migrated(empty_url: str) -> None:
    with pytest.raises(ConfigurationError, match="gatekeeper migrate"):
        Database.open(empty_url)
    migrate.upgrade(empty_url)
    Database.open(empty_url).close()


def test_two_daemons_may_migrate_at_once(empty_url: str) -> None:
    revisions: list[str] = []

    def up() -> None:
        revisions.append(migrate.upgrade(empty_url))

    daemons = [threading.Thread(target=up) for _ in range(2)]
    for daemon in daemons:
        daemon.start()
    for daemon in daemons:
        daemon.join()
    assert revisions == [migrate.head()] * 2
    assert migrate.differences(empty_url) == []
