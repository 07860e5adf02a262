"""The package databases of apk and dpkg, and os-release: texts of stanzas and lines."""

from __future__ import annotations

from collections.abc import Iterator

from gatekeeper.core.component import Component, OperatingSystem
from gatekeeper.core.package_url import PackageUrl
from gatekeeper.sbom import licences, making

_LONGEST = 8192
_NAMESPACES = {"rhel": "redhat"}
"""Where purls name a distribution otherwise than its os-release does."""
_INSTALLED = frozenset({"installed", "triggers-pending", "triggers-awaited"})


def os_release(content: bytes) -> OperatingSystem | None:
    """os-release(5); None when it names no ID."""
    values: dict[str, str] = {}
    for line in content[:65536].decode(errors="replace").splitlines():
        name, equals, value = line.strip().partition("=")
        if equals and not name.startswith("#"):
            values[name] = value.strip().strip("\"'")[:200]
    identity = values.get("ID", "").lower()
    if not identity:
        return None
    name = values.get("PRETTY_NAME") or values.get("NAME", "")
    return OperatingSystem(identity, values.get("VERSION_ID", ""), name, values.get("VERSION_CODENAME", ""))


def apk(content: bytes, system: OperatingSystem | None, path: str) -> Iterator[Component | None]:
    """``lib/apk/db/installed`` (apk-tools, "APK package database"): one-letter fields; None for a nameless stanza."""
    for stanza in content.decode(errors="replace").split("\n\n"):
        fields: dict[str, str] = {}
        for line in stanza.splitlines():
            if line[1:2] == ":":
                fields.setdefault(line[0], line[2:].strip()[:_LONGEST])
        if not fields:
            continue
        name, version = fields.get("P", ""), fields.get("V", "")
        origin = fields.get("o", "")
        yield _component(
            "apk",
            system,
            name,
            version,
            {"arch": fields.get("A", ""), "upstream": origin if origin != name else ""},
            fields.get("L", ""),
            path,
        )


def dpkg(content: bytes, system: OperatingSystem | None, path: str) -> Iterator[Component | None]:
    """``var/lib/dpkg/status`` or a file of ``status.d`` (deb822(5)); packages that are installed only."""
    for paragraph in content.decode(errors="replace").split("\n\n"):
        fields: dict[str, str] = {}
        for line in paragraph.splitlines():
            name, colon, value = line.partition(":")
            if colon and not line[:1].isspace():
                fields.setdefault(name.lower(), value.strip()[:_LONGEST])
        if not fields or ("package" not in fields and "version" not in fields):
            continue
        status = fields.get("status")
        if status is not None and status.split()[-1:] not in (
            ["installed"],
            ["triggers-pending"],
            ["triggers-awaited"],
        ):
            continue
        yield _component(
            "deb",
            system,
            fields.get("package", ""),
            fields.get("version", ""),
            {"arch": fields.get("architecture", ""), "upstream": _debian_source(fields)},
            "",
            path,
        )


def _debian_source(fields: dict[str, str]) -> str:
    """``Source: gcc-12 (12.2.0-14)`` -> ``gcc-12@12.2.0-14``; empty when it is the package itself."""
    source, _, rest = fields.get("source", "").partition(" ")
    version = rest.strip().strip("()")
    if not source or (source == fields.get("package") and not version):
        return ""
    return f"{source}@{version}" if version else source


def _component(
    purl_type: str,
    system: OperatingSystem | None,
    name: str,
    version: str,
    qualifiers: dict[str, str],
    licence: str,
    path: str,
) -> Component | None:
    if not name:
        return None
    declared = licences.declared((licence,))
    return making.component(
        name,
        version,
        str(purl_of(purl_type, system, name, version, qualifiers)),
        kind="library",
        licence=licences.all_of(declared),
        declared=declared,
        paths=(path,),
    )


def purl_of(
    purl_type: str, system: OperatingSystem | None, name: str, version: str, qualifiers: dict[str, str]
) -> PackageUrl:
    """The purl of an installed package, as syft and others write it."""
    if system is not None:
        release = f"{system.id}-{system.version_id}" if system.version_id else system.id
        qualifiers = {**qualifiers, "distro": release}
    present = tuple(sorted((key, value) for key, value in qualifiers.items() if value))
    namespace = _NAMESPACES.get(system.id, system.id) if system is not None else ""
    return PackageUrl(purl_type, namespace, name, version, present)
