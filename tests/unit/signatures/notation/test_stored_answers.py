"""CRLs and OCSP responses in a folder, and addresses that may not be asked."""

from __future__ import annotations

import os
from base64 import encodebytes
from collections.abc import Callable
from pathlib import Path

import pytest

from gatekeeper.core.errors import Cause, UnavailableError
from gatekeeper.core.evidence import Outcome
from gatekeeper.signatures.notation.answers import ConfiguredAnswers
from gatekeeper.signatures.notation.settings import RevocationSettings
from tests.fakes import notary
from tests.fakes.notary import CHAIN, ISSUING, NOW, Signing, judged, key
from tests.fakes.notary_revocation import entry, ocsp_response, revocation_list

_LEAF = notary.issue("signer", key("p256", "leaf"), ISSUING, responder="http://ocsp.test/")
_ENVELOPE = Signing(chain=(_LEAF, *CHAIN[1:])).jws()


def _answers(folder: Path | None, *hosts: str) -> ConfiguredAnswers:
    return ConfiguredAnswers(RevocationSettings(folder, hosts), lambda: NOW)


def _pem(encoded: bytes) -> bytes:
    return b"-----BEGIN X509 CRL-----\n" + encodebytes(encoded) + b"-----END X509 CRL-----\n"


def test_files_are_told_apart_by_what_they_hold(tmp_path: Path) -> None:
    listed, response = revocation_list(), ocsp_response(_LEAF)
    (tmp_path / "a").write_bytes(listed)
    (tmp_path / "b.pem").write_bytes(_pem(listed))
    (tmp_path / "c").write_bytes(response)
    (tmp_path / "d.txt").write_bytes(b"a note")
    (tmp_path / "e").write_bytes(b"-----BEGIN X509 CRL-----\n@@\n")
    (tmp_path / "folder").mkdir()
    answers = _answers(tmp_path)
    assert list(answers.stored_lists()) == [listed, listed, b"a note", b""]
    assert list(answers.stored_responses()) == [response]


def test_a_file_that_changes_is_read_again_and_one_that_does_not_is_not(tmp_path: Path) -> None:
    path = tmp_path / "ca.crl"
    path.write_bytes(revocation_list())
    answers = _answers(tmp_path)
    assert judged(_ENVELOPE, answers=answers).outcome is Outcome.VERIFIED
    (first,) = answers.stored_lists()
    (again,) = answers.stored_lists()
    assert first is again
    path.write_bytes(revocation_list(entry(_LEAF)))
    os.utime(path, ns=(1, 1))
    assert judged(_ENVELOPE, answers=answers).reason_code == "notation-revoked"
    path.unlink()
    assert judged(_ENVELOPE, answers=answers).reason_code == "notation-revocation-not-configured"


def test_a_folder_that_went_away_may_have_held_a_revocation(tmp_path: Path) -> None:
    gone = _answers(tmp_path / "gone")
    with pytest.raises(UnavailableError, match="gone: No such file"):
        gone.stored_lists()
    # Also for a certificate that names nobody who could revoke it.
    found = judged(Signing().jws(), answers=gone)
    assert (found.outcome, found.reason_code) == (Outcome.INCONCLUSIVE, "notation-revocation-unavailable")
    assert list(_answers(None).stored_lists()) == []


def test_a_folder_with_more_files_than_are_read(tmp_path: Path) -> None:
    for number in range(257):
        (tmp_path / str(number)).touch()
    with pytest.raises(UnavailableError) as raised:
        _answers(tmp_path).stored_lists()
    assert raised.value.cause is Cause.OVER_CAP


@pytest.mark.parametrize(
    "url",
    [
        "http://other.test/ca.crl",
        "http://crl.test:8080/ca.crl",
        "https://crl.test/ca.crl",
        "http://crl.test.evil.test/ca.crl",
        "http://crl.test@other.test/",
        "file:///etc/passwd",
        "http://",
    ],
)
def test_no_other_host_is_asked(url: str) -> None:
    answers = _answers(None, "crl.test")
    asks: list[Callable[[], bytes]] = [
        lambda: answers.list_at(url),
        lambda: answers.response_from(url, b"request"),
    ]
    for ask in asks:
        with pytest.raises(UnavailableError) as raised:
            ask()
        assert raised.value.cause in {Cause.NOT_CONFIGURED, Cause.PROTOCOL}
