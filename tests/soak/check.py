"""What must hold when everything is quiet. Each method gives sentences about what does not."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field

from gatekeeper.core.lifecycle import ENFORCING, Case, CaseState, Intent, IntentState
from gatekeeper.core.manifest import Manifest, parse_manifest
from gatekeeper.core.tombstone import read_tombstone
from gatekeeper.core.verdict import State
from gatekeeper.demo.oci_registry.exchange import LoggedRequest
from gatekeeper.demo.registry import EmbeddedRegistry
from gatekeeper.ports import Page
from gatekeeper.wiring import Application
from tests.soak.people import PATHS, People, Pushed

LAST_ASKED = 16


@dataclass(slots=True)
class Check:
    """The registry, the database and what the people know, compared."""

    registry: EmbeddedRegistry
    application: Application
    people: People
    windows: set[tuple[str, str]] = field(default_factory=set)
    """Tags at which a push fell between our last look and our write: OCI has no compare-and-swap on tags."""

    def wrong(self) -> list[str]:
        """Everything that is not as it must be in the end; empty when all is well."""
        self.windows = set()
        cases = self._cases()
        tags = [
            f"{path}:{tag}: {trouble} (last: {self._last_asked(path, tag)})"
            for (path, tag), history in sorted(self.people.history.items())
            if (trouble := self._tag(path, tag, history, cases)) is not None
        ]
        others = (self._unfinished(), self._lost(), self._verdicts(cases), self._cases_kept(cases))
        return [*tags, *itertools.chain(*others), *self._orphans()]

    def _cases(self) -> dict[tuple[str, str], Case]:
        """The newest case of each (path, digest)."""
        newest: dict[tuple[str, str], Case] = {}
        for case in self._all_cases():
            newest.setdefault((case.repository.path, str(case.digest)), case)
        return newest

    def _all_cases(self) -> Iterator[Case]:
        """Newest first."""
        after = None
        while True:
            found, after = self.application.room.store.cases(
                states=frozenset(CaseState), repositories=("**",), page=Page(1000, after)
            )
            yield from found
            if after is None:
                return

    def _unfinished(self) -> Iterator[str]:
        store = self.application.room.store
        for intent in store.open_intents():
            draft = intent.draft
            yield f"open: {draft.kind} {draft.repository}:{draft.tag} {intent.state} ({intent.note})"
        broken = store.broken_at()
        if broken is not None:
            yield f"the audit trail is broken: {broken}"

    def _lost(self) -> Iterator[str]:
        """Every manifest and blob that was ever pushed can still be read, here or in quarantine."""
        for path, digest in self.people.images:
            if not any(self._whole(place, str(digest)) for place in (path, f"quarantine/{path}")):
                yield f"{path}@{digest} is lost"

    def _whole(self, path: str, digest: str) -> bool:
        stored = self.registry.store.manifest(path, digest)
        if stored is None:
            return False
        blobs = all(self.registry.store.blob_size(path, blob) is not None for blob in stored.blobs)
        return blobs and all(self._whole(path, child) for child in stored.children)

    def _verdicts(self, cases: dict[tuple[str, str], Case]) -> Iterator[str]:
        """What is at a tag was judged, and rightly."""
        now = self.application.room.clock.now()
        for (path, tag), history in self.people.history.items():
            pushed = history[-1]
            if (path, tag) in self.windows:
                continue
            row = self.application.room.store.status(self.people.repository(path), pushed.digest, now=now)
            verdict = None if row is None else row.verdict
            if verdict is None:
                yield f"{path}@{pushed.digest} was never judged"
                continue
            case = cases.get((path, str(pushed.digest)))
            released = case is not None and case.state is CaseState.RELEASED
            expected = State.PASSED if pushed.passes or released else State.FAILED
            if verdict.state is not expected:
                yield f"{path}@{pushed.digest} at {tag} is {verdict.state} ({verdict.reason_code}), not {expected}"

    def _tag(
        self, path: str, tag: str, history: list[Pushed], cases: dict[tuple[str, str], Case]
    ) -> str | None:
        """Never half moved: the pushed digest, our tombstone with its case, or the predecessor with its case."""
        pushed = history[-1]
        stored = self.registry.store.manifest(path, tag)
        if stored is None:
            return "is gone"
        case = cases.get((path, str(pushed.digest)))
        acts = self._acts(case, tag)
        if stored.digest == str(pushed.digest):
            if pushed.passes or case is None or not acts or case.state.closed:
                return None if pushed.passes or case is not None else "fails, and nobody has a case of it"
            return f"{case.state} case {case.id}, and the image is still there"
        manifest = parse_manifest(stored.raw, content_type=stored.media_type, expected=None)
        told = read_tombstone(manifest)
        if self._in_window(path, tag):
            self.windows.add((path, tag))
            return None
        if case is None or case.state.closed or not acts:
            state = "no case" if case is None else f"a {case.state} case"
            return f"{pushed.digest} was replaced by {stored.digest}, and there is {state}"
        if told is not None:
            return None if told.digest == pushed.digest else f"the tombstone is of {told.digest}"
        return self._predecessor(manifest, history, acts)

    def _acts(self, case: Case | None, tag: str) -> list[Intent]:
        """What was done about the case at this tag."""
        if case is None:
            return []
        intents = self.application.room.store.case(case.id).intents
        return [
            intent
            for intent in intents
            if intent.draft.kind in ENFORCING
            and intent.draft.tag == tag
            and intent.state is IntentState.CONFIRMED
        ]

    def _predecessor(self, shown: Manifest, history: list[Pushed], acts: list[Intent]) -> str | None:
        earlier = {pushed.digest for pushed in history[:-1]}
        if shown.digest in earlier and any(act.draft.replacement == shown.digest for act in acts):
            return None
        return f"shows {shown.digest}, which nobody put there"

    def _in_window(self, path: str, tag: str) -> bool:
        """True when the last push came between our last look at the tag and our write."""
        looked = pushed_after_look = False
        hit = False
        for request in self._asked_about(path, tag):
            ours = request.headers.get("user-agent", "").startswith("gatekeeper")
            # A sweep asks conditionally and concerns nobody who is about to write: its look is another thread's.
            sweep = "if-none-match" in request.headers
            if request.method in ("GET", "HEAD") and ours and not sweep:
                looked, pushed_after_look = True, False
            elif request.method == "PUT" and not ours:
                pushed_after_look, hit = looked, False
            elif request.method == "PUT":
                hit = pushed_after_look
        return hit

    def _asked_about(self, path: str, tag: str) -> Iterator[LoggedRequest]:
        target = f"/v2/{path}/manifests/{tag}"
        return (request for request in self.registry.requests if request.path == target)

    def _last_asked(self, path: str, tag: str) -> str:
        """Who asked about or wrote the tag last, for a person who has to find out why it is wrong."""
        asked = list(self._asked_about(path, tag))[-LAST_ASKED:]
        return ", ".join(
            f"{request.headers.get('user-agent', '?').partition('/')[0]} {request.method}"
            f"{' (sweep)' if 'if-none-match' in request.headers else ''} {request.status}"
            for request in asked
        )

    def _cases_kept(self, cases: dict[tuple[str, str], Case]) -> Iterator[str]:
        """What an open case is about is held: in the quarantine or under tags of ours in its own repository."""
        for (path, digest), case in cases.items():
            if case.state not in (CaseState.OPEN, CaseState.KEPT) or case.why_proposed is not None:
                continue
            places = (path, f"quarantine/{path}")
            if not any(digest in self.registry.store.tags(place).values() for place in places):
                yield f"{case.state} case {case.id}: no tag holds {path}@{digest}"

    def _orphans(self) -> Iterator[str]:
        """Nothing of ours is left of what is over, and every tag of ours is on record."""
        store = self.application.room.store
        living: set[str] = set()
        for case in self._all_cases():
            if not case.state.closed:
                living.update(intent.draft.nonce for intent in store.case(case.id).intents)
        for path in (*PATHS, *(f"quarantine/{path}" for path in PATHS)):
            recorded = store.ours(self.people.repository(path))
            for tag, digest in self.registry.store.tags(path).items():
                if not tag.startswith("gatekeeper-"):
                    continue
                if str(recorded.get(tag)) != digest:
                    yield f"{path}:{tag} is not on record"
                kind, _, nonce = tag.removeprefix("gatekeeper-").partition("-")
                if kind in ("hold", "case") and nonce.partition("-")[0] not in living:
                    yield f"{path}:{tag} holds nothing any more"
