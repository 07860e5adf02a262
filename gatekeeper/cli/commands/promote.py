"""``gatekeeper promote``: copy what passed."""

from __future__ import annotations

from typing import Annotated

import typer

from gatekeeper.cli.desk import Where, chooses_desk
from gatekeeper.cli.options import (
    ImageArgument,
    OutputOption,
    ReasonOption,
)
from gatekeeper.cli.output import Output, show
from gatekeeper.cli.views.answer import promotion_blocks
from gatekeeper.cli.views.names import with_subject


@chooses_desk
def promote(
    image: ImageArgument,
    target: Annotated[str, typer.Argument(metavar="TARGET", help="registry/repository:tag to copy to.")],
    reason: ReasonOption = "promoted from the command line",
    output: OutputOption = Output.TABLE,
    *,
    where: Where,
) -> None:
    """Copy an image to another repository if and only if it passed.

    It is copied by digest, with everything that hangs on it. Exit codes as `status` when it was refused; 6
    when the policy allows no promotion to this target.
    """
    with where.desk() as desk:
        promotion = with_subject(desk.promote(image, target, reason))
    show(output, promotion, lambda: promotion_blocks(promotion))
    raise typer.Exit(int(promotion["exit_code"]))
