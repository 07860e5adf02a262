"""Where a command's questions go: to the daemon named by ``--server``, else to the database of this machine."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from inspect import Parameter
from pathlib import Path
from typing import Any, Protocol

from gatekeeper.cli.options import CaFileOption, ConfigOption, InsecureOption, ServerOption, TokenFileOption
from gatekeeper.core.errors import Cause, NotKnownNowError, UnavailableError

Plain = dict[str, Any]


class Desk(Protocol):
    """The use cases that work in both places. Answers are JSON objects, the same from both."""

    def status(self, image: str, wait: timedelta | None) -> Plain: ...

    def explain(self, image: str, wait: timedelta | None) -> Plain: ...

    def promote(self, image: str, target: str, reason: str) -> Plain: ...

    def cases(self, states: tuple[str, ...], repository: str, limit: int, after: str | None) -> Plain: ...

    def case(self, case: str) -> Plain: ...

    def review(self, case: str, decision: str, reason: str, expires_at: str | None = None) -> Plain: ...

    def waivers(self, ended: bool) -> Plain: ...

    def add_waiver(
        self,
        *,
        rule: str,
        digest: str | None,
        repositories: str | None,
        reason: str,
        owner: str | None,
        expires_at: str,
    ) -> Plain: ...

    def revoke_waiver(self, waiver: str, reason: str) -> Plain: ...

    def affected(self, vulnerability: str, repository: str, limit: int, verify: bool) -> Plain: ...

    def brakes(self) -> Plain: ...

    def hold_on(self, reason: str) -> Plain: ...

    def hold_off(self, reason: str) -> Plain: ...

    def close_breaker(self, reason: str) -> Plain: ...

    def policy_change(self) -> Plain: ...

    def registries(self) -> Plain: ...

    def accept_registry(self, host: str, reason: str) -> Plain: ...

    def events(self, after: int, limit: int) -> Plain: ...

    def dead_letters(self) -> Plain: ...

    def resend(self, ids: list[int] | None, reason: str) -> Plain: ...

    def accept_policy(self, revision: str, reason: str) -> Plain: ...


@dataclass(frozen=True, slots=True)
class Where:
    """The shared options that choose the desk."""

    config: Path | None
    server: str | None
    token_file: Path | None
    ca_file: Path | None
    insecure_http: bool

    @contextmanager
    def asking(self, *, registries: bool = True) -> Iterator[Desk]:
        """The desk of a command that only reads: a database that is away is no answer (exit code 4), not a failure."""
        try:
            with self.desk(registries=registries) as desk:
                yield desk
        except UnavailableError as error:
            if error.cause is not Cause.STORE:
                raise
            raise NotKnownNowError.of(error) from error

    @contextmanager
    def desk(self, *, registries: bool = True) -> Iterator[Desk]:
        """The desk, closed again at the end. ``registries``: False where the database alone is asked."""
        if self.server:
            from gatekeeper.cli.remote import open_desk

            yield open_desk(
                self.server,
                token_file=self.token_file,
                ca_file=self.ca_file,
                insecure_http=self.insecure_http,
            )
            return
        from gatekeeper.cli.local import local_desk

        with local_desk(self.config, registries=registries) as desk:
            yield desk


_OPTIONS = tuple(
    Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=option)
    for name, default, option in (
        ("config", None, ConfigOption),
        ("server", None, ServerOption),
        ("token_file", None, TokenFileOption),
        ("ca_file", None, CaFileOption),
        ("insecure_http", False, InsecureOption),
    )
)
"""The fields of ``Where``, as options."""


def chooses_desk(command: Callable[..., None]) -> Callable[..., None]:
    """On the command line, the command's parameter ``where`` becomes the options that choose the desk."""
    signature = inspect.signature(command, eval_str=True)
    parameters: list[Parameter] = []
    for parameter in signature.parameters.values():
        parameters += _OPTIONS if parameter.name == "where" else [parameter]

    @functools.wraps(command)
    def with_options(**given: Any) -> None:
        where = Where(**{option.name: given.pop(option.name) for option in _OPTIONS})
        command(**given, where=where)

    # What the command line is built from.
    with_options.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    with_options.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return with_options
