"""The answers of ``status``, ``explain`` and ``promote`` as tables."""

from __future__ import annotations

from collections.abc import Sequence

from gatekeeper.cli.output import Block, Facts, Plain, Rows
from gatekeeper.cli.views.brakes import braked_blocks
from gatekeeper.cli.views.names import repository, short, with_subject


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
