"""notation's trust store directory and trust policy file, read as they are; errors say which file and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from gatekeeper.core.errors import MalformedError
from gatekeeper.core.trust import NotationTrust, StoreKind
from gatekeeper.signatures.notation.trust import load_trust, read_trust
from gatekeeper.signatures.notation.trust_policy import StoreName
from tests.fakes.notary import ISSUING, LEAF, ROOT, Party, Signing, document, judged, statement

_CA = StoreName(StoreKind.CA, "acme")


def _pem(party: Party) -> bytes:
    return party.certificate.public_bytes(Encoding.PEM)


class _Site:
    """A folder as notation lays it out."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.policy = folder / "trustpolicy.json"
        self.store = folder / "truststore"
        self.policy.write_bytes(document())

    def put(self, content: bytes, file: str = "root.crt", store: str = "ca/acme") -> Path:
        path = self.store / "x509" / store / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    def load(self, repository: str | None = None) -> NotationTrust:
        return load_trust("site", self.policy, self.store, repository=repository)

    def trouble(self) -> str:
        with pytest.raises(MalformedError) as raised:
            self.load()
        return raised.value.message


@pytest.fixture
def site(tmp_path: Path) -> _Site:
    return _Site(tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        _pem(ROOT),
        b"some words before\n" + _pem(ROOT) + _pem(ISSUING),
        ROOT.der,
        ROOT.der + ISSUING.der,
        _pem(ROOT).replace(b"\n", b"\r\n"),
    ],
    ids=["pem", "several-pem", "der", "several-der", "crlf"],
)
def test_pem_and_der_are_read(site: _Site, content: bytes) -> None:
    site.put(content)
    trust = site.load()
    assert ROOT.der in [one.encoded for one in read_trust(trust).stores.of(_CA)]
    assert judged(Signing().jws(), under=trust).reason_code == "signature-verified"


def test_every_file_of_a_store_counts_and_file_names_say_nothing(site: _Site) -> None:
    site.put(_pem(ROOT), "b")
    site.put(ISSUING.der, "a.txt")
    assert len(read_trust(site.load()).stores.of(_CA)) == 2


def test_the_newer_file_name_is_read_as_well(site: _Site) -> None:
    site.policy = site.policy.rename(site.folder / "trustpolicy.oci.json")
    site.put(_pem(ROOT))
    assert site.load().source.endswith("trustpolicy.oci.json")


def test_a_policy_that_is_not_there(site: _Site) -> None:
    site.policy.unlink()
    assert str(site.policy) in site.trouble()
    assert "give notation's trustpolicy.json" in site.trouble()


def test_a_policy_that_is_malformed_is_named(site: _Site) -> None:
    site.policy.write_bytes(document(statement(registryScopes=["r.test/*"])))
    assert site.trouble().startswith(f"{site.policy}: trustPolicies[0].registryScopes: 'r.test/*'")


def test_a_store_that_is_not_there(site: _Site) -> None:
    assert str(site.store / "x509" / "ca" / "acme") in site.trouble()
    assert "put certificates as PEM or DER into it" in site.trouble()


def test_3_an_empty_store(site: _Site) -> None:
    site.put(b"").unlink()
    assert "is empty" in site.trouble()


def test_only_the_stores_that_the_repository_needs_must_be_there(site: _Site) -> None:
    site.policy.write_bytes(
        document(
            statement(name="a", registryScopes=["r.test/a"]),
            statement(name="b", registryScopes=["r.test/b"], trustStores=["ca:elsewhere"]),
        )
    )
    site.put(_pem(ROOT))
    assert len(site.load("r.test/a").files) == 1
    assert site.load("r.test/c").files == ()
    assert "elsewhere" in site.trouble()


_KEY = ROOT.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@pytest.mark.parametrize(
    ("content", "detail"),
    [
        (b"hello", "neither PEM nor DER"),
        (b"", "no certificate"),
        (b"-----BEGIN CERTIFICATE-----\n", "no certificate"),
        (b"-----BEGIN CERTIFICATE-----\n@@\n-----END CERTIFICATE-----", "not base64"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", "no X.509 certificate"),
        (_KEY, "holds a private key"),
        (_pem(ROOT) + _KEY, "holds a private key"),
        (_pem(ROOT).replace(b"CERTIFICATE", b"X509 CRL"), "PEM X509 CRL"),
        (_pem(LEAF), "neither an authority nor self-signed"),
        (ROOT.der + b"\0", "neither PEM nor DER"),
        (b"\x30\x83\x01\x00\x00" + b"\0" * 65536, "larger than 32768 bytes"),
    ],
)
def test_a_file_that_holds_no_trustworthy_certificate(site: _Site, content: bytes, detail: str) -> None:
    path = site.put(content)
    assert site.trouble().startswith(f"{path}: ")
    assert detail in site.trouble()


def test_a_file_that_is_too_large(site: _Site) -> None:
    path = site.put(b"\0" * (4 * 1024 * 1024 + 1))
    assert site.trouble() == f"{path}: it is larger than 4194304 bytes"


def test_folders_and_links_are_refused(site: _Site) -> None:
    path = site.put(_pem(ROOT))
    (path.parent / "below").mkdir()
    assert "no regular file" in site.trouble()
    (path.parent / "below").rmdir()
    (path.parent / "link.crt").symlink_to(path)
    assert "no regular file" in site.trouble()
    (path.parent / "link.crt").unlink()
    path.parent.rename(path.parent.with_name("real"))
    path.parent.symlink_to(path.parent.with_name("real"))
    assert "there is no such folder" in site.trouble()


def test_too_many_files(site: _Site) -> None:
    for number in range(513):
        site.put(b"", f"{number}.crt")
    assert "513 files" in site.trouble()


def test_a_clock_store_holds_roots_alone(site: _Site) -> None:
    site.policy.write_bytes(document(statement(trustStores=["ca:acme", "tsa:acme"])))
    site.put(_pem(ROOT))
    site.put(_pem(ISSUING), store="tsa/acme")
    assert "a tsa store holds roots alone" in site.trouble()
    site.put(_pem(ROOT), store="tsa/acme")
    assert len(site.load().files) == 2


def test_material_that_was_never_checked_is_refused_when_it_is_used() -> None:
    broken = NotationTrust("site", b"{}", (), "somewhere.json")
    with pytest.raises(MalformedError, match=r"somewhere\.json: version"):
        judged(Signing().jws(), under=broken)
