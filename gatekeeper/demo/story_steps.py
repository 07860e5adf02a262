"""The story of the demo, step by step: told to a person, and checked while it is told.

It runs the daemon's own code on whatever registry and database the stage's configuration names; the acceptance tests
play it on other people's registries and on PostgreSQL.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Protocol

from gatekeeper.core.digest import Digest
from gatekeeper.core.lifecycle import Case, CaseState, Decision
from gatekeeper.core.manifest import parse_manifest
from gatekeeper.core.reference import Reference, Repository, parse_reference
from gatekeeper.core.tombstone import read_tombstone
from gatekeeper.demo.registry_push import PushClient
from gatekeeper.demo.sigstore.instance import VirtualSigstore
from gatekeeper.demo.story_clock import StoryClock
from gatekeeper.demo.story_files import Stage, workflow
from gatekeeper.demo.story_images import Publisher, Sample, intruder, samples
from gatekeeper.demo.story_page import Page
from gatekeeper.ports import Page as Slice
from gatekeeper.signatures.signing import SigningKey
from gatekeeper.workflow.answer import Answer, AnswerState
from gatekeeper.workflow.promote import Promotion
from gatekeeper.workflow.workroom import Workroom

ACTOR = "rita"
_SHORTLY = timedelta(minutes=3)
_SETTLED = timedelta(minutes=11)


class Application(Protocol):
    """What the story asks of the application that the configuration gives (``wiring.Application``)."""

    @property
    def room(self) -> Workroom:
        """Store and registries, to look at."""
        ...

    def status(self, reference: Reference, *, wait: timedelta | None = None) -> Answer:
        """The recorded answer."""
        ...

    def promote(self, reference: Reference, target: Reference, *, actor: str, reason: str) -> Promotion:
        """Copies if and only if passed."""
        ...

    def review(self, case_id: str, decision: Decision, *, actor: str, reason: str) -> Case:
        """What a person decides."""
        ...

    def run_rounds(self, count: int) -> int:
        """The daemon's own code path, on this thread."""
        ...

    def close(self) -> None:
        """Ends its connections."""
        ...


Open = Callable[[Path, StoryClock], Application]
"""Makes the database of a configuration file and builds the application over it, with this clock."""


class StoryError(Exception):
    """A step did not come out as it was told. The text says which and how."""


class Story:
    """One telling. ``tell`` raises StoryError, and GatekeeperError for what went wrong below."""

    def __init__(self, stage: Stage, open_application: Open, page: Page) -> None:
        self._stage = stage
        self._page = page
        self._clock = StoryClock()
        self._release = SigningKey.generate("release.pub")
        self._samples = {sample.name: sample for sample in samples(self._clock.now())}
        self._sigstore = VirtualSigstore.since(self._clock.now() - timedelta(days=365))
        stage.write(self._release, self._sigstore)
        self._app = open_application(stage.config, self._clock)
        self._client = PushClient(stage.url)
        self._publisher = Publisher(self._client, stage.host, self._clock.now)

    def tell(self) -> None:
        """All of it, in order."""
        with closing(self._client), closing(self._app):
            self._push()
            self._first_round()
            self._signed_later()
            self._moved_tag()
            self._settled()
            self._look_at_the_quarantined()
            self._promote()
            self._review()
            self._trail()

    # the steps

    def _push(self) -> None:
        self._page.section("A registry full of images")
        self._page.say(f"{self._stage.host}; configuration, policy and database in {self._stage.directory}")
        for sample in self._samples.values():
            self._publisher.push(self._path(sample), sample.built, sample.tag)
        for name in ("cart", "batch"):
            self._sign(name, self._release)
        worker = self._samples["worker"]
        self._publisher.sign_without_key(
            self._path(worker), worker.built, self._sigstore, workflow(self._stage.project)
        )
        self._sign("payments", SigningKey.generate("nobody.pub"))
        web = self._samples["web"]
        self._publisher.sign_as_referrer(self._path(web), web.built, self._release)
        self._publisher.attest_sbom(self._path(web), web.built, self._release)
        rows = [(self._short(sample), sample.what) for sample in self._samples.values()]
        self._page.table(("pushed", "what it is"), rows)

    def _first_round(self) -> None:
        self._page.section("The first round: every digest is judged")
        self._round(_SHORTLY)
        self._verdicts(self._samples)
        for name in ("web", "worker", "cart"):
            self._expect_state(name, AnswerState.PASSED)
        for name in ("api", "legacy", "payments"):
            self._expect_state(name, AnswerState.WAITING, "settling")
        self._expect_state("batch", AnswerState.QUARANTINED)
        self._page.say("A missing signature may still arrive: for ten minutes it is reported, not acted on.")
        self._page.say("A root user does not go away by waiting: that image is in quarantine already.")

    def _signed_later(self) -> None:
        self._page.section("One is signed only after its push")
        before = self._status("api")
        self._sign("api", self._release)
        self._round(_SHORTLY)
        after = self._expect_state("api", AnswerState.PASSED)
        self._page.typed(f"gatekeeper status {self._short(self._samples['api'])}")
        self._page.say(f"was {before.state} ({before.reason_code}), is {after.state} ({after.reason_code})")

    def _moved_tag(self) -> None:
        self._page.section("Somebody moves a tag")
        cart = self._samples["cart"]
        stranger = intruder(self._clock.now())
        self._publisher.push(self._path(cart), stranger, cart.tag)
        self._page.say(f"{self._short(cart)} now points at {_cut(stranger.digest)}: unsigned, and root")
        self._round(_SHORTLY)
        shown = self._client.resolve(self._path(cart), cart.tag)
        _expect(shown == cart.built.digest, f"the tag {self._short(cart)} was not rolled back: {shown}")
        (case,) = self._cases(cart, CaseState.OPEN)
        _expect(str(case.digest) == stranger.digest, f"case {case.id} is not about the moved digest")
        self._page.say(
            f"rolled back to {_cut(cart.built.digest)}, which passed before; "
            f"the other is case {case.id} ({case.reason_code})"
        )

    def _settled(self) -> None:
        self._page.section("Ten minutes later: what is still unsigned has failed")
        self._round(_SETTLED)
        passed, failed = ("web", "worker", "api"), ("legacy", "payments", "batch")
        self._verdicts((*passed, *failed))
        for name in failed:
            self._expect_state(name, AnswerState.QUARANTINED)
        for name in passed:
            self._expect_state(name, AnswerState.PASSED)

    def _look_at_the_quarantined(self) -> None:
        legacy = self._samples["legacy"]
        self._page.section(f"What is left of {self._short(legacy)}")
        raw = self._client.manifest(self._path(legacy), legacy.tag)
        _expect(raw is not None, f"there is nothing at {self._short(legacy)}")
        facts = read_tombstone(parse_manifest(raw or b"", content_type=None, expected=None))
        _expect(facts is not None and str(facts.digest) == legacy.built.digest, "the tag shows no tombstone")
        self._page.say(
            "The tag shows a tombstone, an artifact of which no runtime can make a container. It says:"
        )
        if facts is not None:
            self._page.table(
                ("annotation", "value"),
                (
                    ("original-digest", _cut(str(facts.digest))),
                    ("reason-code", facts.reason_code),
                    ("who-can-release", facts.who_can_release),
                ),
            )
        kept = f"quarantine/{self._path(legacy)}"
        _expect(
            self._client.manifest(kept, legacy.built.digest) is not None,
            f"the image is not in {kept}",
        )
        self._page.say(f"The image itself is kept, byte for byte, in {kept}.")
        answer = self._status("legacy")
        self._page.typed(f"gatekeeper status {self._short(legacy)}")
        self._page.say(f"{answer.state}: {answer.message}; exit code {answer.exit_code}")
        _expect(answer.exit_code == 1, f"status of a quarantined tag ends with {answer.exit_code}, not 1")

    def _promote(self) -> None:
        self._page.section("Promote what passed, and only that")
        for name, wanted in (("web", "confirmed"), ("payments", "refused")):
            sample = self._samples[name]
            target = f"release/{self._path(sample)}"
            done = self._app.promote(
                self._reference(sample),
                parse_reference(f"{self._stage.host}/{target}:{sample.tag}"),
                actor=ACTOR,
                reason="the demo",
            )
            self._page.typed(f"gatekeeper promote {self._short(sample)} {target}:{sample.tag}")
            promoted = self._client.resolve(target, sample.tag)
            _expect(done.state == wanted, f"promote {self._short(sample)}: {done.state}, {done.message}")
            if wanted == "confirmed":
                _expect(promoted == sample.built.digest, f"{target}:{sample.tag} shows {promoted}")
                hung = self._hung(target, sample)
                _expect(
                    len(hung) >= 2 and hung == self._hung(self._path(sample), sample), f"{target}: {hung}"
                )
                self._page.say(f"promoted {_cut(sample.built.digest)}, with its signature and its SBOM")
            else:
                _expect(promoted is None, f"{target}:{sample.tag} exists")
                self._page.say(f"refused, exit code {done.exit_code}: {done.message}")

    def _review(self) -> None:
        self._page.section("A person reviews")
        self._page.typed("gatekeeper quarantine list")
        cases = self._cases(None, CaseState.OPEN)
        rows = [
            (case.id, f"{case.repository.path}:{','.join(case.tags)}", str(case.action), case.reason_code)
            for case in cases
        ]
        self._page.table(("case", "image", "action", "reason"), rows)
        legacy, batch = self._samples["legacy"], self._samples["batch"]
        self._decide(legacy, Decision.RESTORE, "still needed this week")
        self._decide(batch, Decision.RELEASE, "needs root, reviewed, accepted")
        self._round(_SHORTLY)
        for sample in (legacy, batch):
            shown = self._client.resolve(self._path(sample), sample.tag)
            _expect(shown == sample.built.digest, f"the tag {self._short(sample)} was not put back: {shown}")
        self._round(_SHORTLY)
        self._cases(legacy, CaseState.RESTORED)
        (again,) = self._cases(legacy, CaseState.PROPOSED)
        self._expect_state("legacy", AnswerState.FAILED)
        released = self._expect_state("batch", AnswerState.PASSED, "passed-with-waiver")
        self._page.say(
            f"{self._short(legacy)} is restored: the tag is back, nothing was accepted; "
            f"its findings are proposal {again.id} now"
        )
        self._page.say(
            f"{self._short(batch)} is released: {released.state} ({released.reason_code}); new findings act again"
        )

    def _trail(self) -> None:
        self._page.section("The audit trail")
        store = self._app.room.store
        head, broken = store.head(), store.broken_at()
        _expect(broken is None, f"the audit chain is broken: {broken}")
        _expect(head.seq > 0, "the audit trail is empty")
        left = store.open_intents()
        _expect(not left, f"{len(left)} intents are still open")
        self._page.typed("gatekeeper audit verify")
        self._page.say(
            f"{head.seq} rows, hash-chained, none changed, missing or out of order; head {_cut(str(head))}"
        )

    # what the steps share

    def _round(self, later: timedelta) -> None:
        self._clock.advance(later)
        self._app.run_rounds(1)

    def _sign(self, name: str, key: SigningKey) -> None:
        sample = self._samples[name]
        self._publisher.sign(self._path(sample), sample.built, key)

    def _decide(self, sample: Sample, decision: Decision, reason: str) -> None:
        (case,) = self._cases(sample, CaseState.OPEN)
        self._page.typed(f'gatekeeper quarantine {decision} {case.id} --reason "{reason}"')
        self._app.review(case.id, decision, actor=ACTOR, reason=reason)

    def _cases(self, sample: Sample | None, state: CaseState) -> list[Case]:
        """Newest first; at least one."""
        where = (
            f"{self._stage.host}/{self._stage.project}/**"
            if sample is None
            else str(self._repository(sample))
        )
        found, _ = self._app.room.store.cases(states=frozenset({state}), repositories=(where,), page=Slice())
        _expect(bool(found), f"there is no {state} case in {where}")
        return list(found)

    def _hung(self, path: str, sample: Sample) -> set[str]:
        """Digests of what hangs on the sample in this repository."""
        registry = self._app.room.registries.get(self._stage.host)
        found = registry.referrers(path, Digest.parse(sample.built.digest)).items
        return {str(referrer.descriptor.digest) for referrer in found}

    def _verdicts(self, names: Iterable[str]) -> None:
        rows = []
        for name in names:
            answer = self._status(name)
            rows.append(
                (self._short(self._samples[name]), str(answer.state), answer.reason_code, answer.message)
            )
        self._page.table(("image", "answer", "reason", "because"), rows)

    def _status(self, name: str) -> Answer:
        return self._app.status(self._reference(self._samples[name]))

    def _expect_state(self, name: str, state: AnswerState, reason: str | None = None) -> Answer:
        answer = self._status(name)
        _expect(
            answer.state is state and reason in (None, answer.reason_code),
            f"{self._short(self._samples[name])} is {answer.state} ({answer.reason_code}: {answer.message}), "
            f"not {state}{f' ({reason})' if reason else ''}",
        )
        return answer

    def _path(self, sample: Sample) -> str:
        return f"{self._stage.project}/{sample.name}"

    def _short(self, sample: Sample) -> str:
        return f"{self._path(sample)}:{sample.tag}"

    def _repository(self, sample: Sample) -> Repository:
        return Repository(self._stage.host, self._path(sample))

    def _reference(self, sample: Sample) -> Reference:
        return parse_reference(f"{self._stage.host}/{self._short(sample)}")


def _expect(held: bool, otherwise: str) -> None:
    if not held:
        raise StoryError(otherwise)


def _cut(digest: str) -> str:
    """Enough of a digest to recognise it."""
    name, _, encoded = digest.partition(":")
    return f"{name}:{encoded[:12]}"
