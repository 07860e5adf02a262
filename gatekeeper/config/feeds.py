"""``[feeds]`` -> frozen settings: where vulnerability knowledge comes from."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote, urlsplit

from gatekeeper.config.context import Assembly
from gatekeeper.config.feed_models import FeedsModel, FeedSourceModel
from gatekeeper.config.problems import Location
from gatekeeper.config.settings import FeedSettings
from gatekeeper.core.errors import MalformedError
from gatekeeper.core.feed import NAME_FORM, FeedKind, FeedSource, feed_name, is_feed_name
from gatekeeper.core.reference import parse_reference
from gatekeeper.core.trust import PublicKey
from gatekeeper.signatures.keys import load_public_key

_MOST_KEY_BYTES = 64 * 1024
DUMPS = "https://osv-vulnerabilities.storage.googleapis.com"
_URLS: Mapping[FeedKind, str] = {
    FeedKind.KEV: "https://www.cisa.gov/sites/default/files/feeds/known_exploited_vulnerabilities.json",
    FeedKind.EPSS: "https://epss.empiricalsecurity.com/epss_scores-current.csv.gz",
    FeedKind.END_OF_LIFE: "https://endoflife.date/api/v1/products/full",
}


def assemble_feeds(assembly: Assembly, model: FeedsModel) -> FeedSettings:
    """The settings; what is wrong with them was told to ``assembly``."""
    sources: list[FeedSource] = []
    for position, entry in enumerate(model.sources):
        at: Location = ("feeds", "sources", position)
        source = _source(assembly, model, entry, at)
        if any(known.name == source.name for known in sources):
            assembly.wrong((*at, "name"), f"there is another feed '{source.name}'; names are unique")
        sources.append(source)
    return FeedSettings(
        sources=tuple(sources),
        max_age=model.max_age,
        hold_share=model.hold_percent / 100,
        hold_minimum=model.hold_minimum,
        stabilization_window=model.stabilization_window,
        ca_file=assembly.existing(("feeds", "ca_file"), model.ca_file),
        proxy=_proxy(assembly, model.proxy),
        bundle_keys=tuple(
            key
            for position, written in enumerate(model.bundle_keys)
            if (key := _key(assembly, written, ("feeds", "bundle_keys", position))) is not None
        ),
    )


def _source(assembly: Assembly, model: FeedsModel, entry: FeedSourceModel, at: Location) -> FeedSource:
    ecosystem = entry.ecosystem or ""
    if ecosystem and entry.kind is not FeedKind.OSV:
        assembly.wrong((*at, "ecosystem"), f"a feed of kind {entry.kind} has no ecosystem; leave it out")
    if ":" in ecosystem:
        assembly.wrong(
            (*at, "ecosystem"), f"releases are in the feed of {ecosystem.partition(':')[0]}; name that one"
        )
    url = entry.url or _default_url(entry.kind, ecosystem)
    if not url:
        assembly.wrong(at, 'needs an ecosystem (for example ecosystem = "Debian"), or a url')
    _check_url(assembly, url, entry, (*at, "url"))
    name = entry.name or feed_name(entry.kind, ecosystem)
    if not is_feed_name(name):
        assembly.wrong((*at, "name"), f"must be {NAME_FORM}")
    return FeedSource(name, entry.kind, ecosystem, url, entry.interval or model.interval, entry.signers)


def _default_url(kind: FeedKind, ecosystem: str) -> str:
    if kind is not FeedKind.OSV:
        return _URLS[kind]
    return f"{DUMPS}/{quote(ecosystem)}/all.zip" if ecosystem else ""


def _check_url(assembly: Assembly, url: str, entry: FeedSourceModel, at: Location) -> None:
    if url.startswith("oci:"):
        try:
            reference = parse_reference(url.removeprefix("oci:"))
        except MalformedError as error:
            assembly.wrong(at, f"is no artifact of a registry: {error.message}")
            return
        if reference.digest is None and not entry.signers:
            assembly.wrong(
                at,
                "names no digest: pin it (oci:registry/feeds/osv@sha256:...), or name signers that sign it",
            )
        return
    if entry.signers:
        assembly.wrong(at, "only an artifact of a registry (oci:) can be signed; leave `signers` out")
    parts = urlsplit(url)
    if url and (parts.scheme not in ("https", "http", "file") or parts.username or parts.password):
        assembly.wrong(at, "must begin with https://, file:/// or oci:, and hold no password")


def _proxy(assembly: Assembly, text: str | None) -> str | None:
    if text is not None and re.fullmatch(r"http://[^\s/?#@]+", text) is None:
        assembly.wrong(("feeds", "proxy"), "must be http://host:port")
    return text


def _key(assembly: Assembly, written: str, at: Location) -> PublicKey | None:
    path = assembly.existing(at, written)
    if path is None or not path.is_file():
        return None
    try:
        with path.open("rb") as stream:
            return load_public_key(stream.read(_MOST_KEY_BYTES), written)
    except (MalformedError, OSError) as error:
        assembly.wrong(at, str(error))
        return None
