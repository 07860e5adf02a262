"""ATTEST: hang a verdict on its image as a signed verification summary, and take away what it supersedes.

planned:  the verdict still says so; nothing of it is there yet; the form is chosen; signed and attached   -> written
written:  found again as it was written (else attached once more); superseded summaries are taken away    -> confirmed
Each run of one intent signs the same statement, so what is there already is never written twice.
"""

from __future__ import annotations

from gatekeeper.core.attesting import AttachForm, carries_cosign, chosen_form
from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import ConflictError, NotFoundError, UnavailableError
from gatekeeper.core.evidence import Candidates, Evidence, Form, Outcome
from gatekeeper.core.lifecycle import Case, Intent, IntentDraft, IntentState
from gatekeeper.core.manifest import Descriptor
from gatekeeper.core.policy import Mode, ScopedPolicy
from gatekeeper.core.reference import Repository
from gatekeeper.core.verdict import Verdict
from gatekeeper.core.verification_summary import (
    PREDICATE_TYPE,
    InputAttestation,
    SummaryResult,
    VerificationSummary,
    statement_of,
    summary_in,
    summary_of,
)
from gatekeeper.workflow import drafts
from gatekeeper.workflow.answer import AnswerState, acted_on
from gatekeeper.workflow.attaching import attach, take_away
from gatekeeper.workflow.attested import Hanging, Look, OwnSummary
from gatekeeper.workflow.promotion import judged
from gatekeeper.workflow.work import Step, Work
from gatekeeper.workflow.workroom import Attesting, Workroom

_NOT_DONE = frozenset({IntentState.SUPERSEDED, IntentState.ABANDONED})
_ATTACHED_TO = {SummaryResult.PASSED: AnswerState.PASSED, SummaryResult.FAILED: AnswerState.FAILED}


def plan_attestation(
    room: Workroom, scoped: ScopedPolicy, evidence: Evidence, verdict: Verdict, case: Case | None
) -> IntentDraft | None:
    """What is attached because of this verdict, or taken away; None when it was said before or is not to be said."""
    attesting = room.attesting
    repository, digest = verdict.subject.repository, verdict.subject.digest
    if attesting is None or not _allowed(attesting, scoped, repository, digest):
        return None
    newest = room.store.newest_attestation(repository, digest)
    said = None if newest is None or newest.state in _NOT_DONE else newest
    summary = _summary(attesting, evidence, verdict)
    if summary is None:
        return None
    quarantined = case is not None and acted_on(case)
    if quarantined or (summary.result is SummaryResult.FAILED and not attesting.terms.failed):
        holds = said is not None and drafts.STATEMENT in said.draft.annotations
        if not holds:
            return None
        reason = "quarantined" if quarantined else verdict.reason_code
        return drafts.attestation(repository, digest, None, nonce=room.nonce(), reason=reason)
    if said is not None and _claim(said) == summary.claim:
        return None
    if not _finds_a_form(attesting, evidence):
        return None
    statement = statement_of(summary, digest, name=str(repository), version=attesting.terms.version)
    return drafts.attestation(
        repository, digest, statement, nonce=room.nonce(), reason=f"verdict-{verdict.state}"
    )


def _allowed(attesting: Attesting, scoped: ScopedPolicy, repository: Repository, digest: Digest) -> bool:
    """An attestation is a registry write: only where the policy enforces, and never into what it protects."""
    scope = scoped.scope
    return (
        scope.mode is Mode.ENFORCE
        and attesting.terms.cover(repository)
        and not scope.protects(repository, f"{digest.tag_form}.att")
    )


def _summary(attesting: Attesting, evidence: Evidence, verdict: Verdict) -> VerificationSummary | None:
    terms = attesting.terms
    return summary_of(
        verdict,
        verifier=terms.verifier,
        policy=terms.policy,
        levels=terms.levels,
        inputs=_inputs(evidence, verdict.subject.repository),
    )


def _inputs(evidence: Evidence, repository: Repository) -> tuple[InputAttestation, ...]:
    """The carriers of everything that was verified. A ``.att`` manifest is none: we may change it ourselves."""
    signatures = evidence.root.signatures
    if not isinstance(signatures, Candidates):
        return ()
    carriers = {
        candidate.carrier
        for candidate in signatures.items
        if candidate.outcome is Outcome.VERIFIED and candidate.form is not Form.COSIGN_ATTESTATION_TAG
    }
    return tuple(InputAttestation(f"{repository}@{carrier}", carrier) for carrier in sorted(carriers))


def _finds_a_form(attesting: Attesting, evidence: Evidence) -> bool:
    if attesting.terms.unsigned is not AttachForm.NONE:
        return True
    signatures = evidence.root.signatures
    return isinstance(signatures, Candidates) and carries_cosign(signatures.items)


def _claim(intent: Intent) -> Digest | None:
    statement = intent.draft.annotations.get(drafts.STATEMENT)
    return None if statement is None else summary_in(statement.encode()).claim


def step(work: Work) -> Step:
    """One step, resumable after a crash anywhere."""
    attesting = work.room.attesting
    if attesting is None:
        return Step(IntentState.ABANDONED, "signing is not configured any more; nothing was attached")
    try:
        subject = _subject(work)
        if work.intent.state is IntentState.PLANNED:
            return _outdated(work, attesting) or _attach(work, attesting, subject)
        return _confirm(work, attesting, subject)
    except NotFoundError:
        return Step(IntentState.ABANDONED, "the digest is no longer in the registry")
    except ConflictError as error:
        if error.reason_code != "tag-contended":
            raise
        return work.stay(f"{error.reason_code}: {error.message}")
    except UnavailableError as error:
        if not error.cause.blames_content:
            raise
        return Step(IntentState.ABANDONED, f"not attached: {error.reason_code}: {error.message}")


def _outdated(work: Work, attesting: Attesting) -> Step | None:
    """Laws 1 and 2 once more at the moment of writing: the verdict still says it, and nothing newer was planned."""
    newest = work.room.store.newest_attestation(work.draft.repository, work.draft.digest)
    if newest is not None and newest.id != work.intent.id:
        return Step(IntentState.SUPERSEDED, f"superseded by intent {newest.id}")
    statement = work.draft.annotations.get(drafts.STATEMENT)
    if statement is None:
        return None
    result = summary_in(statement.encode()).result
    found = judged(work.room, work.draft.repository, work.draft.digest, None)
    if found.state is _ATTACHED_TO[result] and (result is SummaryResult.PASSED or attesting.terms.failed):
        return None
    return Step(
        IntentState.SUPERSEDED, f"not attached: the digest is {found.state} now ({found.reason_code})"
    )


def _subject(work: Work) -> Descriptor:
    """Raises NotFoundError when the registry does not have it any more."""
    manifest = work.source.manifest(work.path, work.draft.digest)
    return Descriptor(manifest.media_type, manifest.digest, len(manifest.raw))


def _look(work: Work, attesting: Attesting, subject: Descriptor) -> Hanging:
    room = work.room
    look = Look(
        work.source,
        work.draft.repository,
        room.signatures,
        attesting.signer,
        room.limits.candidate_bytes,
        room.clock.now(),
    )
    return look.at(subject)


def _attach(work: Work, attesting: Attesting, subject: Descriptor) -> Step:
    statement = work.draft.annotations.get(drafts.STATEMENT)
    if statement is None:
        return Step(IntentState.WRITTEN, "what no longer holds is taken away")
    hanging = _look(work, attesting, subject)
    if _same(hanging, statement) is not None:
        return Step(IntentState.WRITTEN, "the same summary is attached already")
    form = chosen_form(hanging.others, attesting.terms.unsigned)
    if form is AttachForm.NONE:
        return Step(IntentState.ABANDONED, "the image carries no cosign signature; nothing was attached")
    signed = attesting.signer.sign(statement.encode(), PREDICATE_TYPE)
    attach(work, attesting.signer, signed, form, subject)
    return Step(IntentState.WRITTEN, f"attached as {form}")


def _same(hanging: Hanging, statement: str) -> OwnSummary | None:
    """The summary that says exactly this, made at the same moment."""
    wanted = summary_in(statement.encode())
    return next(
        (
            own
            for own in hanging.ours
            if (own.summary.claim, own.summary.verified_at) == (wanted.claim, wanted.verified_at)
        ),
        None,
    )


def _confirm(work: Work, attesting: Attesting, subject: Descriptor) -> Step:
    hanging = _look(work, attesting, subject)
    statement = work.draft.annotations.get(drafts.STATEMENT)
    kept: tuple[OwnSummary, ...] = ()
    if statement is not None:
        mine = _same(hanging, statement)
        if mine is None:
            # Another writer of the same tag was faster in the end.
            again = _attach(work, attesting, subject)
            return work.stay(f"it was gone when it was read back; {again.note}")
        superseded = tuple(own for own in hanging.ours if own is not mine)
        kept = (mine, *superseded[: attesting.terms.keep])
    doomed = tuple(own for own in hanging.ours if own not in kept)
    left = take_away(work, attesting.signer, doomed)
    note = "taken away" if statement is None else "attached and read back"
    if left:
        note += f"; the registry deletes no manifest, so {left} superseded summaries stay"
    elif doomed:
        note += f"; {len(doomed)} superseded summaries were taken away"
    return Step(IntentState.CONFIRMED, note)
