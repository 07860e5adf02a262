"""The reason codes and their document."""

from __future__ import annotations

import re
from pathlib import Path

from gatekeeper.core.evidence import Outcome
from gatekeeper.signatures.meanings import MEANINGS, render_markdown
from gatekeeper.signatures.reason_codes import ReasonCode

_ROOT = Path(__file__).parents[3]
_DOCUMENT = _ROOT / "docs" / "reason-codes.md"
_TESTS = Path(__file__).parent


def test_the_document_is_what_the_code_says() -> None:
    assert _DOCUMENT.read_text() == render_markdown(), (
        "write it anew: python -c 'from gatekeeper.signatures.meanings import render_markdown; "
        'print(render_markdown(), end="")\' > docs/reason-codes.md'
    )


def test_every_code_has_a_meaning_and_a_remedy() -> None:
    assert set(MEANINGS) == set(ReasonCode)
    for code, meaning in MEANINGS.items():
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", code)
        assert meaning.meaning.endswith(".")
        assert meaning.remedy.endswith(".")


def test_only_two_codes_say_verified() -> None:
    verified = {code for code, meaning in MEANINGS.items() if meaning.outcome is Outcome.VERIFIED}
    assert verified == {ReasonCode.SIGNATURE_VERIFIED, ReasonCode.ATTESTATION_VERIFIED}


def _mentioned(folder: Path) -> set[ReasonCode]:
    text = "".join(path.read_text() for path in folder.rglob("*.py") if path != Path(__file__))
    return {code for code in ReasonCode if f'"{code}"' in text}


def test_every_code_is_provoked_by_a_test() -> None:
    provoked = _mentioned(_TESTS) | _mentioned(_ROOT / "tests" / "fakes")
    by_the_collector = {ReasonCode.CARRIER_MALFORMED, ReasonCode.ATTESTATION_UNSIGNED}
    assert set(ReasonCode) - provoked == by_the_collector
    assert by_the_collector <= _mentioned(_ROOT / "gatekeeper" / "workflow")
