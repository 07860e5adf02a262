"""Signers and trust roots of ``policy.toml``: the files they name, read; what they name, resolved."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from pydantic import BaseModel, ValidationError

from gatekeeper.config.problems import Location, ProblemList, did_you_mean
from gatekeeper.config.reading import read_model
from gatekeeper.config.source import TomlSource
from gatekeeper.config.trust_models import (
    IdentityModel,
    KeyModel,
    NotationModel,
    SignerModel,
    TrustRootModel,
)
from gatekeeper.core.errors import MalformedError, NotFoundError
from gatekeeper.core.identity import FULCIO_FIELDS, Identity
from gatekeeper.core.signer import ManagedKey, Signer
from gatekeeper.core.trust import NotationTrust, TrustRoot
from gatekeeper.signatures import trust_store
from gatekeeper.signatures.keyless.trust_root import read_trust_roots
from gatekeeper.signatures.keys import load_public_key
from gatekeeper.signatures.notation.trust import load_trust

MAX_KEY_BYTES = 64 * 1024
MAX_ROOT_BYTES = 4 * 1024 * 1024

_ANYBODY = ("", "x://y/z@refs/heads/q", "nobody@anywhere.invalid")

Say = Callable[[Location, str], None]


@dataclass(frozen=True, slots=True)
class _Content:
    """Bytes that the policy names, where they came from, and the key that named them."""

    raw: bytes
    source: str
    at: Location


class TrustReader:
    """Reads what signatures are verified with; every problem goes to ``wrong``, nothing is raised."""

    def __init__(
        self,
        source: TomlSource,
        problems: ProblemList,
        warnings: ProblemList,
        base: Path,
        environment: Mapping[str, str],
    ) -> None:
        self.source = source
        self.problems = problems
        self.warnings = warnings
        self.base = base
        self.environment = environment

    def wrong(self, at: Location, text: str) -> None:
        """One more problem."""
        self.problems.add(self.source.problem(at, text))

    def warn(self, at: Location, text: str) -> None:
        """One more warning."""
        self.warnings.add(self.source.problem(at, text))

    def trust_roots(self, content: Any) -> tuple[TrustRoot, ...]:
        """``[trust_roots.NAME]``, in the order of their names."""
        if not isinstance(content, dict):
            self.wrong(("trust_roots",), "must be tables: [trust_roots.NAME]")
            return ()
        found = []
        for name, table in sorted(content.items()):
            at: Location = ("trust_roots", name)
            model = read_model(TrustRootModel, table, self.source, self.problems, at=at)
            root = None if model is None else self._root(name, model, at)
            if root is not None:
                found.append(root)
        return tuple(found)

    def notation(self, content: Any) -> tuple[NotationTrust, ...]:
        """``[notation.NAME]``, in the order of their names."""
        if not isinstance(content, dict):
            self.wrong(("notation",), "must be tables: [notation.NAME]")
            return ()
        found = []
        for name, table in sorted(content.items()):
            at: Location = ("notation", name)
            model = read_model(NotationModel, table, self.source, self.problems, at=at)
            if model is None:
                continue
            policy, store = (
                self.base / Path(written).expanduser() for written in (model.trust_policy, model.trust_store)
            )
            try:
                found.append(replace(load_trust(name, policy, store), source=model.trust_policy))
            except MalformedError as error:
                where = "trust_store" if error.reason_code == "trust-store-unusable" else "trust_policy"
                self.wrong((*at, where), error.message)
        return tuple(found)

    def signers(
        self, content: Any, root_names: frozenset[str], notation_names: frozenset[str]
    ) -> dict[str, Signer]:
        """``[signers.NAME]``; a badly written key does not hide what is wrong with the others."""
        if not isinstance(content, dict):
            self.wrong(("signers",), "must be tables: [signers.NAME]")
            return {}
        signers = {}
        for name, table in content.items():
            at: Location = ("signers", name)
            whole = read_model(SignerModel, table, self.source, self.problems, at=at) is not None
            keys = [
                self._key(key, (*at, "keys", position))
                for position, key in _readable(KeyModel, table, "keys", whole=whole)
            ]
            identities = [
                self._identity(identity, root_names, (*at, "identities", position))
                for position, identity in _readable(IdentityModel, table, "identities", whole=whole)
            ]
            signers[name] = Signer(
                name,
                tuple(key for key in keys if key is not None),
                tuple(identity for identity in identities if identity is not None),
                self._notation_of(table, notation_names, at),
            )
        return signers

    def _notation_of(self, table: Any, known: frozenset[str], at: Location) -> tuple[str, ...]:
        """The trust policies a signer names; one that does not exist is a problem."""
        written = table.get("notation") if isinstance(table, dict) else None
        names = [name for name in written if isinstance(name, str)] if isinstance(written, list) else []
        for position, name in enumerate(names):
            if name not in known:
                text = f"there is no trust policy '{name}' below [notation]{did_you_mean(name, known)}"
                self.wrong((*at, "notation", position), text)
        return tuple(sorted(set(names)))

    def _root(self, name: str, model: TrustRootModel, at: Location) -> TrustRoot | None:
        if model.directory is not None:
            return self._kept_root(name, model, model.directory, (*at, "directory"))
        content = self._content(model, at, MAX_ROOT_BYTES)
        if content is None:
            return None
        try:
            read_trust_roots(content.raw, name)
        except MalformedError as error:
            self.wrong(content.at, error.message)
            return None
        return _as_said(TrustRoot(name, content.raw, content.source), model)

    def _kept_root(self, name: str, model: TrustRootModel, directory: str, at: Location) -> TrustRoot | None:
        try:
            kept = trust_store.read(self.base / Path(directory).expanduser(), name)
            read_trust_roots(kept.content, name)
        except (MalformedError, NotFoundError) as error:
            self.wrong(at, error.message)
            return None
        return _as_said(kept.as_trust_root(), model)

    def _key(self, model: KeyModel, at: Location) -> ManagedKey | None:
        """``source`` is what the policy says, so that a checkout's place changes no revision."""
        content = self._content(model, at, MAX_KEY_BYTES)
        if content is None:
            return None
        try:
            key = load_public_key(content.raw, content.source)
        except MalformedError as error:
            self.wrong(content.at, error.message)
            return None
        return ManagedKey(key, model.not_before, model.not_after, model.retired_at, model.compromised_at)

    def _identity(self, model: Any, root_names: frozenset[str], at: Location) -> Identity | None:
        root = model.trust_root
        if root is None:
            if len(root_names) != 1:
                what = "there are several" if root_names else "there is none; add [trust_roots.NAME]"
                self.wrong((*at, "trust_root"), f"is missing, and {what}{did_you_mean('', root_names)}")
                return None
            (root,) = root_names
        elif root not in root_names:
            self.wrong(
                (*at, "trust_root"), f"there is no trust root '{root}'{did_you_mean(root, root_names)}"
            )
            return None
        subject, issuer = model.identity.pattern(), model.issuer.pattern()
        for key, pattern in (("identity", subject), ("issuer", issuer)):
            if all(pattern.matches(text) for text in _ANYBODY):
                self.warn((*at, key), "matches everybody; name whom you trust")
        written = {name: getattr(model, name) for name in FULCIO_FIELDS}
        extensions = {name: pattern.pattern() for name, pattern in written.items() if pattern is not None}
        return Identity(root, subject, issuer, extensions)

    def _content(self, model: KeyModel | TrustRootModel, at: Location, most: int) -> _Content | None:
        """What one of ``file``, ``inline`` and ``env`` holds."""
        if model.inline is not None:
            return _Content(model.inline.encode(), "inline", at)
        if model.env is not None:
            raw = self.environment.get(model.env, "").encode()
            if not raw:
                self.wrong(
                    (*at, "env"), f"the environment variable {model.env} is not set; set it to the text"
                )
                return None
            return _Content(raw, f"env {model.env}", (*at, "env"))
        written = cast("str", model.file)
        return self._file(self.base / Path(written).expanduser(), written, (*at, "file"), most)

    def _file(self, path: Path, written: str, at: Location, most: int) -> _Content | None:
        try:
            with path.open("rb") as stream:
                raw = stream.read(most + 1)
        except OSError as error:
            self.wrong(at, f"{path} cannot be read: {error.strerror}")
            return None
        if len(raw) > most:
            self.wrong(at, f"{path} is larger than {most} bytes")
            return None
        return _Content(raw, written, at)


def _as_said(root: TrustRoot, model: TrustRootModel) -> TrustRoot:
    """With what the policy says of it; the earlier of two ends counts."""
    moments = [moment for moment in (model.expires_at, root.expires_at) if moment is not None]
    return replace(
        root,
        transparency_log=model.transparency_log,
        certificate_log=model.certificate_log,
        expires_at=min(moments, default=None),
        when_stale=model.when_stale,
    )


def _readable(kind: type[BaseModel], table: Any, member: str, *, whole: bool) -> list[tuple[int, Any]]:
    """(position, model) of each entry of a list that can be read on its own; faults were told with the table."""
    written = table.get(member) if isinstance(table, dict) else None
    found = []
    for position, entry in enumerate(written if isinstance(written, list) else ()):
        try:
            found.append((position, kind.model_validate(entry)))
        except ValidationError:
            assert not whole
    return found
