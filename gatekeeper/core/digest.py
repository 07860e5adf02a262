"""Content digests (OCI image-spec, descriptor.md, "Digests"): ``algorithm:encoded``."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Self

from gatekeeper.core.errors import MalformedError

_LENGTHS = {"sha256": 64, "sha512": 128}
_HEX = re.compile(r"[a-f0-9]+", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class Digest:
    """A registered digest: sha256 or sha512, lower-case hexadecimal; what verdicts are recorded against."""

    algorithm: str
    encoded: str

    def __post_init__(self) -> None:
        length = _LENGTHS.get(self.algorithm)
        if length is None:
            raise MalformedError(
                f"digest algorithm {self.algorithm!r} is not sha256 or sha512",
                reason_code="digest-algorithm-unsupported",
            )
        if len(self.encoded) != length or _HEX.fullmatch(self.encoded) is None:
            raise MalformedError(
                f"a {self.algorithm} digest needs {length} lower-case hexadecimal digits",
                reason_code="digest-malformed",
            )

    @classmethod
    def parse(cls, text: str) -> Self:
        """``sha256:…`` -> Digest. Raises MalformedError."""
        algorithm, colon, encoded = text.partition(":")
        if not colon:
            raise MalformedError(
                f"{text[:80]!r} is not a digest; write algorithm:hex", reason_code="digest-malformed"
            )
        return cls(algorithm, encoded)

    @classmethod
    def of(cls, content: bytes, algorithm: str = "sha256") -> Self:
        """The digest of these bytes."""
        return cls(algorithm, hashlib.new(algorithm, content).hexdigest())

    def matches(self, content: bytes) -> bool:
        """True when these bytes have this digest."""
        return hashlib.new(self.algorithm, content).hexdigest() == self.encoded

    @property
    def short(self) -> str:
        """The first twelve hexadecimal digits, for people."""
        return self.encoded[:12]

    @property
    def tag_form(self) -> str:
        """The referrers tag schema's tag (distribution-spec, "Referrers Tag Schema"): ``<alg>-<hex, at most 64>``."""
        return f"{self.algorithm[:32]}-{self.encoded[:64]}"

    def __str__(self) -> str:
        return f"{self.algorithm}:{self.encoded}"
