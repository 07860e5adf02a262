"""An event as a CloudEvent (CloudEvents 1.0.2, JSON event format, structured content mode)."""

from __future__ import annotations

from datetime import UTC

from gatekeeper.core.canonical import canonical_bytes
from gatekeeper.core.event import Event

CONTENT_TYPE = "application/cloudevents+json; charset=utf-8"


def cloud_event(event: Event, *, source: str) -> bytes:
    """JSON bytes, the same at every attempt. ``source`` names this installation (a URI reference, section 3.1)."""
    return canonical_bytes(
        {
            "specversion": "1.0",
            "id": event_id(event),
            "source": source,
            "type": f"gatekeeper.{event.kind}",
            "subject": event.subject,
            "time": event.at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
            "datacontenttype": "application/json",
            "data": {
                "actor": event.actor,
                "reason": event.reason,
                "audit_row": event.audit,
                **{name: value for name, value in event.detail.items() if name not in _OURS},
            },
        }
    )


def event_id(event: Event) -> str:
    """Unique within a source, the same at every attempt: a receiver that saw it before may drop it."""
    return f"evt_{event.id}"


_OURS = frozenset({"actor", "reason", "audit_row"})
