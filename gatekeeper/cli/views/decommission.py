"""The answer of ``decommission`` as tables."""

from __future__ import annotations

from gatekeeper.cli.output import Block, Line, Plain, Rows
from gatekeeper.cli.views.names import repository


def decommission_blocks(done: Plain) -> list[Block]:
    """``decommission``: what is ours, what was done, what is left."""
    blocks: list[Block] = [_written_rows(done["found"], "ours in this registry", "nothing of ours is there")]
    if not done["dry_run"]:
        rows = [
            [str(one["id"]), one["kind"], repository(one["repository"]), one["state"], one["note"]]
            for one in done["intents"]
        ]
        blocks += [
            Rows(["intent", "kind", "repository", "state", "note"], rows, "done", "nothing was to be done"),
            _written_rows(done["left"], "left", "nothing of ours is left"),
        ]
    blocks += [
        Line(f"could not ask for {gap['source']} ({gap['cause']}): {gap['detail']}")
        for gap in done["unavailable"]
    ]
    if done["unknown"]:
        names = ", ".join(done["unknown"])
        blocks.append(
            Line(
                f"named like ours, not known to this database and left alone: {names}; if the database was lost,"
                " run `gatekeeper quarantine recover` first"
            )
        )
    if done["held"]:
        blocks.append(Line("stopped by `hold on`: after `hold off`, run it again"))
    if done["enforcing"]:
        scopes = ", ".join(done["enforcing"])
        blocks.append(
            Line(f"scopes that still enforce here: {scopes}; set them to `observe`, or we act again")
        )
    blocks.append(Line("blobs that nothing names any more are collected by the registry itself"))
    return blocks


def _written_rows(written: list[Plain], title: str, empty: str) -> Rows:
    rows = [
        [one["what"], repository(one["repository"]), one.get("tag"), one["digest"], one["undo"]]
        for one in written
    ]
    return Rows(["what", "repository", "tag", "digest", "undo"], rows, title, empty)
