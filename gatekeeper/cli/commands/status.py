"""``gatekeeper status``: the recorded verdict."""

from __future__ import annotations

import typer

from gatekeeper.cli.desk import Where, chooses_desk
from gatekeeper.cli.options import (
    ImageArgument,
    OutputOption,
    WaitOption,
)
from gatekeeper.cli.output import Output, show
from gatekeeper.cli.views.answer import answer_blocks
from gatekeeper.cli.views.names import with_subject


@chooses_desk
def status(
    image: ImageArgument,
    wait: WaitOption = None,
    output: OutputOption = Output.TABLE,
    *,
    where: Where,
) -> None:
    """The recorded verdict of an image, and why.

    A tag is resolved once, now; the answer is about that digest in that repository only. Exit codes: 0 passed,
    1 failed or quarantined, 4 not known yet, due again or not covered, 5 the image or the service cannot be reached.
    """
    with where.asking() as desk:
        answer = with_subject(desk.status(image, wait))
    show(output, answer, lambda: answer_blocks(answer))
    raise typer.Exit(int(answer["exit_code"]))
