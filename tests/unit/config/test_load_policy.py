from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from gatekeeper.config.policy import load_policy, read_policy
from gatekeeper.core.errors import ConfigurationError
from gatekeeper.core.policy import Action, Mode
from gatekeeper.core.rules.image_too_old import ImageTooOld
from gatekeeper.core.rules.signature_missing import SignatureMissing
from gatekeeper.core.rules.user_root import UserRoot
from gatekeeper.core.verdict import Level

KEY = """-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEaxfR8uEsQkf4vOblY6RA8ncDfYEt
6zOg9KE5RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9Q==
-----END PUBLIC KEY-----
"""
SCOPE = '[[scopes]]\nname = "all"\nrepositories = ["**"]\npolicy = "p"\n'


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "policy.toml"
    path.write_text(text)
    (tmp_path / "release.pub").write_text(KEY)
    return path


def problems(tmp_path: Path, text: str) -> list[str]:
    path = write(tmp_path, text)
    with pytest.raises(ConfigurationError) as caught:
        load_policy(path)
    return [problem.replace(f"{path}:", "") for problem in caught.value.problems]


def warnings(tmp_path: Path, text: str) -> list[str]:
    path = write(tmp_path, text)
    return [warning.replace(f"{path}:", "") for warning in read_policy(path).warnings]


def test_a_whole_policy_arrives_as_core_values(tmp_path: Path) -> None:
    policy = load_policy(
        write(
            tmp_path,
            """\
[defaults]
mode = "propose"
settle = "5m"
protected_tags = ["stable"]
[signers.release]
keys = [{ file = "release.pub" }]
[policies.p]
rules = [
  "user-root",
  { rule = "image-too-old", max_age = "30d", level = "warn" },
  { rule = "signature-missing", signers = ["release"] },
]
[[scopes]]
name = "prod"
repositories = ["reg.example.com/prod/**"]
policy = "p"
action = "rollback"
protected_tags = ["v1"]
[[scopes]]
name = "rest"
repositories = ["**"]
policy = "p"
mode = "observe"
""",
        )
    )
    assert policy.rule_sets["p"].rules == (
        UserRoot(),
        ImageTooOld(level=Level.WARN, max_age=timedelta(days=30)),
        SignatureMissing(signers=("release",)),
    )
    assert len(policy.signers["release"].keys) == 1
    prod, rest = policy.scopes
    assert (prod.mode, prod.action, prod.settle, prod.anchors) == (
        Mode.PROPOSE,
        Action.ROLLBACK,
        timedelta(minutes=5),
        3,
    )
    assert prod.protected_tags == ("stable", "v1"), "the protected globs of the defaults always hold too"
    assert (rest.mode, rest.action, rest.anchors) == (Mode.OBSERVE, Action.REPORT, 0)
    assert rest.protected_tags == ("stable",)


def test_a_scope_that_says_nothing_observes_and_reports(tmp_path: Path) -> None:
    scope = load_policy(write(tmp_path, f'[policies.p]\nrules = ["user-root"]\n{SCOPE}')).scopes[0]
    assert (scope.mode, scope.action, scope.empty_tags) == (Mode.OBSERVE, Action.REPORT, False)


def test_keys_come_from_file_inline_and_environment(tmp_path: Path) -> None:
    text = f"""\
[signers.a]
keys = [{{ file = "release.pub" }}]
[signers.b]
keys = [{{ inline = '''
{KEY}''' }}]
[signers.c]
keys = [{{ env = "PUBLIC_KEY" }}]
[policies.p]
rules = ["signature-missing"]
{SCOPE}"""
    read = read_policy(write(tmp_path, text), environment={"PUBLIC_KEY": KEY})
    assert len({signer.keys[0].id for signer in read.policy.signers.values()}) == 1
    assert [signer.keys[0].key.source for signer in read.policy.signers.values()] == [
        "release.pub",
        "inline",
        "env PUBLIC_KEY",
    ]
    assert read.warnings == ()


def test_the_place_of_a_checkout_does_not_change_the_revision(tmp_path: Path) -> None:
    text = f'[signers.a]\nkeys = [{{ file = "release.pub" }}]\n[policies.p]\nrules = ["signature-missing"]\n{SCOPE}'
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    revisions = {load_policy(write(tmp_path / place, text)).revision for place in ("one", "two")}
    assert len(revisions) == 1


def test_every_problem_is_told_at_once_with_its_place(tmp_path: Path) -> None:
    text = """\
versions = 1
[defaults]
mode = "enforced"
[signers.release]
keys = [{ file = "nowhere.pub" }, { inline = "no key" }, { file = "a", env = "b" }]
[signers.empty]
keys = []
[policies.p]
rules = [
  "user-rot",
  { rule = "image-too-old", maxage = "3d" },
  { level = "fail" },
  { rule = "signature-missing", signers = ["releese"], threshold = "2" },
  5,
]
[policies.nothing]
rules = []
[policies.silent]
rules = [{ rule = "user-root", level = "off" }]
[[scopes]]
name = "a"
repositories = ["https://reg.example.com/x"]
policy = "q"
platforms = ["amd64"]
quarantine_repository = "quarantine"
[[scopes]]
name = "a"
repositories = []
[[scopes]]
name = "a"
repositories = ["reg.example.com/Prod/**", "prod/*"]
policy = "silent"
tags = ["a:b"]
"""
    assert problems(tmp_path, text) == [
        "1:1: versions: is not a key that is known here; did you mean 'version'?",
        "3:1: defaults.mode: must be 'observe', 'propose' or 'enforce'; did you mean 'enforce'?",
        f"5:11: signers.release.keys[0].file: {tmp_path}/nowhere.pub cannot be read: No such file or directory",
        "5:35: signers.release.keys[1]: public key inline: there is no PEM block; it must begin with -----BEGIN PUBLIC KEY-----",  # noqa: E501
        "5:58: signers.release.keys[2]: needs exactly one of file, inline and env",
        "6:2: signers.empty: needs keys, identities or notation: a signer without any never signs",
        "10:3: policies.p.rules[0]: there is no rule 'user-rot'; did you mean 'user-root'?",
        "11:29: policies.p.rules[1].maxage: is not a key that is known here; did you mean 'max_age'?",
        "12:3: policies.p.rules[2].rule: is missing; a rule begins with its name: rule = 'user-root'",
        "13:44: policies.p.rules[3].signers[0]: there is no signer 'releese'; did you mean 'release'?",
        "13:56: policies.p.rules[3].threshold: must be a whole number, without quotes",
        "14:3: policies.p.rules[4]: must be a rule's name in quotes, or a table { rule = ... }",
        "17:1: policies.nothing.rules: has no rule that is on: with nothing to check nothing may pass; add a rule",
        "19:1: policies.silent.rules: has no rule that is on: with nothing to check nothing may pass; add a rule",
        "22:17: scopes[0].repositories[0]: has a scheme; write 'reg.example.com/x'",
        "23:1: scopes[0].policy: there is no policy 'q'; known: nothing, p, silent",
        "24:14: scopes[0].platforms[0]: must be os/architecture or os/architecture/variant, for example 'linux/amd64'",
        "25:1: scopes[0].quarantine_repository: must contain {repository} exactly once, so that every repository has its own place",  # noqa: E501
        "26:3: scopes[1].policy: is missing; add it",
        "28:1: scopes[1].repositories: must not be empty: an empty list would match nothing",
        "30:1: scopes[2].name: there is another scope 'a'; names are unique",
        "31:17: scopes[2].repositories[0]: has capital letters, which repositories never have; write 'reg.example.com/prod/**'",  # noqa: E501
        "31:44: scopes[2].repositories[1]: begins with the registry: write 'registry.example.com/prod/*', or '*/prod/*' for any registry",  # noqa: E501
        "33:9: scopes[2].tags[0]: has a character that no tag has; globs know only *, ** and ?",
    ]


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ('{ rule = "required-label-missing" }', "labels: must not be empty"),
        ('{ rule = "tag-latest", tags = [] }', "tags: must not be empty"),
        ('{ rule = "signature-missing", threshold = 0 }', "threshold must be at least 1"),
        (
            '{ rule = "signature-missing", signers = ["a"], threshold = 2 }',
            "larger than the number of signers",
        ),
        ('{ rule = "image-too-old", max_age = 30 }', "has no unit"),
        ('{ rule = "user-root", require_numeric = "yes" }', "must be true or false"),
        ('{ rule = "user-root", level = "wran" }', "did you mean 'warn'?"),
        ('{ rule = "sbom-missing", trust = "sined" }', "did you mean 'signed'?"),
    ],
)
def test_a_rule_with_wrong_parameters_is_refused(tmp_path: Path, rule: str, told: str) -> None:
    text = f'[signers.a]\nkeys = [{{ file = "release.pub" }}]\n[policies.p]\nrules = [\n{rule}]\n{SCOPE}'
    found = problems(tmp_path, text)
    assert len(found) == 1
    assert found[0].startswith("5:")
    assert told in found[0]


@pytest.mark.parametrize("rule", ['"signature-missing"', '{ rule = "sbom-missing", trust = "signed" }'])
def test_a_rule_that_believes_signers_needs_one(tmp_path: Path, rule: str) -> None:
    found = problems(tmp_path, f"[policies.p]\nrules = [{rule}]\n{SCOPE}")
    assert "the policy has none" in found[0]


def test_a_policy_without_scopes_is_refused(tmp_path: Path) -> None:
    assert "there is no scope" in problems(tmp_path, '[policies.p]\nrules = ["user-root"]\n')[0]
    assert "there is no scope" in problems(tmp_path, "")[0]


@pytest.mark.parametrize(
    "text",
    [
        "signers = 1",
        "policies = []",
        "scopes = {}",
        "defaults = 1",
        "[policies.p]\nrules = 1",
        "[[scopes]]\nname = 1",
    ],
)
def test_a_section_of_another_shape_is_a_problem_and_no_crash(tmp_path: Path, text: str) -> None:
    assert problems(tmp_path, text)


@pytest.mark.parametrize(
    ("template", "usable"),
    [
        ("quarantine/{repository}", True),
        ("{repository}/quarantine", True),
        ("q-{repository}", True),
        ("quarantine", False),
        ("{repository}", False),
        ("{repository}/{repository}", False),
        ("Quarantine/{repository}", False),
        ("quarantine/{repository}/", False),
        ("quarantine/{repository}{", False),
        ("{repo}/{repository}", False),
        ("../{repository}", False),
    ],
)
def test_a_quarantine_repository_is_a_place_of_its_own(tmp_path: Path, template: str, usable: bool) -> None:
    text = f'[policies.p]\nrules = ["user-root"]\n{SCOPE}quarantine_repository = "{template}"\n'
    if usable:
        assert load_policy(write(tmp_path, text)).scopes[0].quarantine_repository == template
    else:
        assert len(problems(tmp_path, text)) == 1


def test_scopes_that_can_never_match_are_warned_of(tmp_path: Path) -> None:
    text = """\
[policies.p]
rules = ["user-root"]
[policies.unused]
rules = ["user-root"]
[signers.nobody]
keys = [{ file = "release.pub" }]
[[scopes]]
name = "first"
repositories = ["reg.example.com/a/**", "reg.example.com/b/**"]
policy = "p"
[[scopes]]
name = "same"
repositories = ["reg.example.com/b/**"]
policy = "p"
[[scopes]]
name = "overlaps"
repositories = ["reg.example.com/b/**", "reg.example.com/c"]
exclude = ["reg.example.com/c"]
policy = "p"
mode = "enforce"
[[scopes]]
name = "all"
repositories = ["**"]
policy = "p"
[[scopes]]
name = "late"
repositories = ["reg.example.com/quarantine/x", "reg.example.com/apps/**"]
policy = "p"
quarantine_repository = "apps/{repository}"
"""
    told = "\n".join(warnings(tmp_path, text))
    assert "policies.unused: no scope uses this policy" in told
    assert "signers.nobody: no rule names this signer" in told
    assert "13:1: scopes[1].repositories: never matches: scope 'first' before it covers the same" in told
    assert "17:41: scopes[2].repositories[1]: is excluded by this scope itself" in told
    assert "20:1: scopes[2].mode: is enforce, but the action is report: nothing will be done" in told
    assert "scopes[4].repositories: never matches: scope 'all' before it covers the same" in told
    assert "scopes[4].repositories[0]: is a quarantine repository; these are never judged" in told
    assert "scopes[4].repositories[1]: matches only quarantine repositories; these are never judged" in told
    assert len(told.split("\n")) == 8


def test_a_scope_whose_forerunner_excludes_something_may_still_match(tmp_path: Path) -> None:
    text = """\
[policies.p]
rules = ["user-root"]
[[scopes]]
name = "first"
repositories = ["**"]
exclude = ["reg.example.com/x/**"]
policy = "p"
[[scopes]]
name = "second"
repositories = ["reg.example.com/x/**"]
policy = "p"
"""
    assert warnings(tmp_path, text) == []
