"""What ``doctor`` and ``config check --ask`` find out on this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from gatekeeper.cli.acting import Plain
from gatekeeper.config.load import find_config
from gatekeeper.config.settings import Settings
from gatekeeper.core.diagnosis import Diagnosis, Health
from gatekeeper.core.errors import ConfigurationError, GatekeeperError, NotOfferedError, UnavailableError
from gatekeeper.core.reference import Repository
from gatekeeper.ports import Registry
from gatekeeper.wiring import build, checking, open_store, patients
from gatekeeper.wiring.adapters import watches

if TYPE_CHECKING:
    from gatekeeper.config.reload import Configuration


def diagnoses(config: Path | None, *, write_probe: bool) -> Iterator[Diagnosis]:
    """What ``doctor`` finds, as it finds it. Problems of configuration and database are lines too."""
    from gatekeeper.config.reload import load_configuration
    from gatekeeper.workflow.doctor import examine
    from gatekeeper.workflow.write_probe import probe

    path = find_config(config)
    try:
        configuration = load_configuration(path)
    except ConfigurationError as error:
        for problem in error.problems:
            yield Diagnosis(
                "configuration", str(path), Health.FAILED, error.reason_code, problem, "Mend the file."
            )
        return
    for warning in configuration.warnings:
        yield Diagnosis(
            "configuration", str(path), Health.WARNING, "configuration-warning", warning, "Mend the file."
        )
    yield Diagnosis("configuration", str(path), Health.OK, "configuration-usable", "both files can be used")
    settings = configuration.settings
    try:
        application = build(settings, lambda: configuration.policy)
    except (ConfigurationError, UnavailableError) as error:
        away = isinstance(error, UnavailableError)
        remedy = "Look at network, user and password of `database`." if away else "See the message."
        health = Health.UNREACHABLE if away else Health.FAILED
        yield Diagnosis("database", settings.database.url, health, error.reason_code, error.message, remedy)
        return
    yield Diagnosis(
        "database", settings.database.url, Health.OK, "schema-current", "answers; its schema is current"
    )
    closers: list[Callable[[], None]] = [application.close]
    try:
        yield from examine(application.room, patients(settings, closers))
        for entry in settings.registries if write_probe else ():
            host = entry.connection.host
            if entry.scratch_repository is None:
                yield Diagnosis(
                    "write-probe",
                    host,
                    Health.WARNING,
                    "no-scratch-repository",
                    "nothing was written: no scratch repository is named",
                    "Set `scratch_repository` of this registry.",
                )
                continue
            where = Repository(host, entry.scratch_repository)
            yield from probe(application.room.registries.get(host), where, nonce=application.room.nonce())
    finally:
        for close in closers:
            close()


def dropped_cases(loaded: Configuration) -> tuple[list[Plain], str | None]:
    """Cases that these files would leave out, and why the database could not be asked for them if so.

    A database that does not exist yet is not made.
    """
    from gatekeeper.workflow.unwatched import unwatched_cases

    settings = loaded.settings
    url = settings.database.url
    if url.startswith("sqlite:///") and not Path(url.removeprefix("sqlite:///")).is_file():
        return [], None
    try:
        with open_store(settings) as store:
            found = unwatched_cases(store, loaded.policy, lambda repository: watches(settings, repository))
    except (ConfigurationError, UnavailableError) as error:
        return [], error.message
    return [{"repository": str(repository), "cases": count} for repository, count in found.items()], None


def ask_registries(settings: Settings) -> list[Plain]:
    """Whether each registry answers us, and what it offers. Only reads."""
    with checking(settings) as collector:
        return [_asked(collector.registries.get(host), host) for host in collector.registries.hosts()]


def _asked(registry: Registry, host: str) -> Plain:
    try:
        registry.ping()
        first = next(iter(registry.repositories()), None)
    except NotOfferedError:
        message = "offers no catalog: only repositories named without a wildcard are watched"
        return {"host": host, "state": "no-catalog", "reason_code": "catalog-not-offered", "message": message}
    except GatekeeperError as error:
        return {
            "host": host,
            "state": "unavailable",
            "reason_code": error.reason_code,
            "message": error.message,
        }
    message = "answers" if first is not None else "answers; its catalog is empty"
    return {"host": host, "state": "reachable", "reason_code": "catalog-offered", "message": message}
