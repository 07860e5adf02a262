"""In-toto statements v0.1 and v1 (in-toto/attestation spec/v1/statement.md), read strictly.

Lenient only where real tools are: cosign 3 writes no subject name, cosign 2.6 and 3.0 leave out ``predicate``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from gatekeeper.core import strict_json
from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import MalformedError
from gatekeeper.signatures import media_types
from gatekeeper.signatures.cosign_signature import as_texts
from gatekeeper.signatures.reason_codes import ReasonCode
from gatekeeper.signatures.refusal import RefusedError

MAX_SUBJECTS = 1024
MAX_DIGESTS = 32
_HEX = re.compile(r"(?:[0-9a-f]{2})+", re.ASCII)
_HEX_ALGORITHMS = ("sha", "git")
"""Digest algorithms of these families are lower-case hexadecimal; goModuleH1 and dirHash are not."""

_STATEMENT = frozenset({"_type", "subject", "predicateType", "predicate"})
_SUBJECT = frozenset({"digest", "annotations"})


@dataclass(frozen=True, slots=True)
class Subject:
    """One thing the statement is about: digest algorithm -> encoded digest."""

    digests: Mapping[str, str]
    annotations: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class InTotoStatement:
    """A statement whose shape holds. ``predicate`` is canonical JSON; ``{}`` when the member is absent."""

    subjects: tuple[Subject, ...]
    predicate_type: str
    predicate: bytes

    def about(self, digest: Digest) -> Subject | None:
        """The first subject that names this digest by the digest's own algorithm."""
        for subject in self.subjects:
            if subject.digests.get(digest.algorithm) == digest.encoded:
                return subject
        return None


def _malformed(detail: str) -> RefusedError:
    return RefusedError(ReasonCode.STATEMENT_MALFORMED, detail)


def _check_spelling(members: Mapping[str, object], known: frozenset[str]) -> None:
    try:
        strict_json.check_spelling(members, known)
    except MalformedError as error:
        raise _malformed(error.message) from error


def read_statement(payload: bytes) -> InTotoStatement:
    """A *verified* payload -> its statement. Raises RefusedError."""
    try:
        document = strict_json.loads(payload)
    except MalformedError as error:
        raise _malformed(error.message) from error
    if not isinstance(document, dict):
        raise _malformed("the statement is no JSON object")
    _check_spelling(document, _STATEMENT)
    kind = document.get("_type")
    if kind not in (media_types.STATEMENT_V01, media_types.STATEMENT_V1):
        raise RefusedError(ReasonCode.STATEMENT_TYPE_UNKNOWN, f"`_type` is {str(kind)[:80]!r}")
    predicate_type = document.get("predicateType")
    if not isinstance(predicate_type, str) or not predicate_type:
        raise _malformed("`predicateType` is absent or no string")
    subjects = document.get("subject")
    if not isinstance(subjects, list) or not subjects:
        raise _malformed("`subject` is absent, empty or no list")
    if len(subjects) > MAX_SUBJECTS:
        raise RefusedError(ReasonCode.STATEMENT_TOO_MANY_SUBJECTS, f"there are {len(subjects)} subjects")
    predicate = json.dumps(document.get("predicate", {}), sort_keys=True, separators=(",", ":"))
    return InTotoStatement(
        tuple(_subject(subject, number) for number, subject in enumerate(subjects)),
        predicate_type,
        predicate.encode("ascii"),
    )


def _subject(subject: object, number: int) -> Subject:
    if not isinstance(subject, dict):
        raise _malformed(f"`subject[{number}]` is no object")
    _check_spelling(subject, _SUBJECT)
    digests = subject.get("digest")
    if not isinstance(digests, dict) or not digests:
        raise _malformed(f"`subject[{number}].digest` is absent, empty or no object")
    if len(digests) > MAX_DIGESTS:
        raise RefusedError(
            ReasonCode.STATEMENT_TOO_MANY_SUBJECTS, f"`subject[{number}]` has {len(digests)} digests"
        )
    for algorithm, encoded in digests.items():
        if not isinstance(encoded, str):
            raise _malformed(f"`subject[{number}].digest` holds something that is no string")
        if algorithm.lower().startswith(_HEX_ALGORITHMS) and _HEX.fullmatch(encoded) is None:
            raise _malformed(f"`subject[{number}].digest` {algorithm[:40]!r} is not lower-case hexadecimal")
    annotations = subject.get("annotations")
    return Subject(digests, as_texts(annotations) if isinstance(annotations, dict) else {})
