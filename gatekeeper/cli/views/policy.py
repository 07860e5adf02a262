"""The answers of ``policy`` as tables."""

from __future__ import annotations

from gatekeeper.cli.output import Block, Facts, Line, Plain, Rows
from gatekeeper.cli.views.names import repository, short


def policy_change_blocks(answer: Plain) -> list[Block]:
    """``policy pending`` and ``policy accept``."""
    change = answer["change"]
    if change is None:
        return [Line("no daemon has loaded a policy yet")]
    accepted = change["accepted_at"]
    facts = Facts(
        [
            ("policy", change["revision"]),
            ("loaded", change["loaded_at"]),
            ("turned from passed to failed", str(change["turned"])),
            ("not known yet", str(change["waiting"])),
            (
                "accepted",
                f"{accepted} by {change['accepted_by']}: {change['accepted_reason']}" if accepted else "no",
            ),
        ]
    )
    if change["turned"] and not accepted:
        remedy = f"run: gatekeeper policy accept {change['revision']} --reason TEXT"
        return [facts, Line(f"they are proposals until somebody accepts the change; {remedy}")]
    return [facts]


def preview_blocks(found: Plain) -> list[Block]:
    """``policy preview``: how many, per rule, what would follow, and which."""
    blocks: list[Block] = [
        Facts(
            [
                ("policy", found["revision"]),
                ("in force", found["in_force"] or "none"),
                ("images judged", str(found["judged"])),
                ("would turn from passed to failed", str(found["turned"])),
                ("would fail in all", str(found["failing"])),
                ("would pass again", str(found["passing_again"])),
                ("cannot be told without asking the registry", str(found["unknown"])),
                ("would not be covered", str(found["uncovered"])),
            ]
        ),
        Rows(
            ["rule", "would fail", "of them pass now"],
            [[rule["rule"], str(rule["failing"]), str(rule["turned"])] for rule in found["rules"]],
        ),
        Rows(["what would follow", "images"], [[what, str(count)] for what, count in found["would"]]),
        Rows(
            ["image", "tags", "first seen", "now", "rules", "would"],
            [
                [
                    f"{repository(image['repository'])}@{short(image['digest'])}",
                    ", ".join(image["tags"]),
                    image["first_seen"],
                    image["before"],
                    ", ".join(image["rules"]),
                    image["would"],
                ]
                for image in found["images"]
            ],
            empty="" if found["images_left_out"] else "no image would fail",
        ),
    ]
    if found["images_left_out"]:
        blocks.append(Line(f"{found['images_left_out']} more images; show them with --limit"))
    return blocks
