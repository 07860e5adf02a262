"""Whether feeds tell of what a component is: of its ecosystem, and of its release of a distribution.

The one place that decides it, for ``gatekeeper match`` and for what the daemon keeps.
"""

from __future__ import annotations

from collections.abc import Iterable

from gatekeeper.vulnerabilities.distributions import concerns
from gatekeeper.vulnerabilities.naming import Named, split_ecosystem


class Coverage:
    """What feeds tell of, by the ecosystems that their records name."""

    def __init__(self, labels: Iterable[str]) -> None:
        """``labels``: as written: ``Debian:12``, ``PyPI``."""
        self._suffixes: dict[str, list[str]] = {}
        for label in labels:
            base, suffix = split_ecosystem(label)
            self._suffixes.setdefault(base, []).append(suffix)

    def covers(self, names: Iterable[Named]) -> bool:
        """True when the feeds tell of one of these names' ecosystems and releases, whatever the package is called."""
        return any(map(self._covers, names))

    def _covers(self, named: Named) -> bool:
        suffixes = self._suffixes.get(named.ecosystem)
        release = named.release
        if suffixes is None or release is None:
            return suffixes is not None
        return any(concerns(suffix, release, named.version) for suffix in suffixes)
