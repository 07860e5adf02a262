"""Licence texts -> values of the core. The door of ``license-expression``, which knows the SPDX list.

Never raises: a text that says nothing is no licence, a text that cannot be read is an ``UnknownLicence``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from gatekeeper.core.licence import AllOf, AnyOf, Licence, LicenceExpression, UnknownLicence
from gatekeeper.sbom.licence_names import ADDRESSES, ALIASES, PAGES, STANDING_ALONE, WITH_EXCEPTION

if TYPE_CHECKING:
    from license_expression import Licensing

LONGEST = 2000
"""Characters of an expression that is parsed; whole licence texts stand in these fields too."""
MOST_WORDS = 200
_SAYS_NOTHING = frozenset({"", "noassertion", "none", "unknown", "(none)", "null", "n/a", "undefined"})
_REFERENCES = ("licenseref-", "documentref-")
_ADDITION = re.compile(r"(?:documentref-[a-z0-9.-]+:)?additionref-", re.IGNORECASE)
_PAGE_ENDING = re.compile(r"(?:\.(?:html?|txt|json|php))?/?$", re.IGNORECASE)


def says_something(text: str) -> bool:
    """False for an empty text and for the words that stand for "nobody said"."""
    return text.strip().casefold() not in _SAYS_NOTHING


def declared(texts: Iterable[str]) -> tuple[str, ...]:
    """The texts that say something, each once, in order."""
    return tuple(dict.fromkeys(text.strip() for text in texts if says_something(text)))


def all_of(texts: Iterable[str]) -> LicenceExpression | None:
    """Licences that all bind, as one value; None when none is declared."""
    return together([parse(text) for text in texts])


def together(parts: Iterable[LicenceExpression | None]) -> LicenceExpression | None:
    """``AND`` over what is said; equal parts once."""
    said: dict[LicenceExpression, None] = {}
    for part in parts:
        if part is not None:
            said.update(dict.fromkeys(part.parts if isinstance(part, AllOf) else (part,)))
    if not said:
        return None
    return AllOf(tuple(said)) if len(said) > 1 else next(iter(said))


@lru_cache(maxsize=16384)
def single(text: str) -> tuple[tuple[str, ...], LicenceExpression | None]:
    """``declared`` and ``all_of`` of one text: what most components have."""
    said = declared((text,))
    return said, all_of(said)


@lru_cache(maxsize=16384)
def parse(text: str) -> LicenceExpression | None:
    """One declared text -> its value; None when it says nothing. Cached: an image has few different ones."""
    text = " ".join(text[: LONGEST + 1].split())
    if not says_something(text):
        return None
    if len(text) > LONGEST or text.count(" ") > MOST_WORDS:
        return UnknownLicence(text[:200])
    if "://" in text:
        return _at_address(text) or UnknownLicence(text)
    return _known(text) or _expression(text) or _slashed(text) or _listed(text) or UnknownLicence(text)


def named_references(
    expression: LicenceExpression | None, names: Mapping[str, str]
) -> LicenceExpression | None:
    """``LicenseRef-…`` replaced by what the document says it stands for, where that is a known licence."""
    match expression:
        case Licence(id=reference, exception=exception) if reference in names:
            meant = parse(names[reference])
            if not isinstance(meant, Licence) or (exception and meant.exception):
                return expression
            return Licence(meant.id, exception or meant.exception)
        case AllOf(parts) | AnyOf(parts):
            replaced = tuple(named_references(part, names) or part for part in parts)
            return type(expression)(replaced)
    return expression


def is_listed(identifier: str) -> bool:
    """True for an identifier of the SPDX list in its canonical spelling."""
    symbol = _licensing().known_symbols.get(identifier)
    return symbol is not None and not symbol.is_exception and not identifier.startswith("LicenseRef-")


@cache
def _library() -> Any:
    """Loaded with the first text that the alias table does not know: it costs more than most documents."""
    import license_expression  # noqa: PLC0415

    return license_expression


@cache
def _licensing() -> Licensing:
    licensing: Licensing = _library().get_spdx_licensing()
    return licensing


def _expression(text: str) -> LicenceExpression | None:
    try:
        parsed = _licensing().parse(text)
        return None if parsed is None else _value(parsed)
    except (
        _library().ExpressionError,
        RecursionError,
        ValueError,
        TypeError,
        AttributeError,
        KeyError,
        IndexError,
    ):
        # The library names its refusals ExpressionError, and lets others through on hostile texts.
        return None


def _value(parsed: Any) -> LicenceExpression:
    """The library's tree -> ours, flattened, equal parts once."""
    if isinstance(parsed, _library().LicenseWithExceptionSymbol):
        base = _symbol(parsed.license_symbol)
        exception = parsed.exception_symbol
        if isinstance(base, Licence) and _is_exception(exception):
            return Licence(base.id, str(exception.key))
        return UnknownLicence(f"{parsed.license_symbol.key} WITH {exception.key}")
    if isinstance(parsed, _library().LicenseSymbol):
        return _symbol(parsed)
    kind = AnyOf if parsed.operator.strip() == "OR" else AllOf
    parts: dict[LicenceExpression, None] = {}
    for argument in parsed.args:
        value = _value(argument)
        parts.update(dict.fromkeys(value.parts if isinstance(value, kind) else (value,)))
    return kind(tuple(parts)) if len(parts) > 1 else next(iter(parts))


def _symbol(symbol: Any) -> LicenceExpression:
    key = str(symbol.key)
    if key.casefold().startswith(_REFERENCES):
        return Licence(key)
    once = _once_listed(key)
    if once is not None:
        return once
    if key in _licensing().known_symbols:
        # An exception without a licence permits nothing by itself.
        return UnknownLicence(key) if symbol.is_exception else Licence(key)
    alias = ALIASES.get(key.casefold())
    if alias is not None:
        return Licence(alias)
    if key.endswith("+"):
        base = _symbol(_library().LicenseSymbol(key[:-1]))
        if isinstance(base, Licence):
            return Licence(f"{base.id.removesuffix('+')}+")
    spelled = _by_folded_key().get(key.casefold())
    if spelled is not None:
        return Licence(spelled)
    # What stands for nothing beside something else still says that a part is not known.
    return UnknownLicence(key)


@cache
def _by_folded_key() -> Mapping[str, str]:
    return {
        key.casefold(): key for key, symbol in _licensing().known_symbols.items() if not symbol.is_exception
    }


def _slashed(text: str) -> LicenceExpression | None:
    """``MIT/Apache-2.0``: Cargo's old way to write OR."""
    if "/" not in text or "//" in text:
        return None
    parts = dict.fromkeys(_known(part.strip(" ()")) for part in text.split("/"))
    if None in parts:
        return None
    return AnyOf(tuple(part for part in parts if part)) if len(parts) > 1 else next(iter(parts))


def _listed(text: str) -> LicenceExpression | None:
    """``MIT BSD``, ``AFL-2.1,BSD``: a list of names, as old package tools write it; all bind."""
    words = text.replace(",", " ").replace(";", " ").split()
    parts = [_known(word) for word in words]
    if len(parts) < 2 or None in parts:
        return None
    return together(parts)


def _known(name: str) -> LicenceExpression | None:
    alias = ALIASES.get(name.casefold())
    if alias is not None:
        return Licence(alias)
    once = _once_listed(name)
    if once is not None:
        return once
    spelled = _by_folded_key().get(name.casefold())
    return None if spelled is None else Licence(spelled)


def _once_listed(name: str) -> Licence | None:
    """A deprecated identifier that the library takes for an exception, or one that only sounds like one."""
    folded = name.casefold()
    if folded in WITH_EXCEPTION:
        return Licence(*WITH_EXCEPTION[folded])
    return Licence(STANDING_ALONE[folded]) if folded in STANDING_ALONE else None


def _is_exception(symbol: Any) -> bool:
    """On the list, or an ``AdditionRef-`` of one's own (SPDX 3.0)."""
    return bool(symbol.is_exception) or _ADDITION.match(str(symbol.key)) is not None


def _at_address(text: str) -> LicenceExpression | None:
    """The licence of a well-known page about it: ``https://opensource.org/licenses/MIT``."""
    page = _PAGE_ENDING.sub("", text.partition("://")[2].removeprefix("www.")).rstrip("/")
    known = PAGES.get(page.casefold())
    if known is not None:
        return Licence(known)
    for address in ADDRESSES:
        if page.casefold().startswith(address):
            return _known(page[len(address) :])
    return None
