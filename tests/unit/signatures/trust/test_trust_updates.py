"""Trust roots by TUF: only what a chain of signatures from the first root on vouches for."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from gatekeeper.core.errors import Cause, MalformedError, NotFoundError, UnavailableError
from gatekeeper.signatures.keyless.trust_root import read_trust_roots
from gatekeeper.signatures.known_instances import address_of, shipped
from gatekeeper.signatures.tuf_repository import Fetched, fetch_trusted_root
from tests.fakes.tuf_repository import TufRepository

_URL = "https://tuf.example.test"


def _fetch(repository: TufRepository, directory: Path, first_root: bytes | None = None) -> Fetched:
    return fetch_trusted_root(_URL, first_root or repository.first_root, directory, repository.get)


def test_the_target_with_its_version_and_end(tmp_path: Path) -> None:
    repository = TufRepository()
    ends = datetime(2100, 1, 1, tzinfo=UTC)
    repository.publish(b"one", expires=ends)
    assert _fetch(repository, tmp_path) == Fetched(b"one", "root 1, targets 1", ends)


def test_an_update_follows_every_root_in_between(tmp_path: Path) -> None:
    repository = TufRepository()
    for content in (b"one", b"two", b"three"):
        repository.publish(content)
    found = _fetch(repository, tmp_path)
    assert (found.content, found.version) == (b"three", "root 3, targets 3")
    assert "2.root.json" in repository.asked
    repository.publish(b"four")
    assert _fetch(repository, tmp_path).content == b"four"


def test_a_repository_of_somebody_else_is_refused(tmp_path: Path) -> None:
    mine, strange = TufRepository(), TufRepository()
    mine.publish(b"mine")
    strange.publish(b"strange")
    strange.publish(b"strange again")
    with pytest.raises(MalformedError) as refused:
        _fetch(strange, tmp_path, mine.first_root)
    assert refused.value.reason_code == "tuf-refused"


def test_planted_metadata_is_not_where_trust_begins(tmp_path: Path) -> None:
    mine, strange = TufRepository(), TufRepository()
    mine.publish(b"mine")
    strange.publish(b"strange")
    assert _fetch(strange, tmp_path).content == b"strange"
    assert (tmp_path / "root.json").exists()
    with pytest.raises(MalformedError):
        _fetch(strange, tmp_path, mine.first_root)


def test_an_older_state_is_refused(tmp_path: Path) -> None:
    repository = TufRepository()
    repository.publish(b"one")
    older = dict(repository.files)
    repository.publish(b"two")
    assert _fetch(repository, tmp_path).content == b"two"
    repository.files = {**older, "2.root.json": repository.files["2.root.json"]}
    with pytest.raises(MalformedError) as refused:
        _fetch(repository, tmp_path)
    assert refused.value.reason_code == "tuf-refused"


def test_what_is_out_of_date_is_refused(tmp_path: Path) -> None:
    repository = TufRepository()
    repository.publish(b"one", expires=datetime(2020, 1, 1, tzinfo=UTC))
    with pytest.raises(MalformedError, match="out of date"):
        _fetch(repository, tmp_path)


def test_a_changed_target_is_refused(tmp_path: Path) -> None:
    repository = TufRepository()
    repository.publish(b"one")
    place = next(path for path in repository.files if path.startswith("targets/"))
    repository.files[place] = b"two"
    with pytest.raises(MalformedError):
        _fetch(repository, tmp_path)


def test_a_repository_without_a_trusted_root(tmp_path: Path) -> None:
    repository = TufRepository()
    repository.publish(b"one", name="other.json")
    with pytest.raises(MalformedError, match=r"offers no trusted_root\.json"):
        _fetch(repository, tmp_path)


def test_an_outage_says_what_the_network_said(tmp_path: Path) -> None:
    repository = TufRepository()
    repository.publish(b"one")

    def get(url: str, most: int) -> bytes:
        raise UnavailableError("no answer", cause=Cause.TIMEOUT)

    with pytest.raises(UnavailableError) as error:
        fetch_trusted_root(_URL, repository.first_root, tmp_path, get)
    assert error.value.cause is Cause.TIMEOUT


@pytest.mark.parametrize("name", ["public-good", "staging"])
def test_what_ships_with_the_client_can_be_read(name: str) -> None:
    (root,) = read_trust_roots(shipped(name, "trusted_root.json"), name)
    assert root.left_out == ()
    assert root.demands_log
    assert root.demands_sct
    assert b'"root"' in shipped(name, "root.json")


def test_what_is_not_known_must_be_given() -> None:
    with pytest.raises(NotFoundError, match="--tuf-root"):
        shipped("github", "root.json")
    with pytest.raises(NotFoundError, match="--tuf-url"):
        address_of("private")
