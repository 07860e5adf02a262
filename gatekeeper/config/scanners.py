"""``[[scanners]]`` -> frozen settings: who scans what nobody scanned."""

from __future__ import annotations

import os
import re
from pathlib import Path

from gatekeeper.config.context import Assembly
from gatekeeper.config.problems import Location
from gatekeeper.config.scanner_models import ScannerModel
from gatekeeper.config.settings import ScannerSettings
from gatekeeper.ports.scanners import Makes, Program

_CANNOT = {Program.SYFT: Makes.REPORT, Program.GRYPE: Makes.SBOM}
_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*", re.ASCII)


def assemble_scanners(assembly: Assembly, models: tuple[ScannerModel, ...]) -> tuple[ScannerSettings, ...]:
    """The settings; what is wrong with them was told to ``assembly``."""
    made: list[ScannerSettings] = []
    for position, model in enumerate(models):
        at: Location = ("scanners", position)
        if any(known.name == model.name for known in made):
            assembly.wrong((*at, "name"), f"there is another scanner '{model.name}'; names are unique")
        made.append(_scanner(assembly, model, at))
    return tuple(made)


def _scanner(assembly: Assembly, model: ScannerModel, at: Location) -> ScannerSettings:
    if (model.url is None) == (model.program is None):
        assembly.wrong(at, "needs exactly one of url and program")
    elif model.url is not None:
        _check_url(assembly, model, at)
    else:
        _check_program(assembly, model, at)
    return ScannerSettings(
        name=model.name,
        url=None if model.url is None else model.url.rstrip("/"),
        program=model.program,
        path=None if model.path is None else Path(model.path),
        makes=model.makes,
        timeout=model.timeout,
        max_age=model.max_age,
        authorization=None
        if model.authorization is None
        else assembly.secret((*at, "authorization"), model.authorization),
        ca_file=assembly.existing((*at, "ca_file"), model.ca_file),
        memory=model.memory,
        environment=model.environment,
    )


def _check_url(assembly: Assembly, model: ScannerModel, at: Location) -> None:
    if re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#]*)?", model.url or "") is None:
        assembly.wrong(
            (*at, "url"), "must be https://host[:port]/path, without a user, query or fragment in it"
        )
    if model.path is not None or model.environment:
        assembly.wrong(at, "has a url: path and environment belong to a program; leave them out")


def _check_program(assembly: Assembly, model: ScannerModel, at: Location) -> None:
    if model.authorization is not None:
        assembly.wrong((*at, "authorization"), "belongs to a scanner with a url; leave it out")
    if model.path is None or not Path(model.path).is_absolute():
        assembly.wrong((*at, "path"), f"must be the absolute path of the {model.program} executable")
    elif not os.access(model.path, os.X_OK) or not Path(model.path).is_file():
        assembly.wrong((*at, "path"), f"there is no executable {model.path}")
    cannot = _CANNOT.get(model.program) if model.program is not None else None
    if cannot in model.makes:
        assembly.wrong((*at, "makes"), f"{model.program} makes no {cannot}")
    for name in model.environment:
        if _VARIABLE.fullmatch(name) is None:
            assembly.wrong((*at, "environment", name), "is no name of a variable: A to Z, 0 to 9 and _")
