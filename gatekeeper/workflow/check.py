"""``check``: judge one image now. No daemon, no database; nothing is written anywhere."""

from __future__ import annotations

from gatekeeper.core.decide import decide
from gatekeeper.core.errors import MalformedError
from gatekeeper.core.evidence import Evidence
from gatekeeper.core.policy import Policy
from gatekeeper.core.reference import Reference
from gatekeeper.core.verdict import Subject
from gatekeeper.workflow import answer
from gatekeeper.workflow.answer import Answer
from gatekeeper.workflow.collect import collect
from gatekeeper.workflow.explain import Explanation, explanation_of
from gatekeeper.workflow.explained_candidates import explained_candidates
from gatekeeper.workflow.workroom import Collector


def check(collector: Collector, policy: Policy, reference: Reference) -> Answer:
    """The answer of a fresh look, with its verdict. Missing evidence is missing: nothing settles here.

    Raises NotFoundError (no such tag), UnavailableError (the registry could not be asked), ConfigurationError.
    """
    return _judged(collector, policy, reference)[0]


def explained_check(collector: Collector, policy: Policy, reference: Reference) -> Explanation:
    """The same, with the tree below it and every candidate that was found. Raises what ``check`` raises."""
    found, evidence = _judged(collector, policy, reference)
    if evidence is None:
        return explanation_of(found)
    now = collector.clock.now()
    return explanation_of(found, explained_candidates(evidence, policy.signers, collector.signatures, now))


def _judged(collector: Collector, policy: Policy, reference: Reference) -> tuple[Answer, Evidence | None]:
    repository = reference.repository
    scoped = policy.resolve(repository)
    if scoped is None:
        return answer.not_covered(repository, reference.tag, reference.digest, policy), None
    if reference.tag is None and reference.digest is None:
        raise MalformedError(f"{reference} names neither tag nor digest", reason_code="reference-incomplete")
    registry = collector.registries.get(repository.registry)
    digest = reference.digest or registry.resolve(repository.path, reference.tag or "").digest
    collected = collect(collector, repository, digest, scoped, policy)
    if collected.not_subject is not None:
        return answer.no_subject(repository, digest, reference.tag, collected.not_subject), None
    now = collector.clock.now()
    tags = (reference.tag,) if reference.tag is not None else ()
    subject = Subject(repository, digest, tags, now - scoped.scope.settle)
    verdict = decide(scoped, subject, collected.evidence, (), now, inventory=collected.inventory)
    return answer.judged(verdict, reference.tag), collected.evidence
