"""The adapters that are mounted on the session: they own the pools, and refuse requests' own way of sending."""

from __future__ import annotations

import ssl
from typing import Any, NoReturn

import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connectionpool import HTTPConnectionPool

from gatekeeper.core.errors import Cause, UnavailableError
from gatekeeper.transport.connection import POOLS
from gatekeeper.transport.settings import TransportSettings


class PoolAdapter(HTTPAdapter):
    """A mounted adapter whose urllib3 pool ``Transport`` sends through.

    ``send`` refuses: whatever would go through ``session.request`` would pass by the host check, caps and deadlines.
    """

    def __init__(self, settings: TransportSettings, context: ssl.SSLContext) -> None:
        self._context = context
        self._proxy = settings.proxy
        super().__init__(pool_connections=16, pool_maxsize=settings.connections, max_retries=0)

    def init_poolmanager(
        self, connections: int, maxsize: int, block: bool = False, **pool_kwargs: Any
    ) -> None:
        super().init_poolmanager(connections, maxsize, block, ssl_context=self._context, **pool_kwargs)
        self.poolmanager.pool_classes_by_scheme = POOLS

    def pool(self, url: str) -> HTTPConnectionPool:
        """The pool for the host of this URL, through the proxy where one is configured."""
        if self._proxy is None:
            direct: urllib3.PoolManager = self.poolmanager
            return direct.connection_from_url(url)
        through: urllib3.ProxyManager = self.proxy_manager_for(self._proxy, ssl_context=self._context)
        through.pool_classes_by_scheme = POOLS
        return through.connection_from_url(url)

    def send(self, *_args: object, **_kwargs: object) -> NoReturn:
        """Never sends."""
        raise UnavailableError("a request tried to pass by the transport", cause=Cause.PROTOCOL)
