"""The rules about SBOMs and what they list: who may clear an image, and who may only raise findings."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import pytest

from gatekeeper.core.component import Component, SbomDocument, SbomFormat
from gatekeeper.core.errors import MalformedError
from gatekeeper.core.evidence import Absent, Sbom, Sboms, Trust
from gatekeeper.core.inventory import Inventory
from gatekeeper.core.licence import AllOf, AnyOf, Licence, LicenceExpression, UnknownLicence
from gatekeeper.core.licence_policy import LicenceLists, Permission
from gatekeeper.core.package_pattern import parse_pattern
from gatekeeper.core.package_url import parse_purl
from gatekeeper.core.rules.licence_denied import LicenceDenied
from gatekeeper.core.rules.licence_unknown import LicenceUnknown
from gatekeeper.core.rules.package_denied import PackageDenied
from gatekeeper.core.rules.package_required import PackageRequired
from gatekeeper.core.rules.rule import Rule
from gatekeeper.core.rules.sbom_coverage_low import SbomCoverageLow
from gatekeeper.core.rules.sbom_missing import SbomMissing
from gatekeeper.core.rules.sbom_untrusted import SbomUntrusted
from gatekeeper.core.rules.sboms import SbomTrust
from gatekeeper.core.verdict import Level, Result
from tests.unit.core.builders import OUTAGE, candidate, checks, digest, evidence, node, sbom, signed

MIT, ISC, GPL = Licence("MIT"), Licence("ISC"), Licence("GPL-3.0-only")


def component(purl: str, licence: LicenceExpression | None = MIT, **more: Any) -> Component:
    parsed = parse_purl(purl)
    return Component(parsed.name, parsed.version, purl, parsed, licence=licence, **more)


def said(
    rule: Rule, *sboms: Sbom, listed: Mapping[str, tuple[Component, ...]] | None = None, gap: Any = None
) -> list[tuple[Result, str]]:
    inventory = Inventory(
        {
            digest(name): SbomDocument(SbomFormat.CYCLONEDX_JSON, "1.6", components)
            for name, components in (listed or {}).items()
        }
    )
    answer = Sboms(sboms, gap) if sboms or gap else Absent("sbom")
    of = evidence(node(signatures=signed(candidate("k1")), sboms=answer))
    return [(check.result, check.reason_code) for check in checks(rule, of, inventory=inventory)]


UNSIGNED = sbom(trust=Trust.UNSIGNED, by=(), name="unsigned")
HARBOR = sbom(trust=Trust.REGISTRY, by=(), name="harbor")
OURS = sbom(trust=Trust.GENERATED, by=(), name="ours", format="os-only")
STRANGER = sbom(by=("k9",), name="stranger")
BOUND = sbom(trust=Trust.SIGNED_INDEX, name="bound")


@pytest.mark.parametrize(
    ("trust", "counting"),
    [
        (SbomTrust.SIGNED, {"sbom", "bound"}),
        (SbomTrust.REGISTRY, {"sbom", "bound", "harbor"}),
        (SbomTrust.GENERATED, {"sbom", "bound", "harbor", "ours"}),
        (SbomTrust.ANY, {"sbom", "bound", "harbor", "ours", "unsigned", "stranger"}),
    ],
)
def test_the_ladder_of_trust(trust: SbomTrust, counting: set[str]) -> None:
    rungs = {"sbom": sbom(), "bound": BOUND, "harbor": HARBOR, "ours": OURS, "unsigned": UNSIGNED,
             "stranger": STRANGER}  # fmt: skip
    found = {
        name
        for name, item in rungs.items()
        if said(SbomUntrusted(trust=trust), item) == [(Result.SATISFIED, "sbom-trusted")]
    }
    assert found == counting


@pytest.mark.parametrize(
    ("items", "gap", "wanted"),
    [
        ((), None, (Result.VIOLATED, "sbom-missing")),
        ((UNSIGNED,), None, (Result.VIOLATED, "sbom-unsigned")),
        ((STRANGER,), None, (Result.VIOLATED, "sbom-by-other-signer")),
        ((sbom(format="application/pdf"),), None, (Result.VIOLATED, "sbom-unreadable")),
        ((UNSIGNED,), OUTAGE, (Result.UNDETERMINED, "referrers-unavailable")),
        ((sbom(),), OUTAGE, (Result.SATISFIED, "sbom-trusted")),
    ],
)
def test_what_is_said_of_an_sbom_that_is_not_trusted(
    items: tuple[Sbom, ...], gap: Any, wanted: tuple[Result, str]
) -> None:
    assert said(SbomUntrusted(), *items, gap=gap) == [wanted]


def test_an_sbom_of_the_operating_system_alone_is_no_sbom_by_default() -> None:
    assert said(SbomMissing(), OURS) == [(Result.VIOLATED, "sbom-os-only")]
    assert said(SbomMissing(os_only=True), OURS) == [(Result.SATISFIED, "sbom-present")]


@pytest.mark.parametrize(
    ("packages", "identified", "unreadable", "minimum", "result"),
    [
        (10, 9, 0, 90, Result.SATISFIED),
        (10, 8, 0, 90, Result.VIOLATED),
        (10, 9, 1, 90, Result.VIOLATED),
        (0, 0, 0, 1, Result.VIOLATED),
        (10, 10, 0, 100, Result.SATISFIED),
    ],
)
def test_coverage(packages: int, identified: int, unreadable: int, minimum: int, result: Result) -> None:
    item = dataclasses.replace(sbom(), packages=packages, identified=identified, unreadable=unreadable)
    ((found, _),) = said(SbomCoverageLow(minimum_percent=minimum), item)
    assert found is result


def test_coverage_is_that_of_the_best_trusted_sbom() -> None:
    poor = dataclasses.replace(sbom(name="poor"), packages=10, identified=1)
    good = dataclasses.replace(sbom(name="good"), packages=10, identified=10)
    unsigned = dataclasses.replace(UNSIGNED, packages=10, identified=10)
    assert said(SbomCoverageLow(), poor, good) == [(Result.SATISFIED, "sbom-coverage-enough")]
    assert said(SbomCoverageLow(), poor, unsigned) == [(Result.VIOLATED, "sbom-coverage-low")]


PAD = component("pkg:npm/left-pad@1.3.0")
TOOL = component("pkg:pypi/our-tool@2.0")


def test_an_unsigned_sbom_raises_findings_and_clears_nothing() -> None:
    rule = PackageDenied(packages=("pkg:npm/left-pad",))
    assert said(rule, UNSIGNED, listed={"unsigned": (PAD,)}) == [
        (Result.VIOLATED, "package-denied:pkg:npm/left-pad")
    ]
    assert said(rule, UNSIGNED, listed={"unsigned": (TOOL,)}) == [(Result.VIOLATED, "sbom-unsigned")]
    assert said(rule, sbom(), UNSIGNED, listed={"sbom": (TOOL,), "unsigned": (PAD,)}) == [
        (Result.VIOLATED, "package-denied:pkg:npm/left-pad")
    ]
    assert said(dataclasses.replace(rule, trust=SbomTrust.ANY), UNSIGNED, listed={"unsigned": (TOOL,)}) == [
        (Result.SATISFIED, "no-denied-package")
    ]


def test_a_required_package_counts_only_where_a_trusted_sbom_lists_it() -> None:
    rule = PackageRequired(packages=("our-*",))
    assert said(rule, sbom(), listed={"sbom": (TOOL,)}) == [(Result.SATISFIED, "package-present:our-*")]
    assert said(rule, sbom(), UNSIGNED, listed={"sbom": (PAD,), "unsigned": (TOOL,)}) == [
        (Result.VIOLATED, "package-missing:our-*")
    ]
    assert said(rule, UNSIGNED, listed={"unsigned": (TOOL,)}) == [(Result.VIOLATED, "sbom-unsigned")]
    assert said(rule, sbom(), listed={"sbom": (PAD,)}, gap=OUTAGE) == [
        (Result.UNDETERMINED, "referrers-unavailable")
    ]


@pytest.mark.parametrize(
    "rule",
    [
        PackageDenied(packages=("nc",)),
        PackageRequired(packages=("nc",)),
        LicenceDenied(deny=("GPL-*",)),
        LicenceUnknown(),
    ],
)
def test_components_that_are_not_at_hand_are_undetermined(rule: Rule) -> None:
    assert said(rule, sbom()) == [(Result.UNDETERMINED, "sbom-components-unavailable")]


@pytest.mark.parametrize(
    ("pattern", "purl", "fits"),
    [
        ("pkg:npm/left-pad", "pkg:npm/left-pad@1.3.0", True),
        ("pkg:npm/left-pad@1.3.0", "pkg:npm/left-pad@1.3.0", True),
        ("pkg:npm/left-pad@1.*", "pkg:npm/left-pad@1.3.0", True),
        ("pkg:npm/left-pad@2.*", "pkg:npm/left-pad@1.3.0", False),
        ("pkg:npm/left", "pkg:npm/left-pad@1.3.0", False),
        ("pkg:pypi/left-pad", "pkg:npm/left-pad@1.3.0", False),
        (
            "pkg:maven/org.apache.logging.log4j/*",
            "pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1",
            True,
        ),
        (
            "pkg:maven/org.apache.*/log4j-core@2.14.1",
            "pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1",
            True,
        ),
        ("pkg:npm/%40angular/*", "pkg:npm/%40angular/core@1", True),
        ("pkg:npm/@angular/core", "pkg:npm/%40angular/core@1", True),
        ("left-pad", "pkg:npm/left-pad@1.3.0", True),
        ("LEFT-*", "pkg:npm/left-pad@1.3.0", True),
        ("left-pad@1.3.0", "pkg:npm/left-pad@1.3.0", True),
        ("left-pad@1", "pkg:npm/left-pad@1.3.0", False),
    ],
)
def test_package_patterns(pattern: str, purl: str, fits: bool) -> None:
    assert parse_pattern(pattern).fits(component(purl)) is fits


def test_a_bare_name_meets_what_has_no_purl_and_a_purl_does_not() -> None:
    bare = Component("busybox", "1.36")
    assert parse_pattern("busybox@1.*").fits(bare)
    assert not parse_pattern("pkg:generic/busybox").fits(bare)


@pytest.mark.parametrize("pattern", ["", " ", "pkg:npm", "pkg:npm/x?arch=amd64", "pkg:npm/x#y"])
def test_what_is_no_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(MalformedError):
        PackageDenied(packages=(pattern,))


_GPL_WITH = Licence("GPL-2.0-only", "Classpath-exception-2.0")


@pytest.mark.parametrize(
    ("lists", "expression", "permission"),
    [
        (LicenceLists(deny=("GPL-3.0-only",)), GPL, Permission.DENIED),
        (LicenceLists(deny=("gpl-3.0-ONLY",)), GPL, Permission.DENIED),
        (LicenceLists(deny=("GPL-*",)), GPL, Permission.DENIED),
        (LicenceLists(deny=("GPL-*",)), Licence("LGPL-3.0-only"), Permission.ALLOWED),
        (LicenceLists(deny=("GPL-*",)), AnyOf((GPL, MIT)), Permission.ALLOWED),
        (LicenceLists(deny=("GPL-*",)), AllOf((GPL, MIT)), Permission.DENIED),
        (LicenceLists(deny=("GPL-*",)), AllOf((ISC, AnyOf((GPL, MIT)))), Permission.ALLOWED),
        (LicenceLists(deny=("GPL-*",)), AnyOf((GPL, UnknownLicence("x"))), Permission.UNKNOWN),
        (LicenceLists(deny=("GPL-*",)), AllOf((GPL, UnknownLicence("x"))), Permission.DENIED),
        (LicenceLists(deny=("GPL-*",)), AnyOf((MIT, UnknownLicence("x"))), Permission.ALLOWED),
        (LicenceLists(allow=("MIT",)), MIT, Permission.ALLOWED),
        (LicenceLists(allow=("MIT",)), ISC, Permission.DENIED),
        (LicenceLists(allow=("MIT",)), AnyOf((ISC, MIT)), Permission.ALLOWED),
        (LicenceLists(allow=("MIT",), review=("ISC",)), ISC, Permission.REVIEW),
        (LicenceLists(allow=("MIT", "ISC"), review=("ISC",)), AnyOf((ISC, MIT)), Permission.ALLOWED),
        (LicenceLists(allow=("*",), deny=("MIT",)), MIT, Permission.DENIED),
        (LicenceLists(deny=("GPL-2.0-only",)), _GPL_WITH, Permission.DENIED),
        (LicenceLists(allow=("GPL-2.0-only",)), _GPL_WITH, Permission.ALLOWED),
        (
            LicenceLists(allow=("GPL-2.0-only WITH Classpath-exception-2.0",), deny=("GPL-2.0-only",)),
            _GPL_WITH,
            Permission.ALLOWED,
        ),
        (LicenceLists(deny=("GPL-3.0",)), GPL, Permission.DENIED),
        (LicenceLists(deny=("GPL-3.0+",)), GPL, Permission.ALLOWED),
        (LicenceLists(deny=("GPL-2.0+",)), Licence("GPL-2.0-or-later"), Permission.DENIED),
        (LicenceLists(deny=("AGPL-3.0",)), Licence("AGPL-3.0-only"), Permission.DENIED),
        (LicenceLists(allow=("GPL-2.0 WITH Classpath-exception-2.0",)), _GPL_WITH, Permission.ALLOWED),
        (LicenceLists(allow=("MIT",)), UnknownLicence("x"), Permission.UNKNOWN),
        (LicenceLists(allow=("x",)), UnknownLicence("x"), Permission.ALLOWED),
        (LicenceLists(deny=("x",)), UnknownLicence("x"), Permission.DENIED),
        (LicenceLists(allow=("MIT",)), Licence("LicenseRef-a"), Permission.UNKNOWN),
        (LicenceLists(allow=("LicenseRef-*",)), Licence("LicenseRef-a"), Permission.ALLOWED),
        (LicenceLists(allow=("MIT",)), None, Permission.UNKNOWN),
    ],
)
def test_what_lists_say_of_an_expression(
    lists: LicenceLists, expression: LicenceExpression | None, permission: Permission
) -> None:
    assert lists.permission(expression) is permission


def test_each_refused_expression_is_a_finding_and_names_its_packages() -> None:
    listed = {
        "sbom": (
            component("pkg:npm/a@1", GPL),
            component("pkg:npm/b@2", GPL),
            component("pkg:npm/c@3", ISC),
            component("pkg:npm/d@4", MIT),
        )
    }
    of = evidence(node(signatures=signed(candidate("k1")), sboms=Sboms((sbom(),))))
    rule = LicenceDenied(deny=("GPL-*",), review=("ISC",))
    document = SbomDocument(SbomFormat.CYCLONEDX_JSON, "1.6", listed["sbom"])
    found = checks(rule, of, inventory=Inventory({digest("sbom"): document}))
    assert {(check.reason_code, check.level) for check in found if check.result is Result.VIOLATED} == {
        ("licence-denied:GPL-3.0-only", None),
        ("licence-review:ISC", Level.WARN),
    }
    assert any(check.message.startswith("a 1, b 2: GPL-3.0-only is denied") for check in found)
    excepted = dataclasses.replace(rule, except_packages=("pkg:npm/a", "pkg:npm/b", "pkg:npm/c"))
    assert said(excepted, sbom(), listed=listed) == [(Result.SATISFIED, "no-denied-licence")]


def test_unknown_and_undeclared_licences_are_buckets_of_their_own() -> None:
    unknown, undeclared = component("pkg:npm/a@1", UnknownLicence("ours")), component("pkg:npm/b@2", None)
    listed = {"sbom": (unknown, undeclared, component("pkg:npm/c@1"))}
    assert said(LicenceUnknown(), sbom(), listed=listed) == [
        (Result.VIOLATED, "licence-unknown"),
        (Result.VIOLATED, "licence-undeclared"),
    ]
    assert said(LicenceUnknown(accept=("ours",)), sbom(), listed=listed) == [
        (Result.VIOLATED, "licence-undeclared")
    ]
    accepting = LicenceUnknown(accept=("ours",), except_packages=("b",))
    assert said(accepting, sbom(), listed=listed) == [(Result.SATISFIED, "licences-known")]
