"""``gatekeeper check``: judge one image now."""

from __future__ import annotations

import typer

from gatekeeper.cli.options import ConfigOption, ImageArgument, OutputOption
from gatekeeper.cli.output import Output, show
from gatekeeper.cli.views.answer import explanation_blocks
from gatekeeper.cli.views.names import with_subject


def check(
    image: ImageArgument,
    output: OutputOption = Output.TABLE,
    config: ConfigOption = None,
) -> None:
    """Judge one image now. Needs no daemon and no database; nothing is recorded or written.

    Rules about vulnerabilities ask the feeds of the configured database; without them their answer is indeterminate.

    The answer has the same shape as that of `explain`. Exit codes: 0 passed, 1 failed, 4 evidence could not be
    asked for or no scope covers it, 5 the image or the registry cannot be reached.
    """
    from gatekeeper.cli.local import check_image
    from gatekeeper.core.reference import parse_reference

    explanation = check_image(config, parse_reference(image))
    explanation["answer"] = with_subject(explanation["answer"])
    show(output, explanation, lambda: explanation_blocks(explanation))
    raise typer.Exit(int(explanation["answer"]["exit_code"]))
