"""One ``[[scopes]]`` table with the ``[defaults]`` -> a Scope, and scopes that can never match."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from gatekeeper.config.globs import (
    literal,
    platform_trouble,
    quarantine_template_trouble,
    signature_repository_trouble,
    tag_glob_trouble,
)
from gatekeeper.config.policy_models import DefaultsModel, ScopeModel
from gatekeeper.config.problems import Location
from gatekeeper.core.globs import repository_glob_trouble
from gatekeeper.core.policy import Action, Mode, Policy, Scope, matches_any
from gatekeeper.core.reference import Repository

ROLLBACK_ANCHORS = 3
UNITED = ("protected_tags", "protected_repositories")
"""Keys of ``[defaults]`` that a scope adds to instead of replacing."""

_CHECKS: dict[str, Callable[[str], str | None]] = {
    "repositories": repository_glob_trouble,
    "exclude": repository_glob_trouble,
    "protected_repositories": repository_glob_trouble,
    "promote_to": repository_glob_trouble,
    "tags": tag_glob_trouble,
    "exclude_tags": tag_glob_trouble,
    "protected_tags": tag_glob_trouble,
    "platforms": platform_trouble,
    "signature_repositories": signature_repository_trouble,
}


def assemble_scope(
    model: ScopeModel, defaults: DefaultsModel, at: Location, wrong: Callable[[Location, str], None]
) -> Scope:
    """The scope; what is wrong with its values is told to ``wrong`` where they are written."""
    values: dict[str, Any] = {"name": model.name, "repositories": model.repositories, "policy": model.policy}
    for key in DefaultsModel.model_fields:
        own, default = getattr(model, key), getattr(defaults, key)
        if key in UNITED and own is not None and default is not None:
            values[key] = tuple(dict.fromkeys((*default, *own)))
        elif own is not None or default is not None:
            values[key] = default if own is None else own
    if values.get("action") is Action.ROLLBACK:
        values.setdefault("anchors", ROLLBACK_ANCHORS)
    for table, place in ((model, at), (defaults, ("defaults",))):
        for location, text in _troubles(table):
            wrong((*place, *location), text)
    return Scope(**values)


def _troubles(table: DefaultsModel) -> Iterator[tuple[Location, str]]:
    for key, check in _CHECKS.items():
        for position, written in enumerate(getattr(table, key, None) or ()):
            trouble = check(written)
            if trouble is not None:
                yield (key, position), trouble
    if table.quarantine_repository is not None:
        trouble = quarantine_template_trouble(table.quarantine_repository)
        if trouble is not None:
            yield ("quarantine_repository",), trouble


def overshadowed(later: Scope, earlier: Scope) -> bool:
    """True when ``earlier`` covers literally the same globs (or everything), so that ``later`` never decides."""
    if not set(earlier.exclude) <= set(later.exclude):
        return False
    return "**" in earlier.repositories or set(later.repositories) <= set(earlier.repositories)


def scope_warnings(scopes: list[tuple[Location, Scope]]) -> Iterator[tuple[Location, str]]:
    """What a person should look at again: scopes and globs that do nothing."""
    policy = Policy(scopes=tuple(scope for _, scope in scopes))
    for number, (at, scope) in enumerate(scopes):
        for _, earlier in scopes[:number]:
            if overshadowed(scope, earlier):
                yield (
                    (*at, "repositories"),
                    f"never matches: scope '{earlier.name}' before it covers the same",
                )
                break
        if scope.mode is not Mode.OBSERVE and scope.action is Action.REPORT:
            yield (*at, "mode"), f"is {scope.mode}, but the action is report: nothing will be done"
        for position, glob in enumerate(scope.repositories):
            if literal(glob) and matches_any(scope.exclude, glob):
                yield (*at, "repositories", position), "is excluded by this scope itself"
            registry, _, path = _sample(glob).partition("/")
            if path and policy.is_quarantine(Repository(registry, path)):
                what = (
                    "is a quarantine repository" if literal(glob) else "matches only quarantine repositories"
                )
                yield (*at, "repositories", position), f"{what}; these are never judged"


def _sample(glob: str) -> str:
    """A name that the glob matches, and that no pattern fits by chance."""
    return glob.replace("**", "*").replace("*", "zz").replace("?", "z")
