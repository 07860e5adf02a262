"""``gatekeeper doctor``: what is wrong, and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from gatekeeper.cli.options import ConfigOption, OutputOption
from gatekeeper.cli.output import Line, Output, Rows, show, tell
from gatekeeper.core.exit_codes import ExitCode

if TYPE_CHECKING:
    from gatekeeper.core.diagnosis import Diagnosis


def doctor(
    write_probe: Annotated[
        bool,
        typer.Option(
            "--write-probe",
            help="Also try every kind of write, in the `scratch_repository` of each registry and nowhere else.",
        ),
    ] = False,
    output: OutputOption = Output.TABLE,
    config: ConfigOption = None,
) -> None:
    """Look at everything an installation needs: what is wrong, and the remedy for each line.

    Configuration, database and schema, brakes, clocks, each registry (reachable, credentials, listing, globs, pull
    permission), quarantine repositories (readable by us, closed to others), permissions needed, forgotten
    repositories, feeds. Only reads, unless --write-probe. Exit codes: 0 nothing is wrong (warnings included), 1
    something is, 3 configuration, 5 database or a registry cannot be asked.
    """
    from gatekeeper.cli.acting import plain
    from gatekeeper.cli.diagnosing import diagnoses
    from gatekeeper.core.diagnosis import Health

    found: list[Diagnosis] = []
    for diagnosis in diagnoses(config, write_probe=write_probe):
        found.append(diagnosis)
        if diagnosis.health is not Health.OK:
            tell(f"{diagnosis.health}: {diagnosis.check} {diagnosis.subject}")
    code = _exit_code(found)
    answer = {
        "state": "passed" if code is ExitCode.PASSED else "failed",
        "exit_code": int(code),
        "items": [plain(diagnosis) for diagnosis in found],
    }
    wrong = sum(diagnosis.health is not Health.OK for diagnosis in found)
    show(
        output,
        answer,
        lambda: [
            Rows(
                ["", "check", "of", "what", "remedy"],
                [[d.health, d.check, d.subject, d.message, d.remedy] for d in found],
            ),
            Line(
                f"{len(found)} looked at, {wrong} to mend" if wrong else f"{len(found)} looked at, all well"
            ),
        ],
    )
    raise typer.Exit(int(code))


def _exit_code(found: list[Diagnosis]) -> ExitCode:
    from gatekeeper.core.diagnosis import Health

    failed = [diagnosis for diagnosis in found if diagnosis.health is Health.FAILED]
    if any(diagnosis.check == "configuration" for diagnosis in failed):
        return ExitCode.CONFIGURATION
    if failed:
        return ExitCode.FAILED
    if any(diagnosis.health is Health.UNREACHABLE for diagnosis in found):
        return ExitCode.UNREACHABLE
    return ExitCode.PASSED
