"""TLS contexts: the system's authorities or a configured bundle, and our own certificate."""

from __future__ import annotations

import ssl

from requests.utils import DEFAULT_CA_BUNDLE_PATH

from gatekeeper.core.errors import ConfigurationError
from gatekeeper.transport.settings import TransportSettings


def own_context(settings: TransportSettings) -> ssl.SSLContext:
    """For the transport's own origin. Raises ConfigurationError when a file cannot be used."""
    context = _context(settings.ca_file, also_system=False)
    if settings.client_certificate is not None:
        try:
            context.load_cert_chain(settings.client_certificate, settings.client_key, password="")
        except (OSError, ValueError) as error:
            raise ConfigurationError(
                (f"client certificate {settings.client_certificate}: cannot be loaded: {error}",)
            ) from error
    return context


def foreign_context(settings: TransportSettings) -> ssl.SSLContext:
    """For hosts that redirects lead to: public authorities too, and never our certificate."""
    return _context(settings.ca_file, also_system=True)


def _context(ca_file: str | None, *, also_system: bool) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    if ca_file is not None:
        try:
            context.load_verify_locations(cafile=ca_file)
        except (OSError, ssl.SSLError) as error:
            raise ConfigurationError((f"ca_file {ca_file}: cannot be loaded: {error}",)) from error
    if ca_file is None or also_system:
        context.load_default_certs()
        if not context.cert_store_stats()["x509_ca"]:
            context.load_verify_locations(cafile=DEFAULT_CA_BUNDLE_PATH)
    return context
