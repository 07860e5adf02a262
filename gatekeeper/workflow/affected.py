"""``affected``: which images, tags and promotions a vulnerability concerns, and how many nobody can judge."""

from __future__ import annotations

from dataclasses import dataclass

from gatekeeper.core.errors import MalformedError
from gatekeeper.core.exit_codes import ExitCode
from gatekeeper.ports.vulnerabilities import AffectedAnswer
from gatekeeper.workflow.workroom import Workroom

LONGEST_NAME = 200
EVERYWHERE = ("**",)


@dataclass(frozen=True, slots=True)
class Affected:
    """The answer with what a program branches on. ``core.canonical.to_plain`` makes JSON of it."""

    state: str
    """``affected`` | ``unaffected`` | ``indeterminate``: nothing found, and not everything could be judged."""
    reason_code: str
    exit_code: int
    message: str
    answer: AffectedAnswer


def affected(
    room: Workroom,
    name: str,
    *,
    repositories: tuple[str, ...] = EVERYWHERE,
    limit: int = 1000,
    verify: bool = False,
) -> Affected:
    """By a CVE id or any other id of the vulnerability. No registry is asked. Raises MalformedError."""
    wanted = name.strip()
    if not wanted or len(wanted) > LONGEST_NAME or any(character.isspace() for character in wanted):
        raise MalformedError(
            f"{name[:80]!r} is no id of a vulnerability; write for example CVE-2021-44228",
            reason_code="vulnerability-malformed",
        )
    if wanted.upper().startswith(("CVE-", "GHSA-")):
        wanted = _spelled(wanted)
    answer = room.store.affected(wanted, room.matcher, repositories=repositories, limit=limit, verify=verify)
    if repositories != EVERYWHERE and not answer.repositories and not answer.differences:
        # A misspelt glob must not look like an estate that is clean.
        message = (
            f"no known repository matches {' or '.join(repositories)}; write REGISTRY/PATH, or ** for all"
        )
        return Affected(
            "indeterminate", "no-repository-matches", int(ExitCode.INDETERMINATE), message, answer
        )
    return _judged(answer)


def _spelled(name: str) -> str:
    """CVE ids are upper case; of GHSA ids only the prefix is."""
    prefix, _, rest = name.partition("-")
    return f"{prefix.upper()}-{rest}" if prefix.upper() == "CVE" else f"GHSA-{rest.lower()}"


def _judged(answer: AffectedAnswer) -> Affected:
    missed = answer.not_judged
    blind = (
        f"{missed.images} images, {missed.tags} tags and {missed.promotions} promotions could not be judged"
    )
    if answer.differences:
        message = f"the stored index differs from a full rebuild in {len(answer.differences)} places"
        return Affected("indeterminate", "index-differs", int(ExitCode.INTERNAL), message, answer)
    if answer.image_count:
        message = (
            f"{answer.image_count} images, {answer.tag_count} tags and {answer.promotion_count} promotions are"
            f" affected; {blind}"
        )
        return Affected("affected", "images-affected", int(ExitCode.FAILED), message, answer)
    if missed.images:
        known = "" if answer.advisories else "no feed knows it; "
        return Affected(
            "indeterminate",
            "not-all-judged",
            int(ExitCode.INDETERMINATE),
            f"none found; {known}{blind}",
            answer,
        )
    return Affected(
        "unaffected", "none-affected", int(ExitCode.PASSED), f"no image is affected; {blind}", answer
    )
