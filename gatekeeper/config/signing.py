"""``[signing]`` -> what is attached, and with what it is signed."""

from __future__ import annotations

import re

from gatekeeper import __version__
from gatekeeper.config.context import Assembly
from gatekeeper.config.settings import KeylessSettings, KeySettings, SigningSettings
from gatekeeper.config.signing_models import KeylessModel, SigningModel
from gatekeeper.core.attesting import AttestingTerms
from gatekeeper.core.errors import GatekeeperError, MalformedError
from gatekeeper.core.trust import PublicKey
from gatekeeper.signatures.keys import MAX_PEM_BYTES, load_public_key
from gatekeeper.signatures.signing import SigningKey

_URI = re.compile(r"[a-z][a-z0-9+.-]*:[^\s]+", re.ASCII)


def assemble_signing(assembly: Assembly, model: SigningModel) -> SigningSettings | None:
    """The settings; None when what signs cannot be used, and a problem was added."""
    for name in ("verifier_id", "policy_uri"):
        written = getattr(model, name)
        if written is not None and not _URI.fullmatch(written):
            assembly.wrong(("signing", name), "must be a URI, for example https://gatekeeper.example.com")
    terms = AttestingTerms(
        verifier=model.verifier_id,
        policy=model.policy_uri or f"{model.verifier_id.rstrip('/')}/policy",
        version=__version__,
        levels=model.levels,
        repositories=model.repositories,
        exclude=model.exclude,
        failed=model.failed,
        unsigned=model.unsigned,
        keep=model.keep,
        per_hour=model.per_hour,
    )
    by = _key(assembly, model) if model.keyless is None else _keyless(assembly, model.keyless)
    return None if by is None else SigningSettings(terms, by, _retired(assembly, model))


def _key(assembly: Assembly, model: SigningModel) -> KeySettings | None:
    if model.key is None:
        return None
    key = assembly.secret(("signing", "key"), model.key)
    password = None
    if model.password is not None:
        password = assembly.secret(("signing", "password"), model.password)
    settings = KeySettings(key, password)
    if assembly.check_secrets and key.trouble() is None and not key.command:
        _try(assembly, settings)
    return settings


def _try(assembly: Assembly, settings: KeySettings) -> None:
    """A key that cannot be opened is told at the start, not with the first verdict."""
    try:
        password = None if settings.password is None else settings.password().encode()
        SigningKey.from_pem(settings.key().encode(), str(settings.key), password=password)
    except GatekeeperError as error:
        assembly.wrong(("signing", "key"), error.message)


def _keyless(assembly: Assembly, model: KeylessModel) -> KeylessSettings | None:
    at = ("signing", "keyless")
    trust_config = assembly.existing((*at, "trust_config"), model.trust_config)
    token = assembly.secret((*at, "identity_token"), model.identity_token)
    if trust_config is None:
        return None
    return KeylessSettings(trust_config, token, model.identity, model.issuer)


def _retired(assembly: Assembly, model: SigningModel) -> tuple[PublicKey, ...]:
    found = []
    for position, name in enumerate(model.retired_keys):
        at = ("signing", "retired_keys", position)
        path = assembly.existing(at, name)
        if path is None:
            continue
        try:
            with path.open("rb") as stream:
                found.append(load_public_key(stream.read(MAX_PEM_BYTES + 1), name))
        except OSError as error:
            assembly.wrong(at, f"{path} cannot be read: {error.strerror}")
        except MalformedError as error:
            assembly.wrong(at, error.message)
    return tuple(found)
