"""The shape of ``[feeds]``. The descriptions are the reference manual (``docs/configuration.md``)."""

from __future__ import annotations

from pydantic import Field

from gatekeeper.config.fields import Count, Duration, Table, Text, Texts
from gatekeeper.config.quantities import parse_duration
from gatekeeper.core.feed import FeedKind


class FeedSourceModel(Table):
    """One feed that the daemon fetches."""

    kind: FeedKind = Field(
        description="`osv` advisories, `kev` (CISA), `epss` (FIRST), or `endoflife` (endoflife.date)."
    )
    ecosystem: Text | None = Field(
        None, description="Of an OSV dump, without release: `Debian`, `Alpine`, `PyPI`, `npm`."
    )
    url: Text | None = Field(
        None,
        description="`https://...`, `file:///...` or `oci:registry/repository@sha256:...`; left out: where the "
        "publisher offers it.",
    )
    name: Text | None = Field(
        None, description="What it is called here; left out: the kind and the ecosystem, `osv-debian`."
    )
    interval: Duration | None = Field(None, description="How often it is asked; left out: `feeds.interval`.")
    signers: Texts = Field(
        (), description="Signers of the policy; one of them must have signed the artifact that `oci:` names."
    )


class FeedsModel(Table):
    """Vulnerability feeds: what is fetched, how old it may be, and how much one version may change."""

    interval: Duration = Field(parse_duration("1h"), description="How often a source is asked.")
    max_age: Duration = Field(
        parse_duration("72h"),
        description="A feed that was renewed longer ago is not believed: what it decides is indeterminate.",
    )
    hold_percent: Count = Field(
        20,
        ge=0,
        le=100,
        description="A version that makes more than this percentage of the judged images fail is held: shown, and not "
        "acted on until `gatekeeper feed accept`.",
    )
    hold_minimum: Count = Field(10, ge=0, description="Nor is a version held that makes no more images fail.")
    stabilization_window: Duration = Field(
        parse_duration("2h"),
        description="An image that fails only because a feed changed is acted on when it has failed for so long, "
        "without passing in between; status and admission say so at once. `0s`: no wait.",
    )
    ca_file: Text | None = Field(
        None, description="PEM bundle trusted for https: sources instead of the system's."
    )
    proxy: Text | None = Field(None, description="HTTP proxy for https: sources, `http://host:port`.")
    bundle_keys: Texts = Field(
        (), description="PEM files of public keys: bundles signed by one of them may be imported."
    )
    sources: tuple[FeedSourceModel, ...] = Field(
        (), description="The feeds, one `[[feeds.sources]]` table each."
    )
