"""SBOMs inside in-toto statements: BuildKit's, and the predicates that cosign really writes."""

from __future__ import annotations

import json

import pytest

from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import MalformedError
from gatekeeper.ports import Statement
from gatekeeper.sbom.reader import Reader
from gatekeeper.signatures.keys import load_public_key
from tests.fakes.registry_dump import FIXTURES, repository

_SUBJECT = Digest.of(b"the image")
_CYCLONEDX = {"bomFormat": "CycloneDX", "specVersion": "1.5", "components": [{"name": "a"}]}
_SPDX = {"spdxVersion": "SPDX-2.3", "packages": [{"name": "a"}]}
_SPDX_TYPE, _CYCLONEDX_TYPE = "https://spdx.dev/Document", "https://cyclonedx.org/bom"
_CUSTOM = "https://cosign.sigstore.dev/attestation/v1"


def _predicate(kind: str, predicate: object) -> Statement:
    return Statement(kind, json.dumps(predicate).encode())


_READABLE = {
    "object": _predicate(_SPDX_TYPE, _SPDX),
    "versioned type": _predicate(_SPDX_TYPE + "/v2.3", _SPDX),
    "cyclonedx": _predicate(_CYCLONEDX_TYPE, _CYCLONEDX),
    "cyclonedx, versioned": _predicate(_CYCLONEDX_TYPE + "/v1.5", _CYCLONEDX),
    "old cyclonedx type": _predicate("https://cyclonedx.org/schema", _CYCLONEDX),
    "a JSON string": _predicate(_SPDX_TYPE, json.dumps(_SPDX)),
    "wrapped": _predicate(_SPDX_TYPE, {"Data": _SPDX, "Timestamp": ""}),
    "wrapped string": _predicate(_CUSTOM, {"Data": json.dumps(_CYCLONEDX), "Timestamp": ""}),
    "wrapped object": _predicate(_CUSTOM, {"Data": _CYCLONEDX, "Timestamp": ""}),
}


@pytest.mark.parametrize("case", _READABLE)
def test_a_predicate_in_every_spelling(case: str) -> None:
    document = Reader().read_predicate(_READABLE[case])
    assert document is not None
    assert [one.name for one in document.components] == ["a"]


_NONE = {
    "provenance": _predicate("https://slsa.dev/provenance/v1", {}),
    "the type is only a prefix": _predicate(_SPDX_TYPE + "X", _SPDX),
    "custom text": _predicate(_CUSTOM, {"Data": "hello", "Timestamp": ""}),
    "custom JSON": _predicate(_CUSTOM, {"Data": '{"a": 1}', "Timestamp": ""}),
    "custom broken JSON": _predicate(_CUSTOM, {"Data": "{", "Timestamp": ""}),
    "custom without data": _predicate(_CUSTOM, 5),
}


@pytest.mark.parametrize("case", _NONE)
def test_what_is_no_sbom_gives_none(case: str) -> None:
    assert Reader().read_predicate(_NONE[case]) is None


@pytest.mark.parametrize(
    ("predicate", "code"),
    [
        ("PackageName: x", "sbom-format-unsupported"),
        ({}, "sbom-format-unsupported"),
        ([], "sbom-format-unsupported"),
        ("{", "sbom-malformed"),
    ],
)
def test_a_predicate_that_says_to_be_an_sbom_and_is_none_is_an_error(predicate: object, code: str) -> None:
    with pytest.raises(MalformedError) as caught:
        Reader().read_predicate(_predicate(_SPDX_TYPE, predicate))
    assert caught.value.reason_code == code


def _statement(**members: object) -> bytes:
    return json.dumps(
        {
            "_type": "https://in-toto.io/Statement/v0.1",
            "predicateType": _SPDX_TYPE,
            "subject": [{"name": "pkg:docker/x", "digest": {"sha256": _SUBJECT.encoded}}],
            "predicate": _SPDX,
            **members,
        }
    ).encode()


def test_a_buildkit_statement_names_its_subject() -> None:
    document = Reader().read_statement(_statement(), subject=_SUBJECT)
    assert document is not None
    assert [one.name for one in document.components] == ["a"]
    assert Reader().read_statement(_statement()) == document


@pytest.mark.parametrize("subjects", [[], [{"name": "x"}], [{"digest": {"sha256": "0" * 64}}]])
def test_a_statement_about_something_else_is_refused(subjects: list[object]) -> None:
    with pytest.raises(MalformedError) as caught:
        Reader().read_statement(_statement(subject=subjects), subject=_SUBJECT)
    assert caught.value.reason_code == "sbom-subject-mismatch"


def test_another_predicate_in_a_statement_is_no_sbom() -> None:
    content = _statement(predicateType="https://slsa.dev/provenance/v0.2", predicate={})
    assert Reader().read_statement(content, subject=_SUBJECT) is None


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"\xff", b'{"predicateType": 1, "predicate": {}}'])
def test_a_broken_statement_is_an_error(content: bytes) -> None:
    with pytest.raises(MalformedError) as caught:
        Reader().read_statement(content)
    assert caught.value.reason_code == "sbom-malformed"


@pytest.mark.parametrize("tool", ["cosign2", "cosign"])
@pytest.mark.parametrize("form", ["legacy", "bundle"])
def test_what_cosign_attests_is_read(tool: str, form: str) -> None:
    folder = FIXTURES / "signed_with_every_key"
    found = repository(folder, f"attested/{tool}/{form}")
    key = load_public_key((folder / "keys" / f"{tool}-ecdsa-p256.pub").read_bytes(), "key")
    read = {}
    for one in found.verify(found.subject("1"), [key]):
        assert one.statement is not None
        document = Reader().read_predicate(one.statement)
        kind = one.statement.predicate_type + (" as text" if one.statement.predicate[:1] == b'"' else "")
        read[kind] = None if document is None else [part.purl for part in document.components]
    requests = ["pkg:pypi/requests@2.31.0"]
    assert read == {
        "https://cosign.sigstore.dev/attestation/v1": requests,
        "https://cyclonedx.org/bom": requests,
        "https://spdx.dev/Document": requests,
        "https://spdx.dev/Document as text": requests,
        "https://example.test/review/v1": None,
    }
