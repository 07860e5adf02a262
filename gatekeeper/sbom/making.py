"""What every reader does with the same fields: purls and sources -> one ``Component``."""

from __future__ import annotations

from collections.abc import Sequence

from gatekeeper.core.component import Component, SourcePackage
from gatekeeper.core.errors import MalformedError
from gatekeeper.core.licence import LicenceExpression
from gatekeeper.core.package_url import PackageUrl, parse_purl


def purl_or_none(text: str) -> PackageUrl | None:
    """The parts of a purl; None when there is none or it breaks the specification."""
    if not text:
        return None
    try:
        return parse_purl(text)
    except MalformedError:
        return None


def source_of(purl: PackageUrl | None) -> SourcePackage | None:
    """The qualifier ``upstream``: ``openssl``, ``glibc@2.36-9``, and for RPM ``bash-5.1.8-6.el9.src.rpm``."""
    upstream = purl.qualifier("upstream") if purl is not None else ""
    if purl is None or not upstream:
        return None
    if purl.type == "rpm" and upstream.endswith(".rpm"):
        return source_rpm(upstream)
    name, _, version = upstream.partition("@")
    return SourcePackage(name, version)


def source_rpm(file: str) -> SourcePackage | None:
    """``name-version-release.src.rpm`` -> the source package. None for another shape."""
    stem = file.removesuffix(".rpm").rpartition(".")[0]
    name, version, release = _split_right(stem)
    return SourcePackage(name, f"{version}-{release}") if name else None


def _split_right(stem: str) -> tuple[str, str, str]:
    parts = stem.rsplit("-", 2)
    return (parts[0], parts[1], parts[2]) if len(parts) == 3 else ("", "", "")


def component(
    name: str,
    version: str,
    purl: str,
    licence: LicenceExpression | None = None,
    declared: Sequence[str] = (),
) -> Component | None:
    """None for what names nothing at all."""
    if not name.strip() and not purl.strip():
        return None
    parsed = purl_or_none(purl)
    return Component(
        name=name,
        version=version,
        purl=purl,
        package_url=parsed,
        source=source_of(parsed),
        licences=tuple(declared),
        licence=licence,
    )
