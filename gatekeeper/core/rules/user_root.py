"""``user-root``: an image whose configuration starts its program as root."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from gatekeeper.core.evidence import Absent, ConfigFacts, NodeEvidence, Unavailable
from gatekeeper.core.rules.rule import Check, Context
from gatekeeper.core.rules.unasked import config_unasked
from gatekeeper.core.verdict import Level, Result

_NUMBER = re.compile(r"[+-]?[0-9]+", re.ASCII)
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*\$?", re.ASCII)
_WINDOWS_NAME = re.compile(r"[A-Za-z0-9._\\ -]+", re.ASCII)
_LARGEST_UID = 2**31 - 1
_WINDOWS_ADMINISTRATORS = frozenset({"containeradministrator", "administrator", "system", "localsystem"})


@dataclass(frozen=True, slots=True)
class UserRoot:
    """Fails an empty user, ``root``, uid 0 in every spelling, and a user no runtime reads the same way."""

    id: ClassVar[str] = "user-root"

    level: Level = Level.FAIL
    require_numeric: bool = False
    """Refuse user names too: only a number can be checked by a kubelet (``runAsNonRoot``)."""

    def check(self, context: Context) -> Iterator[Check]:
        """One Check for each image."""
        for node in context.images:
            yield config_unasked(node) or self._check_node(node)

    def _check_node(self, node: NodeEvidence) -> Check:
        config = node.config
        platform = str(node.platform) if node.platform else None
        if isinstance(config, Absent | Unavailable):
            # An artifact that is judged: it has no program to start.
            message = "There is no image configuration, so nothing is started as root."
            return Check(
                Result.SATISFIED, "no-configuration", message, "", node.digest, Absent("config"), platform
            )
        found = self._wrong(config)
        if found is None:
            return Check(
                Result.SATISFIED,
                "user-not-root",
                f"Runs as {config.user!r}.",
                "",
                node.digest,
                config.digest,
                platform,
            )
        reason_code, message, remedy = found
        return Check(Result.VIOLATED, reason_code, message, remedy, node.digest, config.digest, platform)

    def _wrong(self, config: ConfigFacts) -> tuple[str, str, str] | None:
        user, _, _ = config.user.partition(":")
        remedy = "Add a line such as `USER 10001` to the end of the Dockerfile, and make the files readable for it."
        windows = config.platform is not None and config.platform.os == "windows"
        if not user:
            return "user-not-set", "No user is set, which means root.", remedy
        if user.lower() == "root" or (windows and _last_part(user) in _WINDOWS_ADMINISTRATORS):
            return "user-root", f"The image runs as {user!r}.", remedy
        if _NUMBER.fullmatch(user) is not None:
            return _wrong_number(user, remedy)
        if (_WINDOWS_NAME if windows else _NAME).fullmatch(user) is None:
            return "user-malformed", f"{user[:60]!r} is neither a user name nor a number.", remedy
        if self.require_numeric:
            return (
                "user-not-numeric",
                f"The user {user[:60]!r} is a name; only a number can be checked.",
                remedy,
            )
        return None


def _last_part(user: str) -> str:
    return user.rpartition("\\")[2].strip().lower()


def _wrong_number(user: str, remedy: str) -> tuple[str, str, str] | None:
    digits = user.lstrip("+-").lstrip("0")
    if not digits:
        return "user-root", f"The user {user[:60]!r} is uid 0, which is root.", remedy
    if user[0] in "+-" or len(digits) > len(str(_LARGEST_UID)) or int(digits) > _LARGEST_UID:
        # Runtimes have read such numbers as user names, and as root (CVE-2024-40635, CVE-2026-46680).
        return "user-malformed", f"The user {user[:60]!r} is no uid from 1 to {_LARGEST_UID}.", remedy
    return None
