"""Image references by the grammar of distribution/reference, parsed once at the border.

Docker's normalisation is applied (``nginx`` is ``docker.io/library/nginx:latest``), and the host is brought into the
one form that is compared: lower case, port 443 dropped, leading zeros of a port dropped, IPv6 compressed, the aliases
of Docker Hub replaced by ``docker.io``. Everything is ASCII and matched as a whole.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import NoReturn

from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import MalformedError

DOCKER_HUB = "docker.io"
HUB_ALIASES = frozenset({DOCKER_HUB, "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"})
DEFAULT_TAG = "latest"
LONGEST_HOST = 255
LONGEST_PATH = 255
LONGEST_TAG = 128

_LABEL = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_NAMED_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL})*", re.ASCII)
_SEGMENT = re.compile(r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*", re.ASCII)
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", re.ASCII)
_ADDRESS = re.compile(r"[a-fA-F0-9:]+", re.ASCII)
_PORT = re.compile(r"[0-9]+", re.ASCII)
_BARE_HEX = re.compile(r"[a-f0-9]{64}", re.ASCII)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class Repository:
    """A repository in its canonical form: registry host (lower case, default port dropped) and path."""

    registry: str
    """``host`` or ``host:port``; Docker Hub is ``docker.io`` whatever alias was written."""
    path: str

    def __str__(self) -> str:
        return f"{self.registry}/{self.path}"


@dataclass(frozen=True, slots=True, order=True)
class Reference:
    """Repository plus tag and/or digest. At least one of both is set after ``parse_reference``."""

    repository: Repository
    tag: str | None
    digest: Digest | None

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag is not None else ""
        digest = f"@{self.digest}" if self.digest is not None else ""
        return f"{self.repository}{tag}{digest}"


def parse_reference(text: str) -> Reference:
    """``[host/]path[:tag][@digest]`` -> Reference; the tag ``latest`` when neither tag nor digest is written.

    Raises MalformedError with a reason code for each way to be wrong.
    """
    _check_characters(text, what="image reference")
    rest, at, written_digest = text.partition("@")
    digest = _parse_digest(written_digest) if at else None
    name, tag = _split_tag(rest)
    repository = _parse_name(name)
    if tag is None and digest is None:
        tag = DEFAULT_TAG
    return Reference(repository, tag, digest)


def parse_repository(text: str) -> Repository:
    """``[host/]path`` -> Repository, without tag or digest. Raises MalformedError."""
    _check_characters(text, what="repository")
    if "@" in text:
        _refuse(text, "a repository has no digest; remove everything from '@' on", "repository-has-digest")
    name, tag = _split_tag(text)
    if tag is not None:
        _refuse(text, f"a repository has no tag; remove ':{tag}'", "repository-has-tag")
    return _parse_name(name)


def parse_tag(text: str) -> str:
    """A tag alone: a letter, digit or underscore, then up to 127 of these, ``.`` or ``-``. Raises MalformedError."""
    if not text:
        raise MalformedError("a tag is missing after ':'", reason_code="tag-empty")
    if len(text) > LONGEST_TAG:
        raise MalformedError(
            f"a tag has at most {LONGEST_TAG} characters, this one has {len(text)}",
            reason_code="tag-too-long",
        )
    if _TAG.fullmatch(text) is None:
        raise MalformedError(
            f"{text!r} is not a tag: use letters, digits, '_', '.' and '-', and do not begin with '.' or '-'",
            reason_code="tag-malformed",
        )
    return text


def canonical_host(text: str) -> str:
    """A registry's ``host[:port]`` in the form that ``Repository.registry`` has. Raises MalformedError.

    Port 443 is dropped, except from a host of one label: without a port ``host/path`` would read as a path of Docker
    Hub. Port 80 is kept: it is the default of plain http only, and which registry is plain is configuration.
    """
    if not text:
        raise MalformedError("a registry host is missing", reason_code="host-empty")
    if len(text) > LONGEST_HOST:
        raise MalformedError(
            f"a registry host has at most {LONGEST_HOST} characters", reason_code="host-too-long"
        )
    host, port = _split_port(text)
    canonical = _canonical_address(host, text) if host.startswith("[") else _canonical_name(host, text)
    if canonical in HUB_ALIASES and port in (None, "443"):
        return DOCKER_HUB
    if port == "443" and _is_host(canonical):
        port = None
    if port is None and not _is_host(canonical):
        _refuse(
            text,
            f"{host!r} reads as a host because of its capital letters; write a path in lower case, "
            "or a host with its domain or port",
            "host-ambiguous",
        )
    return canonical if port is None else f"{canonical}:{port}"


def _refuse(text: str, why: str, reason_code: str) -> NoReturn:
    shown = text if len(text) <= 120 else text[:120] + "…"
    raise MalformedError(f"{shown!r}: {why}", reason_code=reason_code)


def _check_characters(text: str, *, what: str) -> None:
    if not text:
        raise MalformedError(f"the {what} is empty", reason_code="reference-empty")
    if not text.isascii():
        _refuse(text, f"the {what} may have ASCII characters only", "reference-not-ascii")
    if any(character.isspace() for character in text):
        _refuse(text, "there must be no spaces or line ends", "reference-has-space")
    if not text.isprintable():
        _refuse(text, "there must be no control characters", "reference-has-control-character")
    scheme = _SCHEME.match(text)
    if scheme is not None:
        _refuse(
            text, f"remove {scheme.group()!r}: a registry is named without a scheme", "reference-has-scheme"
        )


def _split_tag(rest: str) -> tuple[str, str | None]:
    """A ``:`` behind the last ``/`` begins a tag; one before it belongs to the host."""
    slash = rest.rfind("/")
    colon = rest.find(":", slash + 1)
    if colon < 0 or rest.startswith("[", slash + 1):
        return rest, None
    return rest[:colon], parse_tag(rest[colon + 1 :])


def _parse_digest(text: str) -> Digest:
    if not text:
        raise MalformedError("a digest is missing after '@'", reason_code="digest-empty")
    return Digest.parse(text)


def _is_host(first: str) -> bool:
    """True when the first component of a name is a host (distribution/reference, ``splitDockerDomain``)."""
    return first == "localhost" or any(mark in first for mark in ".:") or first != first.lower()


def _parse_name(name: str) -> Repository:
    if not name:
        raise MalformedError("the repository's name is missing", reason_code="path-empty")
    if _BARE_HEX.fullmatch(name):
        _refuse(
            name,
            "64 hexadecimal digits are an image id, not a name; write name@sha256:…",
            "reference-bare-hex",
        )
    first, slash, rest = name.partition("/")
    if slash and _is_host(first):
        registry, path = canonical_host(first), rest
    elif not first:
        _refuse(name, "there is nothing before the first '/'", "host-empty")
    else:
        registry, path = DOCKER_HUB, name
    if registry == DOCKER_HUB and path and "/" not in path:
        path = f"library/{path}"
    _check_path(name, path)
    return Repository(registry, path)


def _check_path(name: str, path: str) -> None:
    if not path:
        _refuse(name, "the path after the registry is missing", "path-empty")
    if len(path) > LONGEST_PATH:
        _refuse(
            name, f"a path has at most {LONGEST_PATH} characters, this one has {len(path)}", "path-too-long"
        )
    if path != path.lower():
        _refuse(name, "a path is written in lower case", "path-upper-case")
    for segment in path.split("/"):
        if not segment:
            _refuse(name, "two '/' meet, or a '/' ends the path", "path-segment-empty")
        if _SEGMENT.fullmatch(segment) is None:
            _refuse(
                name,
                f"{segment!r} is not a path segment: letters and digits, joined by one '.', one or two '_', or '-'",
                "path-malformed",
            )


def _split_port(text: str) -> tuple[str, str | None]:
    if text.startswith("["):
        inside, closing, after = text.partition("]")
        host, colon, port = inside + closing, after[:1], after[1:]
    else:
        host, colon, port = text.partition(":")
    if not colon:
        return host, None
    if colon != ":" or _PORT.fullmatch(port) is None:
        _refuse(text, "a port is written as digits after ':'", "port-malformed")
    return host, port.lstrip("0") or "0"


def _canonical_address(host: str, text: str) -> str:
    inside = host[1:-1] if host.endswith("]") else ""
    if _ADDRESS.fullmatch(inside) is None:
        _refuse(text, "between the brackets belongs an IPv6 address, without a zone", "host-malformed")
    try:
        address = ipaddress.IPv6Address(inside)
    except ValueError:
        _refuse(text, "what stands in brackets is no IPv6 address", "host-malformed")
    if address.ipv4_mapped is not None:
        # Newer Pythons write these with dots, which the grammar does not have.
        high, low = divmod(int(address.ipv4_mapped), 1 << 16)
        return f"[::ffff:{high:x}:{low:x}]"
    return f"[{address.compressed}]"


def _canonical_name(host: str, text: str) -> str:
    if _NAMED_HOST.fullmatch(host) is None:
        _refuse(
            text,
            f"{host!r} is no host name: labels of letters, digits and '-', joined by '.'",
            "host-malformed",
        )
    return host.lower()
