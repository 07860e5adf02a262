"""How the HTTP server's sockets are set up."""

from __future__ import annotations

import socket

from fastapi import FastAPI

from gatekeeper.web.server import Server, ServerSettings


def test_answers_do_not_wait_for_the_clients_delayed_acknowledgement() -> None:
    server = Server(FastAPI(), ServerSettings(port=0))
    server.start()
    try:
        listening = server._socket
        assert listening is not None
        assert listening.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    finally:
        server.stop()
