"""Licences of SPDX 3 -> expressions of SPDX 2's syntax (https://spdx.github.io/spdx-spec/v3.0.1/model/).

Profile SimpleLicensing says an expression as text; ExpandedLicensing says it as elements that name each other, which
hostile documents tie in knots: depth and size are bounded, and what is beyond says nothing that anybody may rely on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from gatekeeper.core.licence import AllOf, AnyOf
from gatekeeper.sbom.lenient import items, text
from gatekeeper.sbom.licences import LONGEST, is_listed, parse

_ADDRESSES = ("https://spdx.org/licenses/", "http://spdx.org/licenses/")
_SAYS_NOTHING = {"NoAssertionLicense": "NOASSERTION", "NoneLicense": "NONE"}
"""The individuals of the model, by the end of their address."""
_JOINED = {
    "expandedlicensing_ConjunctiveLicenseSet": " AND ",
    "expandedlicensing_DisjunctiveLicenseSet": " OR ",
}
_DEEPEST = 20
_UNREADABLE = "LicenseRef-unreadable"


class LicenceElement(Protocol):
    """The members of an element that licences are made of."""

    name: str
    expression: str
    meanings: object
    members: object
    later_than: object
    extended: object
    addition: object

    @property
    def kind(self) -> str:
        """``expandedlicensing_ListedLicense`` …"""

    @property
    def key(self) -> str:
        """Its id."""


def key_of(value: object) -> str:
    """What a property names: an id, or an element that stands in its place."""
    if isinstance(value, dict):
        return text(value.get("spdxId")) or text(value.get("@id"))
    return text(value)


class Licences:
    """Every licence of a document, by id."""

    def __init__(self, elements: Iterable[LicenceElement]) -> None:
        self._made: dict[str, str] = {}
        self._elements = {
            element.key: element
            for element in elements
            if element.expression or element.kind.startswith(("expandedlicensing_", "simplelicensing_"))
        }

    def expression(self, value: object) -> str:
        """What a relationship ends at, as an expression; its id where nobody says what it is."""
        if isinstance(value, dict) and text(value.get("simplelicensing_licenseExpression")):
            return text(value.get("simplelicensing_licenseExpression"))
        return self._written(key_of(value), _DEEPEST)

    @property
    def meanings(self) -> Mapping[str, str]:
        """``LicenseRef-…`` -> the name of the licence that an expression's element says it stands for."""
        found = {}
        for element in self._elements.values():
            for entry in items(element.meanings):
                if (
                    isinstance(entry, dict)
                    and (meant := self._elements.get(text(entry.get("value")))) is not None
                ):
                    found[text(entry.get("key"))] = meant.name
        return found

    def _written(self, key: str, depth: int) -> str:
        nothing = _SAYS_NOTHING.get(key.rpartition("/")[2].rpartition("_")[2])
        if nothing is not None:
            return nothing
        for address in _ADDRESSES:
            if key.startswith(address) and is_listed(key.removeprefix(address)):
                return key.removeprefix(address)
        element = self._elements.get(key)
        if element is None:
            return key
        if key not in self._made:
            # Who comes here again before it is made has gone round in a circle.
            self._made[key] = _UNREADABLE
            written = element.expression or (self._expanded(element, depth - 1) if depth else _UNREADABLE)
            self._made[key] = written if len(written) <= LONGEST else _UNREADABLE
        return self._made[key]

    def _expanded(self, element: LicenceElement, depth: int) -> str:
        joint = _JOINED.get(element.kind)
        if joint is not None:
            listed = items(element.members) or [element.members]
            return joint.join(dict.fromkeys(self._part(member, depth) for member in listed))
        if element.kind == "expandedlicensing_OrLaterOperator":
            return f"{self._written(key_of(element.later_than), depth).removesuffix('-only')}+"
        if element.kind == "expandedlicensing_WithAdditionOperator":
            base = self._written(key_of(element.extended), depth)
            return f"{base} WITH {self._written(key_of(element.addition), depth)}"
        return element.name or element.key

    def _part(self, member: object, depth: int) -> str:
        written = self._written(key_of(member), depth)
        return f"({written})" if isinstance(parse(written), AllOf | AnyOf) else written
