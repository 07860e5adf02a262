"""The shape of ``[[scanners]]``. The descriptions are the reference manual (``docs/configuration.md``)."""

from __future__ import annotations

from pydantic import Field

from gatekeeper.config.fields import Duration, Size, Table, Text
from gatekeeper.config.quantities import parse_duration, parse_size
from gatekeeper.config.secret_models import SecretField
from gatekeeper.ports.scanners import Makes, Program


class ScannerModel(Table):
    """A live scanner: images without a trusted SBOM or a fresh scan report are given to it. `url` or `program`."""

    name: Text = Field(description="What messages and evidence call it.")
    url: Text | None = Field(
        None, description="Of the Harbor Pluggable Scanner API, 1.0 to 1.2: `https://scanner:8443/api/v1`."
    )
    program: Program | None = Field(
        None, description="`syft`, `grype` or `trivy` on this machine, run in bounds."
    )
    path: Text | None = Field(None, description="Of the program's file, absolute; together with `program`.")
    makes: tuple[Makes, ...] = Field(
        (Makes.SBOM,), min_length=1, description="What it is asked for: `sbom`, `report` or both."
    )
    timeout: Duration = Field(parse_duration("5m"), description="For one scan in all.")
    max_age: Duration = Field(
        parse_duration("24h"),
        description="How long its answer about one image holds, and how old a report that an image brings may be.",
    )
    authorization: SecretField | None = Field(
        None, description="With `url`: value of the `Authorization` header that it wants, `Bearer ...`."
    )
    ca_file: Text | None = Field(None, description="PEM bundle trusted instead of the system's.")
    memory: Size = Field(
        parse_size("8GiB"),
        description="With `program`: address space that it may use. Programs in Go reserve far more than they use.",
    )
    environment: dict[str, Text] = Field(
        default_factory=dict,
        description="With `program`: variables beside those that it is given, such as where its database lies; no "
        "secrets.",
    )
