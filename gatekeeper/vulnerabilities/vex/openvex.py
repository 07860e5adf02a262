"""OpenVEX 0.0.1 and 0.2 (https://github.com/openvex/spec)."""

from __future__ import annotations

from collections.abc import Mapping

from gatekeeper.core.package_url import PackageUrl
from gatekeeper.core.vex import VexDocument, VexProduct, VexStatement, VexStatus
from gatekeeper.vulnerabilities.lenient import items, members, moment, purl_or_none, text

NAMESPACE = "https://openvex.dev/ns"


def read(document: Mapping[str, object]) -> VexDocument:
    """Statements inherit author and time of the document (spec, "Inheritance Model")."""
    author, name = text(document.get("author")), text(document.get("@id"))
    statements, warnings = [], []
    for position, found in enumerate(items(document.get("statements"))):
        statement = _statement(members(found), document, author, name)
        if isinstance(statement, str):
            warnings.append(f"statements[{position}]: {statement}")
        else:
            statements.append(statement)
    return VexDocument("openvex", author, name, tuple(statements), tuple(warnings))


def _statement(
    found: Mapping[str, object], document: Mapping[str, object], author: str, name: str
) -> VexStatement | str:
    """The statement, or why it is left out."""
    vulnerabilities = _vulnerabilities(found.get("vulnerability"))
    if not vulnerabilities:
        return "it names no vulnerability"
    try:
        status = VexStatus(text(found.get("status")))
    except ValueError:
        return f"{text(found.get('status'))[:40]!r} is no status"
    products = tuple(
        _product(item, found) for item in items(found.get("products") or document.get("products"))
    )
    if not products:
        return "it names no product"
    justification = text(found.get("justification")) or text(found.get("impact_statement"))
    if status is VexStatus.NOT_AFFECTED and not justification:
        return "not_affected needs a justification or an impact statement"
    at = moment(
        found.get("last_updated"),
        found.get("timestamp"),
        document.get("last_updated"),
        document.get("timestamp"),
    )
    return VexStatement(author, name, vulnerabilities, products, status, justification, at)


def _vulnerabilities(found: object) -> tuple[str, ...]:
    if isinstance(found, str):
        return (found.strip(),) if found.strip() else ()
    named = members(found)
    ids = [
        text(named.get("name")),
        text(named.get("@id")),
        *(text(alias) for alias in items(named.get("aliases"))),
    ]
    # An id may be the address of a page about the vulnerability.
    return tuple(dict.fromkeys(item.rstrip("/").rpartition("/")[2] for item in ids if item))


def _product(found: object, statement: Mapping[str, object]) -> VexProduct:
    if isinstance(found, str):
        inside = items(statement.get("subcomponents"))
        return VexProduct(purl_or_none(found), found, _purls(inside))
    named = members(found)
    identifiers = members(named.get("identifiers"))
    name = text(named.get("@id"))
    purl = purl_or_none(name) or purl_or_none(identifiers.get("purl"))
    digests = tuple(
        f"{algorithm.lower().replace('sha-', 'sha')}:{text(value).lower()}"
        for algorithm, value in members(named.get("hashes")).items()
        if text(value)
    )
    return VexProduct(
        purl, name or next(iter(digests), ""), _purls(items(named.get("subcomponents"))), digests
    )


def _purls(found: list[object]) -> tuple[PackageUrl, ...]:
    made = []
    for item in found:
        if isinstance(item, str):
            purl = purl_or_none(item)
        else:
            named = members(item)
            purl = purl_or_none(named.get("@id")) or purl_or_none(
                members(named.get("identifiers")).get("purl")
            )
        if purl is not None:
            made.append(purl)
    return tuple(made)
