"""The desk of this machine: the use cases as JSON objects, the same as over HTTP."""

from __future__ import annotations

from datetime import datetime, timedelta

from gatekeeper.cli.acting import WAITING_FOR_PEOPLE, Plain, actor, plain
from gatekeeper.core.canonical import to_plain
from gatekeeper.core.lifecycle import CaseState, Decision
from gatekeeper.core.reference import parse_reference
from gatekeeper.ports import Page
from gatekeeper.wiring import Application


class LocalDesk:
    """The use cases as JSON objects, the same as over HTTP."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._room = application.room

    def status(self, image: str, wait: timedelta | None) -> Plain:
        """The recorded answer."""
        return plain(self._application.status(parse_reference(image), wait=wait))

    def explain(self, image: str, wait: timedelta | None) -> Plain:
        """The recorded answer with the tree below it."""
        return plain(self._application.explain(parse_reference(image), wait=wait))

    def promote(self, image: str, target: str, reason: str) -> Plain:
        """Copies if and only if passed."""
        source, destination = parse_reference(image), parse_reference(target)
        return plain(self._application.promote(source, destination, actor=actor(), reason=reason))

    def cases(self, states: tuple[str, ...], repository: str, limit: int, after: str | None) -> Plain:
        """A page of cases; without states those that wait for a person."""
        wanted = frozenset(CaseState(state) for state in states) or WAITING_FOR_PEOPLE
        found, cursor = self._room.store.cases(
            states=wanted, repositories=(repository,), page=Page(limit, after)
        )
        return {"items": [plain(case) for case in found], "next": cursor}

    def case(self, case: str) -> Plain:
        """One case with findings, intents and history."""
        return plain(self._room.store.case(case))

    def review(self, case: str, decision: str, reason: str, expires_at: str | None = None) -> Plain:
        """Release, keep or restore."""
        end = None if expires_at is None else datetime.fromisoformat(expires_at)
        return plain(
            self._application.review(case, Decision(decision), actor=actor(), reason=reason, expires_at=end)
        )

    def waivers(self, ended: bool) -> Plain:
        """Waivers and releases."""
        from gatekeeper.workflow.waive import listing

        return {"items": [plain(one) for one in listing(self._room, ended=ended)], "next": None}

    def add_waiver(
        self,
        *,
        rule: str,
        digest: str | None,
        repositories: str | None,
        reason: str,
        owner: str | None,
        expires_at: str,
    ) -> Plain:
        """Accepts a rule's findings for a while."""
        from gatekeeper.workflow.waive import add

        return plain(
            add(
                self._room,
                rule=rule,
                digest=digest,
                repositories=repositories,
                reason=reason,
                owner=owner,
                expires_at=datetime.fromisoformat(expires_at),
                actor=actor(),
            )
        )

    def revoke_waiver(self, waiver: str, reason: str) -> Plain:
        """Ends a waiver or release now."""
        from gatekeeper.workflow.waive import revoke

        return plain(revoke(self._room, waiver, actor=actor(), reason=reason))

    def affected(self, vulnerability: str, repository: str, limit: int, verify: bool) -> Plain:
        """What a vulnerability concerns."""
        from gatekeeper.workflow.affected import affected

        return plain(
            affected(self._room, vulnerability, repositories=(repository,), limit=limit, verify=verify)
        )

    def brakes(self) -> Plain:
        """Everything that keeps us from writing now."""
        from gatekeeper.workflow.brakes import summary

        found = summary(self._room)
        return {
            "hold": to_plain(self._room.store.hold()),
            "breaker": to_plain(self._room.store.breaker()),
            "brakes": to_plain(found.brakes),
            "caps": to_plain(found.caps),
        }

    def registries(self) -> Plain:
        """What is recorded about each registry."""
        from gatekeeper.workflow.brakes import registries

        return {"items": to_plain(tuple(registries(self._room))), "next": None}

    def accept_registry(self, host: str, reason: str) -> Plain:
        """What the registry shows now is believed."""
        from gatekeeper.workflow.doubt import accept

        accept(self._room, host, actor=actor(), reason=reason)
        return self.registries()

    def hold_on(self, reason: str) -> Plain:
        """Stops every registry write."""
        self._application.hold_on(actor=actor(), reason=reason)
        return self.brakes()

    def hold_off(self, reason: str) -> Plain:
        """Lets registry writes go on."""
        self._application.hold_off(actor=actor(), reason=reason)
        return self.brakes()

    def close_breaker(self, reason: str) -> Plain:
        """Lets enforcement act again."""
        from gatekeeper.workflow.hold import close_breaker

        close_breaker(self._room, actor=actor(), reason=reason)
        return self.brakes()

    def events(self, after: int, limit: int) -> Plain:
        """Events after this one."""
        from gatekeeper.workflow.notify import follow

        return plain(follow(self._room, after=after, limit=limit))

    def dead_letters(self) -> Plain:
        """Messages that were given up."""
        return {"items": [plain(letter) for letter in self._room.store.dead_letters()], "next": None}

    def resend(self, ids: list[int] | None, reason: str) -> Plain:
        """Dead letters are sent again."""
        from gatekeeper.workflow.notify import resend

        return {"resent": resend(self._room, ids, actor=actor(), reason=reason)}

    def policy_change(self) -> Plain:
        """The policy in force and what it turned."""
        from gatekeeper.workflow.policy_change import change

        return {"change": to_plain(change(self._room))}

    def accept_policy(self, revision: str, reason: str) -> Plain:
        """What this revision turned may be acted on."""
        from gatekeeper.workflow.policy_change import accept

        return {"change": plain(accept(self._room, revision, actor=actor(), reason=reason))}
