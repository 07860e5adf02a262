"""``check``: judge one image now. No daemon; nothing is written anywhere.

No database is needed. One that has feeds is asked about the components of the image's SBOMs.
"""

from __future__ import annotations

from collections.abc import Callable

from gatekeeper.core.decide import decide
from gatekeeper.core.errors import MalformedError
from gatekeeper.core.evidence import Evidence
from gatekeeper.core.policy import Policy
from gatekeeper.core.reference import Reference
from gatekeeper.core.scan import NOT_SCANNED, Scan
from gatekeeper.core.verdict import Subject
from gatekeeper.workflow import answer
from gatekeeper.workflow.answer import Answer
from gatekeeper.workflow.collect import Collected, collect
from gatekeeper.workflow.explain import Explanation, explanation_of
from gatekeeper.workflow.explained_candidates import explained_candidates
from gatekeeper.workflow.workroom import Collector

Scanner = Callable[[Collected], Scan]
"""From what was gathered to what is known about its components."""


def check(collector: Collector, policy: Policy, reference: Reference) -> Answer:
    """The answer of a fresh look, with its verdict. Missing evidence is missing: nothing settles here.

    Raises NotFoundError (no such tag), UnavailableError (the registry could not be asked), ConfigurationError.
    """
    return _judged(collector, policy, reference)[0]


def explained_check(
    collector: Collector, policy: Policy, reference: Reference, scanner: Scanner | None = None
) -> Explanation:
    """The same, with the tree below it and every candidate that was found. Raises what ``check`` raises.

    ``scanner``: who knows vulnerabilities; without one the rules about them cannot tell.
    """
    found, evidence = _judged(collector, policy, reference, scanner)
    if evidence is None:
        return explanation_of(found)
    now = collector.clock.now()
    return explanation_of(found, explained_candidates(evidence, policy.signers, collector.signatures, now))


def _judged(
    collector: Collector, policy: Policy, reference: Reference, scanner: Scanner | None = None
) -> tuple[Answer, Evidence | None]:
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
    scan = NOT_SCANNED if scanner is None else scanner(collected)
    verdict = decide(scoped, subject, collected.evidence, (), now, scan, inventory=collected.inventory)
    return answer.judged(verdict, reference.tag), collected.evidence
