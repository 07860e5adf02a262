"""Keyless candidates of a virtual Sigstore, good unless a test spoils one thing."""

from __future__ import annotations

import copy
import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from gatekeeper.core.evidence import Candidate, Form
from gatekeeper.core.trust import TrustMaterial, TrustRoot
from gatekeeper.demo.sigstore.fulcio import Signer
from gatekeeper.demo.sigstore.instance import LOGGED, Recipe, VirtualSigstore
from gatekeeper.ports import Verified
from gatekeeper.signatures import media_types
from gatekeeper.signatures.signing import Layer
from gatekeeper.signatures.verifier import Verifier
from tests.fakes.registry_dump import about
from tests.unit.signatures.crafted import SUBJECT, Crafted, crafted, encoded, statement
from tests.unit.signatures.crafted import claims as written_claims

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
AT = datetime(2026, 6, 1, 12, tzinfo=UTC)
LATER = AT + timedelta(hours=1)
OVER = AT - timedelta(days=1)
"""An end of trust before ``AT``."""
SIGSTORE = VirtualSigstore.since(BEGAN)
STRANGE = VirtualSigstore.since(BEGAN)
"""Another instance, with the same names and other keys."""
ROBOT = Signer(
    "https://github.com/org/app/.github/workflows/release.yml@refs/tags/v1",
    "https://token.actions.githubusercontent.com",
    {5: "org/app", 12: "https://github.com/org/app", 14: "refs/tags/v1", 20: "push"},
)
ALICE = Signer("alice@example.test", "https://issuer.example.test")
STATEMENT = encoded(statement())
CLAIMS = encoded(written_claims())

Json = dict[str, object]


def root(
    sigstore: VirtualSigstore = SIGSTORE,
    name: str = "virtual",
    windows: Mapping[str, tuple[datetime, datetime | None]] | None = None,
) -> TrustRoot:
    """The instance as the policy names it; ``windows`` as for ``trusted_root``."""
    document = sigstore.trusted_root(windows)
    return TrustRoot(name, encoded(document), f"{name}.json")


ROOT = root()


def verify(candidate: Crafted, *roots: TrustRoot) -> Verified:
    """Judged under these roots, else under the virtual instance's."""
    return Verifier().verify(
        candidate.wanted,
        candidate.content,
        subject=about(SUBJECT),
        trust=TrustMaterial(roots=roots or (ROOT,)),
    )


def judged(candidate: Crafted, *roots: TrustRoot) -> Candidate:
    return verify(candidate, *roots).candidate


def code(candidate: Crafted, *roots: TrustRoot) -> str:
    return judged(candidate, *roots).reason_code


def bundle(
    recipe: Recipe = LOGGED,
    signer: Signer = ROBOT,
    *,
    sigstore: VirtualSigstore = SIGSTORE,
    payload: bytes = STATEMENT,
    at: datetime = AT,
) -> Json:
    return sigstore.bundle_of_statement(payload, signer, at, recipe)


def bundled(document: Json) -> Crafted:
    return crafted(Form.SIGSTORE_BUNDLE, media_types.BUNDLE_V03, encoded(document))


def stored(layer: Layer) -> Crafted:
    """A layer of ``.sig`` or ``.att``."""
    simple = layer.media_type == media_types.SIMPLE_SIGNING
    form = Form.COSIGN_SIGNATURE_TAG if simple else Form.COSIGN_ATTESTATION_TAG
    return crafted(form, layer.media_type, layer.content, layer.annotations)


def spoilt(document: Json, *path: str | int, to: object) -> Json:
    """A copy with the member at ``path`` set to ``to``; a function is given what stood there."""
    changed = copy.deepcopy(document)
    place: object = changed
    for step in path[:-1]:
        place = place[step]  # type: ignore[index]
    last = path[-1]
    place[last] = to(place[last]) if callable(to) else to  # type: ignore[index]
    return changed


ENTRY: tuple[str | int, ...] = ("verificationMaterial", "tlogEntries", 0)
STAMPS: tuple[str | int, ...] = ("verificationMaterial", "timestampVerificationData", "rfc3161Timestamps")


def flipped(text: object) -> str:
    """Base64 of the same bytes with the last one changed."""
    content = bytearray(b64decode(str(text)))
    content[-1] ^= 1
    return b64encode(content).decode()


def rewritten(body: object, change: Callable[[Json], None]) -> str:
    """Base64 of a log entry's body after a change."""
    document = json.loads(b64decode(str(body)))
    change(document)
    return b64encode(json.dumps(document, sort_keys=True, separators=(",", ":")).encode()).decode()


def within(part: str, begins: datetime = BEGAN, ends: datetime | None = OVER) -> Callable[[Json], str]:
    """Reason codes of bundles under a root that trusted this part only so long."""
    return lambda document: code(bundled(document), root(windows={part: (begins, ends)}))
