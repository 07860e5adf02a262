"""The answer of ``affected`` as tables."""

from __future__ import annotations

from typing import Any

from gatekeeper.cli.output import Block, Facts, Line, Rows
from gatekeeper.cli.views.names import repository, short

_REASONS = (
    ("without_sbom", "no SBOM is known"),
    ("untrusted", "unsigned SBOMs only"),
    ("not_covered", "components that no feed covers"),
    ("feed_older", "feeds older than the vulnerability, or none that knows it"),
    ("not_comparable", "a version that cannot be compared"),
)


def affected_blocks(found: dict[str, Any]) -> list[Block]:
    """What is affected, and what could not be judged."""
    answer = found["answer"]
    missed = answer["not_judged"]
    blocks: list[Block] = [
        Facts(
            [
                ("vulnerability", answer["vulnerability"]),
                ("state", found["state"]),
                ("message", found["message"]),
                ("advisories", ", ".join(answer["advisories"])),
                (
                    "held",
                    "yes: nothing is acted on until `gatekeeper feed accept`" if answer["held"] else None,
                ),
            ]
        )
    ]
    if answer["packages"]:
        blocks.append(
            Rows(
                ["package", "version", "fixed in", "advisory", ""],
                [
                    [
                        one["purl"] or one["name"],
                        one["version"],
                        one["fixed"],
                        one["advisory"],
                        "cannot be compared" if one["indeterminate"] else "held" if one["held"] else "",
                    ]
                    for one in answer["packages"]
                ],
                title="packages",
            )
        )
    if answer["images"]:
        blocks.append(
            Rows(
                ["repository", "digest", "tags", "promoted to", "state", "judged with it"],
                [
                    [
                        repository(one["repository"]),
                        short(one["digest"]),
                        " ".join(one["tags"]),
                        " ".join(one["promoted_to"]),
                        one["state"],
                        "not yet" if one["due"] else "yes",
                    ]
                    for one in answer["images"]
                ],
                title="images",
            )
        )
    left_out = answer["image_count"] - len(answer["images"])
    if left_out > 0:
        blocks.append(Line(f"and {left_out} images more (--limit)"))
    if missed["images"]:
        blocks.append(
            Rows(
                ["could not be judged", "images"],
                [[text, str(missed[name])] for name, text in _REASONS if missed[name]],
                title="not judged",
            )
        )
    blocks.extend(Line(difference) for difference in answer.get("differences") or ())
    return blocks
