"""When so much of a registry changes at once that it is not believed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.core.doubt import Unrest, Weighed, weigh


@pytest.mark.parametrize(
    ("unrest", "wanted"),
    [
        (Unrest(known=100, looked_at=100, changed=30), Weighed.CALM),
        (Unrest(known=100, looked_at=100, changed=31), Weighed.DOUBT),
        (Unrest(known=12, looked_at=12, changed=9), Weighed.CALM),
        (Unrest(known=12, looked_at=12, changed=10), Weighed.DOUBT),
        (Unrest(known=100_000, looked_at=15, changed=12), Weighed.UNCLEAR),
        (Unrest(known=100_000, looked_at=4_999, changed=4_000), Weighed.UNCLEAR),
        (Unrest(known=100_000, looked_at=5_000, changed=4_000), Weighed.DOUBT),
        (Unrest(known=1_000, looked_at=199, changed=150), Weighed.UNCLEAR),
        (Unrest(known=1_000, looked_at=200, changed=150), Weighed.DOUBT),
        (Unrest(known=0, looked_at=0, changed=0), Weighed.CALM),
    ],
)
def test_share_floor_and_sample(unrest: Unrest, wanted: Weighed) -> None:
    assert weigh(unrest, share=0.3, floor=10) is wanted


@given(st.integers(0, 500), st.integers(0, 500), st.integers(0, 500))
def test_more_changes_never_calm_it(known: int, looked_at: int, changed: int) -> None:
    order = [Weighed.CALM, Weighed.UNCLEAR, Weighed.DOUBT]
    fewer = weigh(Unrest(known, looked_at, changed), share=0.3, floor=10)
    more = weigh(Unrest(known, looked_at, changed + 1), share=0.3, floor=10)
    assert order.index(more) >= order.index(fewer)
