"""``policy.toml`` -> Policy."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

from gatekeeper.config.policy_models import (
    DefaultsModel,
    PolicyModel,
    RuleSetModel,
    ScopeModel,
)
from gatekeeper.config.problems import Location, ProblemList, did_you_mean
from gatekeeper.config.reading import read_model
from gatekeeper.config.rules import needs_signers, read_rule
from gatekeeper.config.scopes import assemble_scope, scope_warnings
from gatekeeper.config.source import TomlSource
from gatekeeper.config.trust import TrustReader
from gatekeeper.core.policy import Policy, RuleSet, Scope
from gatekeeper.core.verdict import Level

Entry = TypeVar("Entry", bound=BaseModel)
MAX_KEY_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class ReadPolicy:
    """A policy that can be used, and what a person should still look at (``file:line:column: key: text``)."""

    policy: Policy
    warnings: tuple[str, ...]


def load_policy(path: Path, base: Path | None = None) -> Policy:
    """The policy of a file; ``base`` is where relative key files start (default: the policy's directory).

    Raises ConfigurationError with every problem at once.
    """
    return read_policy(path, base).policy


def read_policy(
    path: Path, base: Path | None = None, environment: Mapping[str, str] | None = None
) -> ReadPolicy:
    """Like ``load_policy``, with warnings."""
    source = TomlSource.read(path)
    reader = _PolicyReader(
        source, base or path.absolute().parent, os.environ if environment is None else environment
    )
    policy = reader.read()
    reader.problems.raise_if_any()
    return ReadPolicy(policy, tuple(str(warning) for warning in sorted(reader.warnings.items)))


class _PolicyReader:
    def __init__(self, source: TomlSource, base: Path, environment: Mapping[str, str]) -> None:
        self.source = source
        self.base = base
        self.environment = environment
        self.problems = ProblemList()
        self.warnings = ProblemList()

    def read(self) -> Policy:
        """The policy; only to be used when no problem was added."""
        content = self.source.content
        rest = {
            key: value
            for key, value in content.items()
            if key not in ("signers", "trust_roots", "notation", "policies", "scopes", "defaults")
        }
        read_model(PolicyModel, rest, self.source, self.problems)
        defaults = self.entry(DefaultsModel, content.get("defaults", {}), ("defaults",)) or DefaultsModel()
        trust = TrustReader(self.source, self.problems, self.warnings, self.base, self.environment)
        roots = trust.trust_roots(content.get("trust_roots", {}))
        notation = trust.notation(content.get("notation", {}))
        signers = trust.signers(
            content.get("signers", {}), _names(content.get("trust_roots")), _names(content.get("notation"))
        )
        rule_sets = self.rule_sets(content.get("policies", {}))
        self.check_signers(rule_sets)
        scopes = self.scopes(content.get("scopes", []), defaults)
        self.check_scopes(scopes)
        return Policy(signers, rule_sets, tuple(scope for _, scope in scopes), roots, notation)

    def wrong(self, at: Location, text: str) -> None:
        """One more problem."""
        self.problems.add(self.source.problem(at, text))

    def warn(self, at: Location, text: str) -> None:
        """One more warning."""
        self.warnings.add(self.source.problem(at, text))

    def entry(self, model: type[Entry], content: Any, at: Location) -> Entry | None:
        """One table."""
        return read_model(model, content, self.source, self.problems, at=at)

    def named(self, model: type[Entry], content: Any, section: str) -> dict[str, Entry]:
        """``[section.NAME]`` tables."""
        if not isinstance(content, dict):
            self.wrong((section,), f"must be tables: [{section}.NAME]")
            return {}
        found = {name: self.entry(model, table, (section, name)) for name, table in content.items()}
        return {name: entry for name, entry in found.items() if entry is not None}

    def rule_sets(self, content: Any) -> dict[str, RuleSet]:
        """Policies with their rules; one without a rule that is on is refused (law 3)."""
        found = {}
        for name, model in self.named(RuleSetModel, content, "policies").items():
            at: Location = ("policies", name, "rules")
            before = len(self.problems.items)
            rules = [
                read_rule(entry, self.source, self.problems, (*at, position))
                for position, entry in enumerate(model.rules)
            ]
            found[name] = RuleSet(name, tuple(rule for rule in rules if rule is not None))
            if len(self.problems.items) == before and all(
                rule.level is Level.OFF for rule in found[name].rules
            ):
                self.wrong(at, "has no rule that is on: with nothing to check nothing may pass; add a rule")
        return found

    def check_signers(self, rule_sets: Mapping[str, RuleSet]) -> None:
        """Every signer that a rule names exists; signers that nobody names are warned of."""
        written = self.source.content.get("signers", {})
        known = set(written) if isinstance(written, dict) else set()
        used: set[str] = set()
        for name in rule_sets:
            for position, entry in enumerate(self.source.content["policies"][name]["rules"]):
                at: Location = ("policies", name, "rules", position)
                table = entry if isinstance(entry, dict) else {"rule": entry}
                names = table.get("signers") or ()
                for key, number, signer in _signers_named(table):
                    used.add(signer)
                    if signer not in known:
                        text = f"there is no signer '{signer}'{did_you_mean(signer, known)}"
                        self.wrong((*at, key, number), text)
                if not names and needs_signers(table):
                    used |= known
                    if not known:
                        text = "needs a signer, and the policy has none; add [signers.NAME] with keys or identities"
                        self.wrong(at, text)
        for signer in sorted(known - used):
            self.warn(("signers", signer), "no rule names this signer")

    def scopes(self, content: Any, defaults: DefaultsModel) -> list[tuple[Location, Scope]]:
        """Scopes in the order of the file."""
        if not isinstance(content, list):
            self.wrong(("scopes",), "must be tables: [[scopes]]")
            return []
        if not content:
            self.wrong(("scopes",), "there is no scope: nothing would be judged; add a [[scopes]] table")
        found = []
        for position, table in enumerate(content):
            at: Location = ("scopes", position)
            model = self.entry(ScopeModel, table, at)
            if model is not None:
                found.append((at, assemble_scope(model, defaults, at, self.wrong)))
        return found

    def check_scopes(self, scopes: list[tuple[Location, Scope]]) -> None:
        """Names, policies, scopes that can never match."""
        written = self.source.content.get("policies", {})
        policies = set(written) if isinstance(written, dict) else set()
        names: set[str] = set()
        for at, scope in scopes:
            if scope.name in names:
                self.wrong((*at, "name"), f"there is another scope '{scope.name}'; names are unique")
            names.add(scope.name)
            if scope.policy not in policies:
                self.wrong(
                    (*at, "policy"),
                    f"there is no policy '{scope.policy}'{did_you_mean(scope.policy, policies)}",
                )
        for name in sorted(policies - {scope.policy for _, scope in scopes}):
            self.warn(("policies", name), "no scope uses this policy")
        for location, text in scope_warnings(scopes):
            self.warn(location, text)


def _names(tables: Any) -> frozenset[str]:
    return frozenset(tables) if isinstance(tables, dict) else frozenset()


def _signers_named(table: Mapping[str, Any]) -> Iterator[tuple[str, int, str]]:
    """(parameter, position, signer) of every signer that a rule names; VEX may be narrowed: ``SIGNER=pkg:type``."""
    for key in ("signers", "vex"):
        names = table.get(key)
        for number, written in enumerate(names if isinstance(names, list) else ()):
            if isinstance(written, str):
                yield key, number, written.partition("=")[0] if key == "vex" else written
