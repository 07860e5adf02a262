"""Goldens as values: how ``policy.json``, ``evidence.json``, ``request.json`` and the rules' fixtures are read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, cast

from gatekeeper.core.canonical import from_plain, to_plain
from gatekeeper.core.component import SbomDocument
from gatekeeper.core.decide import decide
from gatekeeper.core.digest import Digest
from gatekeeper.core.evidence import Evidence
from gatekeeper.core.inventory import Inventory
from gatekeeper.core.policy import Policy, RuleSet, Scope, ScopedPolicy
from gatekeeper.core.rules.catalogue import RULES
from gatekeeper.core.rules.rule import Check, Context, Rule
from gatekeeper.core.scan import Scan
from gatekeeper.core.signer import ManagedKey, Signer
from gatekeeper.core.trust import PublicKey
from gatekeeper.core.verdict import Subject, Verdict
from gatekeeper.core.waiver import Waiver

GOLDEN = Path(__file__).parent
DECIDE = GOLDEN / "decide"
RULE_FIXTURES = GOLDEN / "rules"


def load(path: Path) -> dict[str, Any]:
    return cast("dict[str, Any]", json.loads(path.read_text(encoding="utf-8")))


def dump(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8"
    )


def read_rule(entry: Mapping[str, Any]) -> Rule:
    """``{"rule": id, parameter: value, …}`` -> the rule; durations in seconds."""
    parameters = {name: value for name, value in entry.items() if name != "rule"}
    return from_plain(RULES[entry["rule"]], parameters)


def read_signer(name: str, entry: Any) -> Signer:
    """``[key id, …]``, or the members of a Signer -> a signer."""
    if isinstance(entry, list):
        return Signer(name, tuple(ManagedKey(PublicKey(key, "", "golden")) for key in entry))
    return from_plain(Signer, {"name": name, **entry})


def read_policy(content: Mapping[str, Any], subject: Subject) -> ScopedPolicy:
    """``{"scope": {…}, "rules": […], "signers": {name: [key id, …]}}`` -> what binds the subject's repository."""
    scope = {"name": "golden", "repositories": ["**"], "policy": "golden", **content.get("scope", {})}
    policy = Policy(
        signers={name: read_signer(name, entry) for name, entry in content.get("signers", {}).items()},
        rule_sets={"golden": RuleSet("golden", tuple(read_rule(entry) for entry in content["rules"]))},
        scopes=(from_plain(Scope, scope),),
    )
    resolved = policy.resolve(subject.repository)
    assert resolved is not None
    return resolved


def judge(case: Path) -> Verdict:
    """The verdict of one folder of ``tests/golden/decide``."""
    request = load(case / "request.json")
    subject = from_plain(Subject, request["subject"])
    waivers = tuple(from_plain(Waiver, waiver) for waiver in request.get("waivers", []))
    evidence = from_plain(Evidence, load(case / "evidence.json"))
    policy = read_policy(load(case / "policy.json"), subject)
    return decide(policy, subject, evidence, waivers, datetime.fromisoformat(request["now"]))


def cases() -> list[Path]:
    return sorted(path for path in DECIDE.iterdir() if path.is_dir())


def run_fixture(fixture: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What a rule says of its fixture: (result, reason code, node, tag) of every check."""
    rule = read_rule(fixture["rule"])
    context = Context(
        subject=from_plain(Subject, fixture["subject"]),
        evidence=from_plain(Evidence, fixture["evidence"]),
        signers={name: read_signer(name, entry) for name, entry in fixture.get("signers", {}).items()},
        now=datetime.fromisoformat(fixture["now"]),
        scan=from_plain(Scan, fixture.get("scan", {})),
        inventory=Inventory(
            {
                Digest.parse(digest): from_plain(SbomDocument, document)
                for digest, document in fixture.get("documents", {}).items()
            }
        ),
    )
    return [_told(check) for check in rule.check(context)]


def _told(check: Check) -> dict[str, Any]:
    plain = cast("dict[str, Any]", to_plain(check))
    return {
        key: plain[key] for key in ("result", "reason_code", "digest", "platform", "tag", "settles", "basis")
    }
