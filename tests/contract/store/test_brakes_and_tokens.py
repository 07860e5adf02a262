"""Hold, breaker and tokens outlive the process that set them."""

from __future__ import annotations

import dataclasses

import pytest

from gatekeeper.core.errors import ConflictError, NotFoundError
from gatekeeper.core.lifecycle import Hold
from gatekeeper.database import Database
from gatekeeper.ports import ApiToken, TokenScope
from tests.contract.store.samples import (
    HOUR,
    MINUTE,
    NOW,
    digest,
    due,
    failed,
    judgement,
    propose,
    watch,
)

TOKEN = ApiToken(
    id="0123456789ab",
    name="pipeline \N{PACKAGE}",
    scopes=frozenset({TokenScope.READ, TokenScope.PROMOTE}),
    repositories=("registry.example:5000/**", "far.example/*"),
    expires_at=NOW + HOUR,
    revoked_at=None,
    created_at=NOW,
)


def test_a_hold_outlives_the_process(store: Database, url: str) -> None:
    assert store.hold() is None
    hold = Hold("alice", "incident 7", NOW)
    store.set_hold(hold, actor="alice", reason="incident 7", now=NOW)
    store.close()
    again = Database.open(url)
    try:
        assert again.hold() == hold
        again.set_hold(None, actor="bob", reason="over", now=NOW + MINUTE)
        assert again.hold() is None
        assert [(row.actor, row.action, row.reason) for row in again.rows(after=0, limit=9)] == [
            ("alice", "hold-on", "incident 7"),
            ("bob", "hold-off", "over"),
        ]
    finally:
        again.close()


def test_a_breaker_is_closed_by_a_person_only(store: Database, other: Database) -> None:
    with pytest.raises(ConflictError):
        store.close_breaker(actor="alice", reason="why not", now=NOW)
    watch(store, {"v1": digest("one")})
    lease, subject = due(store)
    plans = {"v1": propose("cap-per-run", "per_run")}
    store.record(lease, judgement(subject, failed(subject), plans), now=NOW)
    breaker = other.breaker()
    assert breaker is not None
    assert (breaker.reason, breaker.since) == ("cap-per-run", NOW)
    other.close_breaker(actor="alice", reason="looked at them", now=NOW + MINUTE)
    assert store.breaker() is None
    closed = store.rows(after=0, limit=9)[-1]
    assert (closed.actor, closed.action, closed.reason) == ("alice", "breaker-closed", "looked at them")


def test_a_token_comes_back_with_its_hash(store: Database) -> None:
    store.add_token(TOKEN, b"\0hash", actor="alice")
    assert store.token(TOKEN.id) == (TOKEN, b"\0hash")
    assert store.token("ffffffffffff") is None


def test_tokens_are_listed_newest_first(store: Database) -> None:
    later = dataclasses.replace(TOKEN, id="b" * 12, created_at=NOW + HOUR, expires_at=None, one_use=True)
    for token in (TOKEN, later):
        store.add_token(token, b"hash", actor="alice")
    assert list(store.tokens()) == [later, TOKEN]


def test_a_revoked_token_stays_revoked_since_then(store: Database, other: Database) -> None:
    store.add_token(TOKEN, b"hash", actor="alice")
    before = other.change_counter()
    store.revoke_token(TOKEN.id, actor="alice", now=NOW + MINUTE)
    assert other.change_counter() > before
    store.revoke_token(TOKEN.id, actor="bob", now=NOW + HOUR)
    found = other.token(TOKEN.id)
    assert found is not None
    assert found[0].revoked_at == NOW + MINUTE
    assert [(row.actor, row.action, row.subject) for row in store.rows(after=0, limit=9)] == [
        ("alice", "token-created", f"token {TOKEN.id}"),
        ("alice", "token-revoked", f"token {TOKEN.id}"),
    ]
    with pytest.raises(NotFoundError):
        store.revoke_token("ffffffffffff", actor="alice", now=NOW)


def test_no_secret_is_anywhere_in_the_audit_trail(store: Database) -> None:
    store.add_token(TOKEN, b"secret hash", actor="alice")
    assert "secret" not in repr(store.rows(after=0, limit=9))
