from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from gatekeeper.cli.audit_chain import verify_chain
from gatekeeper.core.errors import MalformedError
from gatekeeper.ports import AuditHead, AuditRow, Checkpoint

AT = datetime(2026, 1, 1, tzinfo=UTC)


class Chain:
    """An audit chain in memory; the links are only as good as their numbers."""

    def __init__(self, length: int, *, broken: str | None = None) -> None:
        self.broken = broken
        self.links = [
            AuditRow(seq, AT, "a", "b", "c", "d", {}, "", hashlib.sha256(str(seq).encode()).hexdigest())
            for seq in range(1, length + 1)
        ]

    def head(self) -> AuditHead:
        return AuditHead(self.links[-1].seq, self.links[-1].hash) if self.links else AuditHead(0, "0" * 64)

    def rows(self, *, after: int, limit: int) -> Sequence[AuditRow]:
        return [link for link in self.links if link.seq > after][:limit]

    def broken_at(self) -> str | None:
        return self.broken

    def checkpoint(self) -> Checkpoint | None:
        return None


def test_a_whole_chain_passes_also_against_an_older_head() -> None:
    chain = Chain(5)
    noted = f"{3}:{chain.links[2].hash}"
    assert verify_chain(chain, None)["exit_code"] == 0
    assert verify_chain(chain, noted)["state"] == "passed"
    assert verify_chain(chain, str(chain.head()))["reason_code"] == "audit-chain-intact"
    assert verify_chain(Chain(0), f"0:{'0' * 64}")["exit_code"] == 0


@pytest.mark.parametrize(
    ("chain", "expect", "reason_code"),
    [
        (Chain(5, broken="row 3 was changed"), None, "audit-chain-broken"),
        (Chain(2), f"3:{'a' * 64}", "audit-chain-truncated"),
        (Chain(5), f"3:{'a' * 64}", "audit-chain-rewritten"),
        (Chain(0), f"1:{'a' * 64}", "audit-chain-truncated"),
    ],
)
def test_a_changed_cut_or_rewritten_chain_fails(chain: Chain, expect: str | None, reason_code: str) -> None:
    found = verify_chain(chain, expect)
    assert (found["state"], found["reason_code"], found["exit_code"]) == ("failed", reason_code, 1)


@pytest.mark.parametrize("expect", ["", "3", "3:xyz", f"-1:{'a' * 64}", f"3:{'A' * 64}"])
def test_a_head_that_cannot_be_read_is_a_usage_error(expect: str) -> None:
    with pytest.raises(MalformedError):
        verify_chain(Chain(5), expect)
