"""``[notation.NAME]`` and the signers that name it; ``[revocation]``."""

from __future__ import annotations

from pathlib import Path

import pytest

from gatekeeper.config.load import load_settings
from gatekeeper.config.policy import load_policy
from gatekeeper.core.errors import ConfigurationError
from gatekeeper.signatures.notation.settings import RevocationSettings
from tests.fakes import notary

_RULES = """
[policies.p]
rules = ["signature-missing"]
[[scopes]]
name = "s"
repositories = ["**"]
policy = "p"
"""
_SITE = '[notation.site]\ntrust_policy = "trustpolicy.json"\ntrust_store = "truststore"\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "trustpolicy.json").write_bytes(notary.document())
    store = tmp_path / "truststore" / "x509" / "ca" / "acme"
    store.mkdir(parents=True)
    (store / "root.der").write_bytes(notary.ROOT.der)
    return tmp_path


def _policy(folder: Path, text: str) -> Path:
    path = folder / "policy.toml"
    path.write_text("version = 1\n" + text + _RULES)
    return path


def _problems(folder: Path, text: str) -> tuple[str, ...]:
    with pytest.raises(ConfigurationError) as raised:
        load_policy(_policy(folder, text))
    return tuple(problem.replace(str(folder), "DIR") for problem in raised.value.problems)


def test_trust_policies_are_read_beside_the_policy(folder: Path) -> None:
    policy = load_policy(_policy(folder, _SITE + '[signers.team]\nnotation = ["site"]\n'))
    (trust,) = policy.notation
    assert (trust.name, trust.source, len(trust.files)) == ("site", "trustpolicy.json", 1)
    assert trust.document == notary.document()
    assert policy.signers["team"].notation == ("site",)
    assert policy.trust.notation == policy.notation


def test_another_trust_policy_or_certificate_is_another_revision(folder: Path) -> None:
    path = _policy(folder, _SITE + '[signers.team]\nnotation = ["site"]\n')
    first = load_policy(path).revision
    (folder / "truststore" / "x509" / "ca" / "acme" / "b.der").write_bytes(notary.ISSUING.der)
    second = load_policy(path).revision
    (folder / "trustpolicy.json").write_bytes(notary.document(notary.statement(name="b")))
    assert len({first, second, load_policy(path).revision}) == 3


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[notation]\nsite = 7\n", "notation.site: must be a table"),
        ('[notation.site]\ntrust_policy = "x"\n', "notation.site.trust_store: is missing"),
        (_SITE + '[signers.team]\nnotation = ["sit"]\n', "there is no trust policy 'sit' below [notation]"),
        (_SITE + "[signers.team]\n", "needs keys, identities or notation"),
        (
            _SITE.replace("trustpolicy.json", "gone.json"),
            "notation.site.trust_policy: DIR/gone.json: the trust policy cannot be read",
        ),
        (
            _SITE.replace('"truststore"', '"gone"'),
            "notation.site.trust_store: DIR/gone/x509/ca/acme: there is no such folder",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_place(folder: Path, text: str, problem: str) -> None:
    assert any(problem in said for said in _problems(folder, text)), _problems(folder, text)


def test_what_is_wrong_in_a_trust_policy_is_told_with_its_own_place(folder: Path) -> None:
    (folder / "trustpolicy.json").write_bytes(notary.document(notary.statement(registryScopes=[])))
    (problem,) = _problems(folder, _SITE + '[signers.team]\nnotation = ["site"]\n')
    assert problem.endswith(
        "notation.site.trust_policy: DIR/trustpolicy.json: trustPolicies[0].registryScopes: there is none; name "
        "repositories, or * for every one"
    )


def _settings(folder: Path, text: str) -> RevocationSettings:
    path = folder / "config.toml"
    path.write_text(f'policy = "policy.toml"\n{text}')
    return load_settings(path, {}).revocation


def test_revocation_is_asked_nowhere_by_default(folder: Path) -> None:
    assert _settings(folder, "") == RevocationSettings()


def test_revocation_names_a_folder_and_hosts(folder: Path) -> None:
    text = '[revocation]\nfolder = "truststore"\nhosts = ["crl.test", "ocsp.test:8080", "[::1]:80"]\n'
    assert _settings(folder, text) == RevocationSettings(
        folder / "truststore", ("crl.test", "ocsp.test:8080", "[::1]:80")
    )


@pytest.mark.parametrize("host", ["http://crl.test", "crl.test/ca", "*", "crl test", ""])
def test_a_host_is_a_host(folder: Path, host: str) -> None:
    with pytest.raises(ConfigurationError, match=r"revocation\.hosts"):
        _settings(folder, f'[revocation]\nhosts = ["{host}"]\n')


def test_a_folder_that_is_not_there(folder: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"revocation\.folder: there is no folder"):
        _settings(folder, '[revocation]\nfolder = "gone"\n')
