"""Layers with real package databases: what apk, dpkg and RPM leave in an image."""

from __future__ import annotations

import gzip
import io
import sqlite3
import struct
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path

import zstandard

ALPINE_RELEASE = 'NAME="Alpine Linux"\nID=alpine\nVERSION_ID=3.20.1\nPRETTY_NAME="Alpine Linux v3.20"\n'
DEBIAN_RELEASE = (
    'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nNAME="Debian GNU/Linux"\nVERSION_ID="12"\n'
    "VERSION_CODENAME=bookworm\nID=debian\n"
)
RHEL_RELEASE = 'NAME="Red Hat Enterprise Linux"\nID="rhel"\nVERSION_ID="9.4"\n'

APK_INSTALLED = """C:Q1qKcZ+j23xssAXmgQhkOO8dHnbWw=
P:musl
V:1.2.5-r0
A:x86_64
S:383459
I:622592
T:the musl c library (libc) implementation
U:https://musl.libc.org/
L:MIT
o:musl
m:Natanael Copa <ncopa@alpinelinux.org>
t:1714484353
c:ad6ee4b0b4e0c5a5b0c4c4a1c0f0b0a0a0a0a0a0
F:lib
R:ld-musl-x86_64.so.1

C:Q1w=
P:libcrypto3
V:3.3.1-r0
A:x86_64
L:Apache-2.0
o:openssl

C:Q1w=
P:busybox
V:1.36.1-r29
A:x86_64
L:GPL-2.0-only
o:busybox

"""
DPKG_STATUS = """Package: libc6
Status: install ok installed
Priority: optional
Section: libs
Installed-Size: 12985
Maintainer: GNU Libc Maintainers <debian-glibc@lists.debian.org>
Architecture: amd64
Multi-Arch: same
Source: glibc
Version: 2.36-9+deb12u9
Description: GNU C Library: Shared libraries
 Contains the standard libraries that are used by nearly all programs on
 the system.

Package: libstdc++6
Status: install ok installed
Architecture: amd64
Source: gcc-12 (12.2.0-14)
Version: 12.2.0-14

Package: gone
Status: deinstall ok config-files
Architecture: amd64
Version: 1.0

Package: tzdata
Status: install ok installed
Architecture: all
Version: 2024a-0+deb12u1
"""
_RPM_STRING, _RPM_INT32 = 6, 4


def rpm_header(**fields: str | int) -> bytes:
    """A header blob as RPM keeps it: tags by name of the argument."""
    tags = {"name": 1000, "version": 1001, "release": 1002, "epoch": 1003, "license": 1014, "arch": 1022,
            "sourcerpm": 1044}  # fmt: skip
    entries, data = b"", b""
    for name, value in fields.items():
        if isinstance(value, int):
            data += b"\0" * (-len(data) % 4)
            entries += struct.pack(">4i", tags[name], _RPM_INT32, len(data), 1)
            data += struct.pack(">I", value)
        else:
            entries += struct.pack(">4i", tags[name], _RPM_STRING, len(data), 1)
            data += value.encode() + b"\0"
    return struct.pack(">2i", len(entries) // 16, len(data)) + entries + data


def rpm_database(*headers: bytes, journal: str = "WAL") -> bytes:
    """``rpmdb.sqlite`` as rpm's own backend creates it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rpmdb.sqlite"
        connection = sqlite3.connect(path)
        connection.execute(f"PRAGMA journal_mode = {journal}")
        connection.execute(
            "CREATE TABLE IF NOT EXISTS 'Packages' (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL)"
        )
        connection.executemany("INSERT INTO Packages (blob) VALUES (?)", [(header,) for header in headers])
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()
        return path.read_bytes()


def layer(
    files: Mapping[str, bytes | str], *, compression: str = "gzip", links: Mapping[str, str] | None = None
) -> bytes:
    """A layer with these files; ``links``: path -> target."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for path, content in files.items():
            raw = content.encode() if isinstance(content, str) else content
            member = tarfile.TarInfo(path)
            member.size = len(raw)
            archive.addfile(member, io.BytesIO(raw))
        for path, target in (links or {}).items():
            member = tarfile.TarInfo(path)
            member.type, member.linkname = tarfile.SYMTYPE, target
            archive.addfile(member)
    raw = stream.getvalue()
    if compression == "gzip":
        return gzip.compress(raw, mtime=0)
    return zstandard.ZstdCompressor().compress(raw) if compression == "zstd" else raw
