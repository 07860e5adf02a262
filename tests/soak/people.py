"""Who goes on working while the daemon dies: they push, move tags, sign late and review."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import ConflictError
from gatekeeper.core.lifecycle import CaseState, Decision
from gatekeeper.core.reference import Repository
from gatekeeper.demo.images import Built, image, index
from gatekeeper.demo.registry_push import PushClient
from gatekeeper.demo.story_images import Publisher
from gatekeeper.ports import Page
from gatekeeper.signatures.signing import SigningKey
from gatekeeper.wiring import Application

PATHS = ("app/web", "app/api", "app/batch", "tool/cli", "tool/lint", "service/cart", "service/shop")
TAGS = ("1.0", "1.1", "2.0", "stable")
_WAITING = frozenset({CaseState.PROPOSED, CaseState.OPEN, CaseState.KEPT})


@dataclass(slots=True)
class Pushed:
    """One image in one repository, as its pushers know it."""

    path: str
    built: Built
    root: bool
    signed: bool = False

    @property
    def digest(self) -> Digest:
        return Digest.parse(self.built.digest)

    @property
    def passes(self) -> bool:
        """What the policy says of it."""
        return self.signed and not self.root


@dataclass(slots=True)
class People:
    """They know what they pushed where, and nothing else."""

    client: PushClient
    host: str
    application: Application
    key: SigningKey
    chance: random.Random
    images: dict[tuple[str, Digest], Pushed] = field(default_factory=dict)
    history: dict[tuple[str, str], list[Pushed]] = field(default_factory=dict)
    """(path, tag) -> what was pushed there, oldest first."""
    counts: Counter[str] = field(default_factory=Counter)

    def act(self) -> None:
        """One of them does one thing."""
        doings: list[tuple[Callable[[], None], int]] = [
            (self._push, 5),
            (self._push_again, 1),
            (self._sign_late, 2),
            (self._review, 2),
        ]
        (doing,) = self.chance.choices([doing for doing, _ in doings], [weight for _, weight in doings])
        doing()

    def _push(self) -> None:
        """A new image at a new or an old tag: signed, unsigned, or running as root."""
        path, tag = self.chance.choice(PATHS), self.chance.choice(TAGS)
        root = self.chance.random() < 0.3
        files = {"n": str(self.chance.random())}
        user = "0" if root else "1000"
        built = image(files, user=user)
        if self.chance.random() < 0.3:
            built = index([built, image(files, user=user, platform="linux/arm64")])
        pushed = Pushed(path, built, root)
        if self.chance.random() < 0.5:
            self._sign(pushed)
        self._put(pushed, tag)

    def _push_again(self) -> None:
        """An image that was pushed before, at some tag of its repository."""
        if self.images:
            self._put(self.chance.choice(list(self.images.values())), self.chance.choice(TAGS))

    def _put(self, pushed: Pushed, tag: str) -> None:
        # Known before it is pushed: nobody may find a tag that its pusher has not told of.
        self.images[pushed.path, pushed.digest] = pushed
        self.history.setdefault((pushed.path, tag), []).append(pushed)
        self.client.push(pushed.path, pushed.built, tag)
        self.counts["pushes"] += 1

    def _sign_late(self) -> None:
        unsigned = [pushed for pushed in self.images.values() if not pushed.signed]
        if unsigned:
            self._sign(self.chance.choice(unsigned))
            self.counts["late signatures"] += 1

    def _sign(self, pushed: Pushed) -> None:
        publisher = Publisher(self.client, self.host, lambda: datetime.now(UTC))
        if self.chance.random() < 0.5:
            publisher.sign(pushed.path, pushed.built, self.key)
        else:
            publisher.sign_as_referrer(pushed.path, pushed.built, self.key)
        pushed.signed = True

    def _review(self) -> None:
        """A reviewer decides some case; the daemon may have been faster."""
        cases, _ = self.application.room.store.cases(
            states=_WAITING, repositories=("**",), page=Page(limit=100)
        )
        if not cases:
            return
        decision = self.chance.choice(list(Decision))
        try:
            self.application.review(
                self.chance.choice(cases).id, decision, actor="rita", reason="looked at it"
            )
        except ConflictError:
            self.counts["reviews too late"] += 1
        else:
            self.counts[f"reviews ({decision})"] += 1

    def repository(self, path: str) -> Repository:
        """As the database knows it."""
        return Repository(self.host, path)
