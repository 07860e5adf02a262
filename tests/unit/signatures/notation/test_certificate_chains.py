"""Certificate chains: what may stand where (the numbers are of the negative list)."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier

from gatekeeper.core.evidence import Outcome
from gatekeeper.core.trust import StoreKind
from tests.fakes import notary
from tests.fakes.notary import CHAIN, ISSUING, LEAF, ROOT, Party, Signing, issue, judged, key

_P256 = key("p256", "leaf")
_NON_CRITICAL = x509.UnrecognizedExtension(ObjectIdentifier("1.3.6.1.4.1.99999.1"), b"\x05\x00")


def _code(chain: Sequence[Party], *, anchor: Party | None = None) -> str:
    store = notary.store(StoreKind.CA, "acme", anchor if anchor is not None else chain[-1])
    return judged(Signing(chain=chain).jws(), under=notary.trust(files=store)).reason_code


def _carried(*parties: Party) -> str:
    signing = Signing(carried=[party.der for party in parties])
    return judged(signing.jws()).reason_code


@pytest.mark.parametrize(
    ("carried", "code"),
    [
        ((LEAF,), "notation-chain"),
        ((LEAF, ISSUING), "notation-chain"),
        ((LEAF, ROOT, ISSUING), "notation-chain"),
        ((LEAF, ISSUING, ROOT, notary.STRANGER), "notation-chain"),
        ((LEAF, ISSUING, notary.STRANGER), "notation-chain"),
        ((LEAF, ISSUING, ROOT, ROOT), "notation-chain"),
        ((LEAF, LEAF, ISSUING, ROOT), "notation-chain"),
    ],
    ids=[
        "58-leaf-only",
        "59-no-root",
        "60-order",
        "61-extra",
        "61-other-root",
        "62-root-twice",
        "leaf-twice",
    ],
)
def test_a_chain_is_ordered_and_whole(carried: tuple[Party, ...], code: str) -> None:
    assert _carried(*carried) == code


def _below(spoil: Callable[[], Party]) -> tuple[Party, ...]:
    return (spoil(), ISSUING, ROOT)


def _leaf_for(*purposes: ObjectIdentifier) -> Callable[[], Party]:
    return lambda: issue("signer", _P256, ISSUING, purposes=purposes)


_LEAVES: dict[str, tuple[Callable[[], Party], str]] = {
    "63-authority": (
        lambda: issue("signer", _P256, ROOT, authority=True, bits=("digital_signature", "key_cert_sign")),
        "notation-certificate",
    ),
    "64-no-key-usage": (lambda: issue("signer", _P256, ISSUING, bits=None), "notation-certificate"),
    "65-key-usage-not-critical": (
        lambda: issue("signer", _P256, ISSUING, usage_critical=False),
        "notation-certificate",
    ),
    "66-no-digital-signature": (
        lambda: issue("signer", _P256, ISSUING, bits=("content_commitment",)),
        "notation-certificate",
    ),
    **{
        f"67-also-{bit}": (
            lambda bit=bit: issue("signer", _P256, ISSUING, bits=("digital_signature", bit)),  # type: ignore[misc]
            "notation-certificate",
        )
        for bit in ("key_encipherment", "data_encipherment", "key_agreement", "key_cert_sign", "crl_sign")
    },
    "69-any-purpose": (_leaf_for(ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE), "notation-certificate"),
    "70-server": (_leaf_for(ExtendedKeyUsageOID.SERVER_AUTH), "notation-certificate"),
    "71-client": (_leaf_for(ExtendedKeyUsageOID.CLIENT_AUTH), "notation-certificate"),
    "72-mail": (
        _leaf_for(ExtendedKeyUsageOID.CODE_SIGNING, ExtendedKeyUsageOID.EMAIL_PROTECTION),
        "notation-certificate",
    ),
    "73-time-stamping": (_leaf_for(ExtendedKeyUsageOID.TIME_STAMPING), "notation-certificate"),
    "74-ocsp": (_leaf_for(ExtendedKeyUsageOID.OCSP_SIGNING), "notation-certificate"),
    "no-purpose": (lambda: issue("signer", _P256, ISSUING), "signature-verified"),
    "constraints-that-say-no-authority": (
        lambda: issue("signer", _P256, ISSUING, constraints=x509.BasicConstraints(False, None)),
        "signature-verified",
    ),
    "also-non-repudiation": (
        lambda: issue("signer", _P256, ISSUING, bits=("digital_signature", "content_commitment")),
        "signature-verified",
    ),
    "unknown-critical-extension": (
        lambda: issue("signer", _P256, ISSUING, extensions=[(_NON_CRITICAL, True)]),
        "signature-verified",
    ),
}


@pytest.mark.parametrize("leaf", _LEAVES)
def test_what_a_leaf_must_be(leaf: str) -> None:
    make, code = _LEAVES[leaf]
    made = make()
    chain = (made, ROOT) if leaf == "63-authority" else (made, ISSUING, ROOT)
    assert _code(chain) == code


def _through(**spoiled: object) -> str:
    """The code for a chain through an intermediate that was spoiled."""
    options: dict[str, object] = {"authority": True, **spoiled}
    middle = issue("middle", key("p256", "middle"), ROOT, **options)  # type: ignore[arg-type]
    return _code((issue("signer", _P256, middle), middle, ROOT))


@pytest.mark.parametrize(
    "spoiled",
    [
        {"constraints": x509.BasicConstraints(False, None)},
        {"constraints": None},
        {"constraints_critical": False},
        {"usage_critical": False},
        {"bits": ("crl_sign",)},
        {"bits": None},
    ],
    ids=["75-no-authority", "76-no-constraints", "77-constraints-not-critical", "78-usage-not-critical", "79-no-sign",
         "no-usage"],
)  # fmt: skip
def test_what_an_authority_must_be(spoiled: dict[str, object]) -> None:
    assert _through() == "signature-verified"
    assert _through(**spoiled) == "notation-certificate"


def test_80_an_authority_allows_only_so_many_below_it() -> None:
    top = issue("top", key("p256", "top"), ROOT, authority=True, path_length=0)
    under = issue("under", key("p256", "under"), top, authority=True)
    assert _code((issue("signer", _P256, under), under, top, ROOT)) == "notation-certificate"


@pytest.mark.parametrize("kind", ["p224", "k256", "rsa1024"])
def test_81_to_83_an_authority_with_a_weak_key(kind: str) -> None:
    middle = issue("middle", key(kind, "middle"), ROOT, authority=True)
    assert _code((issue("signer", _P256, middle), middle, ROOT)) == "notation-certificate"


def test_a_single_self_signed_leaf_is_a_chain() -> None:
    alone = issue("alone", _P256)
    assert _code((alone,)) == "signature-verified"
    assert _code((alone,), anchor=ROOT) == "notation-untrusted"  # 8


def test_a_single_authority_is_no_signer() -> None:
    signing = Signing(
        chain=(issue("root", _P256, authority=True, bits=("digital_signature", "key_cert_sign")),)
    )
    assert judged(signing.jws()).reason_code == "notation-certificate"


def test_any_certificate_of_the_chain_may_be_the_trusted_one() -> None:
    for anchor in CHAIN[1:]:
        assert _code(CHAIN, anchor=anchor) == "signature-verified"


def test_an_authority_of_the_same_name_and_another_key_is_not_trusted() -> None:
    assert _code(CHAIN, anchor=notary.STRANGER) == "notation-untrusted"


def test_84_a_certificate_signed_with_sha_1(tmp_path: Path) -> None:
    root, leaf = issue("root", key("rsa2048", "root"), authority=True), key("rsa2048", "leaf")
    (tmp_path / "root.pem").write_bytes(root.certificate.public_bytes(Encoding.PEM))
    for name, private in (("root.key", root.key), ("leaf.key", leaf)):
        (tmp_path / name).write_bytes(
            private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        )
    (tmp_path / "ext").write_text("keyUsage=critical,digitalSignature\n")
    for command in (
        "req -new -key leaf.key -subj /C=US/ST=WA/O=Acme/CN=signer -out leaf.csr",
        "x509 -req -in leaf.csr -CA root.pem -CAkey root.key -sha1 -days 9999 -set_serial 7 -extfile ext -out leaf.pem",
    ):
        subprocess.run(["openssl", *command.split()], cwd=tmp_path, check=True, capture_output=True)
    old = Party(x509.load_pem_x509_certificate((tmp_path / "leaf.pem").read_bytes()), leaf)
    candidate = judged(
        Signing(chain=(old, root)).jws(), under=notary.trust(files=notary.store(StoreKind.CA, "acme", root))
    )
    assert (candidate.outcome, candidate.reason_code) == (Outcome.REFUSED, "notation-certificate")
    assert "SHA-1" in candidate.detail
