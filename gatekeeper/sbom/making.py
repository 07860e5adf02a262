"""What every reader does with the same fields: purls, sources and digests -> one ``Component``."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from gatekeeper.core.component import OS_PACKAGE_TYPES, Component, OperatingSystem, SourcePackage
from gatekeeper.core.errors import MalformedError
from gatekeeper.core.licence import LicenceExpression
from gatekeeper.core.package_url import PackageUrl, parse_purl

_DISTRO = re.compile(r"([a-z][a-z0-9_.-]*?)-([0-9][A-Za-z0-9_.]*)", re.ASCII)
_ALGORITHM = re.compile(r"[a-z0-9]+(?:-[0-9]+)?", re.ASCII)
_HEX = re.compile(r"[0-9a-f]{8,256}", re.ASCII)


def purl_or_none(text: str) -> PackageUrl | None:
    """The parts of a purl; None when there is none or it breaks the specification."""
    if not text:
        return None
    try:
        return parse_purl(text)
    except MalformedError:
        return None


def component(  # noqa: PLR0913 - the fields of a component, each by its name
    name: str,
    version: str,
    purl: str,
    *,
    group: str = "",
    kind: str = "",
    source: SourcePackage | None = None,
    licence: LicenceExpression | None = None,
    declared: Sequence[str] = (),
    digests: Iterable[str] = (),
    layer: str = "",
    cpes: Iterable[str] = (),
    paths: Iterable[str] = (),
    brought_by: str = "",
) -> Component | None:
    """None for what names nothing at all. Name and version come from the purl where the document says none."""
    if not (name and not name.isspace()) and not (purl and not purl.isspace()):
        return None
    parsed = purl_or_none(purl)
    if parsed is not None:
        name, version = name or parsed.name, version or parsed.version
    return Component(
        name,
        version,
        purl,
        parsed,
        group,
        kind,
        source or (source_of(parsed) if parsed is not None else None),
        tuple(declared),
        licence,
        tuple(digests),
        layer,
        tuple(cpes),
        tuple(paths),
        brought_by,
    )


def source_of(purl: PackageUrl) -> SourcePackage | None:
    """The qualifier ``upstream``: ``openssl``, ``gcc-12@12.2.0``, and for RPM ``bash-5.1.8-6.el9.src.rpm``."""
    upstream = purl.qualifier("upstream")
    if not upstream:
        return None
    if upstream.endswith(".rpm"):
        return source_rpm(upstream)
    name, _, version = upstream.partition("@")
    return SourcePackage(name, version) if name else None


def source_rpm(file: str) -> SourcePackage | None:
    """``name-version-release.src.rpm`` -> the source package. None for another shape."""
    parts = file.removesuffix(".rpm").rpartition(".")[0].rsplit("-", 2)
    return SourcePackage(parts[0], f"{parts[1]}-{parts[2]}") if len(parts) == 3 and parts[0] else None


def file_digest(algorithm: str, value: str) -> str:
    """``SHA-256`` and a value -> ``sha256:…``; empty for what is no digest."""
    name = algorithm.strip().lower().replace("sha-", "sha").replace("_", "-")
    value = value.strip().lower()
    if _ALGORITHM.fullmatch(name) is None or _HEX.fullmatch(value) is None:
        return ""
    return f"{name}:{value}"


def system_of(components: Iterable[Component]) -> OperatingSystem | None:
    """The distribution that most purls name in ``distro``: what SPDX has no other place for."""
    named = Counter(
        distro
        for one in components
        if one.package_url is not None and (distro := one.package_url.qualifier("distro"))
    )
    if not named:
        return None
    # Equally often: the first by name, whatever the order of the document.
    distro = min(named, key=lambda name: (-named[name], name)).lower()
    matched = _DISTRO.fullmatch(distro)
    return OperatingSystem(matched[1], matched[2]) if matched else OperatingSystem(distro)


OWNERSHIP = "ownership-by-file-overlap"
"""syft's word for an OS package whose files are those that another package was found by."""


def brought_by(owned: Iterable[tuple[str, str]], purls: Mapping[str, str]) -> dict[str, str]:
    """(owner, owned) and the purl of each element -> for each owned element the purl of its OS package."""
    found: dict[str, str] = {}
    for owner, element in owned:
        purl = purl_or_none(purls.get(owner, ""))
        if purl is not None and purl.type in OS_PACKAGE_TYPES:
            found.setdefault(element, purls[owner])
    return found
