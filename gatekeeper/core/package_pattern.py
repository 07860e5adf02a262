"""Patterns over components, as a policy writes them: ``pkg:npm/left-pad``, ``pkg:maven/org.apache.*/*@1.*``, ``nc``."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from gatekeeper.core.component import Component
from gatekeeper.core.errors import MalformedError
from gatekeeper.core.globbing import matches
from gatekeeper.core.package_url import parse_purl


@dataclass(frozen=True, slots=True)
class PackagePattern:
    """A purl without qualifiers whose parts may hold ``*``, or a bare name for packages of every kind."""

    type: str
    """Empty: of every type."""
    path: str
    """Namespace and name, or the name alone."""
    version: str
    """Empty: every version."""

    def fits(self, component: Component) -> bool:
        """True when it names this component. A bare name also meets components without a purl."""
        purl = component.package_url
        version = component.version or (purl.version if purl is not None else "")
        if self.version and not matches(self.version, version):
            return False
        if self.type:
            if purl is None or purl.type != self.type:
                return False
            return matches(self.path, f"{purl.namespace}/{purl.name}" if purl.namespace else purl.name)
        names = {component.name, purl.name if purl is not None else component.name}
        return any(matches(self.path, name) for name in names)


@lru_cache(maxsize=1024)
def parse_pattern(text: str) -> PackagePattern:
    """The pattern. Raises MalformedError ``package-pattern-malformed``."""
    if not text.strip():
        raise MalformedError("a package pattern is empty", reason_code="package-pattern-malformed")
    if not text.startswith("pkg:"):
        name, _, version = text.rpartition("@") if "@" in text[1:] else (text, "", "")
        return PackagePattern("", name, version)
    try:
        purl = parse_purl(text)
    except MalformedError as error:
        raise MalformedError(error.message, reason_code="package-pattern-malformed") from error
    if purl.qualifiers or purl.subpath:
        raise MalformedError(
            f"{text!r}: a package pattern has neither qualifiers nor a subpath",
            reason_code="package-pattern-malformed",
        )
    path = f"{purl.namespace}/{purl.name}" if purl.namespace else purl.name
    return PackagePattern(purl.type, path, purl.version)
