"""Sigstore's own client beside our pipeline: they agree, and where they do not nobody is believed."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from gatekeeper.core.evidence import Outcome
from gatekeeper.core.trust import TrustMaterial, TrustRoot
from gatekeeper.demo.sigstore.fulcio import Signer
from gatekeeper.demo.sigstore.instance import LOGGED, TILED, Recipe
from gatekeeper.ports import Verified
from gatekeeper.signatures.second_opinion import Opinion, SecondOpinion, ask_sigstore
from gatekeeper.signatures.verifier import Verifier
from tests.fakes.registry_dump import FIXTURES, about, repository
from tests.unit.signatures.crafted import SUBJECT, Crafted, encoded
from tests.unit.signatures.keyless.minted import (
    ALICE,
    AT,
    CLAIMS,
    ENTRY,
    ROBOT,
    ROOT,
    SIGSTORE,
    STAMPS,
    STRANGE,
    Json,
    bundle,
    bundled,
    flipped,
    root,
    spoilt,
    stored,
)


def _verify(candidate: Crafted, *roots: TrustRoot, second: SecondOpinion | None = None) -> Verified:
    verifier = Verifier(second_opinion=second or SecondOpinion())
    return verifier.verify(
        candidate.wanted,
        candidate.content,
        subject=about(SUBJECT),
        trust=TrustMaterial(roots=roots or (ROOT,)),
    )


def _asked(candidate: Crafted, *roots: TrustRoot) -> list[Opinion]:
    """What the other verifier said."""
    said: list[Opinion] = []

    def listening(bundle: bytes, root: TrustRoot, at: datetime | None) -> Opinion:
        said.append(ask_sigstore(bundle, root, at))
        return said[-1]

    _verify(candidate, *roots, second=SecondOpinion(listening))
    return said


def _always(opinion: Opinion) -> SecondOpinion:
    return SecondOpinion(lambda *_: opinion)


_BOTH_READ = [LOGGED, TILED, replace(LOGGED, timestamp=True)]


@pytest.mark.parametrize("recipe", _BOTH_READ, ids=["rekor-1", "rekor-2", "rekor-1-stamped"])
@pytest.mark.parametrize(
    "signer", [ROBOT, ALICE, Signer("a!b", "https://i.test", other_name=True)], ids=["uri", "email", "other"]
)
def test_both_accept(recipe: Recipe, signer: Signer) -> None:
    candidate = bundled(bundle(recipe, signer))
    assert _asked(candidate) == [Opinion(True, "")]
    assert _verify(candidate).candidate.reason_code == "signature-verified"


_BROKEN: list[Json] = [
    spoilt(bundle(), *ENTRY, "inclusionPromise", "signedEntryTimestamp", to=flipped),
    spoilt(bundle(), *ENTRY, "inclusionProof", "rootHash", to=flipped),
    spoilt(bundle(), *ENTRY, to=bundle()["verificationMaterial"]["tlogEntries"][0]),  # type: ignore[index]
    spoilt(
        bundle(TILED),
        *ENTRY,
        "inclusionProof",
        "checkpoint",
        "envelope",
        to=lambda note: note.replace("log2", "log3"),
    ),
    spoilt(
        bundle(),
        "verificationMaterial",
        "certificate",
        to=bundle()["verificationMaterial"]["certificate"],  # type: ignore[index]
    ),
]


@pytest.mark.parametrize("document", _BROKEN)
def test_both_refuse(document: Json) -> None:
    (said,) = _asked(bundled(document))
    assert said.holds is False
    assert _verify(bundled(document)).candidate.outcome is Outcome.REFUSED


@pytest.mark.parametrize(
    "candidate",
    [
        bundled(bundle(replace(LOGGED, entry="intoto-2"))),
        bundled(bundle(replace(TILED, entry="dsse"))),
        stored(SIGSTORE.signature_layer(CLAIMS, ALICE, AT)),
        bundled(bundle(sigstore=STRANGE)),
        bundled(spoilt(bundle(TILED), *STAMPS, to=[])),
    ],
)
def test_it_is_not_asked_about_what_it_cannot_read_nor_where_we_are_stricter(candidate: Crafted) -> None:
    assert _asked(candidate) == []


def test_it_is_given_only_what_was_trusted_at_the_time() -> None:
    windows = {"tlogs": (AT - timedelta(days=1), AT + timedelta(days=1))}
    said = _asked(bundled(bundle()), root(windows=windows))
    assert said == [Opinion(True, "")]


def test_several_instances_in_one_file() -> None:
    lines = encoded(STRANGE.trusted_root()) + b"\n" + encoded(SIGSTORE.trusted_root())
    assert _asked(bundled(bundle()), TrustRoot("two", lines, "f")) == [Opinion(True, "")]


def test_we_accept_and_it_refuses(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        candidate = _verify(bundled(bundle()), second=_always(Opinion(False, "no"))).candidate
    assert (candidate.outcome, candidate.reason_code) == (Outcome.INCONCLUSIVE, "second-opinion-disagrees")
    assert candidate.identity is None
    assert "two verifiers disagree" in caplog.text


def test_we_refuse_and_it_accepts(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        candidate = _verify(bundled(_BROKEN[0]), second=_always(Opinion(True, ""))).candidate
    assert candidate.outcome is Outcome.INCONCLUSIVE
    assert "log-promise-wrong" in candidate.detail
    assert "two verifiers disagree" in caplog.text


def test_it_is_asked_once_for_every_bundle() -> None:
    asked: list[bytes] = []

    def counting(bundle: bytes, root: TrustRoot, at: datetime | None) -> Opinion:
        asked.append(bundle)
        return Opinion(True, "")

    second = SecondOpinion(counting, remembered=2)
    candidates = [bundled(bundle()) for _ in range(3)]
    for candidate in (candidates[0], candidates[0], candidates[1], candidates[0]):
        _verify(candidate, second=second)
    assert len(asked) == 2
    for candidate in (candidates[2], candidates[0], candidates[2]):
        _verify(candidate, second=second)
    assert len(asked) == 4


def test_what_real_tools_wrote() -> None:
    folder = FIXTURES / "signed_by_real_tools"
    found = repository(folder, "corpus/kl-c3-rekor1")
    content = (folder / "trust" / "sigstore" / "trusted_root.json").read_bytes()
    ((wanted, blob),) = found.candidates(found.subject())
    verified = Verifier(second_opinion=SecondOpinion()).verify(
        wanted,
        blob,
        subject=found.judged(found.subject()),
        trust=TrustMaterial(roots=(TrustRoot("private", content, "f"),)),
    )
    assert verified.candidate.reason_code == "signature-verified"
