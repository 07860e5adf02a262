"""A verified predicate -> its facts. Pure; whatever does not have the shape of its type becomes ``UnreadPredicate``."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime

from gatekeeper.core import strict_json
from gatekeeper.core.errors import MalformedError
from gatekeeper.core.predicate import (
    LONGEST_CLAIM,
    MOST_CLAIMS,
    BillOfMaterials,
    ExploitabilityStatements,
    OtherPredicate,
    Predicate,
    PredicateFacts,
    Provenance,
    Summary,
    TestReport,
    UnreadPredicate,
    VulnerabilityScan,
    is_of_type,
)
from gatekeeper.core.verification_summary import read_summary

MOST_UNPINNED = 16
_GIT = re.compile(
    r"(?:git\+)?(?P<uri>[a-z+]+://[^@#?]+?)(?:\.git)?/?(?:[@#](?P<ref>[^?]+))?(?:\?.*)?", re.DOTALL
)

Json = Mapping[str, object]


class _ShapeError(ValueError):
    """The predicate does not have the shape of its type."""


def read_predicate(predicate_type: str, content: bytes) -> Predicate:
    """Canonical JSON of a verified predicate -> what it says."""
    try:
        document = strict_json.loads(content)
    except MalformedError as error:
        return Predicate(UnreadPredicate(error.message))
    if isinstance(document, str) and is_of_type(predicate_type, "spdx"):
        # `cosign attest --type spdx` writes the document as one string.
        return Predicate(BillOfMaterials("spdx"))
    if not isinstance(document, dict):
        return Predicate(UnreadPredicate("the predicate is no JSON object"))
    for kind, read, is_document in _READERS:
        if is_of_type(predicate_type, kind):
            try:
                facts: PredicateFacts = read(document, content)
            except (_ShapeError, MalformedError) as error:
                facts = UnreadPredicate(str(error))
            return Predicate(facts, {} if is_document else _claims(document))
    return Predicate(OtherPredicate(_moment(document.get("timestamp"))), _claims(document))


def _provenance(document: Json, _content: bytes) -> Provenance:
    return _provenance_v1(document) if "buildDefinition" in document else _provenance_v02(document)


def _provenance_v1(document: Json) -> Provenance:
    definition, details = _object(document, "buildDefinition"), _object(document, "runDetails")
    metadata = _optional(details, "metadata")
    parameters = _optional(definition, "externalParameters")
    dependencies = _objects(definition, "resolvedDependencies")
    uri, ref, commit = _source_of(parameters, dependencies)
    return Provenance(
        version="v1",
        builder=_text(_object(details, "builder"), "id"),
        build_type=_text(definition, "buildType"),
        source=uri,
        source_ref=ref,
        source_digest=commit,
        materials=len(dependencies),
        unpinned=_unpinned(dependencies),
        invocation=_words(metadata.get("invocationId")),
        said_at=_moment(metadata.get("finishedOn")) or _moment(metadata.get("startedOn")),
    )


def _provenance_v02(document: Json) -> Provenance:
    invocation, metadata = _optional(document, "invocation"), _optional(document, "metadata")
    materials = _objects(document, "materials")
    uri, ref, commit = _source_of({"configSource": invocation.get("configSource")}, materials)
    return Provenance(
        version="v0.2",
        builder=_text(_object(document, "builder"), "id"),
        build_type=_text(document, "buildType"),
        source=uri,
        source_ref=ref,
        source_digest=commit,
        materials=len(materials),
        unpinned=_unpinned(materials),
        invocation=_words(metadata.get("buildInvocationID")) or _words(metadata.get("buildInvocationId")),
        said_at=_moment(metadata.get("buildFinishedOn")) or _moment(metadata.get("buildStartedOn")),
    )


def _source_of(parameters: Json, dependencies: list[Json]) -> tuple[str, str, str]:
    """(repository, reference, commit): what the parameters name, else the first dependency from a repository."""
    workflow = _optional(parameters, "workflow")
    if workflow:
        uri, ref = _words(workflow.get("repository")), _words(workflow.get("ref"))
        return _split(uri)[0], ref, _commit_of(dependencies, _split(uri)[0])
    for name in ("source", "configSource", "sourceToBuild"):
        named = parameters.get(name)
        descriptor: Json = (
            {"uri": named} if isinstance(named, str) else named if isinstance(named, dict) else {}
        )
        uri, ref = _split(_words(descriptor.get("uri")) or _words(descriptor.get("repository")))
        if uri:
            return (
                uri,
                ref or _words(descriptor.get("ref")),
                _digest_of(descriptor) or _commit_of(dependencies, uri),
            )
    for dependency in dependencies:
        written = _words(dependency.get("uri"))
        if written.startswith("git+"):
            return (*_split(written), _digest_of(dependency))
    return "", "", ""


def _split(written: str) -> tuple[str, str]:
    """``git+https://host/org/repo.git@ref`` -> (``https://host/org/repo``, ``ref``)."""
    found = _GIT.fullmatch(written)
    return (found["uri"], found["ref"] or "") if found is not None else (written, "")


def _commit_of(dependencies: list[Json], uri: str) -> str:
    for dependency in dependencies:
        if uri and _split(_words(dependency.get("uri")))[0] == uri:
            return _digest_of(dependency)
    return ""


def _digest_of(descriptor: Json) -> str:
    digests = _optional(descriptor, "digest")
    return next((_words(digests[name]) for name in ("gitCommit", "sha1", "sha256") if name in digests), "")


def _unpinned(dependencies: list[Json]) -> tuple[str, ...]:
    names = [
        _words(dependency.get("uri")) or _words(dependency.get("name")) or "(unnamed)"
        for dependency in dependencies
        if not any(isinstance(value, str) and value for value in _optional(dependency, "digest").values())
    ]
    return tuple(name[:LONGEST_CLAIM] for name in names[:MOST_UNPINNED])


def _summary(_document: Json, content: bytes) -> Summary:
    found = read_summary(content)
    return Summary(
        found.verifier,
        found.resource,
        found.policy,
        found.result == "PASSED",
        found.levels,
        found.verified_at,
    )


def _scan(document: Json, _content: bytes) -> VulnerabilityScan:
    scanner, metadata = _object(document, "scanner"), _optional(document, "metadata")
    result = scanner.get("result")
    return VulnerabilityScan(
        scanner=_text(scanner, "uri"),
        version=_words(scanner.get("version")),
        results=len(result) if isinstance(result, list) else None,
        said_at=_moment(metadata.get("scanFinishedOn")) or _moment(scanner.get("scanFinishedOn")),
    )


def _vex(document: Json, _content: bytes) -> ExploitabilityStatements:
    statements = document.get("statements")
    if not isinstance(statements, list):
        raise _ShapeError("`statements` is absent or no list")
    said_at = _moment(document.get("last_updated")) or _moment(document.get("timestamp"))
    return ExploitabilityStatements(_words(document.get("author")), len(statements), said_at)


def _tests(document: Json, _content: bytes) -> TestReport:
    result = _text(document, "result")
    if result not in ("PASSED", "WARNED", "FAILED"):
        raise _ShapeError(f"`result` is {result[:40]!r}, neither PASSED, WARNED nor FAILED")
    failed = document.get("failedTests")
    return TestReport(result != "FAILED", result, len(failed) if isinstance(failed, list) else 0)


def _spdx(document: Json, _content: bytes) -> BillOfMaterials:
    return BillOfMaterials("spdx", _moment(_optional(document, "creationInfo").get("created")))


def _cyclonedx(document: Json, _content: bytes) -> BillOfMaterials:
    return BillOfMaterials("cyclonedx", _moment(_optional(document, "metadata").get("timestamp")))


def _custom(document: Json, _content: bytes) -> OtherPredicate:
    """Cosign wraps what it is given: ``{Data, Timestamp}``."""
    return OtherPredicate(_moment(document.get("Timestamp")))


_Reader = Callable[[Json, bytes], PredicateFacts]
_READERS: tuple[tuple[str, _Reader, bool], ...] = (
    ("slsa-provenance", _provenance, False),
    ("slsa-vsa", _summary, False),
    ("vuln", _scan, False),
    ("openvex", _vex, True),
    ("test-result", _tests, False),
    ("spdx", _spdx, True),
    ("cyclonedx", _cyclonedx, True),
    ("custom", _custom, False),
)


def _claims(document: Json) -> Mapping[str, str]:
    """What lies near the top first: hundreds of dependencies do not push out who built it."""
    found: dict[str, str] = {}
    level: list[tuple[str, object]] = [("", document)]
    while level and len(found) < MOST_CLAIMS:
        for pointer, value in level:
            if isinstance(value, str | bool | int | float) and len(found) < MOST_CLAIMS:
                text = value if isinstance(value, str) else json.dumps(value)
                if len(text) <= LONGEST_CLAIM and len(pointer) <= LONGEST_CLAIM:
                    found[pointer] = text
        level = [below for pointer, value in level for below in _members(pointer, value)]
    return found


def _members(pointer: str, value: object) -> Iterator[tuple[str, object]]:
    match value:
        case dict():
            for name, member in value.items():
                yield f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}", member
        case list():
            for position, item in enumerate(value):
                yield f"{pointer}/{position}", item


def _object(parent: Json, name: str) -> Json:
    found = parent.get(name)
    if not isinstance(found, dict):
        raise _ShapeError(f"`{name}` is absent or no object")
    return found


def _optional(parent: Json, name: str) -> Json:
    found = parent.get(name)
    return found if isinstance(found, dict) else {}


def _objects(parent: Json, name: str) -> list[Json]:
    found = parent.get(name)
    if found is None:
        return []
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise _ShapeError(f"`{name}` is no list of objects")
    return found


def _text(parent: Json, name: str) -> str:
    found = parent.get(name)
    if not isinstance(found, str) or not found:
        raise _ShapeError(f"`{name}` is absent or no text")
    return found


def _words(value: object) -> str:
    return value if isinstance(value, str) and len(value) <= LONGEST_CLAIM else ""


def _moment(value: object) -> datetime | None:
    """An RFC 3339 time; None for what is none, and for Go's zero time, which says nothing."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    if moment.tzinfo is None or moment.year <= 1:
        return None
    return moment.astimezone(UTC)
