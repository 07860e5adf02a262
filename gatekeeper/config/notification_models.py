"""The shape of ``[notifications]``."""

from __future__ import annotations

from pydantic import Field

from gatekeeper.config.fields import Duration, SomeTexts, Table, Text, Texts
from gatekeeper.config.quantities import parse_duration
from gatekeeper.config.secret_models import SecretField


class WebhookModel(Table):
    """One address that is told of events: CloudEvents 1.0, signed after the Standard Webhooks specification."""

    name: Text = Field(description="What logs, `gatekeeper notification` and metrics call it.")
    url: Text = Field(description="`https://…`; plain http only inside `networks`.")
    secret: SecretField = Field(
        description="Signs what is sent, so that the receiver knows it is ours: at least 24 bytes, or `whsec_` and "
        "base64."
    )
    previous_secret: SecretField | None = Field(
        None, description="Signs too, while receivers still know the old secret."
    )
    events: SomeTexts = Field(
        ("**",), description="Globs over the kinds of events it is told; docs/notifications.md lists them."
    )
    networks: Texts = Field(
        (),
        description='Inner networks in which it may lie, `"10.1.0.0/16"`; addresses on the internet need none. No '
        "other inner address is ever connected to, whatever its name resolves to.",
    )
    timeout: Duration = Field(parse_duration("10s"), description="For one message in all.")
    ca_file: Text | None = Field(None, description="PEM bundle trusted instead of the system's.")
    proxy: Text | None = Field(None, description="`http://host:port`; what it reaches is its own matter.")


class NotificationsModel(Table):
    """Who is told of verdicts, cases and trouble."""

    source: Text | None = Field(
        None,
        description="What events call this installation; `server.public_url`, or `gatekeeper`, when left out.",
    )
    keep: Duration = Field(parse_duration("30d"), description="How long events can be followed.")
    webhooks: tuple[WebhookModel, ...] = Field((), description="One `[[notifications.webhooks]]` table each.")
