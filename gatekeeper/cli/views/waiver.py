"""The answers of ``waiver`` as tables."""

from __future__ import annotations

from gatekeeper.cli.output import Block, Facts, Plain, Rows
from gatekeeper.cli.views.names import short


def waiver_blocks(waiver: Plain) -> list[Block]:
    """``waiver add`` and ``waiver revoke``."""
    return [
        Facts(
            [
                ("waiver", waiver["id"]),
                ("state", waiver["state"]),
                ("rule", waiver["rule"]),
                ("digest", waiver["digest"]),
                ("repositories", waiver["repositories"]),
                ("reason", waiver["reason"]),
                ("owner", waiver["owner"]),
                ("ends", waiver["expires_at"]),
                ("revoked", waiver["revoked_at"]),
                ("case", waiver["case"]),
                ("uses", str(waiver["uses"])),
            ]
        )
    ]


def waivers_blocks(listing: Plain) -> list[Block]:
    """``waiver list``."""
    return [
        Rows(
            ["waiver", "state", "rule", "digest", "repositories", "owner", "ends", "uses", "reason"],
            [
                [
                    one["id"],
                    "ending" if one["ending"] else one["state"],
                    one["rule"] or f"release of case {one['case']}",
                    short(one["digest"]) if one["digest"] else None,
                    one["repositories"],
                    one["owner"],
                    one["expires_at"] or "never",
                    str(one["uses"]),
                    one["reason"],
                ]
                for one in listing["items"]
            ],
            empty="no such waiver",
        )
    ]
