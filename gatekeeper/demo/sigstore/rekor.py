"""Transparency logs: Rekor 1 with its signed promises, Rekor 2 with checkpoints alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from gatekeeper.demo.sigstore.merkle_log import MerkleLog
from gatekeeper.demo.sigstore.signing_keys import LogSigner, base64_text

Json = dict[str, object]


def canonical(value: Mapping[str, object]) -> bytes:
    """RFC 8785 for text and integers."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


@dataclass(frozen=True, slots=True)
class Rekor:
    """One log. ``promises``: it signs what it takes in, with the time (Rekor 1)."""

    url: str
    origin: str
    signer: LogSigner
    promises: bool
    tree: MerkleLog = field(default_factory=MerkleLog)

    @property
    def log_id(self) -> bytes:
        return self.signer.log_id

    def add(self, body: Json, at: datetime) -> Json:
        """A ``TransparencyLogEntry`` of a bundle, with promise (where the log makes one) and inclusion proof."""
        content = canonical(body)
        index = self.tree.append(content)
        entry: Json = {
            "logIndex": str(index),
            "logId": {"keyId": base64_text(self.log_id)},
            "kindVersion": {"kind": body["kind"], "version": body["apiVersion"]},
            "inclusionProof": self._proof(index),
            "canonicalizedBody": base64_text(content),
        }
        if self.promises:
            seconds = int(at.timestamp())
            entry["integratedTime"] = str(seconds)
            entry["inclusionPromise"] = {
                "signedEntryTimestamp": base64_text(self.promise(content, index, seconds))
            }
        return entry

    def promise(self, content: bytes, index: int, seconds: int) -> bytes:
        """The signed entry timestamp (SET)."""
        return self.signer.sign(
            canonical(
                {
                    "body": base64_text(content),
                    "integratedTime": seconds,
                    "logID": self.log_id.hex(),
                    "logIndex": index,
                }
            )
        )

    def _proof(self, index: int) -> Json:
        return {
            "logIndex": str(index),
            "rootHash": base64_text(self.tree.root),
            "treeSize": str(len(self.tree)),
            "hashes": [base64_text(one) for one in self.tree.inclusion(index)],
            "checkpoint": {"envelope": self.checkpoint()},
        }

    def checkpoint(self) -> str:
        """The signed note over the present root."""
        text = f"{self.origin}\n{len(self.tree)}\n{base64_text(self.tree.root)}\n"
        signature = base64_text(self.log_id[:4] + self.signer.sign(text.encode()))
        return f"{text}\n\N{EM DASH} {self.origin.partition(' ')[0]} {signature}\n"
