"""VEX: three formats in one model, and which statement excuses what."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.core.errors import MalformedError
from gatekeeper.core.match import Ground, LookedUp, Match, Why
from gatekeeper.core.package_url import parse_purl
from gatekeeper.core.vex import VexProduct, VexStatement, VexStatus, VexSubject, excuse_of
from gatekeeper.vulnerabilities.vex.reader import read

LODASH = "pkg:npm/lodash@4.17.20"
DIGEST = "sha256:" + "ab" * 32
IMAGE = f"pkg:oci/app@{DIGEST}?repository_url=registry.example/team/app"
SUBJECT = VexSubject("registry.example/team/app", (DIGEST,), (parse_purl(LODASH),))


def openvex(*statements: dict[str, Any], **members: Any) -> bytes:
    document = {
        "@context": "https://openvex.dev/ns/v0.2.0",
        "@id": "https://example.com/vex/1",
        "author": "Team",
        "timestamp": "2024-01-01T00:00:00Z",
        "statements": statements,
        **members,
    }
    return json.dumps(document).encode()


def says(status: str = "not_affected", product: Any = None, **members: Any) -> dict[str, Any]:
    return {
        "vulnerability": {"name": "CVE-2021-23337"},
        "products": [product or {"@id": LODASH}],
        "status": status,
        "justification": "vulnerable_code_not_in_execute_path",
        **members,
    }


def found() -> Match:
    return Match(
        component=LODASH,
        package=LookedUp("npm", "lodash", "4.17.20"),
        advisory="GHSA-35jh-r3h4-6jhm",
        advisories=("GHSA-35jh-r3h4-6jhm",),
        aliases=("CVE-2021-23337",),
        why=Why(Ground.RANGE, "< 4.17.21", "4.17.21"),
        fixed=("4.17.21",),
    )


def excuse(*documents: bytes, subject: VexSubject = SUBJECT) -> VexStatement | None:
    said = [statement for document in documents for statement in read(document).statements]
    return excuse_of(found(), parse_purl(LODASH), subject, said)


def test_a_statement_about_the_package_excuses_by_alias() -> None:
    excused = excuse(openvex(says()))
    assert excused is not None
    assert (excused.author, excused.justification) == ("Team", "vulnerable_code_not_in_execute_path")
    assert excused.at == datetime(2024, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("product", "expected"),
    [
        ({"@id": LODASH}, True),
        ({"@id": "pkg:npm/lodash"}, True),
        ({"@id": "pkg:npm/lodash@4.17.19"}, False),
        ({"@id": "pkg:npm/other@4.17.20"}, False),
        ({"@id": IMAGE}, True),
        ({"@id": IMAGE, "subcomponents": [{"@id": LODASH}]}, True),
        ({"@id": IMAGE, "subcomponents": [{"@id": "pkg:npm/other"}]}, False),
        ({"@id": "pkg:oci/app?repository_url=registry.example/team/app"}, True),
        ({"@id": "pkg:oci/app?repository_url=registry.example/team"}, True),
        ({"@id": "pkg:oci/app?repository_url=other.example/team/app"}, False),
        ({"@id": "pkg:oci/app"}, True),
        ({"@id": "pkg:oci/other"}, False),
        ({"@id": f"pkg:oci/app@sha256:{'cd' * 32}"}, False),
        ({"@id": "https://example.com/product", "identifiers": {"purl": LODASH}}, True),
        ({"@id": "https://example.com/product"}, False),
        (LODASH, True),
        ({"hashes": {"sha-256": "ab" * 32}}, True),
        ({"@id": "https://example.com/image", "hashes": {"sha-256": "AB" * 32}}, True),
        ({"@id": "https://example.com/image", "hashes": {"sha-256": "cd" * 32}}, False),
        ({"hashes": {"sha-256": "ab" * 32}, "subcomponents": [{"@id": LODASH}]}, True),
        ({"hashes": {"sha-256": "ab" * 32}, "subcomponents": [{"@id": "pkg:npm/other"}]}, False),
    ],
)
def test_products(product: Any, expected: bool) -> None:
    assert (excuse(openvex(says(product=product))) is not None) is expected


def test_a_product_may_be_the_digest_of_a_file() -> None:
    said = read(openvex(says(product={"hashes": {"sha-1": "ef" * 20}}))).statements
    for digest, excused in (("sha1:" + "ef" * 20, True), ("sha1:" + "00" * 20, False)):
        found_ = excuse_of(found(), parse_purl(LODASH), SUBJECT, said, (digest,))
        assert (found_ is not None) is excused


def test_the_context_may_be_a_list() -> None:
    contexts = ["https://openvex.dev/ns/v0.2.0", "https://example.com/more"]
    assert excuse(openvex(says(), **{"@context": contexts})) is not None


def test_the_newest_statement_of_each_author_counts() -> None:
    late = {"timestamp": "2024-06-01T00:00:00Z"}
    assert excuse(openvex(says(), says("affected", **late))) is None
    assert excuse(openvex(says("affected"), says(**late))) is not None
    assert excuse(openvex(says()), openvex(says("affected", **late), author="Somebody")) is not None
    assert excuse(openvex(says(), says("under_investigation"))) is None, (
        "at one moment the one that excuses less"
    )


def test_fixed_excuses_and_affected_does_not() -> None:
    assert excuse(openvex(says("fixed"))) is not None
    assert excuse(openvex(says("affected"))) is None


def test_not_affected_needs_a_reason() -> None:
    bare = says()
    del bare["justification"]
    document = read(openvex(bare, {**bare, "impact_statement": "never called"}))
    assert [statement.justification for statement in document.statements] == ["never called"]
    assert document.warnings == ("statements[0]: not_affected needs a justification or an impact statement",)


def test_the_first_version_of_openvex() -> None:
    old = {
        "vulnerability": "CVE-2021-23337",
        "products": [IMAGE],
        "subcomponents": [LODASH],
        "status": "fixed",
    }
    assert excuse(openvex(old)) is not None


def csaf(status: dict[str, Any], **members: Any) -> bytes:
    return json.dumps(
        {
            "document": {
                "csaf_version": "2.0",
                "category": "csaf_vex",
                "publisher": {"name": "Vendor"},
                "tracking": {"id": "CVE-2021-23337", "current_release_date": "2024-01-01T00:00:00Z"},
            },
            "product_tree": {
                "branches": [
                    {
                        "branches": [
                            {
                                "product": {
                                    "product_id": "lodash",
                                    "product_identification_helper": {"purl": LODASH},
                                }
                            },
                            {"product": {"product_id": "platform"}},
                        ]
                    }
                ],
                "relationships": [
                    {
                        "category": "default_component_of",
                        "product_reference": "lodash",
                        "relates_to_product_reference": "platform",
                        "full_product_name": {"product_id": "platform:lodash"},
                    }
                ],
            },
            "vulnerabilities": [{"cve": "CVE-2021-23337", "product_status": status, **members}],
        }
    ).encode()


def test_csaf() -> None:
    flag = {"flags": [{"label": "component_not_present", "product_ids": ["platform:lodash"]}]}
    excused = excuse(csaf({"known_not_affected": ["platform:lodash"]}, **flag))
    assert excused is not None
    assert (excused.author, excused.justification) == ("Vendor", "component_not_present")
    threat = {"threats": [{"category": "impact", "details": "not built in"}]}
    assert excuse(csaf({"known_not_affected": ["lodash"]}, **threat)) is not None
    assert excuse(csaf({"fixed": ["lodash"]})) is not None
    assert excuse(csaf({"known_affected": ["lodash"]})) is None
    assert read(csaf({"known_not_affected": ["lodash"]})).warnings


def tree(*products: dict[str, Any], **members: Any) -> bytes:
    """Product P is not affected because of the flags."""
    document = json.loads(csaf({"known_not_affected": ["P"]}, flags=members.pop("flags", [])))
    document["product_tree"] = {"full_product_names": [*products], **members}
    return json.dumps(document).encode()


def product(name: str, **helper: Any) -> dict[str, Any]:
    return {"product_id": name, "product_identification_helper": helper}


def part(component: str, platform: str, name: str, **helper: Any) -> dict[str, Any]:
    return {
        "category": "default_component_of",
        "product_reference": component,
        "relates_to_product_reference": platform,
        "full_product_name": product(name, **helper),
    }


FOR_P = [{"label": "component_not_present", "product_ids": ["P"]}]
OTHER_IMAGE = f"pkg:oci/other@sha256:{'cd' * 32}"


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (tree(product("P", purls=["nonsense", LODASH]), flags=FOR_P), True),
        (tree(product("C"), relationships=[part("C", "X", "P", purl=LODASH)], flags=FOR_P), True),
        # Relationships of relationships, in any order, and in a circle.
        (tree(product("C", purl=LODASH), product("X"), product("Y"), flags=FOR_P,
              relationships=[part("XC", "Y", "P"), part("C", "X", "XC")]), True),
        (tree(relationships=[part("P", "X", "P")], flags=FOR_P), False),
        # In an image the component is excused there, and nowhere else.
        (tree(product("C", purl=LODASH), product("I", purl=IMAGE), flags=FOR_P,
              relationships=[part("C", "I", "P")]), True),
        (tree(product("C", purl=LODASH), product("I", purl=OTHER_IMAGE), flags=FOR_P,
              relationships=[part("C", "I", "P")]), False),
        (tree(product("P", purl=LODASH), flags=[{"label": "component_not_present"}]), True),
        (tree(product("P", purl=LODASH), product_groups=[{"group_id": "G", "product_ids": ["P", "Q"]}],
              flags=[{"label": "component_not_present", "group_ids": ["G"]}]), True),
        (tree(product("P", purl=LODASH), product_groups=[{"group_id": "G", "product_ids": ["Q", "R"]}],
              flags=[{"label": "component_not_present", "group_ids": ["G"]}]), False),
        (tree(product("P", purl=LODASH), flags=[{"label": "component_not_present", "product_ids": ["Q"]}]), False),
    ],
)  # fmt: skip
def test_product_trees_of_csaf(document: bytes, expected: bool) -> None:
    assert (excuse(document) is not None) is expected


def cyclonedx(analysis: dict[str, Any], reference: str = "ref") -> bytes:
    return json.dumps(
        {
            "bomFormat": "CycloneDX",
            "specVersion": "1.5",
            "metadata": {"timestamp": "2024-01-01T00:00:00Z", "supplier": {"name": "Team"}},
            "components": [{"bom-ref": "ref", "name": "lodash", "purl": LODASH}],
            "vulnerabilities": [
                {"id": "CVE-2021-23337", "analysis": analysis, "affects": [{"ref": reference}]},
                {"id": "CVE-1", "affects": [{"ref": "ref"}]},
            ],
        }
    ).encode()


@pytest.mark.parametrize("reference", ["ref", "urn:cdx:3e671687-395b-41f5-a30f-a58921a69b79/1#ref", LODASH])
def test_cyclonedx(reference: str) -> None:
    excused = excuse(cyclonedx({"state": "not_affected", "justification": "code_not_reachable"}, reference))
    assert excused is not None
    assert (excused.author, excused.status) == ("Team", VexStatus.NOT_AFFECTED)


OURS, OTHERS = "3e671687-395b-41f5-a30f-a58921a69b79", "00000000-395b-41f5-a30f-a58921a69b79"


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        (f"urn:cdx:{OURS}/1#ref", True),
        (f"urn:cdx:{OTHERS}/1#ref", False),
        (f"urn:cdx:{OTHERS}/1#{LODASH}?package-id=1", True),
        (f"urn:cdx:{OTHERS}/1#pkg%3Anpm%2Flodash%404.17.20", True),
        (f"urn:cdx:{OURS}/1", False),
    ],
)
def test_links_between_documents_of_cyclonedx(reference: str, expected: bool) -> None:
    document = json.loads(cyclonedx({"state": "resolved"}, reference))
    document["serialNumber"] = f"urn:uuid:{OURS}"
    assert (excuse(json.dumps(document).encode()) is not None) is expected


def test_cyclonedx_states() -> None:
    assert excuse(cyclonedx({"state": "resolved"})) is not None
    assert excuse(cyclonedx({"state": "exploitable"})) is None
    assert excuse(cyclonedx({"state": "false_positive", "detail": "not in this build"})) is not None
    assert read(cyclonedx({"state": "not_affected"})).statements == ()


def test_an_image_product_without_a_known_image() -> None:
    document = openvex(says(product={"@id": IMAGE, "subcomponents": [{"@id": LODASH}]}))
    assert excuse(document, subject=VexSubject()) is None
    assert excuse(document, subject=VexSubject(any_image=True)) is not None


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{}", b'{"bomFormat": "SPDX"}', b'{"@context": "https://x"}']
)
def test_what_is_no_vex_is_refused(content: bytes) -> None:
    with pytest.raises(MalformedError) as refused:
        read(content)
    assert refused.value.reason_code == "vex-malformed"


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from(["fixed", "not_affected", LODASH, "CVE-1", ""]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "vulnerability",
                    "products",
                    "status",
                    "subcomponents",
                    "@id",
                    "name",
                    "timestamp",
                    "identifiers",
                    "cve",
                    "product_status",
                    "fixed",
                    "flags",
                    "threats",
                    "product_ids",
                    "branches",
                    "product",
                    "relationships",
                    "affects",
                    "ref",
                    "analysis",
                    "state",
                    "id",
                    "components",
                    "purl",
                    "bom-ref",
                    "publisher",
                    "tracking",
                    "authors",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(
    head=st.sampled_from(
        [
            {"@context": "https://openvex.dev/ns"},
            {"bomFormat": "CycloneDX"},
            {"document": {"csaf_version": "2.0"}},
        ]
    ),
    members=st.dictionaries(
        st.sampled_from(
            ["statements", "vulnerabilities", "product_tree", "metadata", "author", "components"]
        ),
        JSON,
    ),
)
def test_any_content_is_read_leniently(head: dict[str, Any], members: dict[str, Any]) -> None:
    document = read(json.dumps({**members, **head}).encode())
    assert all(isinstance(statement.status, VexStatus) for statement in document.statements)


@given(order=st.permutations(range(4)))
def test_the_answer_does_not_depend_on_the_order_of_statements(order: list[int]) -> None:
    def statement(author: str, status: VexStatus, day: int) -> VexStatement:
        product = VexProduct(parse_purl(LODASH))
        moment = datetime(2024, 1, day, tzinfo=UTC)
        return VexStatement(author, "doc", ("CVE-2021-23337",), (product,), status, "why", moment)

    said = [
        statement("a", VexStatus.NOT_AFFECTED, 1),
        statement("a", VexStatus.AFFECTED, 2),
        statement("b", VexStatus.FIXED, 1),
        statement("b", VexStatus.NOT_AFFECTED, 3),
    ]
    excused = excuse_of(found(), parse_purl(LODASH), SUBJECT, [said[position] for position in order])
    assert excused == said[3]
