"""The shape of signers, identities and trust roots in ``policy.toml``."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema, create_model, model_validator

from gatekeeper.config.fields import Flag, Moment, Table, Text, Texts
from gatekeeper.core.errors import MalformedError
from gatekeeper.core.identity import FULCIO_FIELDS
from gatekeeper.core.patterns import Pattern, PatternKind
from gatekeeper.core.trust import WhenStale


class PatternModel(Table):
    """A text that has to be the same, or a table with a `glob` or a `regexp`. Each has to match the whole text."""

    exact: Text | None = Field(
        None, description='The text itself; `"text"` is the same as `{ exact = "text" }`.'
    )
    glob: Text | None = Field(
        None,
        description="`*` within a path segment, `**` across segments, `?` one character. Left of an `@` no wildcard "
        "matches an `@`.",
    )
    regexp: Text | None = Field(
        None,
        description="A regular expression of linear time: no back references, no look-around, no repetition of what "
        "repeats without bound. Always anchored at both ends.",
    )

    @model_validator(mode="after")
    def _exactly_one(self) -> PatternModel:
        if sum(part is not None for part in (self.exact, self.glob, self.regexp)) != 1:
            raise ValueError("needs exactly one of exact, glob and regexp")
        if self.regexp is not None:
            try:
                self.pattern()
            except MalformedError as error:
                raise ValueError(error.message) from error
        return self

    def pattern(self) -> Pattern:
        """The core's value."""
        for kind, text in (
            (PatternKind.EXACT, self.exact),
            (PatternKind.GLOB, self.glob),
            (PatternKind.REGEXP, self.regexp),
        ):
            if text is not None:
                return Pattern(kind, text)
        raise AssertionError("the model was not validated")


def _as_table(written: Any) -> Any:
    return {"exact": written} if isinstance(written, str) else written


SomePattern = Annotated[
    PatternModel,
    BeforeValidator(_as_table),
    WithJsonSchema({"anyOf": [{"type": "string"}, PatternModel.model_json_schema()]}),
]


class KeyModel(Table):
    """One public key (PEM): exactly one of `file`, `inline` and `env`; and when its signatures count.

    When a signature was made is what a transparency log or timestamp authority proves; else when Gatekeeper first
    recorded it; else now.
    """

    file: Text | None = Field(None, description="PEM file; relative paths start at the policy's directory.")
    inline: Text | None = Field(None, description="The PEM text itself.")
    env: Text | None = Field(None, description="Name of the environment variable that holds the PEM text.")
    not_before: Moment | None = Field(None, description="Signatures made earlier do not count.")
    not_after: Moment | None = Field(None, description="Signatures made later do not count.")
    retired_at: Moment | None = Field(
        None, description="Replaced in good order: what was signed before still counts, nothing later does."
    )
    compromised_at: Moment | None = Field(
        None,
        description="In strange hands since then: only signatures that a log or timestamp authority proves to be "
        "older still count. See `gatekeeper trust impact` before setting it.",
    )

    @model_validator(mode="after")
    def _exactly_one(self) -> KeyModel:
        if sum(part is not None for part in (self.file, self.inline, self.env)) != 1:
            raise ValueError("needs exactly one of file, inline and env")
        if self.not_before and self.not_after and self.not_before >= self.not_after:
            raise ValueError("not_before is not earlier than not_after: no signature would ever count")
        return self


class _IdentityModel(Table):
    """One keyless identity: who a Sigstore certificate must name. Everything that is written has to match."""

    identity: SomePattern = Field(
        description="The certificate's subject alternative name: an e-mail address, or a URI such as "
        "`https://github.com/ORG/REPO/.github/workflows/FILE@refs/heads/main`."
    )
    issuer: SomePattern = Field(
        description="The OpenID issuer that vouched for it, for example `https://token.actions.githubusercontent.com`."
    )
    trust_root: Text | None = Field(
        None, description="Name below `[trust_roots]`; may be left out where there is only one."
    )


IdentityModel = create_model(
    "IdentityModel",
    __base__=_IdentityModel,
    __doc__=_IdentityModel.__doc__,
    **{
        name: (
            SomePattern | None,
            Field(None, description=f"The certificate's extension {oid} (Fulcio)."),
        )
        for name, oid in FULCIO_FIELDS.items()
    },  # type: ignore[call-overload]
)


class SignerModel(Table):
    """A named signer. Any one of its keys, identities and Notary Project trust policies speaks for it."""

    keys: tuple[KeyModel, ...] = Field((), description="Its public keys.")
    identities: tuple[IdentityModel, ...] = Field((), description="Its keyless identities (Sigstore).")
    notation: Texts = Field(
        (),
        description="Names below `[notation]`: whoever these Notary Project trust policies trust for the repository.",
    )

    @model_validator(mode="after")
    def _somebody(self) -> SignerModel:
        if not self.keys and not self.identities and not self.notation:
            raise ValueError("needs keys, identities or notation: a signer without any never signs")
        return self


class NotationModel(Table):
    """notation's own trust policy and trust store, as they are (Notary Project)."""

    trust_policy: Text = Field(
        description="`trustpolicy.json` or `trustpolicy.oci.json`; relative paths start at the policy's directory."
    )
    trust_store: Text = Field(
        description="The folder that holds `x509/ca`, `x509/signingAuthority` and `x509/tsa`; notation's `truststore`."
    )


class TrustRootModel(Table):
    """One Sigstore instance: exactly one of `file`, `inline`, `env` and `directory`.

    A `trusted_root.json`, JSON lines of several (`gh attestation trusted-root`), or a ClientTrustConfig.
    """

    file: Text | None = Field(None, description="The file; relative paths start at the policy's directory.")
    inline: Text | None = Field(None, description="The JSON text itself.")
    env: Text | None = Field(None, description="Name of the environment variable that holds the JSON text.")
    directory: Text | None = Field(
        None,
        description="The folder where `gatekeeper trust update` and `import` keep roots (`trust.directory` of the "
        "configuration); this one lies there under its own name.",
    )
    transparency_log: Flag = Field(
        True, description="false: this instance keeps no log; a signed timestamp is enough."
    )
    certificate_log: Flag = Field(
        True,
        description="false: this instance logs no certificates; none needs a signed certificate timestamp.",
    )
    expires_at: Moment | None = Field(
        None,
        description="From when on it counts as stale; what is noted in `directory`, where that is earlier.",
    )
    when_stale: WhenStale = Field(
        WhenStale.WARN, description="`warn`, or `indeterminate`: then nothing that rests on it passes."
    )

    @model_validator(mode="after")
    def _exactly_one(self) -> TrustRootModel:
        if sum(part is not None for part in (self.file, self.inline, self.env, self.directory)) != 1:
            raise ValueError("needs exactly one of file, inline, env and directory")
        return self
