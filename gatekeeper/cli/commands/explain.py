"""``gatekeeper explain``: why."""

from __future__ import annotations

import typer

from gatekeeper.cli.desk import Where
from gatekeeper.cli.options import (
    CaFileOption,
    ConfigOption,
    ImageArgument,
    InsecureOption,
    OutputOption,
    ServerOption,
    TokenFileOption,
    WaitOption,
)
from gatekeeper.cli.output import Output, show
from gatekeeper.cli.render import explanation_blocks, with_subject


def explain(
    image: ImageArgument,
    wait: WaitOption = None,
    output: OutputOption = Output.TABLE,
    config: ConfigOption = None,
    server: ServerOption = None,
    token_file: TokenFileOption = None,
    ca_file: CaFileOption = None,
    insecure_http: InsecureOption = False,
) -> None:
    """The tree behind a verdict: rule, evidence, remedy. Exit codes as `status`."""
    with Where(config, server, token_file, ca_file, insecure_http).asking() as desk:
        explanation = desk.explain(image, wait)
    explanation["answer"] = with_subject(explanation["answer"])
    show(output, explanation, lambda: explanation_blocks(explanation))
    raise typer.Exit(int(explanation["answer"]["exit_code"]))
