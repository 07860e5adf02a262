"""Licence expressions as values (SPDX specification, annex "SPDX license expressions").

The text is parsed once, where an SBOM is read; rules only ever see these values.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Licence:
    """One licence that is known by name."""

    id: str
    """An SPDX identifier in its canonical spelling, or ``LicenseRef-…``; ``+`` at its end means "or later"."""
    exception: str = ""
    """What follows WITH: ``Classpath-exception-2.0``."""

    def __str__(self) -> str:
        return f"{self.id} WITH {self.exception}" if self.exception else self.id


@dataclass(frozen=True, slots=True)
class UnknownLicence:
    """A text that names no licence of the SPDX list: nobody can say what it permits."""

    text: str
    """As declared."""

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class AllOf:
    """``AND``: every one of them binds. At least two."""

    parts: tuple[LicenceExpression, ...]

    def __str__(self) -> str:
        return " AND ".join(f"({part})" if isinstance(part, AnyOf) else str(part) for part in self.parts)


@dataclass(frozen=True, slots=True)
class AnyOf:
    """``OR``: whoever uses it chooses one. At least two."""

    parts: tuple[LicenceExpression, ...]

    def __str__(self) -> str:
        return " OR ".join(str(part) for part in self.parts)


LicenceExpression: TypeAlias = Licence | UnknownLicence | AllOf | AnyOf
