"""Distinguished names of trusted identities (trust-store-trust-policy.md, "Trusted Identities Constraints"; RFC 4514).

The subset the Notary Project allows: each type once, one value in each part, C, ST (or S) and O present. A leaf is
compared attribute by attribute as its certificate encodes them, never as printed text, so nothing that printing does
can make two names look alike.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography import x509

from gatekeeper.core.errors import MalformedError

_REQUIRED = ("C", "ST", "O")
_SPECIAL = ' "#+,;<=>\\'
_SEPARATORS = ",;"
_HEX_PAIR = re.compile(r"[0-9a-fA-F]{2}", re.ASCII)
_TYPE = re.compile(r"[A-Za-z][A-Za-z0-9-]*|\d+(\.\d+)+", re.ASCII)
_SHORT_NAMES = {
    "2.5.4.3": "CN",
    "2.5.4.5": "SERIALNUMBER",
    "2.5.4.6": "C",
    "2.5.4.7": "L",
    "2.5.4.8": "ST",
    "2.5.4.9": "STREET",
    "2.5.4.10": "O",
    "2.5.4.11": "OU",
    "2.5.4.17": "POSTALCODE",
    "0.9.2342.19200300.100.1.1": "UID",
    "0.9.2342.19200300.100.1.25": "DC",
}


@dataclass(frozen=True, slots=True)
class DistinguishedName:
    """A trusted identity: every attribute must be the leaf's, and the leaf may have more."""

    attributes: Mapping[str, str]
    """By type: a short name, or an object identifier in dotted form."""

    def matches(self, subject: x509.Name) -> bool:
        """True when the subject has each of these types exactly once, with exactly this value.

        A type that the subject has twice matches nothing: which of the two was meant is not said.
        """
        values: dict[str, list[str | bytes]] = {}
        for attribute in subject:
            dotted = attribute.oid.dotted_string
            values.setdefault(_SHORT_NAMES.get(dotted, dotted), []).append(attribute.value)
        return all(values.get(type_) == [value] for type_, value in self.attributes.items())

    def covers(self, other: DistinguishedName) -> bool:
        """True when every subject that matches ``other`` matches this too."""
        return all(other.attributes.get(type_) == value for type_, value in self.attributes.items())


def parse_distinguished_name(text: str) -> DistinguishedName:
    r"""``C=US, ST=WA, O=Acme\\, Inc.`` -> DistinguishedName. Raises MalformedError that says what to write."""
    found: dict[str, str] = {}
    position = 0
    while True:
        type_, value, position = _part(text, position)
        if type_ in found:
            raise _malformed(f"the type {type_} occurs twice; name each type once")
        found[type_] = value
        if position == len(text):
            break
        position += 1
    missing = [type_ for type_ in _REQUIRED if type_ not in found]
    if missing:
        raise _malformed(f"{missing[0]} is absent; C, ST and O must be named (in upper case)")
    return DistinguishedName(found)


def _malformed(detail: str) -> MalformedError:
    return MalformedError(detail, reason_code="distinguished-name-malformed")


def _part(text: str, start: int) -> tuple[str, str, int]:
    """One ``TYPE=value``, and where it ends."""
    equals = text.find("=", start)
    if equals < 0:
        raise _malformed(f"{text[start:][:60]!r} is no TYPE=value")
    type_ = text[start:equals].strip(" ")
    if _TYPE.fullmatch(type_) is None:
        raise _malformed(f"{type_[:60]!r} is no attribute type")
    if text[equals + 1 :].lstrip(" ").startswith("#"):
        raise _malformed(f"the value of {type_} is hexadecimal (#…); write it as text")
    value, end = _value(text, equals + 1)
    if not value:
        raise _malformed(f"the value of {type_} is empty")
    return ("ST" if type_ == "S" else type_), value, end


def _value(text: str, start: int) -> tuple[str, int]:
    """The unescaped value without the spaces around it, and the position of the separator after it."""
    encoded = bytearray()
    kept = 0
    position = start
    while position < len(text) and text[position] == " ":
        position += 1
    while position < len(text) and text[position] not in _SEPARATORS:
        character = text[position]
        if character == "+":
            raise _malformed("a part has several values (+); name each type in a part of its own")
        if character in '"<>':
            raise _malformed(f"{character!r} must be written as \\{character}")
        if character == "\\":
            escaped, position = _escaped(text, position + 1)
            encoded += escaped
            kept = len(encoded)
            continue
        encoded += character.encode("utf-8")
        position += 1
    while len(encoded) > kept and encoded[-1:] == b" ":
        del encoded[-1]
    try:
        return encoded.decode("utf-8"), position
    except UnicodeDecodeError as error:
        raise _malformed("an escaped value is not UTF-8") from error


def _escaped(text: str, position: int) -> tuple[bytes, int]:
    pair = text[position : position + 2]
    if _HEX_PAIR.fullmatch(pair):
        return bytes([int(pair, 16)]), position + 2
    if pair[:1] and pair[0] in _SPECIAL:
        return pair[0].encode("ascii"), position + 1
    raise _malformed("a backslash that escapes nothing; write \\\\ for a backslash")
