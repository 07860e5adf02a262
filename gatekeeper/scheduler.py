"""The daemon's clockwork: a few ticks of APScheduler; due rows with leases decide what is done.

Every replica may tick: the database arbitrates. A piece of work is one use case on one claimed row; it is carried out
by the engine, bounded for each registry, and a worker that runs dry claims more at once instead of waiting for the
next tick.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from threading import Event, Lock

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from gatekeeper.core.errors import Cause, GatekeeperError, UnavailableError
from gatekeeper.core.reach import reach_of
from gatekeeper.ports import Lease, WorkKind
from gatekeeper.ports.engine import Engine
from gatekeeper.workflow import feeds, notify
from gatekeeper.workflow.alarms import raise_alarms, tell_of_change, tell_of_dropped
from gatekeeper.workflow.discover import discover
from gatekeeper.workflow.enforce import enforce
from gatekeeper.workflow.policy_change import weigh
from gatekeeper.workflow.recover import hold_when_forgotten
from gatekeeper.workflow.verify import verify
from gatekeeper.workflow.waive import announce
from gatekeeper.workflow.watch import watch
from gatekeeper.workflow.workroom import DAEMON, Workroom

_log = logging.getLogger(__name__)
_LATE_SECONDS = 60.0
_NOTHING_LOOKED_AT = ""
_KINDS = (WorkKind.INTENT, WorkKind.SUBJECT, WorkKind.REPOSITORY)


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How often the daemon looks for work, and how long it may take to stop."""

    tick: timedelta = timedelta(seconds=2)
    discover: timedelta = timedelta(minutes=15)
    feeds: timedelta = timedelta(minutes=1)
    """How often it is looked whether a feed is due; each has an interval of its own."""
    audit_head: timedelta = timedelta(hours=1)
    audit_verify: timedelta = timedelta(days=1)
    trouble: timedelta = timedelta(minutes=1)
    """How often it is looked whether something is stuck or about to end."""
    drain: timedelta = timedelta(seconds=25)


class Daemon:
    """Ticks, and the work that they claim."""

    def __init__(self, room: Workroom, engine: Engine, rhythm: Rhythm | None = None) -> None:
        self._room = room
        self._engine = engine
        self._rhythm = rhythm or Rhythm()
        self._scheduler: BackgroundScheduler | None = None
        self._claiming = _Locks()
        self._in_hand = _InHand()
        self._looking: set[str] = set()
        self._telling: set[str] = set()
        self._unseen: set[str] = set()
        self._marked: str | None = None
        self._told: str | None = _NOTHING_LOOKED_AT
        self._doubted: frozenset[str] = frozenset()
        self._ask_again_at = room.clock.now() + room.limits.back_off
        self._run_started = room.clock.now()
        self._stop = Event()
        self._ticked: float | None = None
        self._work: Mapping[WorkKind, Callable[[Lease, datetime], None]] = {
            WorkKind.REPOSITORY: self._watch,
            WorkKind.SUBJECT: self._verify,
            WorkKind.INTENT: self._enforce,
        }
        engine.when_idle(self._refill)

    # ticks

    def tick(self) -> int:
        """Claims what is due for each registry and hands it to the engine; returns how much that was."""
        self._run_started = self._room.clock.now()
        self._mark_policy()
        self._weigh_change()
        self._announce_ends()
        self._carry_feeds()
        self._tell_doubts()
        self._ask_unseen()
        claimed = sum(self._claim(host) for host in self._room.registries.hosts())
        self._ticked = time.monotonic()
        return claimed

    def find_repositories(self) -> None:
        """Looks for new repositories."""
        self._find()

    def look_for_repositories(self) -> None:
        """Has the engine read each registry's catalog: one that hangs keeps nobody from the others."""
        for host in self._room.registries.hosts():
            if host not in self._looking:
                self._looking.add(host)
                self._engine.submit(host, partial(self._look, host))

    def _look(self, host: str) -> None:
        try:
            if host in self._unseen:
                found = hold_when_forgotten(self._room, host)
                self._unseen.remove(host)
                if found is not None:
                    _log.warning("nothing is written, everything is proposed: %s", found.reason)
            self._find(host)
        except UnavailableError as error:
            _log.warning(
                "%s is not acted on yet, its quarantine could not be read: %s", host, ascii(error.message)
            )
        finally:
            self._looking.discard(host)

    def _find(self, host: str | None = None) -> None:
        found = discover(self._room, host)
        if found.new:
            _log.info("%d repositories are watched, %d of them new", found.covered, found.new)
        for silent in found.without_catalog:
            _log.info(
                "%s offers no catalog: only repositories named without wildcards are watched there", silent
            )
        for gap in found.unavailable:
            _log.warning("could not ask for the %s: %s", gap.source, ascii(gap.detail))

    def log_audit_head(self) -> None:
        """``seq:hash`` on the log: with a copy outside, truncation of the audit trail can be seen."""
        _log.info("audit head %s", self._room.store.head())

    def update_feeds(self) -> None:
        """Fetches the feeds that are due."""
        for outcome in feeds.update(self._room, forced=False, told=self._until_stopped):
            level = logging.WARNING if outcome.state == "failed" else logging.INFO
            _log.log(level, "feed %s: %s: %s", outcome.name, outcome.reason_code, ascii(outcome.message))

    def _until_stopped(self, what: str, _done: int, _total: int | None) -> None:
        if self._stop.is_set():
            raise UnavailableError(
                f"{what} was stopped with the daemon; it goes on at the next start", cause=Cause.STORE
            )

    def _carry_feeds(self) -> None:
        for weighed in feeds.carry_on(self._room):
            _log.log(logging.WARNING if weighed.held else logging.INFO, "%s", weighed)

    def verify_audit(self) -> None:
        """Looks at the whole audit chain; a broken one is told of at once."""
        broken = self._room.store.broken_at()
        if broken is not None:
            _log.error("the audit trail is broken: %s", ascii(broken))
            self._room.store.raise_alarm(
                "audit-broken", "audit trail", reason=broken, now=self._room.clock.now()
            )

    def tell(self) -> None:
        """Has the engine deliver events to each webhook: one that hangs keeps nobody from the others."""
        notify.address(self._room)
        for endpoint in self._room.notifier.endpoints():
            if endpoint not in self._telling:
                self._telling.add(endpoint)
                self._engine.submit(f"webhook {endpoint}", partial(self._deliver, endpoint))

    def _deliver(self, endpoint: str) -> None:
        try:
            told = notify.deliver(self._room, endpoint)
        finally:
            self._telling.discard(endpoint)
        if told.trouble is not None:
            _log.warning(
                "webhook %s: %s%s",
                endpoint,
                ascii(told.trouble),
                "; the message is given up" if told.dead else "",
            )

    def look_for_trouble(self) -> None:
        """Tells once of what is stuck or about to end, and forgets events that are old."""
        for alarm in raise_alarms(self._room):
            _log.warning("%s", ascii(alarm))
        self._room.store.forget_events(before=self._room.clock.now() - self._room.limits.events_kept)

    def renew_leases(self) -> None:
        """What waits here or takes long stays ours. A process that died renews nothing."""
        self._room.store.renew(self._in_hand.leases(), until=self._room.clock.now() + self._room.limits.lease)

    def run_round(self) -> int:
        """One whole round on the caller's thread: discover, then tick until nothing is due. Needs an inline engine."""
        self.find_repositories()
        self.update_feeds()
        done = 0
        for _ in range(10_000):
            claimed = self.tick()
            done += claimed
            if claimed == 0:
                break
        self.look_for_trouble()
        self.tell()
        return done

    # life

    def start(self) -> None:
        """Starts ticking in the background."""
        self._audit("daemon-started", "")
        self.log_audit_head()
        self._unseen = set(self._room.registries.hosts())
        lease = self._room.limits.lease
        scheduler = BackgroundScheduler(
            executors={"default": ThreadPoolExecutor(5)},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
            timezone=UTC,
        )
        soon = datetime.now(UTC)
        rhythm = self._rhythm
        for job, every, first in (
            (self.look_for_repositories, rhythm.discover, soon),
            (self.tick, rhythm.tick, soon + timedelta(milliseconds=200)),
            (self.renew_leases, lease / 3, soon + lease / 3),
            (self.update_feeds, rhythm.feeds, soon + timedelta(seconds=1)),
            (self.log_audit_head, rhythm.audit_head, soon + rhythm.audit_head),
            (self.verify_audit, rhythm.audit_verify, soon + timedelta(minutes=5)),
            (self.tell, rhythm.tick, soon + timedelta(milliseconds=300)),
            (self.look_for_trouble, rhythm.trouble, soon + timedelta(seconds=5)),
        ):
            scheduler.add_job(
                _reported(job),
                "interval",
                seconds=every.total_seconds(),
                next_run_time=first,
                id=job.__name__,
            )
        scheduler.start()
        self._scheduler = scheduler

    def stop(self) -> bool:
        """Ticks no more and lets work under way end. False when the deadline passed before it did."""
        if self._scheduler is not None:
            for job in (
                self.look_for_repositories,
                self.update_feeds,
                self.tick,
                self.tell,
                self.look_for_trouble,
            ):
                self._scheduler.remove_job(job.__name__)
        ended = self._engine.drain(self._rhythm.drain.total_seconds())
        if self._scheduler is not None:
            self._scheduler.shutdown(wait=False)
            self._scheduler = None
        self._room.store.give_back(self._in_hand.drop_waiting())
        if not ended:
            _log.warning("work was still under way at the deadline; the next start takes it up")
        self._audit("daemon-stopped", "" if ended else "deadline passed")
        self.log_audit_head()
        return ended

    def ask_to_stop(self) -> None:
        """What SIGTERM does: ``wait`` returns. It only sets an event, so a signal handler may call it."""
        self._stop.set()

    def wait(self) -> None:
        """Until somebody asks to stop."""
        while not self._stop.wait(0.2):
            pass

    def missing(self) -> tuple[str, ...]:
        """What keeps it from its work (``/readyz``); empty: nothing. A tick waits for the database alone."""
        if self._stop.is_set():
            return ("daemon-stopping",)
        if self._ticked is None:
            return ("daemon-starting",)
        late = max(_LATE_SECONDS, 10 * self._rhythm.tick.total_seconds())
        return ("tick-late",) if time.monotonic() - self._ticked > late else ()

    def policy_changed(self) -> None:
        """After a reload: everything judged under another revision falls due at the next tick."""
        self._marked = None

    # work

    def _mark_policy(self) -> None:
        revision = self._room.policy().revision
        if revision == self._marked:
            return
        marked = self._room.store.mark_policy(
            revision,
            now=self._room.clock.now(),
            reach=reach_of(self._room.policy()),
            text=self._room.policy().canonical.decode(),
        )
        self._audit("policy-loaded", revision)
        self._marked = revision
        if marked:
            _log.info("%d subjects are judged again under policy %s", marked, revision)
        for alarm in tell_of_dropped(self._room):
            _log.warning("%s", ascii(alarm))

    def _weigh_change(self) -> None:
        """A small change of the policy flows; a large one is told of once and waits for a person."""
        change = weigh(self._room)
        pending = None if change is None or not change.pending else change.revision
        if pending == self._told:
            return
        self._told = pending
        for alarm in tell_of_change(self._room, change):
            _log.warning("%s", ascii(alarm))

    def _announce_ends(self) -> None:
        for waiver in announce(self._room):
            _log.warning(
                "waiver %s of %s ends at %s; owner: %s",
                waiver.id,
                waiver.rule or "a release",
                waiver.expires_at,
                ascii(waiver.owner),
            )

    def _ask_unseen(self) -> None:
        """A registry that could not be asked at the start is asked again soon."""
        now = self._room.clock.now()
        if self._unseen and now >= self._ask_again_at:
            self._ask_again_at = now + self._room.limits.back_off
            for host in sorted(self._unseen - self._looking):
                self._looking.add(host)
                self._engine.submit(host, partial(self._look, host))

    def _tell_doubts(self) -> None:
        doubts = {doubt.registry: doubt.reason for doubt in self._room.store.doubts()}
        for host in doubts.keys() - self._doubted:
            _log.warning(
                "%s is not believed: %s; nothing of it is recorded or acted on until its next look disagrees, or: "
                "gatekeeper registry accept %s --reason TEXT",
                host,
                doubts[host],
                host,
            )
        for host in self._doubted - doubts.keys():
            _log.warning("%s is believed again", host)
        self._doubted = frozenset(doubts)

    def _claim(self, host: str) -> int:
        """Claims as much as the engine takes for one registry. One claimer per registry at a time."""
        claimed = 0
        with self._claiming.of(host):
            for kind in (WorkKind.REPOSITORY,) if host in self._unseen else _KINDS:
                free = self._engine.free(host)
                if free == 0:
                    break
                leases = self._room.store.claim(
                    kind,
                    now=self._room.clock.now(),
                    limit=_share(kind, free),
                    lease_for=self._room.limits.lease,
                    hosts=frozenset({host}),
                )
                for lease in leases:
                    self._submit(host, lease)
                claimed += len(leases)
        return claimed

    def _submit(self, host: str, lease: Lease) -> None:
        run_started, work = self._run_started, self._work[lease.kind]

        def carry_out() -> None:
            if not self._in_hand.begin(lease):
                return
            try:
                work(lease, run_started)
            finally:
                self._in_hand.end(lease)

        self._in_hand.add(lease)
        self._engine.submit(host, carry_out)

    def _refill(self, host: str) -> None:
        if not self._stop.is_set():
            self._claim(host)

    def _watch(self, lease: Lease, _run_started: datetime) -> None:
        found = watch(self._room, lease)
        if found.error is not None:
            _log.warning("%s: %s: %s", found.repository, found.error.reason_code, ascii(found.error.message))
        elif found.moved or found.gone:
            _log.info("%s: %d tags, %d moved, %d gone", found.repository, found.tags, found.moved, found.gone)

    def _verify(self, lease: Lease, run_started: datetime) -> None:
        found = verify(self._room, lease, run_started=run_started)
        if found.verdict is not None:
            _log.info("%s: %s (%s)", found.subject, found.verdict.state, found.verdict.reason_code)

    def _enforce(self, lease: Lease, _run_started: datetime) -> None:
        intent = enforce(self._room, lease).intent
        draft = intent.draft
        _log.info(
            "%s %s:%s %s: %s", draft.kind, draft.repository, draft.tag, intent.state, ascii(intent.note)
        )

    def _audit(self, action: str, reason: str) -> None:
        self._room.store.append(
            actor=DAEMON,
            action=action,
            subject="daemon",
            reason=reason,
            detail={},
            now=self._room.clock.now(),
        )


@dataclass(slots=True)
class _InHand:
    """The leases of this process, from the claim until the work has ended."""

    guard: Lock = field(default_factory=Lock)
    begun: dict[Lease, bool] = field(default_factory=dict)

    def add(self, lease: Lease) -> None:
        with self.guard:
            self.begun[lease] = False

    def begin(self, lease: Lease) -> bool:
        """False when it was given back meanwhile."""
        with self.guard:
            if lease not in self.begun:
                return False
            self.begun[lease] = True
            return True

    def end(self, lease: Lease) -> None:
        with self.guard:
            self.begun.pop(lease, None)

    def leases(self) -> tuple[Lease, ...]:
        with self.guard:
            return tuple(self.begun)

    def drop_waiting(self) -> tuple[Lease, ...]:
        """Those that were never begun; nobody may begin them any more."""
        with self.guard:
            waiting = tuple(lease for lease, begun in self.begun.items() if not begun)
            for lease in waiting:
                del self.begun[lease]
            return waiting


@dataclass(slots=True)
class _Locks:
    """One lock for each registry."""

    guard: Lock = field(default_factory=Lock)
    locks: dict[str, Lock] = field(default_factory=dict)

    def of(self, host: str) -> Lock:
        with self.guard:
            return self.locks.setdefault(host, Lock())


def _share(kind: WorkKind, free: int) -> int:
    """Verifying a large new registry must not keep the watching of it from its turn."""
    return max(free // 2, 1) if kind is WorkKind.SUBJECT else free


def _reported(job: Callable[[], object]) -> Callable[[], None]:
    """A tick that fails says so and comes again."""

    def run() -> None:
        try:
            job()
        except GatekeeperError as error:
            _log.error("tick failed: %s: %s", error.reason_code, ascii(error.message))

    run.__name__ = getattr(job, "__name__", "job")
    return run
