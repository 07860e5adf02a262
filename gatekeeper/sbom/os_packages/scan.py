"""Layers, lowest first -> the SBOM of the operating system's packages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager

from gatekeeper.core.component import Component, OperatingSystem, SbomDocument, SbomFormat
from gatekeeper.core.errors import MalformedError
from gatekeeper.ports import LayerBytes
from gatekeeper.sbom.lenient import Tally
from gatekeeper.sbom.os_packages import databases
from gatekeeper.sbom.os_packages.layers import Held, read_layer
from gatekeeper.sbom.os_packages.rpm import rpm

_OS_RELEASE = ("etc/os-release", "usr/lib/os-release")
_APK = ("lib/apk/db/installed", "usr/lib/apk/db/installed")
_DPKG = "var/lib/dpkg/status"
_DPKG_FOLDER = "var/lib/dpkg/status.d/"
"""One file for each package: distroless."""
_RPM = ("var/lib/rpm/rpmdb.sqlite", "usr/lib/sysimage/rpm/rpmdb.sqlite", "usr/share/rpm/rpmdb.sqlite")
_OTHER_RPM = tuple(
    f"{folder}/{name}"
    for folder in ("var/lib/rpm", "usr/lib/sysimage/rpm", "usr/share/rpm")
    for name in ("Packages", "Packages.db")
)
"""Berkeley DB and NDB: their presence is told, they are not read."""
_NAMED = frozenset({*_OS_RELEASE, *_APK, _DPKG, *_RPM})

_Read = Callable[[bytes, OperatingSystem | None, str], Iterator[Component | None]]


def scan(layers: Iterable[AbstractContextManager[LayerBytes]]) -> SbomDocument:
    """Raises MalformedError for layers that cannot be read or are over a cap; what asking for them raises."""
    held = Held()
    others: set[str] = set()

    def wanted(path: str) -> bool:
        if path in _OTHER_RPM:
            others.add(path)
            return False
        folder = path.startswith(_DPKG_FOLDER) and not path.endswith(".md5sums")
        return folder or path in _NAMED

    for layer in layers:
        with layer as pieces:
            read_layer(pieces, wanted, held)
    return _document(held, others)


def _document(held: Held, others: set[str]) -> SbomDocument:
    released = (databases.os_release(held.files[path]) for path in _OS_RELEASE if path in held.files)
    system = next((found for found in released if found is not None), None)
    tally = Tally()
    for path in sorted(held.files):
        read = _reader_of(path)
        if read is None:
            continue
        try:
            for number, component in enumerate(read(held.files[path], system, path)):
                tally.add(component, path, number)
        except MalformedError as error:
            if error.reason_code == "sbom-too-large":
                raise
            tally.miss(path, error.message)
    if not any(path in held.files for path in _RPM):
        for path in sorted(others):
            tally.miss(path, "RPM databases in Berkeley DB or NDB form are not read")
    return SbomDocument(
        format=SbomFormat.OS_ONLY,
        version="",
        components=tuple(tally.components),
        unreadable=tally.unreadable,
        unread=tuple(tally.unread),
        operating_system=system,
        tools=("gatekeeper",),
    )


def _reader_of(path: str) -> _Read | None:
    if path in _APK:
        return databases.apk
    if path == _DPKG or path.startswith(_DPKG_FOLDER):
        return databases.dpkg
    return rpm if path in _RPM else None
