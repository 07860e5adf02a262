"""The package databases in layers: what is read, what lower layers lose, and what hostile layers cannot do."""

from __future__ import annotations

import gzip
import io
import sqlite3
import tarfile
from collections.abc import Iterator
from contextlib import nullcontext

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatekeeper.core.component import OperatingSystem, SbomDocument, SbomFormat, SourcePackage, coverage_of
from gatekeeper.core.errors import Cause, MalformedError, UnavailableError
from gatekeeper.core.licence import Licence
from gatekeeper.sbom.os_packages import layers
from gatekeeper.sbom.reader import Reader
from tests.fakes.package_databases import (
    ALPINE_RELEASE,
    APK_INSTALLED,
    DEBIAN_RELEASE,
    DPKG_STATUS,
    RHEL_RELEASE,
    layer,
    rpm_database,
    rpm_header,
)

BASH = rpm_header(
    name="bash", version="5.1.8", release="9.el9", epoch=1, license="GPLv3+", arch="x86_64",
    sourcerpm="bash-5.1.8-9.el9.src.rpm",
)  # fmt: skip
KEY = rpm_header(name="gpg-pubkey", version="fd431d51", release="4ae0493b")


def read(*contents: bytes) -> SbomDocument:
    pieces = (
        [content[start : start + 7000] for start in range(0, len(content), 7000)] for content in contents
    )
    return Reader().read_layers(nullcontext(iter(parts)) for parts in pieces)


@pytest.mark.parametrize("compression", ["gzip", "zstd", "none"])
def test_apk(compression: str) -> None:
    document = read(
        layer(
            {"etc/os-release": ALPINE_RELEASE, "lib/apk/db/installed": APK_INSTALLED}, compression=compression
        )
    )
    assert document.format is SbomFormat.OS_ONLY
    assert document.operating_system == OperatingSystem("alpine", "3.20.1", "Alpine Linux v3.20")
    assert [one.purl for one in document.components] == [
        "pkg:apk/alpine/musl@1.2.5-r0?arch=x86_64&distro=alpine-3.20.1",
        "pkg:apk/alpine/libcrypto3@3.3.1-r0?arch=x86_64&distro=alpine-3.20.1&upstream=openssl",
        "pkg:apk/alpine/busybox@1.36.1-r29?arch=x86_64&distro=alpine-3.20.1",
    ]
    assert document.components[1].source == SourcePackage("openssl")
    assert document.components[2].licence == Licence("GPL-2.0-only")
    assert coverage_of(document).identified == 3


def test_dpkg_counts_what_is_installed_only() -> None:
    document = read(layer({"usr/lib/os-release": DEBIAN_RELEASE, "var/lib/dpkg/status": DPKG_STATUS}))
    assert [(one.name, one.version, one.source) for one in document.components] == [
        ("libc6", "2.36-9+deb12u9", SourcePackage("glibc")),
        ("libstdc++6", "12.2.0-14", SourcePackage("gcc-12", "12.2.0-14")),
        ("tzdata", "2024a-0+deb12u1", None),
    ]
    assert document.components[0].purl == (
        "pkg:deb/debian/libc6@2.36-9%2Bdeb12u9?arch=amd64&distro=debian-12&upstream=glibc"
    )


def test_distroless_keeps_one_file_for_each_package() -> None:
    one, two = DPKG_STATUS.split("\n\n")[:2]
    document = read(
        layer(
            {
                "./etc/os-release": DEBIAN_RELEASE,
                "./var/lib/dpkg/status.d/libc6": one.replace("Status: install ok installed\n", ""),
                "./var/lib/dpkg/status.d/libc6.md5sums": "d41d8  usr/lib/libc.so.6\n",
                "./var/lib/dpkg/status.d/libstdcpp6": two,
            }
        )
    )
    assert [one.name for one in document.components] == ["libc6", "libstdc++6"]
    assert document.unreadable == 0


@pytest.mark.parametrize("journal", ["WAL", "DELETE"])
def test_rpm_in_sqlite(journal: str) -> None:
    database = rpm_database(BASH, KEY, b"\0\0", journal=journal)
    document = read(layer({"etc/os-release": RHEL_RELEASE, "var/lib/rpm/rpmdb.sqlite": database}))
    (bash,) = document.components
    assert (bash.name, bash.version, bash.licence) == ("bash", "5.1.8-9.el9", Licence("GPL-3.0-or-later"))
    assert bash.source == SourcePackage("bash", "5.1.8-9.el9")
    assert bash.purl == (
        "pkg:rpm/redhat/bash@5.1.8-9.el9?arch=x86_64&distro=rhel-9.4&epoch=1&upstream=bash-5.1.8-9.el9.src.rpm"
    )
    assert document.unreadable == 1


def test_an_older_rpm_database_is_told_and_not_read() -> None:
    document = read(layer({"etc/os-release": RHEL_RELEASE, "var/lib/rpm/Packages": b"\0" * 100}))
    assert (document.components, document.unreadable) == ((), 1)
    assert "Berkeley DB" in document.unread[0].reason


BASE = layer({"etc/os-release": ALPINE_RELEASE, "lib/apk/db/installed": APK_INSTALLED})


@pytest.mark.parametrize(
    "upper",
    [
        {"lib/apk/db/.wh.installed": b""},
        {"lib/apk/.wh.db": b""},
        {".wh.lib": b""},
        {"lib/apk/db/.wh..wh..opq": b""},
        {"lib/.wh..wh..opq": b""},
        {".wh..wh..opq": b""},
    ],
)
def test_a_whiteout_hides_what_lower_layers_have(upper: dict[str, bytes]) -> None:
    assert len(read(BASE).components) == 3
    assert read(BASE, layer(upper)).components == ()


def test_a_whiteout_hides_nothing_of_its_own_layer_nor_of_higher_ones() -> None:
    new = "P:zlib\nV:1.3-r0\nA:x86_64\n\n"
    both = layer(
        {"lib/apk/db/installed": new, "lib/apk/db/.wh..wh..opq": b"", "lib/apk/db/.wh.installed": b""}
    )
    assert [one.name for one in read(BASE, both).components] == ["zlib"]
    gone = layer({"lib/apk/db/.wh.installed": b""})
    assert [one.name for one in read(BASE, gone, layer({"lib/apk/db/installed": new})).components] == ["zlib"]


def test_a_neighbour_of_a_hidden_name_stays() -> None:
    assert len(read(BASE, layer({"lib/apk/db/.wh.inst": b"", "lib/ap/.wh..wh..opq": b""})).components) == 3


def test_a_link_in_the_place_of_a_database_is_not_followed() -> None:
    assert read(BASE, layer({}, links={"lib/apk/db/installed": "/etc/passwd"})).components == ()


def test_an_image_without_databases_has_no_packages() -> None:
    document = read(layer({"app": b"binary"}), layer({}))
    assert (document.components, document.operating_system, document.unreadable) == ((), None, 0)


# --- hostile layers ------------------------------------------------------------------------------------------------


def outcome(content: bytes) -> str:
    try:
        read(content)
    except MalformedError as error:
        return error.reason_code
    return "read"


def refusal(*contents: bytes) -> str:
    with pytest.raises(MalformedError) as caught:
        read(*contents)
    return caught.value.reason_code


@pytest.mark.parametrize(
    "content",
    [b"no tar at all" * 100, b"\x1f\x8bxx", b"\x28\xb5\x2f\xfdxx", BASE[: len(BASE) // 2]],
    ids=["text", "gzip", "zstd", "cut"],
)
def test_what_is_no_layer_is_refused(content: bytes) -> None:
    assert refusal(content) == "sbom-malformed"


def test_a_bomb_ends_at_the_cap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layers, "MAX_UNPACKED", 1024 * 1024)
    zeros = layer({"usr/bin/zeros": b"\0" * 50_000_000})
    assert len(zeros) < 100_000
    assert refusal(zeros) == "sbom-too-large"
    assert refusal(layer({"usr/bin/zeros": b"\0" * 50_000_000}, compression="zstd")) == "sbom-too-large"
    half = layer({"usr/bin/zeros": b"\0" * 600_000})
    read(half)
    assert refusal(half, half) == "sbom-too-large"


def test_files_are_capped_before_they_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layers, "MAX_FILE", 1000)
    assert refusal(layer({"lib/apk/db/installed": b"x" * 1001})) == "sbom-too-large"
    monkeypatch.setattr(layers, "MAX_FILES", 2)
    read(layer({f"var/lib/dpkg/status.d/{number}": b"" for number in range(2)}))
    first = layer({f"var/lib/dpkg/status.d/{number}": b"" for number in range(2)})
    assert refusal(first, layer({"var/lib/dpkg/status.d/more": b""})) == "sbom-too-large"


def test_entries_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layers, "MAX_ENTRIES", 10)
    assert refusal(layer({f"f{number}": b"" for number in range(11)})) == "sbom-too-large"


def test_an_extended_header_is_capped_before_it_is_read() -> None:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as archive:
        member = tarfile.TarInfo("x")
        member.pax_headers = {"comment": "x" * (layers.MAX_EXTENDED + 1)}
        archive.addfile(member)
    assert refusal(gzip.compress(stream.getvalue())) == "sbom-too-large"


def test_what_breaks_off_is_unavailable_and_not_malformed() -> None:
    def pieces() -> Iterator[bytes]:
        yield BASE[:50]
        raise UnavailableError("cut", cause=Cause.CONNECT)

    with pytest.raises(UnavailableError):
        Reader().read_layers([nullcontext(pieces())])


def test_a_layer_is_read_to_its_end_because_its_digest_is_checked_there() -> None:
    def pieces() -> Iterator[bytes]:
        yield BASE
        yield b"trailing"
        raise UnavailableError("another digest", cause=Cause.PROTOCOL)

    with pytest.raises(UnavailableError):
        Reader().read_layers([nullcontext(pieces())])


def _database(*statements: str) -> bytes:
    connection = sqlite3.connect(":memory:")
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    content = connection.serialize()
    connection.close()
    return content


ENDLESS = (
    "CREATE VIEW Packages AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) "
    "SELECT x AS hnum, x AS blob FROM n"
)


@pytest.mark.parametrize(
    "content",
    [
        b"SQLite format 3\0" + b"\0" * 1000,
        b"",
        b"x" * 4096,
        _database("CREATE TABLE Other (a)"),
        _database(ENDLESS),
        _database("CREATE TABLE Packages (hnum, other)"),
    ],
    ids=["empty header", "empty", "junk", "no table", "endless view", "no blob"],
)
def test_a_hostile_database_is_counted_and_ends(content: bytes) -> None:
    document = read(layer({"var/lib/rpm/rpmdb.sqlite": content}))
    assert (document.components, document.unreadable) == ((), 1)


@settings(max_examples=100, deadline=None)
@given(edits=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=6))
def test_a_changed_header_is_read_or_counted(edits: list[tuple[int, int]]) -> None:
    blob = bytearray(BASH)
    for position, value in edits:
        blob[position % len(blob)] = value
    document = read(layer({"var/lib/rpm/rpmdb.sqlite": rpm_database(bytes(blob), journal="DELETE")}))
    assert len(document.components) + document.unreadable <= 1


@settings(max_examples=150, deadline=None)
@given(
    content=st.binary(max_size=300) | st.text(alphabet="PVALoackge:=\n Version", max_size=200).map(str.encode)
)
def test_any_database_text_is_read_or_counted(content: bytes) -> None:
    for path in ("lib/apk/db/installed", "var/lib/dpkg/status", "etc/os-release"):
        read(layer({path: content}))


@settings(max_examples=100, deadline=None)
@given(edits=st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), max_size=5), plain=st.booleans())
def test_a_changed_layer_is_read_or_refused(edits: list[tuple[int, int]], plain: bool) -> None:
    content = bytearray(layer({"lib/apk/db/installed": APK_INSTALLED}, compression="none") if plain else BASE)
    for position, value in edits:
        content[position % len(content)] = value
    assert outcome(bytes(content)) in ("read", "sbom-malformed", "sbom-too-large")
