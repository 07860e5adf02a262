"""Which format a VEX document is in, by what it holds."""

from __future__ import annotations

from gatekeeper.core import strict_json
from gatekeeper.core.errors import MalformedError
from gatekeeper.core.vex import VexDocument
from gatekeeper.vulnerabilities.lenient import items, members, text
from gatekeeper.vulnerabilities.vex import csaf, cyclonedx, openvex

LARGEST = 64 * 1024 * 1024


def read(content: bytes) -> VexDocument:
    """OpenVEX, CSAF or CycloneDX as JSON. Raises MalformedError ``vex-malformed``."""
    if len(content) > LARGEST:
        raise malformed(f"larger than {LARGEST} bytes")
    try:
        document = strict_json.loads_object(content.removeprefix(b"\xef\xbb\xbf"), max_depth=100)
    except MalformedError as error:
        raise malformed(error.message) from error
    contexts = [document.get("@context"), *items(document.get("@context"))]
    if any(text(context).startswith(openvex.NAMESPACE) for context in contexts):
        return openvex.read(document)
    if text(document.get("bomFormat")) == "CycloneDX":
        return cyclonedx.read(document)
    if "csaf_version" in members(document.get("document")):
        return csaf.read(document)
    raise malformed("neither OpenVEX, nor CSAF, nor CycloneDX")


def malformed(what: str) -> MalformedError:
    """The error of a document that is no VEX, or cannot be read."""
    return MalformedError(f"the VEX document cannot be read: {what}", reason_code="vex-malformed")
