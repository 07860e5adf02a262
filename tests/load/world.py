"""The world of a simulated day: an estate that is polled seldom; pauses that a registry asks for run on its clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from gatekeeper.config.settings import PollingSettings
from gatekeeper.core.lifecycle import Caps
from gatekeeper.core.policy import RuleSet
from gatekeeper.core.rules.user_root import UserRoot
from gatekeeper.database.migrate import upgrade
from gatekeeper.ports import Registries
from gatekeeper.registry.registries import ConfiguredRegistries
from gatekeeper.registry.settings import RegistrySettings
from tests.integration.workflow.world import SCOPE, START, World, policy_of

HOUR = timedelta(hours=1)
CAPS = Caps(per_run=4, per_repository=2, per_hour=8)


@dataclass(slots=True)
class LoadedWorld(World):
    """Polled every one to four hours, as an estate of this size is; judged by its user alone, which costs no key."""

    postgresql: str | None = None
    """The URL of an empty database; None: SQLite in ``directory``."""

    def __post_init__(self) -> None:
        self.caps = CAPS
        self.polling = PollingSettings(interval=2 * HOUR, min_interval=HOUR, max_interval=4 * HOUR)
        self.policy = policy_of(SCOPE, rules=RuleSet("default", (UserRoot(),)))
        World.__post_init__(self)

    @property
    def database(self) -> str:
        return self.postgresql or World.database.__get__(self)

    def empty_database(self) -> None:
        if self.postgresql is None:
            World.empty_database(self)
        else:
            upgrade(self.postgresql)

    def registries(self, connection: RegistrySettings) -> Registries:
        """The product's own, but a Retry-After lasts so long on the simulated clock."""
        return ConfiguredRegistries(
            (connection,),
            monotonic=self._elapsed,
            sleep=lambda seconds: self.clock.advance(timedelta(seconds=seconds)),
        )

    def _elapsed(self) -> float:
        return (self.clock.now() - START).total_seconds()
