"""Delivery over real HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from threading import Event as Flag

import pytest

from gatekeeper.core.errors import Cause, ConfigurationError, NotOfferedError, UnavailableError
from gatekeeper.core.event import Event
from gatekeeper.notifications.endpoint import Endpoint
from gatekeeper.notifications.webhooks import Webhooks
from tests.fakes.webhook_receiver import WebhookReceiver

SECRET = "a secret of enough bytes for us"
NOW = datetime(2026, 11, 26, 3, 0, tzinfo=UTC)
EVENT = Event(1, NOW, "hold-on", "hold", "local:rita", "maintenance", {}, 5)
HERE = ("127.0.0.0/8",)


@pytest.fixture
def receiver() -> Iterator[WebhookReceiver]:
    with WebhookReceiver(SECRET.encode()) as started:
        yield started


def _endpoint(receiver: WebhookReceiver, **more: object) -> Endpoint:
    values: dict[str, object] = {"networks": HERE, "secrets": (lambda: SECRET,), **more}
    return Endpoint("ops", receiver.url, **values)  # type: ignore[arg-type]


def _send(endpoint: Endpoint) -> None:
    with closing(Webhooks((endpoint,), source="here")) as webhooks:
        webhooks.send("ops", EVENT, now=NOW)


def test_a_message_arrives_signed_at_its_path(receiver: WebhookReceiver) -> None:
    _send(_endpoint(receiver))
    (message,) = receiver.received
    assert message.signed
    assert message.path == "/hook?team=platform"
    assert message.headers["content-type"].startswith("application/cloudevents+json")
    assert message.headers["webhook-timestamp"] == str(int(NOW.timestamp()))
    assert message.event["id"] == message.headers["webhook-id"] == "evt_1"


def test_a_receiver_with_the_old_secret_still_believes_us(receiver: WebhookReceiver) -> None:
    _send(_endpoint(receiver, secrets=(lambda: "the new secret, which it knows not", lambda: SECRET)))
    assert receiver.received[0].signed


@pytest.mark.parametrize("status", [301, 307, 400, 401, 404, 429, 500, 503])
def test_only_2xx_is_taken_and_nobody_leads_us_elsewhere(receiver: WebhookReceiver, status: int) -> None:
    receiver.answers.append(status)
    receiver.location = receiver.url
    with pytest.raises(UnavailableError, match=f"status {status}"):
        _send(_endpoint(receiver))
    assert len(receiver.received) == 1


def test_gone_is_gone_for_good(receiver: WebhookReceiver) -> None:
    receiver.answers.append(410)
    with pytest.raises(NotOfferedError, match="gone"):
        _send(_endpoint(receiver))


@pytest.mark.parametrize("networks", [(), ("10.0.0.0/8",), ("::1/128",)])
def test_no_inner_address_is_reached_that_was_not_named(
    receiver: WebhookReceiver, networks: tuple[str, ...]
) -> None:
    with pytest.raises(UnavailableError, match="inner network") as caught:
        _send(_endpoint(receiver, networks=networks))
    assert caught.value.cause is Cause.PROTOCOL
    assert receiver.received == []


def test_one_that_never_answers_ends_at_its_deadline(receiver: WebhookReceiver) -> None:
    receiver.stall = Flag()
    with pytest.raises(UnavailableError) as caught:
        _send(_endpoint(receiver, timeout=0.3))
    assert caught.value.cause is Cause.TIMEOUT


def test_a_secret_that_cannot_be_had_sends_nothing(receiver: WebhookReceiver) -> None:
    def missing() -> str:
        raise ConfigurationError(("secret from env HOOK: is not set",))

    with pytest.raises(UnavailableError, match="is not set"):
        _send(_endpoint(receiver, secrets=(missing,)))
    with pytest.raises(UnavailableError, match="at least 24"):
        _send(_endpoint(receiver, secrets=(lambda: "short",)))
    assert receiver.received == []
