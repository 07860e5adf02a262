"""Signers, identities, key windows and trust roots of the policy file."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from gatekeeper.config.policy import read_policy
from gatekeeper.core.errors import ConfigurationError
from gatekeeper.core.identity import Identity
from gatekeeper.core.patterns import Pattern, PatternKind
from gatekeeper.core.policy import Policy
from gatekeeper.core.trust import WhenStale
from gatekeeper.signatures.trust_store import KeptRoot, keep
from tests.unit.config.test_load_policy import KEY

ROOT = (
    Path(__file__).parents[2]
    / "fixtures"
    / "signed_by_real_tools"
    / "trust"
    / "sigstore"
    / "trusted_root.json"
).read_bytes()
REST = """
[policies.p]
rules = ["signature-missing"]
[[scopes]]
name = "all"
repositories = ["**"]
policy = "p"
"""
SIGNER = '[signers.r]\nkeys = [{ file = "release.pub" }]\n'
PLAIN = '[trust_roots.private]\nfile = "root.json"\n'


def load(tmp_path: Path, text: str, environment: dict[str, str] | None = None) -> tuple[Policy, list[str]]:
    path = tmp_path / "policy.toml"
    path.write_text(text + REST)
    (tmp_path / "release.pub").write_text(KEY)
    (tmp_path / "root.json").write_bytes(ROOT)
    read = read_policy(path, environment=environment or {})
    return read.policy, [warning.replace(f"{path}:", "") for warning in read.warnings]


def problems(tmp_path: Path, text: str) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path, text)
    return [problem.replace(f"{tmp_path}/policy.toml:", "") for problem in caught.value.problems]


def test_a_key_has_its_window(tmp_path: Path) -> None:
    policy, _ = load(
        tmp_path,
        """[[signers.release.keys]]
file = "release.pub"
not_before = 2026-01-01
not_after = "2026-12-31T23:59:59Z"
retired_at = 2026-06-01T02:00:00+02:00
compromised_at = 2026-07-01
""",
    )
    (key,) = policy.signers["release"].keys
    assert (key.not_before, key.not_after) == (
        datetime(2026, 1, 1, tzinfo=UTC),
        datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC),
    )
    assert (key.retired_at, key.compromised_at) == (
        datetime(2026, 6, 1, tzinfo=UTC),
        datetime(2026, 7, 1, tzinfo=UTC),
    )


def test_a_window_changes_the_revision_and_not_the_trust_material(tmp_path: Path) -> None:
    plain, _ = load(tmp_path, '[signers.r]\nkeys = [{ file = "release.pub" }]\n')
    retired, _ = load(tmp_path, '[signers.r]\nkeys = [{ file = "release.pub", retired_at = 2026-01-01 }]\n')
    assert plain.revision != retired.revision
    assert plain.trust.digest == retired.trust.digest


def test_an_identity_arrives_with_its_patterns(tmp_path: Path) -> None:
    policy, warnings = load(
        tmp_path,
        PLAIN
        + """[[signers.ci.identities]]
identity = { glob = "https://github.com/org/**" }
issuer = "https://issuer.test"
source_repository_ref = { regexp = "refs/tags/v[0-9]+" }
""",
    )
    assert policy.signers["ci"].identities == (
        Identity(
            "private",
            Pattern(PatternKind.GLOB, "https://github.com/org/**"),
            Pattern(PatternKind.EXACT, "https://issuer.test"),
            {"source_repository_ref": Pattern(PatternKind.REGEXP, "refs/tags/v[0-9]+")},
        ),
    )
    assert [root.name for root in policy.trust.roots] == ["private"]
    assert policy.trust.roots[0].content == ROOT
    assert warnings == []


_ONE = 'identity = "a@b.test", issuer = "https://issuer.test"'


_PROBLEMS = [
    (
        PLAIN + f'[signers.ci]\nidentities = [{{ {_ONE}, source_repository_reff = "x" }}]\n',
        (
            "4:72: signers.ci.identities[0].source_repository_reff: is not a key that is known here; did you mean "
            "'source_repository_ref'?"
        ),
    ),
    (
        PLAIN + '[signers.ci]\nidentities = [{ identity = "a" }]\n',
        "4:15: signers.ci.identities[0].issuer: is missing; add it",
    ),
    (
        PLAIN + '[signers.ci]\nidentities = [{ identity = { regexp = "(a+)+" }, issuer = "i" }]\n',
        (
            "4:17: signers.ci.identities[0].identity: the regular expression repeats without bound what repeats "
            "without bound itself: many tools take exponential time for it; write it without the inner or the outer "
            "repetition, at character 1"
        ),
    ),
    (
        PLAIN + '[signers.ci]\nidentities = [{ identity = { regexp = "(a)\\\\1" }, issuer = "i" }]\n',
        (
            "4:17: signers.ci.identities[0].identity: the regular expression has a back reference, which takes no "
            "linear time, at character 6"
        ),
    ),
    (
        PLAIN + '[signers.ci]\nidentities = [{ identity = { glob = "a", exact = "b" }, issuer = "i" }]\n',
        "4:17: signers.ci.identities[0].identity: needs exactly one of exact, glob and regexp",
    ),
    (
        PLAIN + "[signers.ci]\nidentities = []\n",
        "3:2: signers.ci: needs keys, identities or notation: a signer without any never signs",
    ),
    (
        f"[signers.ci]\nidentities = [{{ {_ONE} }}]\n",
        "2:15: signers.ci.identities[0].trust_root: is missing, and there is none; add [trust_roots.NAME]",
    ),
    (
        PLAIN + f'[signers.ci]\nidentities = [{{ {_ONE}, trust_root = "privat" }}]\n',
        "4:72: signers.ci.identities[0].trust_root: there is no trust root 'privat'; did you mean 'private'?",
    ),
    (
        PLAIN + '[trust_roots.other]\nfile = "root.json"\n' + f"[signers.ci]\nidentities = [{{ {_ONE} }}]\n",
        "6:15: signers.ci.identities[0].trust_root: is missing, and there are several; known: other, private",
    ),
    (
        '[signers.r]\nkeys = [{ file = "release.pub", not_before = 2026-02-01, not_after = 2026-01-01 }]\n',
        "2:9: signers.r.keys[0]: not_before is not earlier than not_after: no signature would ever count",
    ),
    (
        '[signers.r]\nkeys = [{ file = "release.pub", retired_at = 2026-01-01T10:00:00 }]\n',
        "2:33: signers.r.keys[0].retired_at: has no zone; write for example 2026-12-31T23:59:59Z",
    ),
    (
        '[signers.r]\nkeys = [{ file = "release.pub", retired_at = "soon" }]\n',
        "2:33: signers.r.keys[0].retired_at: is no moment; write for example 2026-12-31T23:59:59Z or 2026-12-31",
    ),
    (
        '[trust_roots.x]\nfile = "release.pub"\n[signers.r]\nkeys = [{ file = "release.pub" }]\n',
        "2:1: trust_roots.x.file: ",
    ),
    (
        '[trust_roots.x]\n[signers.r]\nkeys = [{ file = "release.pub" }]\n',
        "1:2: trust_roots.x: needs exactly one of file, inline, env and directory",
    ),
]


@pytest.mark.parametrize(("text", "problem"), _PROBLEMS)
def test_every_problem_is_told_where_it_is(tmp_path: Path, text: str, problem: str) -> None:
    (found,) = problems(tmp_path, text)
    assert found.startswith(problem)


def test_a_pattern_that_means_everybody_is_warned_of(tmp_path: Path) -> None:
    _, warnings = load(
        tmp_path,
        PLAIN + '[signers.ci]\nidentities = [{ identity = { regexp = ".*" }, issuer = { glob = "**" } }]\n',
    )
    assert warnings == [
        "4:17: signers.ci.identities[0].identity: matches everybody; name whom you trust",
        "4:47: signers.ci.identities[0].issuer: matches everybody; name whom you trust",
    ]


DIRECTORY = '[trust_roots.public-good]\ndirectory = "trust"\nwhen_stale = "indeterminate"\n'
ENDS = datetime(2026, 12, 1, tzinfo=UTC)


def _kept(tmp_path: Path) -> Path:
    began = datetime(2026, 11, 1, tzinfo=UTC)
    keep(tmp_path / "trust", KeptRoot("public-good", ROOT, "https://tuf.example", "13", began, ENDS))
    (file,) = (tmp_path / "trust").glob("*.json")
    return file


def test_a_root_that_trust_update_keeps(tmp_path: Path) -> None:
    _kept(tmp_path)
    policy, _ = load(tmp_path, DIRECTORY + SIGNER)
    (root,) = policy.trust.roots
    assert (root.content, root.version, root.when_stale) == (ROOT, "13", WhenStale.INDETERMINATE)
    assert root.expires_at == ENDS


def test_what_the_policy_says_ends_a_kept_root_earlier(tmp_path: Path) -> None:
    _kept(tmp_path)
    for written, expected in (("2026-11-15", datetime(2026, 11, 15, tzinfo=UTC)), ("2027-01-01", ENDS)):
        policy, _ = load(tmp_path, f"{DIRECTORY}expires_at = {written}\n{SIGNER}")
        assert policy.trust.roots[0].expires_at == expected


def test_a_root_that_was_not_fetched_yet(tmp_path: Path) -> None:
    (found,) = problems(tmp_path, DIRECTORY + SIGNER)
    assert "gatekeeper trust update public-good" in found
    assert "gatekeeper trust import FILE --name public-good" in found


def test_a_planted_root_is_not_believed(tmp_path: Path) -> None:
    _kept(tmp_path).write_bytes(ROOT + b"\n")
    (found,) = problems(tmp_path, DIRECTORY + SIGNER)
    assert "is not what was imported" in found


def test_a_root_from_the_environment(tmp_path: Path) -> None:
    text = '[trust_roots.x]\nenv = "ROOT"\ntransparency_log = false\n' + SIGNER
    policy, _ = load(tmp_path, text, {"ROOT": ROOT.decode()})
    assert not policy.trust.roots[0].transparency_log
    with_log, _ = load(tmp_path, text.replace("false", "true"), {"ROOT": ROOT.decode()})
    assert with_log.trust.digest != policy.trust.digest
