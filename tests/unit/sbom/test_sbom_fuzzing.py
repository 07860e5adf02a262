"""Whatever the bytes: a document or a typed error, in bounded memory."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatekeeper.core.component import SbomDocument
from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import MalformedError
from gatekeeper.ports import Statement
from gatekeeper.sbom import lenient
from gatekeeper.sbom.reader import Reader

_FUZZ = settings(max_examples=200, deadline=None)
_READERS: dict[str, Callable[[bytes], SbomDocument | None]] = {
    "document": Reader().read,
    "statement": Reader().read_statement,
    "file": Reader().read_any,
    "unverified": lambda content: Reader().read_unverified(content, subject=Digest.of(b"x")),
    "SPDX predicate": lambda content: Reader().read_predicate(
        Statement("https://spdx.dev/Document", content)
    ),
    "CycloneDX predicate": lambda content: Reader().read_predicate(
        Statement("https://cyclonedx.org/bom", content)
    ),
    "custom predicate": lambda content: Reader().read_predicate(
        Statement("https://cosign.sigstore.dev/attestation/v1", content)
    ),
}
_CODES = {"sbom-malformed", "sbom-format-unsupported", "sbom-too-large", "sbom-subject-mismatch"}


def _outcome(read: Callable[[bytes], SbomDocument | None], content: bytes) -> str:
    try:
        document = read(content)
    except MalformedError as error:
        return error.reason_code
    if document is None:
        return "none"
    assert all(
        isinstance(text, str) for one in document.components for text in (one.name, one.version, one.purl)
    )
    assert document.unreadable >= 0
    return "read"


_SEEDS = [
    {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "components": [{"name": "a", "licenses": [{"expression": "MIT"}]}],
    },
    {"spdxVersion": "SPDX-2.3", "packages": [{"name": "a", "externalRefs": [{"referenceType": "purl"}]}]},
    {"predicateType": "https://spdx.dev/Document", "subject": [], "predicate": {"spdxVersion": "SPDX-2.3"}},
    {"Data": '{"bomFormat": "CycloneDX"}', "Timestamp": ""},
    {
        "@context": "https://spdx.org/rdf/3.0.1/spdx-context.jsonld",
        "@graph": [
            {"type": "software_Package", "spdxId": "a", "name": "x", "software_packageUrl": "pkg:npm/x@1"},
            {"type": "Relationship", "from": "a", "to": ["b"], "relationshipType": "hasDeclaredLicense"},
        ],
    },
    {
        "artifacts": [
            {"name": "x", "type": "deb", "metadata": {"source": "y"}, "licenses": [{"value": "MIT"}]}
        ],
        "schema": {"version": "16"},
        "distro": {"id": "debian"},
    },
]
_TEXTS = [
    (
        b'<?xml version="1.0"?><bom xmlns="http://cyclonedx.org/schema/bom/1.6"><components><component type="library">'
        b"<name>x</name><licenses><expression>MIT</expression></licenses></component></components></bom>"
    ),
    (
        b"SPDXVersion: SPDX-2.3\nPackageName: x\nPackageCopyrightText: <text>a\nb</text>\n"
        b"ExternalRef: PACKAGE-MANAGER purl pkg:npm/x@1\nLicenseID: LicenseRef-1\n"
    ),
]
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)
_NAMED = st.fixed_dictionaries(
    {},
    optional={
        "bomFormat": st.just("CycloneDX") | _JSON,
        "specVersion": st.just("1.6") | _JSON,
        "spdxVersion": st.just("SPDX-2.3") | _JSON,
        "components": st.lists(
            st.dictionaries(st.sampled_from(["name", "version", "purl", "licenses", "components"]), _JSON)
        )
        | _JSON,
        "@context": st.just("https://spdx.org/rdf/3.0.1/spdx-context.jsonld") | _JSON,
        "@graph": st.lists(
            st.dictionaries(
                st.sampled_from(["type", "name", "from", "to", "relationshipType", "verifiedUsing"]), _JSON
            )
        )
        | _JSON,
        "artifacts": st.lists(
            st.dictionaries(st.sampled_from(["name", "type", "metadata", "licenses", "locations"]), _JSON)
        )
        | _JSON,
        "schema": st.just({"version": "16"}) | _JSON,
        "distro": _JSON,
        "packages": st.lists(
            st.dictionaries(
                st.sampled_from(["name", "versionInfo", "externalRefs", "licenseDeclared"]), _JSON
            )
        )
        | _JSON,
        "metadata": _JSON,
        "predicateType": st.just("https://spdx.dev/Document") | _JSON,
        "predicate": _JSON,
        "subject": _JSON,
        "Data": _JSON,
    },
)


@pytest.mark.parametrize("reader", _READERS)
@_FUZZ
@given(content=st.binary(max_size=200))
def test_any_bytes(reader: str, content: bytes) -> None:
    assert _outcome(_READERS[reader], content) in _CODES | {"none", "read"}


@pytest.mark.parametrize("reader", _READERS)
@_FUZZ
@given(document=_NAMED)
def test_any_values_under_the_right_names(reader: str, document: dict[str, object]) -> None:
    assert _outcome(_READERS[reader], json.dumps(document).encode()) in _CODES | {"none", "read"}


@pytest.mark.parametrize("reader", _READERS)
@_FUZZ
@given(
    seed=st.sampled_from([*(json.dumps(seed).encode() for seed in _SEEDS), *_TEXTS]),
    edits=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=4),
)
def test_changed_bytes(reader: str, seed: bytes, edits: list[tuple[int, int]]) -> None:
    content = bytearray(seed)
    for position, value in edits:
        content[position % len(content)] = value
    assert _outcome(_READERS[reader], bytes(content)) in _CODES | {"none", "read"}


@pytest.mark.parametrize("reader", _READERS)
@pytest.mark.parametrize(
    "content",
    [
        b"[" * 200_000,
        b'{"a":' * 200_000,
        b'{"bomFormat":"CycloneDX","components":' + b'[{"name":"x","components":' * 100_000,
        b'{"bomFormat":"CycloneDX","components":'
        + b'[{"name":"x","components":' * 50_000
        + b"[]"
        + b"}]" * 50_000
        + b"}",
        b'{"bomFormat":"CycloneDX","components":[5,'
        + b'{"name":"x","components":[' * 50_000
        + b"]}" * 50_000
        + b"]}",
        b'{"spdxVersion":"SPDX-2.3","packages":[{"name":' + b"9" * 100_000 + b"}]}",
        b'{"spdxVersion":"SPDX-2.3","packages":[{"name":"\\ud800"}]}',
        b'"' * 10,
    ],
    ids=["lists", "objects", "cut nesting", "nesting", "slow nesting", "long number", "surrogate", "quotes"],
)
def test_hostile_shapes(reader: str, content: bytes) -> None:
    assert _outcome(_READERS[reader], content) in _CODES | {"none", "read"}


def test_too_many_components_are_refused() -> None:
    content = b'{"bomFormat":"CycloneDX","components":[' + b'{"name":"x"},' * 1_000_000 + b"{}]}"
    assert _outcome(Reader().read, content) == "sbom-too-large"


def test_too_many_values_are_refused_before_anything_is_built() -> None:
    content = b'{"bomFormat":"CycloneDX","components":[' + b"{}," * (lenient.MAX_ELEMENTS // 2) + b"{}]}"
    assert _outcome(Reader().read, content) == "sbom-too-large"


@pytest.mark.parametrize(
    "content",
    [
        b"<?xml version='1.0'?><bom/>",
        b"<html><body/></html>",
        b"# only a comment\n",
        b'{"artifacts": {}, "schema": {"version": "16"}}',
        b'{"@context": "https://schema.org", "@graph": []}',
        b'{"spdxVersion": "SPDX-3.0"}',
        b'{"bomFormat": "CycloneDX", "specVersion": "2.0"}',
        b"",
        b"null",
    ],
    ids=["xml", "html", "text", "not syft", "json-ld", "spdx 3 version", "cyclonedx 2", "empty", "null"],
)
def test_other_formats_are_named_as_unsupported(content: bytes) -> None:
    with pytest.raises(MalformedError, match="CycloneDX") as caught:
        Reader().read(content)
    assert caught.value.reason_code == "sbom-format-unsupported"
