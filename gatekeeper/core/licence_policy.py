"""What lists of licences say of an expression. ``OR``: any allowed branch will do. ``AND``: every part binds."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum

from gatekeeper.core.globbing import matches
from gatekeeper.core.licence import AllOf, AnyOf, Licence, LicenceExpression, UnknownLicence

_GNU = re.compile(r"((?:[al]?gpl|gfdl)-[0-9]\.[0-9])(\+?)((?: with .*)?)")
_REFERENCES = ("LicenseRef-", "DocumentRef-")


class Permission(IntEnum):
    """What may be done with an expression; a higher one binds more."""

    ALLOWED = 0
    REVIEW = 1
    """A person has to look at it."""
    UNKNOWN = 2
    """Nobody can say what it permits."""
    DENIED = 3


@dataclass(frozen=True, slots=True)
class LicenceLists:
    """The lists of a policy. Entries are licences, with or without ``WITH …``; ``*`` is any text, case is ignored.

    The deprecated identifiers of the GNU licences mean what the list says instead: ``GPL-2.0`` is ``GPL-2.0-only``,
    ``GPL-2.0+`` is ``GPL-2.0-or-later``.

    An entry for ``X WITH E`` decides before one for ``X``; deny before review before allow. With an allow list,
    whatever stands on no list is denied; without one it is allowed.
    """

    allow: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()
    review: tuple[str, ...] = ()

    def permission(self, expression: LicenceExpression | None) -> Permission:
        """Of one component's licence; None, nothing declared, is unknown."""
        match expression:
            case None:
                return Permission.UNKNOWN
            case AnyOf(parts):
                return min(self.permission(part) for part in parts)
            case AllOf(parts):
                return max(self.permission(part) for part in parts)
            case Licence(id=identifier, exception=exception):
                listed = self._listed(str(expression))
                if listed is None and exception:
                    listed = self._listed(identifier)
                if listed is not None:
                    return listed
                if identifier.startswith(_REFERENCES):
                    return Permission.UNKNOWN
                return Permission.DENIED if self.allow else Permission.ALLOWED
            case UnknownLicence(text):
                listed = self._listed(text)
                return Permission.UNKNOWN if listed is None else listed

    def _listed(self, text: str) -> Permission | None:
        for entries, permission in (
            (self.deny, Permission.DENIED),
            (self.review, Permission.REVIEW),
            (self.allow, Permission.ALLOWED),
        ):
            if any(matches(_listed_now(entry), text.casefold()) for entry in entries):
                return permission
        return None


def _listed_now(entry: str) -> str:
    """An entry case-folded, in the spelling that licences of SBOMs are brought into."""
    folded = entry.strip().casefold()
    found = _GNU.fullmatch(folded)
    if found is None:
        return folded
    return f"{found[1]}-{'or-later' if found[2] else 'only'}{found[3]}"


def unknown_parts(expression: LicenceExpression | None) -> tuple[str, ...]:
    """The texts in it that name no licence of the SPDX list."""
    match expression:
        case UnknownLicence(text):
            return (text,)
        case Licence(id=identifier) if identifier.startswith(_REFERENCES):
            return (identifier,)
        case AllOf(parts) | AnyOf(parts):
            return tuple(text for part in parts for text in unknown_parts(part))
    return ()
