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
    tree = members(document.get("product_tree"))
    products, groups = _products(tree), _groups(tree)
    statements, warnings = [], []
    for position, found in enumerate(items(document.get("vulnerabilities"))):
        vulnerability = members(found)
        ids = [text(vulnerability.get("cve"))]
        ids += [text(members(item).get("text")) for item in items(vulnerability.get("ids"))]
        named = tuple(dict.fromkeys(item for item in ids if item))
        if not named:
            warnings.append(f"vulnerabilities[{position}]: it names no vulnerability")
            continue
        reasons = _reasons(vulnerability, groups)
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


def _groups(tree: Mapping[str, object]) -> dict[str, list[object]]:
    return {
        text(group.get("group_id")): items(group.get("product_ids"))
        for group in map(members, items(tree.get("product_groups")))
    }


def _reasons(vulnerability: Mapping[str, object], groups: Mapping[str, list[object]]) -> dict[str, str]:
    """Product id -> why it is not affected: flags before impact statements; the key "" is for every product.

    A flag or statement is for every product only where it names neither products nor groups.
    """
    found: dict[str, str] = {}
    threats = [
        item for item in items(vulnerability.get("threats")) if members(item).get("category") == "impact"
    ]
    for item, key in [
        *((item, "label") for item in items(vulnerability.get("flags"))),
        *((item, "details") for item in threats),
    ]:
        said = members(item)
        named = [*items(said.get("product_ids"))]
        for group in items(said.get("group_ids")):
            named += groups.get(text(group), [])
        everybody = not items(said.get("product_ids")) and not items(said.get("group_ids"))
        for product in [""] if everybody else named:
            found.setdefault(text(product), text(said.get(key)))
    return found


def _products(tree: Mapping[str, object]) -> dict[str, VexProduct]:
    found = {
        text(product.get("product_id")): VexProduct(_purl(product), text(product.get("product_id")))
        for product in _listed(tree)
    }
    waiting = [members(item) for item in items(tree.get("relationships"))]
    while waiting:
        # A relationship may be about the product of another one, in any order: each round makes those it can.
        later = [relation for relation in waiting if not _relate(relation, found)]
        if len(later) == len(waiting):
            break
        waiting = later
    return found


def _relate(relation: Mapping[str, object], found: dict[str, VexProduct]) -> bool:
    """Adds the product that a relationship makes of two; False while its component is not known."""
    whole = members(relation.get("full_product_name"))
    name = text(whole.get("product_id"))
    own, part = _purl(whole), found.get(text(relation.get("product_reference")))
    if own is not None:
        found[name] = VexProduct(own, name)
        return True
    if part is None:
        return False
    platform = found.get(text(relation.get("relates_to_product_reference")))
    if part.purl is not None and platform is not None and _is_image(platform.purl):
        found[name] = VexProduct(platform.purl, name, (part.purl,))
    else:
        # A component of any other platform is named by itself: which one it is, its version and distro say.
        found[name] = VexProduct(part.purl, name, part.subcomponents)
    return True


def _is_image(purl: PackageUrl | None) -> bool:
    return purl is not None and purl.type in ("oci", "docker")


def _purl(product: Mapping[str, object]) -> PackageUrl | None:
    """``purl`` of CSAF 2.0, the first of ``purls`` of 2.1."""
    helper = members(product.get("product_identification_helper"))
    listed = (helper.get("purl"), *items(helper.get("purls")))
    return next((purl for written in listed if (purl := purl_or_none(written)) is not None), None)


def _listed(tree: Mapping[str, object]) -> Iterator[Mapping[str, object]]:
    waiting = [(tree, 0)]
    while waiting:
        branch, depth = waiting.pop()
        if "product" in branch:
            yield members(branch.get("product"))
        yield from (members(item) for item in items(branch.get("full_product_names")))
        if depth < _DEEPEST:
            waiting += [(members(item), depth + 1) for item in items(branch.get("branches"))]
