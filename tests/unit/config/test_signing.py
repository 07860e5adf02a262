"""``[signing]``: off until it is written, and told at the start when its key cannot be used."""

from __future__ import annotations

from pathlib import Path

import pytest

from gatekeeper.config.load import load_settings
from gatekeeper.config.settings import KeylessSettings, KeySettings
from gatekeeper.core.attesting import AttachForm
from gatekeeper.core.errors import ConfigurationError
from gatekeeper.core.verification_summary import UNEVALUATED
from gatekeeper.signatures.signing import SigningKey
from gatekeeper.wiring import attesting_of

KEY, OLD = SigningKey.generate("vsa.key"), SigningKey.generate("old.pub")
URI = 'verifier_id = "https://gatekeeper.example.com"\n'


def written(folder: Path, text: str) -> Path:
    for name, content in (
        ("vsa.key", KEY.to_pem()), ("locked.key", KEY.to_pem(password=b"sesame")),
        ("cosign.key", KEY.to_sealed_pem(b"sesame")), ("old.pub", OLD.public.spki_pem.encode()),
        ("trust.json", b"{}"), ("token", b"jwt"),
    ):  # fmt: skip
        (folder / name).write_bytes(content)
        (folder / name).chmod(0o600)
    path = folder / "config.toml"
    path.write_text(text)
    return path


def problems(folder: Path, text: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load_settings(written(folder, text), {})
    return caught.value.message


def test_without_it_nothing_is_attached(tmp_path: Path) -> None:
    settings = load_settings(written(tmp_path, ""), {})
    assert settings.signing is None
    assert attesting_of(settings) is None


@pytest.mark.parametrize(
    "key",
    [
        'key = { file = "vsa.key" }',
        'key = { file = "locked.key" }\npassword = { env = "VSA" }',
        'key = { file = "cosign.key" }\npassword = { env = "VSA" }',
        'key = { env = "KEY" }',
        'key = { command = ["cat", "KEYFILE"] }',
    ],
)
def test_a_key_by_any_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setenv("VSA", "sesame")
    monkeypatch.setenv("KEY", KEY.to_pem().decode())
    text = (
        f"[signing]\n{URI}{key.replace('KEYFILE', str(tmp_path / 'vsa.key'))}\nretired_keys = ['old.pub']\n"
    )
    settings = load_settings(written(tmp_path, text), {})
    assert settings.signing is not None
    assert isinstance(settings.signing.by, KeySettings)
    terms = settings.signing.terms
    assert (terms.policy, terms.levels) == ("https://gatekeeper.example.com/policy", (UNEVALUATED,))
    assert (terms.failed, terms.unsigned, terms.keep, terms.per_hour) == (False, AttachForm.NONE, 0, 600)
    attesting = attesting_of(settings)
    assert attesting is not None
    assert [key.id for key in attesting.signer.public_keys()] == [KEY.public.id, OLD.public.id]
    assert attesting.signer.current() == next(iter(attesting.signer.public_keys()))


def test_keyless(tmp_path: Path) -> None:
    text = f"""[signing]
{URI}[signing.keyless]
trust_config = "trust.json"
identity_token = {{ file = "token" }}
identity = "system:serviceaccount:gatekeeper"
issuer = "https://kubernetes.default.svc"
"""
    settings = load_settings(written(tmp_path, text), {})
    assert settings.signing is not None
    assert isinstance(settings.signing.by, KeylessSettings)
    assert settings.signing.by.identity_token() == "jwt"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "verifier_id: is missing"),
        (URI, "needs exactly one of key and keyless"),
        (f'{URI}key = {{ file = "vsa.key" }}\nkeyless = {{}}', "signing.keyless"),
        ('verifier_id = "me"\nkey = { file = "vsa.key" }', "must be a URI"),
        (f'{URI}key = "-----BEGIN"', "secrets are not written"),
        (f'{URI}key = {{ file = "nowhere.key" }}', "cannot be read"),
        (f'{URI}key = {{ file = "old.pub" }}', "cannot be read as PKCS#8"),
        (f'{URI}key = {{ file = "locked.key" }}', "is encrypted; give its password"),
        (f'{URI}key = {{ file = "vsa.key" }}\nretired_keys = ["vsa.key"]', "holds a private key"),
        (f'{URI}key = {{ file = "vsa.key" }}\nretired_keys = ["nowhere"]', "there is no file"),
        (f'{URI}key = {{ file = "vsa.key" }}\nunsigned = "tag"', "unsigned"),
        (f'{URI}key = {{ file = "vsa.key" }}\nper_hours = 3', "did you mean"),
        (f'{URI}key = {{ file = "vsa.key" }}\nlevels = []', "must not be empty"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    told = problems(tmp_path, f"[signing]\n{text}\n")
    assert said in told
    assert "config.toml:" in told
    assert "PRIVATE" not in told
