"""The shape of ``policy.toml``. The descriptions are the reference manual (``docs/configuration.md``)."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from gatekeeper.config.fields import AnyDuration, Count, Duration, Flag, SomeTexts, Table, Text, Texts
from gatekeeper.config.trust_models import NotationModel, SignerModel, TrustRootModel
from gatekeeper.core.policy import Action, Artifacts, Existing, Mode


class RuleSetModel(Table):
    """A named list of rules."""

    rules: tuple[Any, ...] = Field(
        description='Rules: `"user-root"`, or with parameters `{ rule = "sbom-missing", level = "warn" }`, or one '
        "`[[policies.NAME.rules]]` table each."
    )


class DefaultsModel(Table):
    """What a scope may say. Written in `[defaults]` it holds for every scope that does not say otherwise."""

    exclude: Texts | None = Field(None, description="Globs over `registry/path` that are not covered.")
    tags: SomeTexts | None = Field(
        None, description='Globs over tags that are judged; left out: `["**"]`, all.'
    )
    exclude_tags: Texts | None = Field(None, description="Globs over tags that are not judged.")
    mode: Mode | None = Field(
        None,
        description="`observe` (default) sends only reading requests; `propose` records cases for people; `enforce` "
        "acts on the registry.",
    )
    action: Action | None = Field(
        None,
        description="What is done to a tag whose digest failed: `report` (default) nothing; `retag` keeps the image "
        "under a quarantine tag beside it; `quarantine` moves it to the quarantine repository; `rollback` points the "
        "tag at the newest passed digest.",
    )
    existing: Existing | None = Field(
        None,
        description="What enforcing does with digests first seen before it began in their repository: `propose` "
        "(default) leaves them to people; `enforce` acts on them too.",
    )
    settle: AnyDuration | None = Field(
        None,
        description="From first sight, how long evidence may still arrive before anything is done; `10m`.",
    )
    indeterminate_after: Duration | None = Field(
        None,
        description="After how long an image that hides behind unreadable content is proposed as a case; `24h`.",
    )
    recheck_after: Duration | None = Field(None, description="How long a verdict is good at most; `24h`.")
    evidence_interval: Duration | None = Field(
        None, description="How often a passed image is asked for new evidence; `6h`."
    )
    protected_tags: Texts | None = Field(
        None, description="Globs over tags that are never written to. Those of `[defaults]` always hold too."
    )
    protected_repositories: Texts | None = Field(
        None,
        description="Globs over `registry/path` that are never written to. Those of `[defaults]` always hold too.",
    )
    act_on_unscanned: Flag | None = Field(
        None,
        description="true: an image that fails only because scan evidence is missing or too old is acted on too; "
        "`false`: it fails, and stays where it is.",
    )
    empty_tags: Flag | None = Field(
        None,
        description="true: a failing tag without an earlier passed digest may be emptied without a proposal; `false`.",
    )
    platforms: Texts | None = Field(
        None,
        description='Platforms of an index that are judged, for example `["linux/amd64"]`; left out: all.',
    )
    artifacts: Artifacts | None = Field(
        None, description="`ignore` (default) or `judge` charts and other artifacts that are no images."
    )
    anchors: Count | None = Field(
        None,
        ge=0,
        le=100,
        description="How many passed digests per tag are kept for rollback; `3` where that is the action, else `0`.",
    )
    quarantine_repository: Text | None = Field(
        None,
        description="Path in the same registry where quarantined images are kept; `{repository}` is the source path; "
        "`quarantine/{repository}`.",
    )
    read_layers: Flag | None = Field(
        None,
        description="true: where an image has no SBOM that can be read, its layers are read for the package databases "
        "of apk, dpkg and RPM, which gives an SBOM of the operating system alone; `false`.",
    )
    signature_repositories: Texts | None = Field(
        None,
        description="Where signatures and attestations are looked for beside the image's own repository, as "
        "`registry/path` (cosign's `COSIGN_REPOSITORY`); `{repository}` is the image's path. The registry has to be "
        "configured.",
    )
    promote_to: Texts | None = Field(
        None, description="Globs over `registry/path` that images may be promoted to; left out: none."
    )


class ScopeModel(DefaultsModel):
    """Which repositories are judged by which policy, with which consequences. The first scope that matches decides."""

    name: Text = Field(description="Its name, in verdicts and messages.")
    repositories: SomeTexts = Field(
        description="Globs over `registry/path`: `*` within a segment, `**` across segments, `?` one character."
    )
    policy: Text = Field(description="Name of a policy below `[policies]`.")


class PolicyModel(Table):
    """`policy.toml`."""

    version: Literal[1] = Field(1, description="Of this format.")
    defaults: DefaultsModel = Field(
        DefaultsModel(), description="What holds for every scope that says nothing else."
    )
    signers: dict[str, SignerModel] = Field({}, description="Signers by name: `[signers.NAME]`.")
    trust_roots: dict[str, TrustRootModel] = Field(
        {}, description="Sigstore instances by name: `[trust_roots.NAME]`."
    )
    notation: dict[str, NotationModel] = Field(
        {}, description="Notary Project trust policies by name: `[notation.NAME]`."
    )
    policies: dict[str, RuleSetModel] = Field({}, description="Policies by name: `[policies.NAME]`.")
    scopes: tuple[ScopeModel, ...] = Field(
        (), description="The scopes in order, one `[[scopes]]` table each."
    )
