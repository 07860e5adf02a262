"""The answers of ``registry`` as tables."""

from __future__ import annotations

from gatekeeper.cli.output import Block, Plain, Rows


def registries_blocks(listing: Plain) -> list[Block]:
    """``registry list`` and ``registry accept``."""
    return [
        Rows(
            ["registry", "repositories", "unread for too long", "since", "for example", "doubted"],
            [
                [
                    one["host"],
                    str(one["repositories"]),
                    str(one["blind"]),
                    one["blind_since"],
                    one["blind_example"],
                    f"since {one['doubt']['since']}: {one['doubt']['reason']}" if one["doubt"] else "no",
                ]
                for one in listing["items"]
            ],
            empty="no registry is configured",
        )
    ]
