"""The six signature algorithms (signature-specification.md, "Signature Algorithm Requirements").

The leaf certificate's key decides which one it is; an envelope that names another one is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from gatekeeper.signatures.reason_codes import ReasonCode
from gatekeeper.signatures.refusal import RefusedError


@dataclass(frozen=True, slots=True)
class Algorithm:
    """A signature algorithm by its names in JOSE (RFC 7518) and COSE (RFC 9053, RFC 8230)."""

    jose: str
    cose: int
    hash: hashes.HashAlgorithm


_PS256 = Algorithm("PS256", -37, hashes.SHA256())
_PS384 = Algorithm("PS384", -38, hashes.SHA384())
_PS512 = Algorithm("PS512", -39, hashes.SHA512())
_ES256 = Algorithm("ES256", -7, hashes.SHA256())
_ES384 = Algorithm("ES384", -35, hashes.SHA384())
_ES512 = Algorithm("ES512", -36, hashes.SHA512())
_ALL = (_PS256, _PS384, _PS512, _ES256, _ES384, _ES512)

BY_JOSE: Mapping[object, Algorithm] = {algorithm.jose: algorithm for algorithm in _ALL}
BY_COSE: Mapping[object, Algorithm] = {algorithm.cose: algorithm for algorithm in _ALL}
_BY_RSA_BITS = {2048: _PS256, 3072: _PS384, 4096: _PS512}
_BY_CURVE: Mapping[type[ec.EllipticCurve], Algorithm] = {
    ec.SECP256R1: _ES256,
    ec.SECP384R1: _ES384,
    ec.SECP521R1: _ES512,
}


def algorithm_of(key: CertificatePublicKeyTypes) -> Algorithm:
    """The one algorithm this key signs with. Raises RefusedError ``notation-key-refused`` when it may not sign."""
    if isinstance(key, rsa.RSAPublicKey):
        found = _BY_RSA_BITS.get(key.key_size)
        kind = f"RSA of {key.key_size} bits"
    elif isinstance(key, ec.EllipticCurvePublicKey):
        found = _BY_CURVE.get(type(key.curve))
        kind = f"ECDSA on {key.curve.name}"
    else:
        found, kind = None, type(key).__name__
    if found is None:
        raise RefusedError(ReasonCode.NOTATION_KEY_REFUSED, f"the signing key is {kind}")
    return found


def verifies(key: CertificatePublicKeyTypes, signature: bytes, message: bytes) -> bool:
    """True when ``key`` made ``signature``: RSASSA-PSS with a salt as long as the hash, or ECDSA as raw r and s."""
    algorithm = algorithm_of(key)
    try:
        if isinstance(key, rsa.RSAPublicKey):
            scheme = padding.PSS(padding.MGF1(algorithm.hash), padding.PSS.DIGEST_LENGTH)
            key.verify(signature, message, scheme, algorithm.hash)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            width = (key.key_size + 7) // 8
            if len(signature) != 2 * width:
                return False
            r, s = (int.from_bytes(half, "big") for half in (signature[:width], signature[width:]))
            key.verify(encode_dss_signature(r, s), message, ec.ECDSA(algorithm.hash))
    except InvalidSignature:
        return False
    return True
