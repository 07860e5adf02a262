"""The one-shot verifiers on this machine: no configuration, no database, docker's credentials."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from gatekeeper.core.canonical import to_plain
from gatekeeper.core.digest import Digest
from gatekeeper.core.question import SIGNATURE_PREDICATE, Question
from gatekeeper.core.reference import parse_reference, parse_repository
from gatekeeper.core.rules.signed import SignedVia
from gatekeeper.signatures.meanings import remedy_of
from gatekeeper.wiring import asking
from gatekeeper.workflow import verify_image as use_case

if TYPE_CHECKING:
    from gatekeeper.cli.trust_options import Given
    from gatekeeper.workflow.verify_summary import SummaryVerification
    from gatekeeper.workflow.workroom import Collector

Plain = dict[str, Any]
_PLATFORM = re.compile(r"[a-z0-9]+/[a-z0-9_]+(/[a-z0-9.]+)?", re.ASCII)
PREDICATES = {
    "custom": "https://cosign.sigstore.dev/attestation/v1",
    "cyclonedx": "https://cyclonedx.org/bom",
    "link": "https://in-toto.io/Link/v1",
    "openvex": "https://openvex.dev/ns",
    "signature": SIGNATURE_PREDICATE,
    "slsaprovenance": "https://slsa.dev/provenance/v0.2",
    "slsaprovenance02": "https://slsa.dev/provenance/v0.2",
    "slsaprovenance1": "https://slsa.dev/provenance/v1",
    "spdx": "https://spdx.dev/Document",
    "spdxjson": "https://spdx.dev/Document",
    "vuln": "https://cosign.sigstore.dev/attestation/vuln/v1",
}
"""cosign's short names (pkg/cosign/attestation, ``PredicateTypeMap``)."""


@dataclass(frozen=True, slots=True)
class Connection:
    """How the registry is reached."""

    plain_http: bool = False
    ca_file: Path | None = None
    auth_realms: tuple[str, ...] = ()

    def asking(self, *hosts: str) -> AbstractContextManager[Collector]:
        """A collector over these registries. Raises BadParameter for a CA file that is not there."""
        if self.ca_file is not None and not self.ca_file.is_file():
            raise typer.BadParameter(f"there is no file {self.ca_file}", param_hint="--ca-file")
        return asking(
            hosts,
            plain_http=self.plain_http,
            ca_file=None if self.ca_file is None else str(self.ca_file),
            auth_realms=self.auth_realms,
        )


def verify_image(
    image: str,
    given: Given,
    connection: Connection,
    *,
    threshold: int,
    predicate_type: str | None,
    annotations: tuple[str, ...],
    metadata: tuple[str, ...],
    platform: str | None,
    signed_via: SignedVia,
    signature_repository: str | None,
) -> Plain:
    """``gatekeeper verify``. Raises BadParameter for options that make no question."""
    reference = parse_reference(image)
    trust, signers = given.read(reference.repository)
    if threshold > len(signers):
        raise typer.BadParameter(
            f"{threshold} signers are needed and {len(signers)} are named", param_hint="--threshold"
        )
    elsewhere = None if signature_repository is None else parse_repository(signature_repository)
    question = Question(
        signers,
        threshold,
        None if predicate_type is None else predicate_uri(predicate_type),
        pairs(annotations, "--annotation"),
        pairs(metadata, "--metadata"),
    )
    place = use_case.Place(checked_platform(platform), signed_via, elsewhere)
    hosts = {reference.repository.registry, *(() if elsewhere is None else (elsewhere.registry,))}
    with connection.asking(*hosts) as collector:
        return shown(use_case.verify_image(collector, trust, question, reference, place))


def verify_summary(
    image: str,
    given: Given,
    connection: Connection,
    *,
    verifier: str,
    resource: str | None,
    levels: tuple[str, ...],
    policy_digest: str | None,
    max_age: timedelta | None,
    platform: str | None,
) -> Plain:
    """``gatekeeper verify-vsa``. Raises BadParameter for options that make no question."""
    from gatekeeper.workflow import verify_summary as summaries

    reference = parse_reference(image)
    trust, signers = given.read(reference.repository)
    expected = summaries.Expected(
        verifier, resource, levels, None if policy_digest is None else Digest.parse(policy_digest), max_age
    )
    with connection.asking(reference.repository.registry) as collector:
        answer = summaries.verify_summary(
            collector, trust, signers, expected, reference, use_case.Place(checked_platform(platform))
        )
    return shown(answer)


def checked_platform(platform: str | None) -> str | None:
    """``os/architecture[/variant]``."""
    if platform is not None and _PLATFORM.fullmatch(platform) is None:
        raise typer.BadParameter("write os/architecture, for example linux/amd64", param_hint="--platform")
    return platform


def shown(answer: use_case.ImageVerification | SummaryVerification) -> Plain:
    """The answer as JSON: candidates flat, each with what a person can do about it."""
    plain: Any = to_plain(answer)
    plain["candidates"] = [candidate(one) for one in plain["candidates"]]
    plain["subject"] = f"{answer.repository}@{answer.digest}"
    plain["outcome"] = plain["state"]
    # What is known about the one candidate that decided is better advice than the general one.
    plain["next"] = remedy_of(plain["reason_code"]) or plain["next"]
    ordered = ("subject", "state", "outcome", "reason_code", "exit_code", "message", "next")
    return {**{name: plain[name] for name in ordered}, **plain}


def candidate(considered: Plain) -> Plain:
    """One candidate with whether it counts, why not, and what to do."""
    plain = considered["candidate"]
    refused = plain["outcome"] != "verified"
    return {
        **plain,
        "about": considered["about"],
        "counts": bool(considered["counts_for"]),
        "counts_for": considered["counts_for"],
        "why_not": considered["why_not"],
        "next": remedy_of(plain["reason_code"]) if refused else "",
    }


def predicate_uri(written: str) -> str:
    """A predicate type as it stands in statements, from its URI or cosign's short name."""
    found = PREDICATES.get(written, written)
    if ":" not in found:
        raise typer.BadParameter(
            f"{written!r} is no URI and no short name; short names are {', '.join(sorted(PREDICATES))}",
            param_hint="--type",
        )
    return found


def pairs(written: tuple[str, ...], option: str) -> Mapping[str, str]:
    """``name=value`` each."""
    found: dict[str, str] = {}
    for text in written:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise typer.BadParameter(f"{text!r} is not NAME=VALUE", param_hint=option)
        if found.setdefault(name, value) != value:
            raise typer.BadParameter(f"{name} is given two values", param_hint=option)
    return found
