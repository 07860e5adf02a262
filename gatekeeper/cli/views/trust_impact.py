"""The answer of ``trust impact`` as tables."""

from __future__ import annotations

from gatekeeper.cli.output import Block, Facts, Plain, Rows
from gatekeeper.cli.views.names import repository, short


def impact_blocks(found: Plain) -> list[Block]:
    """``trust impact``."""
    facts = Facts(
        [
            ("key", f"{found['source']} ({found['key_id'][:12]})"),
            ("signers", ", ".join(found["signers"])),
            ("since", found["at"]),
            ("images judged", str(found["judged"])),
            ("with its signature", str(len(found["images"]))),
            ("lost if retired", str(found["failing_if_retired"])),
            ("lost if compromised", str(found["failing_if_compromised"])),
        ]
    )
    rows = [
        [
            f"{repository(image['repository'])}@{short(image['digest'])}",
            ", ".join(image["tags"]),
            image["signed_before"],
            image["proven_before"],
            image["now"],
            image["if_retired"],
            image["if_compromised"],
        ]
        for image in found["images"]
    ]
    columns = ["image", "tags", "first seen", "proven", "now", "if retired", "if compromised"]
    return [facts, Rows(columns, rows, empty="no known image has a signature by this key")]
