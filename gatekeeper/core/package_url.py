"""Package URLs (https://github.com/package-url/purl-spec): ``pkg:type/namespace/name@version?qualifiers#subpath``.

Parsed once, where an SBOM or an advisory is read; afterwards only the parts are compared. Names are normalised per
type as the specification's type definitions say, which is what makes two spellings of one package equal.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote, unquote_to_bytes

from gatekeeper.core.errors import MalformedError

LONGEST = 4096
"""Characters. No package has a longer name; a longer text is refused before it is taken apart."""

_TYPE = re.compile(r"[A-Za-z.\-_][A-Za-z0-9.\-_]*", re.ASCII)
_QUALIFIER = re.compile(r"[a-z.\-_][a-z0-9.\-_]*", re.ASCII)
_NOT_PUB = re.compile(r"[^a-z0-9]", re.ASCII)

_LOWER_NAMESPACE = frozenset(
    {
        "alpm", "apk", "bitbucket", "composer", "deb", "github", "gitlab", "hex", "luarocks", "pypi", "qpkg", "rpm",
        "vscode-extension",
    }
)  # fmt: skip

_LOWER_NAME = frozenset(
    {
        "alpm", "apk", "bitbucket", "bitnami", "composer", "deb", "github", "gitlab", "hex", "luarocks", "npm", "oci",
        "pub", "pypi", "vscode-extension",
    }
)  # fmt: skip
_LOWER_VERSION = frozenset({"huggingface", "oci"})


@dataclass(frozen=True, slots=True)
class PackageUrl:
    """The parts of a package URL, decoded and normalised; empty for what it does not say."""

    purl_type: str
    """``deb``, ``npm``, ``golang`` …; read it as ``type``, which in canonical JSON is the name of the class."""
    namespace: str
    """Segments joined by ``/``: ``debian``, ``github.com/spf13``, ``@angular``, ``org.apache.logging.log4j``."""
    name: str
    version: str = ""
    qualifiers: tuple[tuple[str, str], ...] = ()
    """``arch``, ``distro``, ``epoch``, ``upstream`` … sorted by key, each key once."""
    subpath: str = ""

    @property
    def type(self) -> str:
        """The specification's name for ``purl_type``."""
        return self.purl_type

    def qualifier(self, key: str) -> str:
        """The value of one qualifier; empty when there is none."""
        for known, value in self.qualifiers:
            if known == key:
                return value
        return ""

    @property
    def package(self) -> tuple[str, str, str]:
        """Which package it is, whatever its version: type, namespace and name."""
        return self.type, self.namespace, self.name

    def __str__(self) -> str:
        """The canonical form."""
        parts = ["pkg:", self.type, "/"]
        if self.namespace:
            parts += [_encoded(self.namespace), "/"]
        parts.append(_encoded(self.name))
        if self.version:
            parts += ["@", _encoded(self.version)]
        if self.qualifiers:
            parts += ["?", "&".join(f"{key}={_encoded(value)}" for key, value in self.qualifiers)]
        if self.subpath:
            parts += ["#", _encoded(self.subpath)]
        return "".join(parts)


def parse_purl(text: str) -> PackageUrl:
    """A package URL -> its parts (purl-spec, "How to parse a purl string in its components").

    Raises MalformedError ``purl-malformed`` with what is wrong. Normalises as the types' definitions say, but for Go:
    a module keeps its case, which its index knows it by.
    """
    if len(text) > LONGEST:
        raise _malformed(text, f"longer than {LONGEST} characters")
    scheme, _, rest = text.strip().partition(":")
    if scheme != "pkg" and scheme.lower() != "pkg":
        raise _malformed(text, "it must begin with pkg:")
    written, slash, rest = rest.lstrip("/").partition("/")
    kind = _type(written) if slash else None
    if kind is None:
        raise _malformed(text, "the type is missing, or is not made of letters, digits, '.', '-' and '_'")
    rest, _, fragment = rest.partition("#")
    path, _, query = rest.partition("?")
    namespace, name, version = _path(kind, path)
    if not name:
        raise _malformed(text, "the name is missing")
    qualifiers = _qualifiers(query, text) if query else ()
    return PackageUrl(
        kind,
        namespace,
        _normal_name(kind, name, qualifiers),
        version.lower() if kind in _LOWER_VERSION else version,
        qualifiers,
        _subpath(fragment) if fragment else "",
    )


@lru_cache(maxsize=256)
def _type(written: str) -> str | None:
    """In lower case; None for what is none. Cached, as ``_key`` is: a document has few different ones."""
    return written.lower() if _TYPE.fullmatch(written) else None


@lru_cache(maxsize=256)
def _key(written: str) -> str | None:
    """Of a qualifier; None for what is none, empty for nothing."""
    key = written.strip().lower()
    return key if not key or _QUALIFIER.fullmatch(key) else None


def _path(kind: str, path: str) -> tuple[str, str, str]:
    """Namespace, name and version, decoded. An npm scope may begin with a bare ``@``."""
    path = path.lstrip("/")
    scope = ""
    if kind == "npm" and path.startswith("@"):
        scope, _, path = path.partition("/")
    before, at, version = path.rpartition("@")
    if not at:
        before, version = path, ""
    namespace, _, name = before.strip().strip("/").rpartition("/")
    namespace = scope or namespace
    if "//" in namespace or " " in namespace:
        namespace = "/".join(part for part in namespace.strip("/").split("/") if part.strip())
    if "%" in path or "%" in scope:
        namespace, name, version = _decoded(namespace), _decoded(name), _decoded(version)
    if kind in _LOWER_NAMESPACE:
        namespace = namespace.lower()
    elif kind == "cpan":
        namespace = namespace.upper()
    return namespace, name.strip().strip("/"), version.strip()


def _normal_name(kind: str, name: str, qualifiers: tuple[tuple[str, str], ...]) -> str:
    if kind in _LOWER_NAME:
        name = name.lower()
        if kind == "pypi":
            return name.replace("_", "-")
        return _NOT_PUB.sub("_", name) if kind == "pub" else name
    if kind == "hackage":
        return name.replace("_", "-")
    if kind == "mlflow" and any(
        key == "repository_url" and "databricks" in value for key, value in qualifiers
    ):
        return name.lower()
    return name


def _qualifiers(query: str, text: str) -> tuple[tuple[str, str], ...]:
    found: dict[str, str] = {}
    for pair in query.split("&"):
        written, equals, value = pair.partition("=")
        if not equals:
            raise _malformed(text, "a qualifier needs key=value")
        if not value.strip():
            continue
        key = _key(written)
        if key == "":
            continue
        if key is None:
            raise _malformed(text, "a qualifier's key is made of letters, digits, '.', '-' and '_'")
        found[key] = _decoded(value)
    return tuple(sorted(found.items()))


def _subpath(fragment: str) -> str:
    segments = (_decoded(segment) for segment in fragment.split("/") if segment not in (".", ".."))
    return "/".join(segment for segment in segments if segment.strip() and segment not in (".", ".."))


def _decoded(text: str) -> str:
    """Percent-decoding as ``urllib.parse.unquote`` does it, which is slow for short texts."""
    return unquote_to_bytes(text).decode("utf-8", "replace") if "%" in text else text


def _encoded(text: str) -> str:
    # A lone surrogate from broken JSON has no UTF-8 form; it must not break the page that shows it.
    return quote(text, safe="/:", errors="replace")


def _malformed(text: str, why: str) -> MalformedError:
    return MalformedError(f"{text[:200]!r} is no package URL: {why}", reason_code="purl-malformed")
