"""``ports.Notifier`` over HTTP: each endpoint is reached through a transport of its own, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from gatekeeper.core.errors import Cause, ConfigurationError, NotOfferedError, UnavailableError
from gatekeeper.core.event import Event
from gatekeeper.notifications.cloud_event import CONTENT_TYPE, cloud_event, event_id
from gatekeeper.notifications.endpoint import Endpoint
from gatekeeper.notifications.signature import key_of, signed_headers
from gatekeeper.transport.client import Transport
from gatekeeper.transport.message import Request
from gatekeeper.transport.origin import origin_of
from gatekeeper.transport.settings import TransportSettings

_ANSWER_BYTES = 16 * 1024


class Webhooks:
    """Delivers to every configured endpoint. Thread-safe."""

    def __init__(self, endpoints: Iterable[Endpoint], *, source: str) -> None:
        self._source = source
        self._endpoints = {endpoint.name: endpoint for endpoint in endpoints}
        self._transports = {
            endpoint.name: Transport(origin_of(endpoint.url), _settings(endpoint))
            for endpoint in self._endpoints.values()
        }

    def close(self) -> None:
        """Closes every idle connection."""
        for transport in self._transports.values():
            transport.close()

    def endpoints(self) -> Mapping[str, tuple[str, ...]]:
        """Name -> globs over the kinds of events that it is told."""
        return {name: endpoint.kinds for name, endpoint in self._endpoints.items()}

    def send(self, endpoint: str, event: Event, *, now: datetime) -> None:
        """Raises UnavailableError when it was not taken, NotOfferedError when the endpoint is gone for good."""
        to = self._endpoints[endpoint]
        body = cloud_event(event, source=self._source)
        headers = {
            "Content-Type": CONTENT_TYPE,
            "Content-Length": str(len(body)),
            "User-Agent": "gatekeeper",
            **signed_headers(
                body, message_id=event_id(event), timestamp=int(now.timestamp()), keys=_keys(to)
            ),
        }
        answer = self._transports[endpoint].send(
            Request("POST", to.url, headers, body=body, cap=_ANSWER_BYTES, total=to.timeout)
        )
        if 200 <= answer.status_code < 300:
            return
        said = f"webhook {endpoint} answered with {answer.reason}"
        if answer.status_code == 410:
            raise NotOfferedError(f"{said}: it is gone", reason_code="webhook-gone")
        cause = Cause.SERVER_ERROR if answer.status_code >= 500 else Cause.FORBIDDEN
        raise UnavailableError(said, cause=cause)


def _settings(endpoint: Endpoint) -> TransportSettings:
    return replace(
        TransportSettings(),
        total=endpoint.timeout,
        read=endpoint.timeout,
        ca_file=endpoint.ca_file,
        proxy=endpoint.proxy,
        # A proxy resolves names itself: what it may reach is its own matter.
        networks=endpoint.networks if endpoint.proxy is None else None,
        connections=2,
    )


def _keys(endpoint: Endpoint) -> list[bytes]:
    try:
        return [key_of(secret()) for secret in endpoint.secrets]
    except ValueError as error:
        raise UnavailableError(
            f"webhook {endpoint.name}: its secret cannot be used: {error}", cause=Cause.NOT_CONFIGURED
        ) from error
    except ConfigurationError as error:
        raise UnavailableError(
            f"webhook {endpoint.name}: {error.message}", cause=Cause.NOT_CONFIGURED
        ) from error
