"""Components as text. The parts of a package URL are read from its text again: the text is what is kept."""

from __future__ import annotations

import dataclasses
import json
from typing import Any, cast

from gatekeeper.core.canonical import to_plain
from gatekeeper.core.errors import MalformedError
from gatekeeper.core.package_url import parse_purl
from gatekeeper.database.rows import read_body
from gatekeeper.ports.vulnerabilities import StoredComponent


def write_stored(stored: StoredComponent) -> str:
    """Canonical JSON: equal components give equal texts. What brought it is only true in one document."""
    bare = dataclasses.replace(stored, component=dataclasses.replace(stored.component, package_url=None))
    plain = cast("dict[str, Any]", to_plain(bare))
    del plain["component"]["brought_by"]
    return json.dumps(plain, sort_keys=True, separators=(",", ":"))


def read_stored(body: str) -> StoredComponent:
    """The inverse of ``write_stored``."""
    stored = read_body(StoredComponent, body)
    try:
        purl = parse_purl(stored.component.purl) if stored.component.purl else None
    except MalformedError:
        return stored
    return dataclasses.replace(stored, component=dataclasses.replace(stored.component, package_url=purl))
