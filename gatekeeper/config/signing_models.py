"""The shape of ``[signing]``."""

from __future__ import annotations

from pydantic import Field, model_validator

from gatekeeper.config.fields import Count, Flag, SomeTexts, Table, Text, Texts
from gatekeeper.config.secret_models import SecretField
from gatekeeper.core.attesting import AttachForm
from gatekeeper.core.verification_summary import UNEVALUATED


class KeylessModel(Table):
    """Signing with short-lived certificates of a Fulcio, logged in its Rekor, instead of a key."""

    trust_config: Text = Field(
        description="Sigstore's ClientTrustConfig as JSON: the trusted root, and where Fulcio, Rekor and timestamp "
        "authority are asked."
    )
    identity_token: SecretField = Field(
        description="The OIDC token that Fulcio is shown, read anew for every signature (a projected token's file)."
    )
    identity: Text = Field(
        description="What Fulcio writes into the certificate: our attestations are known again by it."
    )
    issuer: Text = Field(description="The token's issuer, as Fulcio writes it into the certificate.")


class SigningModel(Table):
    """Verdicts are attached to their images as signed SLSA verification summaries. Left out: nothing is attached."""

    verifier_id: Text = Field(
        description='`verifier.id` of the summaries: a URI that names this installation, `"https://gatekeeper.example.com"`.'
    )
    policy_uri: Text | None = Field(
        None, description="`policy.uri` of the summaries; left out: `verifier_id` and `/policy`."
    )
    key: SecretField | None = Field(
        None,
        description="The private key: PKCS#8 PEM, encrypted or not, or cosign's own encrypted key. A key of its own: "
        "what an image key signs would make images signed.",
    )
    password: SecretField | None = Field(None, description="Of an encrypted key.")
    keyless: KeylessModel | None = Field(None, description="Instead of `key`.")
    retired_keys: Texts = Field(
        (),
        description="PEM files of earlier public keys: still published, and their summaries are still ours.",
    )
    levels: SomeTexts = Field(
        (UNEVALUATED,), description="`verifiedLevels` of a passed summary: what the policy demands of images."
    )
    repositories: SomeTexts = Field(
        ("**",),
        description="Globs over `registry/path` whose images are attested (scopes in mode `enforce` only).",
    )
    exclude: Texts = Field((), description="Globs over `registry/path` that are not.")
    failed: Flag = Field(
        False,
        description="true: attach failed summaries too. cosign takes any attestation bundle by a trusted key for a "
        "signature, so trust this key for nothing else.",
    )
    unsigned: AttachForm = Field(
        AttachForm.NONE,
        description="Form for images without a cosign signature: `none` attaches nothing, `bundle` a referrer, `att` "
        "the tag. Where there are signatures, the form is chosen so that nobody's verification breaks.",
    )
    keep: Count = Field(0, ge=0, le=100, description="How many superseded summaries stay beside the newest.")
    per_hour: Count = Field(600, ge=0, description="Most attestations attached in one hour; more wait.")

    @model_validator(mode="after")
    def _one_way(self) -> SigningModel:
        if (self.key is None) == (self.keyless is None):
            raise ValueError("needs exactly one of key and keyless")
        if self.password is not None and self.key is None:
            raise ValueError("has a password but no key it could belong to")
        return self
