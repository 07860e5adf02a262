import pytest

from gatekeeper.core.digest import Digest
from gatekeeper.workflow.names import anchor_tag, case_tag, derived_nonce, hold_tag, quarantine_tag

DIGEST = Digest.of(b"x")


@pytest.mark.parametrize("tag", ["1.0", "a" * 128])
def test_every_name_is_a_tag_that_registries_take(tag: str) -> None:
    for name in (
        quarantine_tag(tag, DIGEST),
        anchor_tag(tag, DIGEST),
        hold_tag("0" * 16, 1999),
        case_tag("0" * 16),
    ):
        assert len(name) <= 128
    assert quarantine_tag(tag, DIGEST).endswith(f"--{DIGEST.short}")
    assert anchor_tag(tag, DIGEST).endswith(f"-{DIGEST.short}")


def test_a_derived_nonce_is_the_same_every_time_and_another_for_every_purpose() -> None:
    assert derived_nonce("a" * 16, "unhold") == derived_nonce("a" * 16, "unhold")
    assert derived_nonce("a" * 16, "unhold") != derived_nonce("a" * 16, "restore")
    assert len(derived_nonce("a" * 16, "unhold")) == 16
