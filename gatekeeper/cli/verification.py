"""What the one-shot verifiers say, as tables."""

from __future__ import annotations

from typing import Any

from gatekeeper.cli.output import Block, Facts, Rows
from gatekeeper.cli.views.names import short

Plain = dict[str, Any]


def blocks(answer: Plain) -> list[Block]:
    """``verify``: the answer, then every candidate."""
    facts = Facts(
        [
            ("subject", answer["subject"]),
            ("tag", answer.get("tag")),
            ("platform", answer.get("platform")),
            ("index", answer.get("index")),
            ("outcome", answer["state"]),
            ("reason", answer["reason_code"]),
            ("message", answer["message"]),
            ("next", answer["next"]),
        ]
    )
    return [facts, candidates_table(answer["candidates"]), *gaps_tables(answer["unavailable"])]


def candidates_table(candidates: list[Plain]) -> Rows:
    """Each candidate: where, what became of it, by whom, why it does not count, and what is odd about it."""
    odd = any(one["anomalies"] for one in candidates)
    return Rows(
        [
            *("form", "carrier", "purpose", "outcome", "reason", "signer", "counts", "why not"),
            *(["anomalies"] if odd else []),
        ],
        [
            [
                one["form"],
                f"{short(one['carrier'])}[{one['position']}]",
                one["predicate_type"] if one["purpose"] == "attestation" else one["purpose"],
                one["outcome"],
                one["reason_code"],
                one.get("identity") or ", ".join(key[:12] for key in one["key_ids"]),
                "yes" if one["counts"] else "no",
                one["why_not"],
                *([", ".join(one["anomalies"])] if odd else []),
            ]
            for one in candidates
        ],
        title="candidates",
        empty="nothing hangs on the image that could be a signature or attestation",
    )


def gaps_tables(unavailable: list[Plain]) -> list[Block]:
    """What could not be asked; nothing when everything was."""
    if not unavailable:
        return []
    return [
        Rows(
            ["could not be asked", "cause", "detail"],
            [[gap["source"], gap["cause"], gap["detail"]] for gap in unavailable],
        )
    ]


def summary_blocks(answer: Plain) -> list[Block]:
    """``verify-vsa``: the answer, the summary that decided, then every candidate."""
    summary = answer["summary"] or {}
    facts = Facts(
        [
            ("subject", answer["subject"]),
            ("outcome", answer["state"]),
            ("reason", answer["reason_code"]),
            ("message", answer["message"]),
            ("next", answer["next"]),
            ("verifier", summary.get("verifier")),
            ("result", summary.get("result")),
            ("levels", ", ".join(summary.get("levels", ()))),
            ("policy", summary.get("policy_digest")),
            ("verified at", summary.get("verified_at")),
        ]
    )
    return [facts, candidates_table(answer["candidates"]), *gaps_tables(answer["unavailable"])]
