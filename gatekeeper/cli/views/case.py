"""The answers of ``quarantine`` as tables."""

from __future__ import annotations

from gatekeeper.cli.output import Block, Facts, Line, Plain, Rows
from gatekeeper.cli.views.answer import findings_table
from gatekeeper.cli.views.names import repository, short

CASE_COLUMNS = ["case", "state", "image", "tags", "action", "reason", "proposed because", "opened"]


def case_row(case: Plain) -> list[str | None]:
    """One line of ``quarantine list``."""
    return [
        case["id"],
        case["state"],
        f"{repository(case['repository'])}@{short(case['digest'])}",
        ", ".join(case["tags"]),
        case["action"],
        case["reason_code"],
        case.get("why_proposed"),
        case["opened_at"],
    ]


def cases_blocks(listing: Plain) -> list[Block]:
    """``quarantine list``."""
    rows = [case_row(case) for case in listing["items"]]
    blocks: list[Block] = [Rows(CASE_COLUMNS, rows, empty="no such case")]
    if listing.get("next"):
        blocks.append(Line(f"there are more: --after {listing['next']}"))
    return blocks


def recovered_blocks(found: Plain) -> list[Block]:
    """``quarantine recover``."""
    rebuilt = set(found["rebuilt"])
    rows = [
        [
            *case_row(case),
            "known" if case["known"] else "recorded now" if case["id"] in rebuilt else "unknown",
        ]
        for case in found["cases"]
    ]
    blocks: list[Block] = [
        Rows([*CASE_COLUMNS, "in the database"], rows, empty="the registries tell of no open case")
    ]
    blocks += [
        Line(f"could not ask for {gap['source']} ({gap['cause']}): {gap['detail']}")
        for gap in found["unavailable"]
    ]
    return blocks


def case_facts(case: Plain) -> Facts:
    """One case."""
    return Facts(
        [
            ("case", case["id"]),
            ("state", case["state"]),
            ("subject", f"{repository(case['repository'])}@{case['digest']}"),
            ("tags", ", ".join(case["tags"])),
            ("action", case["action"]),
            ("reason", case["reason_code"]),
            ("proposed because", case.get("why_proposed")),
            ("opened", case["opened_at"]),
            ("updated", case["updated_at"]),
        ]
    )


def case_blocks(row: Plain) -> list[Block]:
    """``quarantine show``: why first, then what was done, then who did what."""
    case = row["case"]
    blocks: list[Block] = [case_facts(case)]
    shown = set(case["fingerprints"])
    findings = [
        finding
        for finding in (row.get("verdict") or {}).get("findings", ())
        if finding["fingerprint"] in shown
    ]
    if findings:
        blocks.append(findings_table(findings))
    if row["intents"]:
        blocks.append(
            Rows(
                ["intent", "kind", "tag", "state", "note"],
                [
                    [
                        str(intent["id"]),
                        intent["draft"]["kind"],
                        intent["draft"]["tag"],
                        intent["state"],
                        intent["note"],
                    ]
                    for intent in row["intents"]
                ],
                title="registry writes",
            )
        )
    if row["history"]:
        blocks.append(
            Rows(
                ["at", "actor", "action", "reason"],
                [[link["at"], link["actor"], link["action"], link["reason"]] for link in row["history"]],
                title="history",
            )
        )
    return blocks
