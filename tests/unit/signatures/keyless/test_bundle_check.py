"""Bundles of artifacts, through the hidden command: what the conformance suite of Sigstore clients asks."""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gatekeeper.cli import main
from gatekeeper.core.digest import Digest
from gatekeeper.demo.sigstore import entries
from gatekeeper.demo.sigstore.instance import LOGGED, TILED
from gatekeeper.signatures import media_types
from gatekeeper.signatures.signing import SigningKey
from tests.unit.signatures.keyless.minted import AT, ROBOT, SIGSTORE, STRANGE, Json, flipped, spoilt

_ARTIFACT = b"a file\n"
_SHA256 = str(Digest.of(_ARTIFACT))


def _statement(digest: str = _SHA256, **members: object) -> bytes:
    return json.dumps(
        {
            "_type": media_types.STATEMENT_V1,
            "subject": [{"name": "a.txt", "digest": {"sha256": digest.partition(":")[2]}}],
            "predicateType": "https://example.test/any",
            "predicate": {},
            **members,
        }
    ).encode()


class Place:
    """A folder with everything the command is given."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.capsys = capsys
        (folder / "root.json").write_bytes(SIGSTORE.trusted_root_json())
        (folder / "a.txt").write_bytes(_ARTIFACT)

    def ask(self, bundle: Json, *options: str, artifact: str | None = None) -> tuple[int, str]:
        file = self.folder / "bundle.json"
        file.write_text(json.dumps(bundle))
        who = options or (
            "--certificate-identity",
            ROBOT.name,
            "--certificate-oidc-issuer",
            ROBOT.issuer,
        )
        root = ("--trusted-root", str(self.folder / "root.json"))
        named = artifact or str(self.folder / "a.txt")
        code = main(["conformance", "verify-bundle", "--bundle", str(file), *who, *root, named])
        return code, self.capsys.readouterr().err.strip()


@pytest.fixture
def place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Place:
    return Place(tmp_path, capsys)


_GOOD = {
    "message-1": SIGSTORE.bundle_of_message(_ARTIFACT, ROBOT, AT),
    "message-2": SIGSTORE.bundle_of_message(_ARTIFACT, ROBOT, AT, TILED),
    "statement-1": SIGSTORE.bundle_of_statement(_statement(), ROBOT, AT),
    "statement-2": SIGSTORE.bundle_of_statement(_statement(), ROBOT, AT, TILED),
    "first-version": SIGSTORE.bundle_of_message(
        _ARTIFACT, ROBOT, AT, replace(LOGGED, version=media_types.BUNDLE_V01)
    ),
}


@pytest.mark.parametrize("name", _GOOD)
def test_a_bundle_that_holds_for_a_file_and_for_its_digest(place: Place, name: str) -> None:
    assert place.ask(_GOOD[name]) == (0, "verified")
    assert place.ask(_GOOD[name], artifact=_SHA256) == (0, "verified")


@pytest.mark.parametrize("name", _GOOD)
def test_another_artifact_another_person_another_instance(place: Place, name: str) -> None:
    assert place.ask(_GOOD[name], artifact=f"sha256:{'0' * 64}")[0] == 1
    other = place.folder / "other.txt"
    other.write_bytes(b"other")
    assert place.ask(_GOOD[name], artifact=str(other))[0] == 1
    for identity, issuer in ((ROBOT.name + "x", ROBOT.issuer), (ROBOT.name, "https://other.test")):
        options = ("--certificate-identity", identity, "--certificate-oidc-issuer", issuer)
        assert place.ask(_GOOD[name], *options)[0] == 1
    (place.folder / "root.json").write_bytes(STRANGE.trusted_root_json())
    assert place.ask(_GOOD[name])[0] == 1


def test_a_message_digest_that_is_another_one(place: Place) -> None:
    document = spoilt(_GOOD["message-1"], "messageSignature", "messageDigest", "digest", to=flipped)
    assert place.ask(document) == (1, "refused, subject-mismatch: the bundle is about another artifact")


def test_a_statement_without_its_type(place: Place) -> None:
    payload = json.dumps({"subject": [{"digest": {"sha256": _SHA256[7:]}}], "predicateType": "x"}).encode()
    bundle = SIGSTORE.bundle_of_statement(payload, ROBOT, AT)
    assert place.ask(bundle)[1].startswith("refused, statement-type-unknown")


_KEY = SigningKey.generate("key.pub")


def _keyed(place: Place, *, log: bool = False, logged_key: SigningKey = _KEY, key: SigningKey = _KEY) -> int:
    file = place.folder / "key.pub"
    file.write_text(_KEY.public.spki_pem)
    signature = key.sign(_ARTIFACT)
    body = entries.hashedrekord_1(_ARTIFACT, signature, logged_key.public.spki_pem.encode())
    bundle: Json = {
        "mediaType": media_types.BUNDLE_V03,
        "verificationMaterial": {
            "publicKey": {"hint": "any"},
            "tlogEntries": [SIGSTORE.rekor_1.add(body, AT)] if log else [],
        },
        "messageSignature": {"signature": b64encode(signature).decode()},
    }
    return place.ask(bundle, "--key", str(file))[0]


def test_a_managed_key_with_and_without_a_log(place: Place) -> None:
    assert _keyed(place) == 0
    assert _keyed(place, log=True) == 0


def test_an_entry_beside_a_managed_key_must_hold(place: Place) -> None:
    assert _keyed(place, log=True, logged_key=SigningKey.generate("other")) == 1
    (place.folder / "root.json").write_bytes(STRANGE.trusted_root_json())
    assert _keyed(place, log=True) == 1
    assert _keyed(place) == 0


def test_a_managed_key_of_somebody_else(place: Place) -> None:
    assert _keyed(place, key=SigningKey.generate("other")) == 1


def test_a_key_and_an_identity_are_one_too_many(place: Place) -> None:
    file = place.folder / "key.pub"
    file.write_text(_KEY.public.spki_pem)
    options = ("--certificate-identity", "x", "--certificate-oidc-issuer", "y", "--key", str(file))
    assert place.ask(_GOOD["message-1"], *options)[0] == 2
    assert place.ask(_GOOD["message-1"], "--certificate-identity", "x")[0] == 2


def test_files_that_are_not_there(place: Place) -> None:
    assert place.ask(_GOOD["message-1"], artifact=str(place.folder / "gone"))[0] == 2


def test_a_root_that_is_none(place: Place) -> None:
    (place.folder / "root.json").write_text("{}")
    assert place.ask(_GOOD["message-1"])[0] == 2


def test_the_command_is_not_in_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    assert "conformance" not in capsys.readouterr().out


def test_ed25519_needs_the_message_itself(place: Place) -> None:
    key = SigningKey.of(ed25519.Ed25519PrivateKey.generate(), "ed")
    file = place.folder / "ed.pub"
    file.write_bytes(key.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    bundle: Json = {
        "mediaType": media_types.BUNDLE_V03,
        "verificationMaterial": {"publicKey": {"hint": "any"}},
        "messageSignature": {"signature": b64encode(key.sign(_ARTIFACT)).decode()},
    }
    assert place.ask(bundle, "--key", str(file)) == (0, "verified")
    assert place.ask(bundle, "--key", str(file), artifact=_SHA256)[0] == 1
