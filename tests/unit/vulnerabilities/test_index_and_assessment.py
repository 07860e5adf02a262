"""Feeds compiled into an index, and whole SBOMs assessed with it."""

from __future__ import annotations

import json
import os
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.core.component import Component, OperatingSystem, SbomDocument, SbomFormat, SourcePackage
from gatekeeper.core.errors import MalformedError
from gatekeeper.core.match import Unjudged
from gatekeeper.core.package_url import parse_purl
from gatekeeper.core.severity import Severity
from gatekeeper.vulnerabilities.assessment import Assessment, assess
from gatekeeper.vulnerabilities.feed_files import read_source
from gatekeeper.vulnerabilities.sources import opened


def advisory(
    name: str,
    ecosystem: str,
    package: str,
    *events: dict[str, str],
    versions: list[str] | None = None,
    **members: Any,
) -> dict[str, Any]:
    affected: dict[str, Any] = {
        "package": {"ecosystem": ecosystem, "name": package},
        "versions": versions or [],
    }
    if events:
        affected["ranges"] = [{"type": "ECOSYSTEM", "events": list(events)}]
    specific = members.pop("specific", None)
    if specific:
        affected["ecosystem_specific"] = specific
    return {"id": name, "modified": "2024-05-01T00:00:00Z", "affected": [affected], **members}


def component(purl: str, source: str = "", paths: tuple[str, ...] = ()) -> Component:
    parsed = parse_purl(purl)
    return Component(
        parsed.name,
        parsed.version,
        purl,
        parsed,
        source=SourcePackage(source) if source else None,
        paths=paths,
    )


def document(
    *components: Component, system: OperatingSystem | None = None, subject: str = ""
) -> SbomDocument:
    return SbomDocument(
        SbomFormat.CYCLONEDX_JSON, "1.6", components, operating_system=system, subject=subject
    )


def assessed(folder: Path, records: list[dict[str, Any]], sbom: SbomDocument) -> Assessment:
    feed = folder / "feed.json"
    feed.write_text(json.dumps(records))
    with opened([feed], cache=None, told=lambda _: None) as index:
        return assess(sbom, index)


INTRODUCED = {"introduced": "0"}


def test_one_finding_for_each_group_of_aliases(tmp_path: Path) -> None:
    records = [
        advisory(
            "GHSA-1",
            "PyPI",
            "Thing",
            INTRODUCED,
            {"fixed": "2.0"},
            aliases=["CVE-1"],
            database_specific={"severity": "LOW"},
        ),
        advisory("PYSEC-1", "PyPI", "thing", INTRODUCED, {"fixed": "2.1"}, aliases=["GSD-1"]),
        # Joins the two, although it names another package.
        advisory("GSD-1", "npm", "thing", INTRODUCED, aliases=["CVE-1"]),
        advisory(
            "GHSA-2",
            "PyPI",
            "thing",
            INTRODUCED,
            {"fixed": "3.0"},
            database_specific={"severity": "CRITICAL"},
        ),
    ]
    found = assessed(tmp_path, records, document(component("pkg:pypi/thing@1.0")))
    assert [(match.advisory, match.advisories, match.fixed) for match in found.matches] == [
        ("GHSA-2", ("GHSA-2",), ("3.0",)),
        ("GHSA-1", ("GHSA-1", "PYSEC-1"), ("2.0", "2.1")),
    ]
    assert set(found.matches[1].aliases) == {"CVE-1", "PYSEC-1", "GSD-1"}
    assert [match.rating.severity for match in found.matches] == [Severity.CRITICAL, Severity.LOW]
    assert found.gaps == ()


def test_a_distributions_record_of_one_cve_is_that_cve_and_one_of_many_is_not(tmp_path: Path) -> None:
    records = [
        advisory("DEBIAN-CVE-1", "Debian:12", "curl", INTRODUCED, {"fixed": "9"}, upstream=["CVE-1"]),
        advisory("DSA-1", "Debian:12", "curl", INTRODUCED, {"fixed": "9"}, upstream=["CVE-1", "CVE-2"]),
    ]
    found = assessed(tmp_path, records, document(component("pkg:deb/debian/curl@1?distro=debian-12")))
    assert sorted((match.advisory, match.aliases) for match in found.matches) == [
        ("DEBIAN-CVE-1", ("CVE-1",)),
        ("DSA-1", ()),
    ]


def test_withdrawn_and_older_records_say_nothing(tmp_path: Path) -> None:
    records = [
        advisory("GHSA-1", "npm", "a", INTRODUCED, withdrawn="2024-05-02T00:00:00Z"),
        {**advisory("GHSA-2", "npm", "a", INTRODUCED), "modified": "2023-01-01T00:00:00Z"},
        advisory("GHSA-2", "npm", "a", INTRODUCED, {"fixed": "1"}),
        {**advisory("GHSA-2", "npm", "a", INTRODUCED), "modified": "2022-01-01T00:00:00Z"},
    ]
    found = assessed(tmp_path, records, document(component("pkg:npm/a@1.0.0")))
    assert found.matches == ()
    assert found.judged == 1


def test_the_source_package_is_judged_by_its_own_stream(tmp_path: Path) -> None:
    records = [
        advisory("A", "Debian:11", "openssl", INTRODUCED, {"fixed": "1.1.1w-0+deb11u1"}),
        advisory(
            "B",
            "Debian:12",
            "openssl",
            INTRODUCED,
            {"fixed": "3.0.13-1~deb12u1"},
            specific={"urgency": "unimportant"},
        ),
        advisory("C", "Debian:12", "libssl3", INTRODUCED),
    ]
    libssl = component("pkg:deb/debian/libssl3@3.0.11-1~deb12u1?distro=debian-12", source="openssl")
    found = assessed(tmp_path, records, document(libssl))
    (match,) = found.matches
    assert (match.advisory, match.package.from_source, str(match.status)) == ("B", True, "unimportant")


def test_what_a_record_says_of_the_binary_package_counts_before_its_source(tmp_path: Path) -> None:
    record = advisory(
        "RHSA-1", "Red Hat:enterprise_linux:9::baseos", "openssl", INTRODUCED, {"fixed": "1:9-1.el9"}
    )
    record["affected"].append(
        {
            "package": {"ecosystem": "Red Hat:enterprise_linux:9::baseos", "name": "openssl-libs"},
            "ranges": [{"type": "ECOSYSTEM", "events": [INTRODUCED, {"fixed": "1:2-1.el9"}]}],
        }
    )
    purl = "pkg:rpm/redhat/openssl-libs@3-1.el9?epoch=1&distro=rhel-9.4"
    found = assessed(tmp_path, [record], document(component(purl, source="openssl")))
    assert found.matches == ()


def test_a_module_stream_is_another_line_of_versions(tmp_path: Path) -> None:
    fixed = {"fixed": "1:18.20-1.module+el9.4.0+21+abc"}
    record = advisory("RHSA-1", "Red Hat:enterprise_linux:9::appstream", "nodejs", INTRODUCED, fixed)
    plain = component("pkg:rpm/redhat/nodejs@16.20-1.el9?epoch=1&distro=rhel-9.4")
    modular = component("pkg:rpm/redhat/nodejs@18.19-1.module%2Bel9.4.0%2B1%2Babc?epoch=1&distro=rhel-9.4")
    assert assessed(tmp_path, [record], document(plain)).matches == ()
    assert len(assessed(tmp_path, [record], document(modular)).matches) == 1


def test_ubuntu_pro_speaks_of_what_it_built_and_of_what_nobody_else_fixes(tmp_path: Path) -> None:
    archive = advisory("USN-1", "Ubuntu:16.04:LTS", "curl", INTRODUCED)
    archive["affected"].append(
        {
            "package": {"ecosystem": "Ubuntu:Pro:16.04:LTS", "name": "curl"},
            "ranges": [{"type": "ECOSYSTEM", "events": [INTRODUCED, {"fixed": "7.47.0-1ubuntu2.19+esm9"}]}],
        }
    )
    only_pro = advisory(
        "USN-2", "Ubuntu:Pro:16.04:LTS", "curl", INTRODUCED, {"fixed": "7.47.0-1ubuntu2.19+esm9"}
    )

    def found(version: str) -> list[tuple[str, tuple[str, ...]]]:
        sbom = document(component(f"pkg:deb/ubuntu/curl@{version}?distro=ubuntu-16.04"))
        return [
            (match.advisory, match.fixed) for match in assessed(tmp_path, [archive, only_pro], sbom).matches
        ]

    assert found("7.47.0-1ubuntu2.19") == [("USN-1", ()), ("USN-2", ("7.47.0-1ubuntu2.19+esm9",))]
    assert found("7.47.0-1ubuntu2.19%2Besm9") == []
    assert [name for name, _ in found("7.47.0-1ubuntu2.19%2Besm1")] == ["USN-1", "USN-2"]


def test_gaps_are_told_with_their_reasons(tmp_path: Path) -> None:
    records = [
        advisory("A", "npm", "a", {"introduced": "1"}, {"fixed": "2"}),
        advisory("B", "PyPI", "b", INTRODUCED, {"fixed": "0.2.0-n653"}),
        advisory("C", "Debian:11", "c", INTRODUCED),
    ]
    found = assessed(
        tmp_path,
        records,
        document(
            component("pkg:npm/a@latest"),
            component("pkg:npm/never-named@latest"),
            component("pkg:pypi/b@1.0"),
            component("pkg:deb/debian/c@1?distro=debian-12"),
            component("pkg:gem/d@1"),
            component("pkg:npm/a"),
            Component("loose", "1"),
            Component("app", "1"),
            subject="app",
        ),
    )
    assert found.matches == ()
    assert [(gap.reason, gap.component, gap.advisory) for gap in found.gaps] == [
        (Unjudged.VERSION_UNORDERABLE, "pkg:npm/a@latest", "A"),
        (Unjudged.RANGE_UNORDERABLE, "pkg:pypi/b@1.0", "B"),
        (Unjudged.ECOSYSTEM_NOT_COVERED, "pkg:deb/debian/c@1?distro=debian-12", ""),
        (Unjudged.ECOSYSTEM_NOT_COVERED, "pkg:gem/d@1", ""),
        (Unjudged.NO_VERSION, "pkg:npm/a", "A"),
        (Unjudged.NO_PURL, "loose 1", ""),
    ]
    assert (found.components, found.judged) == (7, 1)


def test_a_language_package_of_the_distribution_is_judged_by_the_distribution(tmp_path: Path) -> None:
    records = [
        advisory("GHSA-1", "PyPI", "requests", INTRODUCED, {"fixed": "2.31.0"}),
        advisory("DEBIAN-1", "Debian:12", "requests", INTRODUCED, {"fixed": "2.28.1+dfsg-1"}),
    ]
    package = component("pkg:deb/debian/python3-requests@2.28.1%2Bdfsg-1?distro=debian-12", source="requests")
    place = "/usr/lib/python3/dist-packages/requests-2.28.1.egg-info/METADATA"
    brought = component("pkg:pypi/requests@2.28.1", paths=(place,))
    by_pip = component("pkg:pypi/requests@2.28.1", paths=("/usr/local/lib/python3/requests/METADATA",))
    newer = component("pkg:pypi/requests@2.28.2", paths=(place,))
    found = assessed(tmp_path, records, document(package, brought))
    assert (found.matches, len(found.of_vendor)) == ((), 1)
    assert len(assessed(tmp_path, records, document(package, by_pip)).matches) == 1
    assert len(assessed(tmp_path, records, document(package, newer)).matches) == 1
    assert len(assessed(tmp_path, records[:1], document(package, brought)).matches) == 1, "no feed of Debian"


def test_a_second_copy_of_the_same_version_is_judged_by_its_own_ecosystem(tmp_path: Path) -> None:
    records = [
        advisory("GHSA-1", "PyPI", "requests", INTRODUCED, {"fixed": "2.31.0"}),
        advisory("DEBIAN-1", "Debian:12", "requests", INTRODUCED, {"fixed": "2.28.1+dfsg-1"}),
    ]
    package = component("pkg:deb/debian/python3-requests@2.28.1%2Bdfsg-1?distro=debian-12", source="requests")
    brought = component("pkg:pypi/requests@2.28.1", paths=("/usr/lib/python3/dist-packages/METADATA",))
    by_pip = component("pkg:pypi/requests@2.28.1", paths=("/usr/local/lib/python3/METADATA",))
    for sbom in (document(package, brought, by_pip), document(package, by_pip, brought)):
        found = assessed(tmp_path, records, sbom)
        assert ([match.advisory for match in found.matches], len(found.of_vendor)) == (["GHSA-1"], 1)


def test_who_owns_the_files_counts_while_the_version_is_the_owners(tmp_path: Path) -> None:
    """The name of the package need not tell it; and ``npm install -g npm`` writes over the distribution's files."""
    records = [
        advisory("GHSA-1", "PyPI", "pyyaml", INTRODUCED),
        advisory("DEBIAN-1", "Debian:12", "unused", INTRODUCED),
    ]
    package = component("pkg:deb/debian/python3-ruamel@6.0-3%2Bb2?distro=debian-12")

    def found(version: str, owner: str) -> int:
        owned = replace(component(f"pkg:pypi/pyyaml@{version}"), brought_by=owner)
        return len(assessed(tmp_path, records, document(package, owned)).of_vendor)

    assert found("6.0", package.purl) == 1
    assert found("6.1", package.purl) == 0
    assert found("6.0", "pkg:deb/debian/nobody@6.0") == 0


def test_the_name_of_the_source_package_tells_it_too(tmp_path: Path) -> None:
    records = [advisory("DEBIAN-1", "Debian:12", "unused", INTRODUCED)]
    package = component("pkg:deb/debian/python3-yaml@6.0-3%2Bb2?distro=debian-12", source="pyyaml")
    brought = component("pkg:pypi/PyYAML@6.0", paths=("/usr/lib/python3/dist-packages/PyYAML/METADATA",))
    (vendor,) = assessed(tmp_path, records, document(package, brought)).of_vendor
    assert (vendor.component, vendor.package) == (brought.purl, package.purl)


def test_registries_beside_the_ecosystems_own(tmp_path: Path) -> None:
    record = advisory("DRUPAL-1", "Packagist:https://packages.drupal.org/8", "drupal/token", INTRODUCED)
    drupal = component("pkg:composer/drupal/token@1.0?repository_url=https://packages.drupal.org/8/")
    other = component("pkg:composer/drupal/token@1.0?repository_url=https://example.com")
    unsaid = component("pkg:composer/drupal/token@1.0")
    found = [len(assessed(tmp_path, [record], document(item)).matches) for item in (drupal, other, unsaid)]
    assert found == [1, 0, 1]


class TestSources:
    RECORD = json.dumps(advisory("GHSA-1", "npm", "a", INTRODUCED))

    def ids(self, source: Path) -> list[str]:
        return [
            getattr(record, "id", f"refused {getattr(record, 'place', '')}") for record in read_source(source)
        ]

    def test_every_shape_of_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "one.json").write_text(self.RECORD)
        (tmp_path / "list.json").write_text(f"[{self.RECORD}, {{}}]")
        (tmp_path / "api.json").write_text(f'{{"vulns": [{self.RECORD}]}}')
        (tmp_path / "lines.jsonl").write_text(f"{self.RECORD}\n\n{self.RECORD}\n")
        with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
            archive.writestr("GHSA-1.json", self.RECORD)
            archive.writestr("bad.json", "{")
            archive.writestr("README.md", "no record")
        assert self.ids(tmp_path / "one.json") == ["GHSA-1"]
        assert self.ids(tmp_path / "list.json") == ["GHSA-1", f"refused {tmp_path}/list.json[1]"]
        assert self.ids(tmp_path / "api.json") == ["GHSA-1"]
        assert self.ids(tmp_path / "lines.jsonl") == ["GHSA-1", "GHSA-1"]
        assert self.ids(tmp_path / "all.zip") == ["GHSA-1", f"refused {tmp_path}/all.zip!bad.json"]
        assert len(self.ids(tmp_path)) == 8

    def test_a_missing_or_broken_feed_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "broken.zip").write_bytes(b"PK\x03\x04 nothing")
        for name in ("missing.json", "broken.zip"):
            with pytest.raises(MalformedError):
                list(read_source(tmp_path / name))

    def test_a_member_larger_than_any_record_is_refused_not_unpacked(self, tmp_path: Path) -> None:
        with zipfile.ZipFile(tmp_path / "all.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("bomb.json", b" " * (17 * 1024 * 1024))
        assert self.ids(tmp_path / "all.zip") == [f"refused {tmp_path}/all.zip!bomb.json"]

    def test_compiled_once_and_again_when_the_feed_changes(self, tmp_path: Path) -> None:
        feed, cache, told = tmp_path / "feed.json", tmp_path / "cache", list[str]()

        def records() -> int:
            with opened([feed], cache=cache, told=told.append) as index:
                return index.records

        feed.write_text(self.RECORD)
        assert (records(), records(), len(told)) == (1, 1, 1)
        feed.write_text(f"[{self.RECORD}, {self.RECORD.replace('GHSA-1', 'GHSA-2')}]")
        assert (records(), len(told)) == (2, 2)

    def test_a_spoiled_index_in_the_cache_is_made_anew(self, tmp_path: Path) -> None:
        feed, cache = tmp_path / "feed.json", tmp_path / "cache"
        feed.write_text(self.RECORD)
        for _ in range(2):
            with opened([feed], cache=cache, told=lambda _: None) as index:
                assert index.records == 1
            (kept,) = cache.glob("*.sqlite")
            kept.write_bytes(b"SQLite format 3\0" + os.urandom(4096))

    def test_an_index_is_a_feed(self, tmp_path: Path) -> None:
        feed, cache = tmp_path / "feed.json", tmp_path / "cache"
        feed.write_text(self.RECORD)
        with opened([feed], cache=cache, told=lambda _: None):
            (kept,) = cache.glob("*.sqlite")
        told: list[str] = []
        with opened([kept], cache=None, told=told.append) as index:
            assert (index.records, told) == (1, [])

    def test_without_sources_nothing_is_covered(self, tmp_path: Path) -> None:
        with opened([], cache=tmp_path, told=lambda _: None) as index:
            found = assess(document(component("pkg:npm/a@1")), index)
        assert [gap.reason for gap in found.gaps] == [Unjudged.ECOSYSTEM_NOT_COVERED]


def test_all_ids_of_a_vulnerability_are_found_through_records_in_between(tmp_path: Path) -> None:
    chain = [
        advisory(f"CHAIN-{number}", "npm", f"package-{number}", INTRODUCED, aliases=[f"CHAIN-{number + 1}"])
        for number in range(5)
    ]
    alone = advisory("ALONE-1", "npm", "package-0", INTRODUCED, {"fixed": "9"})
    found = assessed(tmp_path, [*chain, alone], document(component("pkg:npm/package-0@1.0.0")))
    assert [(match.advisory, set(match.aliases)) for match in found.matches] == [
        ("ALONE-1", set()),
        ("CHAIN-0", {f"CHAIN-{number}" for number in range(1, 6)}),
    ]


def test_a_record_replaced_by_a_later_one_joins_nothing(tmp_path: Path) -> None:
    earlier = {
        **advisory("GHSA-1", "npm", "a", INTRODUCED, aliases=["CVE-1"]),
        "modified": "2023-01-01T00:00:00Z",
    }
    later = advisory("GHSA-1", "npm", "a", INTRODUCED, aliases=["CVE-2"])
    other = advisory("OTHER-1", "npm", "b", INTRODUCED, aliases=["CVE-1"])
    found = assessed(tmp_path, [earlier, other, later], document(component("pkg:npm/a@1.0.0")))
    assert [(match.advisory, match.aliases) for match in found.matches] == [("GHSA-1", ("CVE-2",))]


def test_more_components_than_are_looked_up_at_once(tmp_path: Path) -> None:
    records = [advisory(f"A-{number}", "npm", f"p{number}", INTRODUCED) for number in range(0, 2_500, 100)]
    sbom = document(*(component(f"pkg:npm/p{number}@1.0.0") for number in range(2_500)))
    found = assessed(tmp_path, records, sbom)
    assert {match.component for match in found.matches} == {
        f"pkg:npm/p{number}@1.0.0" for number in range(0, 2_500, 100)
    }
    assert (found.components, found.judged) == (2_500, 2_500)
