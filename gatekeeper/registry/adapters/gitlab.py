"""gitlab.com: tokens come from the web application's own host."""

from __future__ import annotations

from gatekeeper.registry.adapters.quirks import Quirks

GITLAB = Quirks(hosts=("registry.gitlab.com",), realms=("gitlab.com",))
