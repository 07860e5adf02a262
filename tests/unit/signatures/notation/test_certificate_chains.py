"""Certificate chains: what may stand where (the numbers are of the negative list)."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from gatekeeper.core.evidence import Outcome
from gatekeeper.core.trust import StoreKind
from tests.fakes import notary
from tests.fakes.notary import CHAIN, ROOT, Party, Signing, issue, judged, key
from tests.fakes.notary_cases import CARRIED, CHAINS

_P256 = key("p256", "leaf")


def _code(chain: Sequence[Party], *, anchor: Party | None = None) -> str:
    store = notary.store(StoreKind.CA, "acme", anchor if anchor is not None else chain[-1])
    return judged(Signing(chain=chain).jws(), under=notary.trust(files=store)).reason_code


@pytest.mark.parametrize("case", CARRIED)
def test_a_chain_is_ordered_and_whole(case: str) -> None:
    carried, code = CARRIED[case]
    signing = Signing(carried=[party.der for party in carried])
    assert judged(signing.jws()).reason_code == code


@pytest.mark.parametrize("case", CHAINS)
def test_what_may_stand_where(case: str) -> None:
    chain, code = CHAINS[case]
    assert _code(chain) == code


def test_a_single_self_signed_leaf_is_a_chain() -> None:
    alone = issue("alone", _P256)
    assert _code((alone,)) == "signature-verified"
    assert _code((alone,), anchor=ROOT) == "notation-untrusted"  # 8


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
