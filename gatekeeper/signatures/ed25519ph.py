"""Ed25519ph verification (RFC 8032 sections 5.1 and 7.3): cosign signs so, and OpenSSL 3.0 cannot verify it.

Verification only: nothing here is secret, so it need not be constant-time. Stricter than the RFC where that costs
nothing: coordinates must be canonical, and points of small order are refused.
"""

from __future__ import annotations

import hashlib

_P = 2**255 - 19
_L = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, _P - 2, _P) % _P
_SQRT_MINUS_ONE = pow(2, (_P - 1) // 4, _P)

_Point = tuple[int, int, int, int]
"""Extended homogeneous coordinates (X, Y, Z, T) with x = X/Z, y = Y/Z, x*y = T/Z."""

_NEUTRAL: _Point = (0, 1, 1, 0)
_PH_DOMAIN = b"SigEd25519 no Ed25519 collisions" + bytes([1, 0])
"""dom2(F, C) with phflag 1 and an empty context (RFC 8032 section 2)."""


def _add(left: _Point, right: _Point) -> _Point:
    x1, y1, z1, t1 = left
    x2, y2, z2, t2 = right
    a = (y1 - x1) * (y2 - x2) % _P
    b = (y1 + x1) * (y2 + x2) % _P
    c = 2 * t1 * t2 * _D % _P
    d = 2 * z1 * z2 % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return (e * f % _P, g * h % _P, f * g % _P, e * h % _P)


def _multiply(scalar: int, point: _Point) -> _Point:
    total = _NEUTRAL
    while scalar:
        if scalar & 1:
            total = _add(total, point)
        point = _add(point, point)
        scalar >>= 1
    return total


def _equal(left: _Point, right: _Point) -> bool:
    return (left[0] * right[2] - right[0] * left[2]) % _P == 0 and (
        left[1] * right[2] - right[1] * left[2]
    ) % _P == 0


def _recover_x(y: int, sign: int) -> int | None:
    square = (y * y - 1) * pow(_D * y * y + 1, _P - 2, _P) % _P
    if square == 0:
        return None if sign else 0
    x = pow(square, (_P + 3) // 8, _P)
    if (x * x - square) % _P:
        x = x * _SQRT_MINUS_ONE % _P
    if (x * x - square) % _P:
        return None
    return _P - x if x & 1 != sign else x


def _decompress(encoded: bytes) -> _Point | None:
    """RFC 8032 section 5.1.3; None for what is no canonical encoding of a point on the curve."""
    number = int.from_bytes(encoded, "little")
    y = number & ((1 << 255) - 1)
    if y >= _P:
        return None
    x = _recover_x(y, number >> 255)
    return None if x is None else (x, y, 1, x * y % _P)


_BASE_Y = 4 * pow(5, _P - 2, _P) % _P
_BASE_X = _recover_x(_BASE_Y, 0) or 0
_BASE: _Point = (_BASE_X, _BASE_Y, 1, _BASE_X * _BASE_Y % _P)


def has_small_order(public: bytes) -> bool:
    """True when the 32 bytes are no point, or one whose order divides 8: such a key "verifies" many messages."""
    point = _decompress(public)
    return point is None or _equal(_multiply(8, point), _NEUTRAL)


def verify_with_domain(public: bytes, signature: bytes, content: bytes, domain: bytes) -> bool:
    """The common part of section 5.1.7: ``domain`` is dom2(...) or empty, ``content`` is PH(M). 32 and 64 bytes."""
    if len(public) != 32 or len(signature) != 64:
        return False
    key, commitment = _decompress(public), _decompress(signature[:32])
    scalar = int.from_bytes(signature[32:], "little")
    if key is None or commitment is None or scalar >= _L or has_small_order(public):
        return False
    challenge = hashlib.sha512(domain + signature[:32] + public + content).digest()
    factor = int.from_bytes(challenge, "little") % _L
    return _equal(_multiply(scalar, _BASE), _add(commitment, _multiply(factor, key)))


def verify_ed25519ph(public: bytes, signature: bytes, message: bytes) -> bool:
    """True when ``signature`` (64 bytes) is Ed25519ph with empty context by ``public`` (32 bytes) over ``message``."""
    return verify_with_domain(public, signature, hashlib.sha512(message).digest(), _PH_DOMAIN)
