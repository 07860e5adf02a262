"""Fulcio and Rekor 1 over HTTP, in front of the virtual Sigstore: as much of both as sigstore's client asks of them."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, cast

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from gatekeeper.demo.sigstore import entries
from gatekeeper.demo.sigstore.authority import pem
from gatekeeper.demo.sigstore.fulcio import Signer
from gatekeeper.demo.sigstore.instance import VirtualSigstore


@dataclass(slots=True)
class SigstoreServer:
    """A running one. ``refuses``: answers 503 to everything."""

    sigstore: VirtualSigstore
    signer: Signer
    url: str = ""
    refuses: bool = False
    asked: list[str] = field(default_factory=list)

    def trust_config(self) -> bytes:
        """ClientTrustConfig: the trusted root, and where both are."""
        service = {
            "url": self.url,
            "majorApiVersion": 1,
            "validFor": {"start": self.sigstore.began.strftime("%Y-%m-%dT%H:%M:%SZ")},
            "operator": "virtual",
        }
        return json.dumps(
            {
                "mediaType": "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json",
                "trustedRoot": self.sigstore.trusted_root(),
                "signingConfig": {
                    "mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json",
                    "caUrls": [service],
                    "oidcUrls": [service],
                    "rekorTlogUrls": [service],
                    "rekorTlogConfig": {"selector": "ANY"},
                    "tsaUrls": [],
                },
            }
        ).encode()

    def answer(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        self.asked.append(path)
        return self._certificate(body) if path.endswith("signingCert") else self._entry(body)

    def _certificate(self, body: dict[str, Any]) -> dict[str, Any]:
        request = x509.load_pem_x509_csr(b64decode(body["certificateSigningRequest"]))
        key = request.public_key()
        assert isinstance(key, ec.EllipticCurvePublicKey)
        certificate = self.sigstore.fulcio.issue(key, self.signer, datetime.now(UTC))
        chain = [certificate, *self.sigstore.fulcio.authority.chain]
        return {
            "signedCertificateEmbeddedSct": {"chain": {"certificates": [pem(one).decode() for one in chain]}}
        }

    def _entry(self, body: dict[str, Any]) -> dict[str, Any]:
        proposed = body["spec"]["proposedContent"]
        envelope = json.loads(proposed["envelope"])
        made = entries.dsse_1(
            proposed["envelope"].encode(),
            b64decode(envelope["payload"]),
            b64decode(envelope["signatures"][0]["sig"]),
            b64decode(proposed["verifiers"][0]),
        )
        entry = cast("dict[str, Any]", self.sigstore.rekor_1.add(made, datetime.now(UTC)))
        proof = entry["inclusionProof"]
        return {
            "0": {
                "body": entry["canonicalizedBody"],
                "integratedTime": int(entry["integratedTime"]),
                "logID": self.sigstore.rekor_1.log_id.hex(),
                "logIndex": int(entry["logIndex"]),
                "verification": {
                    "inclusionProof": {
                        "checkpoint": proof["checkpoint"]["envelope"],
                        "hashes": [b64decode(one).hex() for one in proof["hashes"]],
                        "logIndex": int(proof["logIndex"]),
                        "rootHash": b64decode(proof["rootHash"]).hex(),
                        "treeSize": int(proof["treeSize"]),
                    },
                    "signedEntryTimestamp": entry["inclusionPromise"]["signedEntryTimestamp"],
                },
            }
        }


@contextmanager
def sigstore_server(signer: Signer) -> Iterator[SigstoreServer]:
    """On loopback, until the end of the block."""
    server = SigstoreServer(VirtualSigstore.since(datetime.now(UTC) - timedelta(days=1)), signer)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            content = b"{}" if server.refuses else json.dumps(server.answer(self.path, body)).encode()
            self.send_response(503 if server.refuses else 201)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            """Says nothing."""

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.url = f"http://127.0.0.1:{http.server_port}"
    thread = Thread(target=http.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        http.shutdown()
        http.server_close()
        thread.join()
