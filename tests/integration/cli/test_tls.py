"""Certificates are verified: an unknown authority is no answer, a known one is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gatekeeper.cli.remote import RemoteDesk, endpoint
from gatekeeper.core.errors import Cause, ConfigurationError, UnavailableError
from gatekeeper.web.app import create_app
from gatekeeper.web.server import Server, ServerSettings
from tests.fakes.certificates import Authority
from tests.integration.cli.conftest import Gate


def test_only_a_certificate_of_a_trusted_authority_is_believed(gate: Gate, tmp_path: Path) -> None:
    authority, stranger = Authority(tmp_path), Authority(tmp_path, "stranger")
    certificate = authority.issue("daemon")
    settings = ServerSettings(port=0, tls_certificate=certificate, tls_key=certificate)
    server = Server(create_app(gate.world.app.room, missing=tuple), settings)
    url = server.start()
    try:

        def ask(ca_file: Path | None) -> dict[str, Any]:
            return RemoteDesk(endpoint(url, insecure_http=False, ca_file=ca_file), gate.token()).brakes()

        assert ask(authority.ca)["brakes"] == []
        for ca_file in (None, stranger.ca):
            with pytest.raises(UnavailableError) as caught:
                ask(ca_file)
            assert caught.value.cause is Cause.TLS
        with pytest.raises(ConfigurationError):
            ask(tmp_path / "nowhere.pem")
    finally:
        server.stop()
