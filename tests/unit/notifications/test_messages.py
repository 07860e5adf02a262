"""What is sent: CloudEvents, signed so that any library of the specification verifies them."""

import base64
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gatekeeper.core.event import KINDS, Event, told
from gatekeeper.notifications.cloud_event import cloud_event
from gatekeeper.notifications.signature import key_of, signed_headers

EVENT = Event(
    7,
    datetime(2026, 11, 26, 3, 0, 0, 5, tzinfo=UTC),
    "case-opened",
    "case 0a1b2c3d4e5f",
    "gatekeeper",
    "user-root",
    {"repository": "registry.example.com/app", "tags": "1.0", "actor": "forged"},
    99,
)


def test_the_vector_of_the_specification() -> None:
    # Standard Webhooks, "Signature scheme": the example that its libraries are tested with.
    headers = signed_headers(
        b'{"test": 2432232314}',
        message_id="msg_p5jXN8AQM9LWM0D4loKWxJek",
        timestamp=1614265330,
        keys=[key_of("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")],
    )
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert headers["webhook-timestamp"] == "1614265330"


def test_while_a_secret_is_changed_both_sign() -> None:
    keys = [b"n" * 24, b"o" * 24]
    both = signed_headers(b"x", message_id="evt_1", timestamp=1, keys=keys)["webhook-signature"]
    alone = [
        signed_headers(b"x", message_id="evt_1", timestamp=1, keys=[key])["webhook-signature"] for key in keys
    ]
    assert both.split(" ") == alone
    assert alone[0] != alone[1]


@pytest.mark.parametrize(
    ("secret", "said"),
    [
        ("short", "has 5 bytes"),
        ("whsec_!!!", "not base64"),
        ("whsec_" + base64.b64encode(b"x").decode(), "has 1"),
    ],
)
def test_a_secret_that_protects_nothing_is_refused(secret: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        key_of(secret)


def test_an_event_is_a_cloud_event_and_nothing_in_it_passes_for_ours() -> None:
    told_as = json.loads(cloud_event(EVENT, source="https://gatekeeper.example.com"))
    assert told_as == {
        "specversion": "1.0",
        "id": "evt_7",
        "source": "https://gatekeeper.example.com",
        "type": "gatekeeper.case-opened",
        "subject": "case 0a1b2c3d4e5f",
        "time": "2026-11-26T03:00:00.000005Z",
        "datacontenttype": "application/json",
        "data": {
            "actor": "gatekeeper",
            "reason": "user-root",
            "audit_row": 99,
            "repository": "registry.example.com/app",
            "tags": "1.0",
        },
    }
    assert cloud_event(EVENT, source="s") == cloud_event(EVENT, source="s")


def test_a_verdict_is_told_only_where_it_changes_the_answer() -> None:
    assert told("verdict-recorded", {"state": "failed", "before": "passed"})
    assert not told("verdict-recorded", {"state": "failed", "before": "failed"})
    assert told("hold-on", {})
    assert not told("token-created", {})


def test_every_kind_says_what_it_means_and_what_to_do() -> None:
    for kind, about in KINDS.items():
        assert about.meaning.endswith("."), kind
        assert about.remedy.endswith("."), kind


def test_the_documents_list_every_event() -> None:
    page = (Path(__file__).parents[3] / "docs" / "notifications.md").read_text()
    rows = [f"| `{kind}` | {about.meaning} | {about.remedy} |" for kind, about in sorted(KINDS.items())]
    assert page.endswith("\n".join(rows) + "\n")
