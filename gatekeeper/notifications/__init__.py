"""People are told: events as CloudEvents 1.0, signed, to webhooks that were configured."""
