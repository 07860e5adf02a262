"""``doubt``: a registry of which too much vanished or moved at once is not believed, until a person or its next look
says otherwise. A registry that was restored from a backup, or that lost its storage, looks exactly so.
"""

from __future__ import annotations

from gatekeeper.core.doubt import Weighed, weigh
from gatekeeper.core.errors import MalformedError
from gatekeeper.ports import Glance, Lease, WatchedRepository
from gatekeeper.workflow.workroom import DAEMON, Workroom


def believed(room: Workroom, lease: Lease, watched: WatchedRepository, changed: int) -> bool:
    """Whether a round over one repository may be recorded. When not, the round is done: only its figures are kept.

    ``changed``: how many of the known tags it saw vanished or moved.
    """
    if watched.believed or (changed == 0 and not watched.doubted):
        return True
    now, limits, host = room.clock.now(), room.limits, watched.repository.registry
    unrest = room.store.unrest(
        lease, known=len(watched.tags), changed=changed, since=now - limits.interval_max
    )
    weighed = weigh(unrest, share=limits.change_share, floor=limits.change_tags)
    if weighed is Weighed.CALM and not watched.doubted:
        return True
    wait = limits.interval_max if watched.doubted else limits.interval_min
    glance = Glance(len(watched.tags), changed, now + wait * (0.9 + 0.2 * room.spread()))
    room.store.record_glance(lease, glance, now=now)
    if watched.doubted and weighed is Weighed.CALM:
        _believe(room, host, actor=DAEMON, reason="its next look shows it as it was", accepted=False)
    elif weighed is Weighed.DOUBT and not watched.doubted:
        share = f"{unrest.changed} of {unrest.looked_at} tags looked at have vanished or moved"
        room.store.doubt(host, reason=share, now=now)
    return False


def accept(room: Workroom, host: str, *, actor: str, reason: str) -> int:
    """A person says that the registry is right: what it shows is recorded. Returns how many repositories it has.

    Raises NotFoundError when it is not doubted, MalformedError for an empty reason.
    """
    said = reason.strip()
    if not said:
        raise MalformedError("say why: the reason must not be empty", reason_code="reason-missing")
    return _believe(room, host, actor=actor, reason=said, accepted=True)


def _believe(room: Workroom, host: str, *, actor: str, reason: str, accepted: bool) -> int:
    """Its repositories are looked at again one after the other over one interval, with jitter."""
    count = room.store.repositories_of(host)
    step = room.limits.interval_max.total_seconds() / max(count, 1)
    dues = [step * (number + room.spread()) for number in range(count)]
    return room.store.believe(
        host, actor=actor, reason=reason, now=room.clock.now(), dues=dues, accepted=accepted
    )
