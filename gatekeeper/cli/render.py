"""JSON answers as tables. Works on the plain form, so that local and remote answers look the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gatekeeper.cli.output import Block, Facts, Line, Rows

Plain = dict[str, Any]


def repository(plain: Plain | None) -> str:
    """``registry/path``."""
    return f"{plain['registry']}/{plain['path']}" if plain else ""


def with_subject(answer: Plain) -> Plain:
    """An answer with ``subject``: ``repository@digest``, what it is about and nothing else."""
    digest = answer.get("digest")
    name = repository(answer.get("repository"))
    return {"subject": f"{name}@{digest}" if digest else name, **answer}


def answer_blocks(answer: Plain) -> list[Block]:
    """``status``: the answer, then the findings that are not satisfied."""
    case = answer.get("case")
    facts = Facts(
        [
            ("subject", answer["subject"]),
            ("tag", answer.get("tag")),
            ("state", answer["state"]),
            ("reason", answer["reason_code"]),
            ("message", answer.get("message")),
            ("next", answer.get("next")),
            ("case", f"{case['id']} ({case['state']})" if case else None),
            ("decided", answer.get("decided_at")),
            ("good until", (answer.get("verdict") or {}).get("recheck_at")),
        ]
    )
    findings = [
        finding
        for finding in (answer.get("verdict") or {}).get("findings", ())
        if finding["result"] != "satisfied" and finding["tag"] in (None, answer.get("tag"))
    ]
    blocks: list[Block] = [facts, findings_table(findings)] if findings else [facts]
    return blocks + braked_blocks(answer.get("brakes") or ())


def findings_table(findings: Sequence[Plain]) -> Rows:
    """Findings with what to do about them."""
    return Rows(
        ["rule", "level", "result", "reason", "where", "message", "remedy"],
        [
            [
                finding["rule"],
                finding["level"],
                f"waived by {finding['waived_by']}" if finding.get("waived_by") else finding["result"],
                finding["reason_code"],
                finding.get("tag") or finding.get("platform") or short(finding["digest"]),
                finding["message"],
                finding["remedy"],
            ]
            for finding in findings
        ],
    )


def explanation_blocks(explanation: Plain) -> list[Block]:
    """``explain``: the tree rule -> evidence -> remedy."""
    answer = explanation["answer"]
    blocks: list[Block] = [answer_blocks({**answer, "verdict": None})[0]]
    if answer.get("verdict"):
        blocks.append(
            Facts([("good until", answer["verdict"]["recheck_at"]), ("scope", answer["verdict"]["scope"])])
        )
    rows = [
        [
            rule["rule"] if number == 0 else "",
            finding["result"],
            finding.get("tag") or finding.get("platform") or short(finding["digest"]),
            finding["message"],
            finding["evidence"],
            finding["remedy"],
        ]
        for rule in explanation["rules"]
        for number, finding in enumerate(rule["findings"])
    ]
    blocks.append(
        Rows(
            ["rule", "result", "where", "message", "evidence", "remedy"],
            rows,
            empty="there is no verdict yet",
        )
    )
    if explanation.get("candidates"):
        blocks.append(_candidates(explanation["candidates"]))
    return blocks


def _candidates(candidates: list[Plain]) -> Rows:
    """Every signature and attestation that was found."""
    return Rows(
        ["form", "carrier", "what", "outcome", "reason", "by", "speaks for", "detail", "next"],
        [
            [
                one["form"],
                f"{short(one['carrier'])}[{one['position']}]",
                one["predicate_type"] if one["purpose"] == "attestation" else one["purpose"],
                one["outcome"],
                one["reason_code"],
                one["identity"] or ", ".join(key[:12] for key in one["key_ids"]),
                ", ".join(one["signers"]),
                one["why_not"],
                one["next"],
            ]
            for one in candidates
        ],
        title="candidates",
    )


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


def promotion_blocks(promotion: Plain) -> list[Block]:
    """``promote``."""
    target = repository(promotion["target"]) + (f":{promotion['tag']}" if promotion.get("tag") else "")
    facts = Facts(
        [
            ("subject", promotion["subject"]),
            ("target", target),
            ("state", promotion["state"]),
            ("reason", promotion["reason_code"]),
            ("message", promotion["message"]),
        ]
    )
    if promotion["state"] == "refused":
        return [facts, *answer_blocks(with_subject(promotion["answer"]))[1:]]
    return [facts]


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


CASE_COLUMNS = ["case", "state", "image", "tags", "action", "reason", "proposed because", "opened"]


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


def brakes_blocks(brakes: Plain) -> list[Block]:
    """``hold show`` and ``breaker show``."""
    hold, breaker = brakes["hold"], brakes["breaker"]
    facts: list[Block] = [
        Facts(
            [
                ("hold", f"on since {hold['since']} by {hold['actor']}: {hold['reason']}" if hold else "off"),
                ("breaker", f"open since {breaker['since']}: {breaker['reason']}" if breaker else "closed"),
                *(
                    (use["cap"].replace("_", " "), f"{use['used']} of {use['limit']} used in the last hour")
                    for use in brakes["caps"]
                ),
            ]
        )
    ]
    return facts + braked_blocks([one for one in brakes["brakes"] if one["name"] not in ("hold", "breaker")])


def braked_blocks(brakes: Sequence[Plain]) -> list[Block]:
    """What keeps us from acting: which, by whom, why, since when."""
    rows = [[brake["name"], brake["actor"], brake["reason"], brake["since"]] for brake in brakes]
    return [Rows(["brake", "by", "why", "since"], rows)] if rows else []


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


def short(digest: str) -> str:
    """Enough of a digest to recognise it."""
    algorithm, _, encoded = digest.partition(":")
    return f"{algorithm}:{encoded[:12]}"
