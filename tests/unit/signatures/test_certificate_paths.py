"""Certification paths: who may issue for whom, and how long a search may take."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from gatekeeper.demo.sigstore.authority import SIGNING, Authority, distinguished_name
from gatekeeper.signatures.certificate_path import NoPathError, path_to_anchor

_BEGINS, _ENDS = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
_AT = datetime(2026, 6, 1, tzinfo=UTC)
_CODE = ExtendedKeyUsageOID.CODE_SIGNING
_ROOT = Authority.root("root", begins=_BEGINS, ends=_ENDS)


def _below(parent: Authority, name: str, **given: object) -> Authority:
    return parent.intermediate(name, begins=_BEGINS, ends=_ENDS, **{"purpose": _CODE, **given})  # type: ignore[arg-type]


def _leaf(parent: Authority) -> x509.Certificate:
    key = ec.generate_private_key(ec.SECP256R1())
    return parent.sign(
        x509.CertificateBuilder()
        .subject_name(distinguished_name("leaf"))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_BEGINS)
        .not_valid_after(_ENDS)
        .add_extension(SIGNING, critical=True)
    )


def _path(leaf: x509.Certificate, *intermediates: x509.Certificate) -> tuple[x509.Certificate, ...]:
    return path_to_anchor(
        leaf, intermediates=intermediates, anchors=[_ROOT.certificate], at=_AT, purpose=_CODE
    )


def test_a_path_of_several_authorities_in_any_order() -> None:
    upper = _below(_ROOT, "upper", path_length=1)
    lower = _below(upper, "lower")
    leaf = _leaf(lower)
    assert _path(leaf, upper.certificate, lower.certificate) == (leaf, *lower.chain)


def test_a_path_longer_than_an_authority_allows() -> None:
    upper = _below(_ROOT, "upper", path_length=0)
    lower = _below(upper, "lower")
    with pytest.raises(NoPathError, match="fewer authorities"):
        _path(_leaf(lower), upper.certificate, lower.certificate)


def test_an_authority_for_another_purpose() -> None:
    other = _below(_ROOT, "other", purpose=ExtendedKeyUsageOID.TIME_STAMPING)
    with pytest.raises(NoPathError, match="this purpose"):
        _path(_leaf(other), other.certificate)


def test_a_leaf_is_no_authority() -> None:
    key = ec.generate_private_key(ec.SECP384R1())
    certificate = _ROOT.sign(
        x509.CertificateBuilder()
        .subject_name(distinguished_name("pretender"))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_BEGINS)
        .not_valid_after(_ENDS)
    )
    with pytest.raises(NoPathError, match="no certificate authority"):
        _path(_leaf(Authority(key, certificate)), certificate)


def test_name_constraints_and_unknown_critical_extensions_are_not_passed_over() -> None:
    constraints = x509.NameConstraints([x509.DNSName("example.test")], None)
    unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"")
    for extension, critical in ((constraints, False), (unknown, True)):
        key = ec.generate_private_key(ec.SECP384R1())
        builder = (
            x509.CertificateBuilder()
            .subject_name(distinguished_name("odd"))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(_BEGINS)
            .not_valid_after(_ENDS)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(extension, critical=critical)
        )
        odd = Authority(key, _ROOT.sign(builder))
        with pytest.raises(NoPathError, match="not understood"):
            _path(_leaf(odd), odd.certificate)


def _twins(count: int) -> tuple[Authority, list[x509.Certificate]]:
    """Authorities of one name and one key, each issued by all of them."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "twins")])
    made = [
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_BEGINS - timedelta(days=number))
        .not_valid_after(_ENDS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
        for number in range(count)
    ]
    return Authority(key, made[0]), made


def test_a_maze_of_strangers_ends_soon() -> None:
    twins, certificates = _twins(16)
    with pytest.raises(NoPathError, match="256 links"):
        _path(_leaf(twins), *certificates)


def test_more_certificates_than_any_chain_has() -> None:
    twins, certificates = _twins(33)
    with pytest.raises(NoPathError, match="33 certificates"):
        _path(_leaf(twins), *certificates)
