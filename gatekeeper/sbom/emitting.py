"""What both emitted formats share."""

from __future__ import annotations

import hashlib
import re

from gatekeeper.core.licence import AnyOf, Licence, LicenceExpression, UnknownLicence
from gatekeeper.sbom.licences import is_listed

_NOT_REFERENCE = re.compile(r"[^A-Za-z0-9.-]+")


def licence_reference(licence: LicenceExpression) -> tuple[str, dict[str, str]]:
    """An expression that every reader accepts, and what its ``LicenseRef-`` names stand for."""
    named: dict[str, str] = {}
    return _written(licence, named), named


def _written(licence: LicenceExpression, named: dict[str, str]) -> str:
    match licence:
        case UnknownLicence(text):
            return _reference(text, named)
        case Licence(id=identifier, exception=exception):
            if not is_listed(identifier):
                return _reference(identifier, named)
            return f"{identifier} WITH {exception}" if exception else identifier
        case _:
            word = " OR " if isinstance(licence, AnyOf) else " AND "
            parts = (
                _written(part, named)
                if isinstance(part, Licence | UnknownLicence)
                else f"({_written(part, named)})"
                for part in licence.parts
            )
            return word.join(parts)


def _reference(text: str, named: dict[str, str]) -> str:
    plain = _NOT_REFERENCE.sub("-", text.removeprefix("LicenseRef-")).strip("-")[:60]
    short = plain or hashlib.sha256(text.encode(errors="replace")).hexdigest()[:12]
    reference = f"LicenseRef-{short}"
    if named.get(reference, text) != text:
        reference = f"{reference}-{hashlib.sha256(text.encode(errors='replace')).hexdigest()[:12]}"
    named[reference] = text
    return reference
