"""CSAF 2.0 with profile VEX (https://docs.oasis-open.org/csaf/csaf/v2.0/, sections 3.2.2, 3.2.3 and 4.5)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gatekeeper.core.package_url import PackageUrl
from gatekeeper.core.vex import VexDocument, VexProduct, VexStatement, VexStatus
from gatekeeper.vulnerabilities.lenient import items, members, moment, purl_or_none, text

_STATUSES = {
    "known_not_affected": VexStatus.NOT_AFFECTED,
    "fixed": VexStatus.FIXED,
    "first_fixed": VexStatus.FIXED,
    "known_affected": VexStatus.AFFECTED,
    "first_affected": VexStatus.AFFECTED,
    "last_affected": VexStatus.AFFECTED,
    "under_investigation": VexStatus.UNDER_INVESTIGATION,
}
_DEEPEST = 50


def read(document: Mapping[str, object]) -> VexDocument:
    """One statement for each vulnerability, status and reason."""
    head = members(document.get("document"))
    tracking = members(head.get("tracking"))
    author = text(members(head.get("publisher")).get("name"))
    name = text(tracking.get("id"))
    products = dict(_products(members(document.get("product_tree"))))
    statements, warnings = [], []
    for position, found in enumerate(items(document.get("vulnerabilities"))):
        vulnerability = members(found)
        ids = [text(vulnerability.get("cve"))]
        ids += [text(members(item).get("text")) for item in items(vulnerability.get("ids"))]
        named = tuple(dict.fromkeys(item for item in ids if item))
        if not named:
            warnings.append(f"vulnerabilities[{position}]: it names no vulnerability")
            continue
        reasons = _reasons(vulnerability)
        at = moment(tracking.get("current_release_date"), tracking.get("initial_release_date"))
        for key, listed in members(vulnerability.get("product_status")).items():
            status = _STATUSES.get(key)
            if status is None:
                continue
            by_reason: dict[str, list[VexProduct]] = {}
            for product in items(listed):
                reason = reasons.get(text(product), reasons.get("", ""))
                if status is VexStatus.NOT_AFFECTED and not reason:
                    warnings.append(
                        f"vulnerabilities[{position}]: {text(product)[:80]} is not affected for no reason"
                    )
                    continue
                by_reason.setdefault(reason, []).append(
                    products.get(text(product), VexProduct(None, text(product)))
                )
            statements += [
                VexStatement(author, name, named, tuple(meant), status, reason, at)
                for reason, meant in by_reason.items()
            ]
    return VexDocument("csaf", author, name, tuple(statements), tuple(warnings))


def _reasons(vulnerability: Mapping[str, object]) -> dict[str, str]:
    """Product id -> why it is not affected: flags before impact statements; the key "" is for every product."""
    found: dict[str, str] = {}
    threats = [
        item for item in items(vulnerability.get("threats")) if members(item).get("category") == "impact"
    ]
    for item, key in [
        *((item, "label") for item in items(vulnerability.get("flags"))),
        *((item, "details") for item in threats),
    ]:
        said = members(item)
        for product in items(said.get("product_ids")) or [""]:
            found.setdefault(text(product), text(said.get(key)))
    return found


def _products(tree: Mapping[str, object]) -> Iterator[tuple[str, VexProduct]]:
    purls: dict[str, PackageUrl | None] = {}
    for product in _listed(tree):
        purls[text(product.get("product_id"))] = purl_or_none(
            members(product.get("product_identification_helper")).get("purl")
        )
    for name, purl in purls.items():
        yield name, VexProduct(purl, name)
    for item in items(tree.get("relationships")):
        relation = members(item)
        name = text(members(relation.get("full_product_name")).get("product_id"))
        part = purls.get(text(relation.get("product_reference")))
        # A component of a platform is named by itself: which platform it is, its version and distro say.
        yield name, VexProduct(part, name)


def _listed(tree: Mapping[str, object]) -> Iterator[Mapping[str, object]]:
    waiting = [(tree, 0)]
    while waiting:
        branch, depth = waiting.pop()
        if "product" in branch:
            yield members(branch.get("product"))
        yield from (members(item) for item in items(branch.get("full_product_names")))
        if depth < _DEEPEST:
            waiting += [(members(item), depth + 1) for item in items(branch.get("branches"))]
