"""Trust roots as files of ours: whole, unchanged, or refused with what to do."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gatekeeper.core.errors import MalformedError, NotFoundError
from gatekeeper.signatures.trust_store import BrokenRoot, KeptRoot, keep, listed, read
from tests.unit.signatures.keyless.minted import SIGSTORE, STRANGE

_KEPT = KeptRoot(
    name="private",
    content=SIGSTORE.trusted_root_json(),
    source="root.json",
    version="7",
    updated_at=datetime(2026, 11, 1, tzinfo=UTC),
    expires_at=datetime(2027, 1, 1, tzinfo=UTC),
)


def test_what_was_kept_is_read_again(tmp_path: Path) -> None:
    keep(tmp_path / "new" / "trust", _KEPT)
    assert read(tmp_path / "new" / "trust", "private") == _KEPT
    root = _KEPT.as_trust_root()
    assert (root.name, root.version, root.expires_at) == ("private", "7", _KEPT.expires_at)


def test_a_newer_one_takes_its_place_and_nothing_is_left(tmp_path: Path) -> None:
    keep(tmp_path, _KEPT)
    newer = replace(_KEPT, content=STRANGE.trusted_root_json(), version="8", expires_at=None)
    keep(tmp_path, newer)
    assert read(tmp_path, "private") == newer
    assert len(list(tmp_path.iterdir())) == 2


def test_roots_are_listed_by_name_with_the_broken_ones(tmp_path: Path) -> None:
    for name in ("private", "another"):
        keep(tmp_path, replace(_KEPT, name=name))
    (tmp_path / "private.root").write_text("{")
    first, second = listed(tmp_path)
    assert (first.name, second.name) == ("another", "private")
    assert isinstance(second, BrokenRoot)
    assert listed(tmp_path / "nowhere") == ()


def _spoil_card(tmp_path: Path, **members: object) -> None:
    card = tmp_path / "private.root"
    card.write_text(json.dumps({**json.loads(card.read_text()), **members}))


def test_bytes_that_were_planted_are_refused(tmp_path: Path) -> None:
    keep(tmp_path, _KEPT)
    (file,) = tmp_path.glob("*.json")
    file.write_bytes(STRANGE.trusted_root_json())
    with pytest.raises(MalformedError, match="sha256 differs"):
        read(tmp_path, "private")


@pytest.mark.parametrize(
    "members",
    [{"sha256": None}, {"file": "../x"}, {"file": "gone.json"}, {"updated_at": None}, {"expires_at": "soon"}],
)
def test_a_card_that_cannot_be_read(tmp_path: Path, members: dict[str, object]) -> None:
    keep(tmp_path, _KEPT)
    _spoil_card(tmp_path, **members)
    with pytest.raises((MalformedError, NotFoundError)):
        read(tmp_path, "private")


def test_what_is_no_trust_root_is_not_kept(tmp_path: Path) -> None:
    with pytest.raises(MalformedError) as refused:
        keep(tmp_path, replace(_KEPT, content=b"{}"))
    assert refused.value.reason_code == "trust-root-malformed"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["", "../x", "A", "a/b", ".hidden", "x" * 70])
def test_a_name_that_cannot_be_one(tmp_path: Path, name: str) -> None:
    with pytest.raises(MalformedError) as refused:
        keep(tmp_path, replace(_KEPT, name=name))
    assert refused.value.reason_code == "trust-root-name"


def test_a_root_that_is_not_there_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="gatekeeper trust update public-good"):
        read(tmp_path, "public-good")
