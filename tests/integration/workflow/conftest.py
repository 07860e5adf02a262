from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from gatekeeper.notifications.endpoint import Endpoint
from gatekeeper.notifications.webhooks import Webhooks
from tests.fakes.webhook_receiver import WebhookReceiver
from tests.integration.workflow.world import World, a_world

SECRET = "a secret of enough bytes for us"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Enforcing quarantine, tags may be emptied."""
    with a_world(tmp_path) as made:
        yield made


@pytest.fixture
def receiver() -> Iterator[WebhookReceiver]:
    with WebhookReceiver(SECRET.encode()) as started:
        yield started


@pytest.fixture
def told(world: World, receiver: WebhookReceiver) -> Iterator[World]:
    """A world whose daemon tells the receiver."""
    endpoint = Endpoint("ops", receiver.url, (lambda: SECRET,), networks=("127.0.0.0/8",))
    with closing(Webhooks((endpoint,), source="https://gatekeeper.example.com")) as webhooks:
        world.notifier = webhooks
        world.restart()
        yield world
