"""``gatekeeper explain``: why."""

from __future__ import annotations

import typer

from gatekeeper.cli.desk import Where, chooses_desk
from gatekeeper.cli.options import (
    ImageArgument,
    OutputOption,
    WaitOption,
)
from gatekeeper.cli.output import Output, show
from gatekeeper.cli.views.answer import explanation_blocks
from gatekeeper.cli.views.names import with_subject


@chooses_desk
def explain(
    image: ImageArgument,
    wait: WaitOption = None,
    output: OutputOption = Output.TABLE,
    *,
    where: Where,
) -> None:
    """The tree behind a verdict: rule, evidence, remedy. Exit codes as `status`."""
    with where.asking() as desk:
        explanation = desk.explain(image, wait)
    explanation["answer"] = with_subject(explanation["answer"])
    show(output, explanation, lambda: explanation_blocks(explanation))
    raise typer.Exit(int(explanation["answer"]["exit_code"]))
