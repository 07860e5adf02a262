"""What every rule says when the evidence it needs could not be asked: undetermined, never violated (law 2)."""

from __future__ import annotations

from gatekeeper.core.digest import Digest
from gatekeeper.core.evidence import NodeEvidence, Unavailable
from gatekeeper.core.rules.rule import Check
from gatekeeper.core.verdict import Result


def unasked(gap: Unavailable, digest: Digest, platform: str | None) -> Check:
    """The Check for evidence that could not be asked."""
    remedy = (
        "Push the image again without what cannot be read."
        if gap.cause.blames_content
        else "Ask again later."
    )
    message = f"Could not ask for {gap.source}: {gap.cause}. {gap.detail}".rstrip()
    return Check(
        Result.UNDETERMINED,
        f"{gap.source.partition(' ')[0]}-unavailable",
        message,
        remedy,
        digest,
        gap,
        platform,
    )


def config_unasked(node: NodeEvidence) -> Check | None:
    """The Check of a configuration rule for a node whose configuration could not be asked; else None."""
    if isinstance(node.config, Unavailable):
        return unasked(node.config, node.digest, str(node.platform) if node.platform else None)
    return None
