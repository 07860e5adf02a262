"""What requests, urllib3, http.client and ssl raise, as errors of ``core``."""

from __future__ import annotations

import http.client
import socket
import ssl

import requests
import urllib3.exceptions as faults

from gatekeeper.core.errors import Cause, UnavailableError
from gatekeeper.transport.message import describe

CAUGHT = (faults.HTTPError, requests.RequestException, http.client.HTTPException, OSError, ValueError)
"""Everything that sending and reading may raise. ValueError: header values and URLs that cannot be written."""


class StaleConnectionError(UnavailableError):
    """A kept connection was closed by the far side before it answered: the request may be tried again at once."""


class AddressRefusedError(Exception):
    """A redirect led to an address it must not reach; raised while connecting."""


def relabelled(error: Exception, method: str, url: str) -> UnavailableError:
    """The error of ours for what was raised while sending ``method`` to ``url``."""
    where = f"{method} {describe(url)}"
    innermost = _innermost(error)
    if isinstance(error, faults.ProxyError):
        return UnavailableError(
            f"{where}: the proxy cannot be used ({_name(innermost)})", cause=Cause.CONNECT
        )
    if isinstance(innermost, ssl.SSLError) or isinstance(error, faults.SSLError):
        return UnavailableError(
            f"{where}: TLS failed ({_reason(innermost)}); is `ca_file` set for a private authority?",
            cause=Cause.TLS,
        )
    # NewConnectionError is a TimeoutError to urllib3, so it comes first.
    if isinstance(error, faults.NameResolutionError) or isinstance(innermost, socket.gaierror):
        return UnavailableError(f"{where}: the name cannot be resolved", cause=Cause.CONNECT)
    if isinstance(error, faults.NewConnectionError):
        return UnavailableError(f"{where}: no connection ({_name(innermost)})", cause=Cause.CONNECT)
    if isinstance(error, faults.TimeoutError) or isinstance(innermost, TimeoutError | faults.TimeoutError):
        return UnavailableError(f"{where}: no answer in time", cause=Cause.TIMEOUT)
    if isinstance(innermost, http.client.RemoteDisconnected | ConnectionResetError | BrokenPipeError):
        return StaleConnectionError(
            f"{where}: the connection was closed before an answer", cause=Cause.CONNECT
        )
    if isinstance(innermost, OSError):
        return UnavailableError(f"{where}: connection failed ({_name(innermost)})", cause=Cause.CONNECT)
    return UnavailableError(f"{where}: the answer breaks HTTP ({_name(innermost)})", cause=Cause.PROTOCOL)


def _innermost(error: BaseException) -> BaseException:
    for _ in range(8):
        inner = next((arg for arg in error.args if isinstance(arg, BaseException)), None)
        if isinstance(error, faults.MaxRetryError) and error.reason is not None:
            inner = error.reason
        if inner is None and isinstance(error, faults.NewConnectionError):
            inner = error.__cause__
        if inner is None:
            return error
        error = inner
    return error


def _name(error: BaseException) -> str:
    return type(error).__name__


def _reason(error: BaseException) -> str:
    said = getattr(error, "verify_message", None) or getattr(error, "reason", None) or type(error).__name__
    return ascii(str(said))[1:-1][:200]
