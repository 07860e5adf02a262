"""notation-go as signer and as judge: a small program over it, asked line by line."""

from __future__ import annotations

import json
import subprocess
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from gatekeeper.core.manifest import Descriptor
from gatekeeper.core.trust import NotationTrust
from tests.fakes import notary
from tests.fakes.notary import Party
from tests.judges.tools import find

REFERENCE = f"{notary.REPOSITORY}@{notary.SUBJECT.digest}"


@dataclass(frozen=True, slots=True)
class GoVerdict:
    """Whether notation-go accepts, what it says, and which failed checks its level only logs."""

    accepts: bool
    said: str
    logged: tuple[str, ...]


class NotationGo:
    """Files of one test, and the program that reads them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.program = find("notation")

    def config(self, trust: NotationTrust, name: str = "config") -> Path:
        """notation's own configuration folder with this trust."""
        config = self.folder / name
        for file in trust.files:
            path = config / "truststore" / "x509" / file.kind / file.store / file.name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(file.content)
        config.mkdir(exist_ok=True)
        (config / "trustpolicy.json").write_bytes(trust.document)
        return config

    def files(self, chain: Sequence[Party], name: str = "signer") -> tuple[Path, Path]:
        """The private key and the chain of a signer, PEM."""
        key, certificates = self.folder / f"{name}.key", self.folder / f"{name}.pem"
        key.write_bytes(chain[0].key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        certificates.write_bytes(b"".join(one.certificate.public_bytes(Encoding.PEM) for one in chain))
        return key, certificates

    def run(
        self, *arguments: str | Path, lines: Iterable[object] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """The program, with one JSON value for each line of its input."""
        given = None if lines is None else "".join(json.dumps(line) + "\n" for line in lines)
        return subprocess.run(
            [str(self.program), *map(str, arguments)],
            input=given,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )

    def seal(
        self,
        chain: Sequence[Party],
        media_type: str,
        *,
        content: bytes,
        signed_at: datetime,
        scheme: str = notary.X509,
        expiry: datetime | None = None,
        attributes: Sequence[Mapping[str, Any]] = (),
    ) -> bytes:
        """An envelope by notation-core-go."""
        key, certificates = self.files(chain)
        request = {
            "mediaType": media_type,
            "scheme": scheme,
            "key": str(key),
            "chain": str(certificates),
            "payload": b64encode(content).decode(),
            "signedAt": notary.rfc3339(signed_at),
            "attributes": list(attributes),
        }
        if expiry is not None:
            request["expiry"] = notary.rfc3339(expiry)
        answer = json.loads(self._ask("seal", lines=[request])[0])
        assert "envelope" in answer, answer
        return b64decode(answer["envelope"])

    def judge(
        self, config: Path, envelopes: Sequence[tuple[str, bytes]], *, target: Descriptor = notary.SUBJECT
    ) -> list[GoVerdict]:
        """What notation-go says of each (media type, envelope) for the image, under one configuration."""
        questions = (
            {
                "reference": REFERENCE,
                "mediaType": media_type,
                "envelope": b64encode(content).decode(),
                "target": {
                    "mediaType": target.media_type,
                    "digest": str(target.digest),
                    "size": target.size,
                },
            }
            for media_type, content in envelopes
        )
        return [_verdict(line) for line in self._ask("judge", "-config", config, lines=questions)]

    def policies(self, documents: Sequence[bytes]) -> list[GoVerdict]:
        """Whether notation-go accepts each trust policy document."""
        return [
            _verdict(line)
            for line in self._ask("policies", lines=[b64encode(one).decode() for one in documents])
        ]

    def _ask(self, *arguments: str | Path, lines: Iterable[object]) -> list[str]:
        done = self.run(*arguments, lines=lines)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()


def _verdict(line: str) -> GoVerdict:
    answer = json.loads(line)
    return GoVerdict(answer["accepts"], answer.get("error", ""), tuple(answer.get("logged", ())))
