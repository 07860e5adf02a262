"""What every part of the assembly needs: where the file is, and where problems go."""

from __future__ import annotations

from pathlib import Path

from gatekeeper.config.problems import Location, ProblemList
from gatekeeper.config.secret_models import SecretModel
from gatekeeper.config.secrets import Secret
from gatekeeper.config.source import TomlSource


class Assembly:
    """One assembly under way."""

    def __init__(
        self, source: TomlSource, directory: Path, problems: ProblemList, *, check_secrets: bool
    ) -> None:
        self.source = source
        self.directory = directory
        self.problems = problems
        self.check_secrets = check_secrets

    def wrong(self, location: Location, text: str) -> None:
        """One more problem."""
        self.problems.add(self.source.problem(location, text))

    def path(self, written: str) -> Path:
        """Relative paths start at the directory of the file."""
        return self.directory / Path(written).expanduser()

    def existing(self, location: Location, written: str | None) -> Path | None:
        """A file that must be there."""
        if written is None:
            return None
        path = self.path(written)
        if not path.is_file():
            self.wrong(location, f"there is no file {path}")
        return path

    def secret(self, location: Location, model: SecretModel) -> Secret:
        """A secret's place; missing or readable by everybody is a problem."""
        secret = Secret(model.env, self.path(model.file) if model.file else None, model.command or ())
        trouble = secret.trouble() if self.check_secrets else None
        if trouble is not None:
            self.wrong(location, trouble)
        return secret
