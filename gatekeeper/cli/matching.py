"""What ``gatekeeper match`` does, and how its answer is shown."""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from gatekeeper.cli import output
from gatekeeper.cli.output import Block, Facts, Line, Rows, tell
from gatekeeper.core.component import Component, SbomDocument
from gatekeeper.core.errors import MalformedError
from gatekeeper.core.exit_codes import ExitCode
from gatekeeper.core.match import Gap, Match
from gatekeeper.sbom import documents
from gatekeeper.sbom.lenient import MAX_BYTES
from gatekeeper.vulnerabilities.assessment import Assessment, assess
from gatekeeper.vulnerabilities.index import AdvisoryIndex
from gatekeeper.vulnerabilities.naming import split_ecosystem
from gatekeeper.vulnerabilities.sources import opened

if TYPE_CHECKING:
    from gatekeeper.cli.excuses import Excuses

_STDIN = "-"


def matched(sbom: str, feeds: Sequence[Path], vex: Sequence[Path]) -> dict[str, Any]:
    """The answer as JSON-ready values. Raises MalformedError for an SBOM or feed that cannot be read."""
    try:
        document = _read(_content(sbom))
    except MalformedError as error:
        if error.reason_code == "sbom-unreadable":
            raise
        name = "standard input" if sbom == _STDIN else sbom
        raise MalformedError(f"{name}: {error.message}", reason_code=error.reason_code) from error
    with opened(feeds, cache=_cache(), told=tell) as index:
        _check_read(index)
        excuses = _excuses(vex, document) if vex else None
        return _answer(sbom, document, assess(document, index), index, excuses)


def _read(content: bytes) -> SbomDocument:
    """The SBOM, or the one in an in-toto statement or envelope around it, as ``sbom show`` reads a file."""
    try:
        return documents.read(content)
    except MalformedError as error:
        if error.reason_code != "sbom-format-unsupported":
            raise
        from gatekeeper.sbom.reader import Reader

        return Reader().read_any(content)


def _check_read(index: AdvisoryIndex) -> None:
    """Raises MalformedError ``feed-malformed`` for feeds of which not one record can be read."""
    if index.refused and not index.records:
        first = next(iter(index.refusals()))
        raise MalformedError(
            f"{first.place}: {first.reason}; give OSV records: JSON, JSON lines, a zip or a directory of these",
            reason_code="feed-malformed",
        )


def _excuses(vex: Sequence[Path], document: SbomDocument) -> Excuses:
    # Most runs have no VEX, and need none of what reads it.
    from gatekeeper.cli.excuses import Excuses

    return Excuses.given(vex, document)


def _content(sbom: str) -> bytes:
    try:
        if sbom == _STDIN:
            return sys.stdin.buffer.read(MAX_BYTES + 1)
        with Path(sbom).open("rb") as stream:
            return stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise MalformedError(
            f"{sbom} cannot be read: {error.strerror}", reason_code="sbom-unreadable"
        ) from error


def _cache() -> Path | None:
    base = os.environ.get("XDG_CACHE_HOME")
    try:
        return (Path(base) if base else Path.home() / ".cache") / "gatekeeper" / "advisories"
    except RuntimeError:
        return None


def _answer(
    sbom: str, document: SbomDocument, assessment: Assessment, index: AdvisoryIndex, excuses: Excuses | None
) -> dict[str, Any]:
    components = {component.purl: component for component in document.components}
    matches = [
        _match(
            match,
            components[match.component],
            excuses.of(match, components[match.component]) if excuses is not None else None,
        )
        for match in assessment.matches
    ]
    if any(match["suppressed"] is None for match in matches):
        state, reason, code = "failed", "vulnerabilities-found", ExitCode.FAILED
    elif assessment.gaps or document.unreadable or not index.records:
        state, reason, code = "indeterminate", "not-everything-judged", ExitCode.INDETERMINATE
    elif not assessment.components:
        state, reason, code = "indeterminate", "nothing-to-judge", ExitCode.INDETERMINATE
    else:
        state, reason, code = "passed", "no-vulnerabilities", ExitCode.PASSED
    return {
        "state": state,
        "reason_code": reason,
        "exit_code": int(code),
        "sbom": {
            "source": sbom,
            "format": str(document.format),
            "version": document.version,
            "subject": document.subject,
            "operating_system": _system(document),
            "components": assessment.components,
            "judged": assessment.judged,
            "unreadable": document.unreadable,
        },
        "feeds": _feeds(assessment, index),
        "vex": excuses.told() if excuses is not None else [],
        "matches": matches,
        "gaps": [_gap(gap) for gap in assessment.gaps],
        "judged_by_vendor": [
            {"component": item.component, "package": item.package} for item in assessment.of_vendor
        ],
    }


def _system(document: SbomDocument) -> dict[str, str] | None:
    system = document.operating_system
    if system is None:
        return None
    return {"id": system.id, "version_id": system.version_id, "name": system.name}


def _feeds(assessment: Assessment, index: AdvisoryIndex) -> dict[str, Any]:
    named = {split_ecosystem(match.package.ecosystem)[0] for match in assessment.matches}
    return {
        "records": index.records,
        "refused": index.refused,
        "refusals": [{"place": item.place, "reason": item.reason} for item in index.refusals()],
        "ecosystems": sorted({split_ecosystem(item.ecosystem)[0] for item in index.coverage} | named),
        "newest": max((item.newest for item in index.coverage), default=None),
    }


def _match(match: Match, component: Component, excuse: dict[str, Any] | None) -> dict[str, Any]:
    rating = match.rating
    return {
        "component": component.name,
        "version": component.version or match.package.version,
        "purl": component.purl,
        "package": {
            "ecosystem": match.package.ecosystem,
            "name": match.package.name,
            "version": match.package.version,
            "from_source": match.package.from_source,
        },
        "advisory": match.advisory,
        "advisories": list(match.advisories),
        "aliases": list(match.aliases),
        "severity": str(rating.severity),
        "severity_source": rating.source or None,
        "score": rating.score or None,
        "vector": rating.vector or None,
        "fixed": list(match.fixed),
        "why": {"ground": str(match.why.ground), "text": match.why.text, "fixed": match.why.fixed or None},
        "vendor_status": str(match.status),
        "summary": match.summary,
        "published": match.published or None,
        "modified": match.modified or None,
        "suppressed": excuse,
    }


def _gap(gap: Gap) -> dict[str, Any]:
    return {
        "component": gap.component,
        "reason": str(gap.reason),
        "detail": gap.detail,
        "advisory": gap.advisory or None,
    }


def indented(answer: Mapping[str, Any]) -> str:
    """As ``output.indented`` writes it. Python's own indenting encoder would take longer than the matching."""
    try:
        return msgspec.json.format(json.dumps(answer), indent=2)
    except msgspec.DecodeError:
        # The name of a file that is no UTF-8 is half a surrogate pair, which msgspec does not read.
        return output.indented(answer)


def blocks(answer: Mapping[str, Any]) -> Sequence[Block]:
    """The answer for people: the vulnerabilities, worst first, then what could not be judged."""
    sbom, feeds = answer["sbom"], answer["feeds"]
    system = sbom["operating_system"]
    shown: list[Block] = [
        Facts(
            [
                ("state", answer["state"]),
                ("SBOM", f"{sbom['source']} ({sbom['format']} {sbom['version']})"),
                ("operating system", f"{system['id']} {system['version_id']}".strip() if system else None),
                ("components", f"{sbom['components']}, of which {sbom['judged']} could be judged"),
                (
                    "advisories",
                    " of ".join(filter(None, (str(feeds["records"]), ", ".join(feeds["ecosystems"])))),
                ),
                (
                    "VEX",
                    ", ".join(
                        f"{item['file']} ({'given, trusted as it is' if item['format'] else 'not read'})"
                        for item in answer["vex"]
                    ),
                ),
                (
                    "set aside",
                    f"{feeds['refused']} advisories that cannot be read" if feeds["refused"] else None,
                ),
            ]
        ),
        Rows(
            ("severity", "package", "version", "fixed in", "advisory", "also", "why"),
            [
                (
                    item["severity"],
                    item["package"]["name"],
                    item["package"]["version"],
                    ", ".join(item["fixed"]),
                    item["advisory"],
                    ", ".join(item["aliases"]),
                    item["why"]["text"],
                )
                for item in answer["matches"]
                if item["suppressed"] is None
            ],
            title="Vulnerabilities",
            empty="No vulnerabilities found.",
        ),
    ]
    excused = [item for item in answer["matches"] if item["suppressed"] is not None]
    if excused:
        shown.append(
            Rows(
                ("advisory", "package", "version", "excused by", "status", "because"),
                [
                    (
                        item["advisory"],
                        item["package"]["name"],
                        item["package"]["version"],
                        item["suppressed"]["author"],
                        item["suppressed"]["status"],
                        item["suppressed"]["justification"],
                    )
                    for item in excused
                ],
                title="Excused by VEX",
            )
        )
    if answer["gaps"]:
        reasons = Counter(item["reason"] for item in answer["gaps"])
        shown.append(
            Rows(
                ("reason", "component", "advisory", "detail"),
                [
                    (item["reason"], item["component"], item["advisory"], item["detail"])
                    for item in answer["gaps"]
                ],
                title="Not judged",
            )
        )
        counts = ", ".join(f"{count} {reason}" for reason, count in reasons.most_common())
        shown.append(Line(f"Not judged: {counts}."))
    return shown
