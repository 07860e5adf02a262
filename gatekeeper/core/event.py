"""Events: what other people are told about. Each is recorded in the transaction that it tells of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Event:
    """One row of the outbox. ``id`` rises with time; a reader goes on from the last one it has seen."""

    id: int
    at: datetime
    kind: str
    """One of ``KINDS``."""
    subject: str
    """``registry/repository@digest``, ``case …``, ``intent …`` or what else it is about."""
    actor: str
    reason: str
    detail: Mapping[str, str]
    audit: int
    """The row of the audit trail that tells the same."""


@dataclass(frozen=True, slots=True)
class KindOfEvent:
    """What an event means and what a person does about it."""

    meaning: str
    remedy: str


KINDS: Mapping[str, KindOfEvent] = {
    "verdict-recorded": KindOfEvent(
        "The answer about an image is another than before, or its first.",
        "None when it passed; else `gatekeeper explain IMAGE` names rule, evidence and remedy.",
    ),
    "verdict-will-fail": KindOfEvent(
        "An image that passes will fail at a known moment: a deadline of its findings comes near.",
        "`gatekeeper explain IMAGE` names the finding; mend it, or waive it with reason and end.",
    ),
    "case-proposed": KindOfEvent(
        "A person has to decide: an image fails and nothing was done, or a quarantined one passes now.",
        "`gatekeeper quarantine show CASE`, then release or keep it.",
    ),
    "case-opened": KindOfEvent(
        "An image failed and was acted on, or is about to be.",
        "`gatekeeper quarantine show CASE`; if it was wrong: `gatekeeper quarantine restore CASE --reason TEXT`.",
    ),
    "case-released": KindOfEvent("A person accepted the findings of a case.", "None."),
    "case-kept": KindOfEvent("A person reviewed a case; it stays as it is.", "None."),
    "case-restored": KindOfEvent(
        "A person undid what we did; nothing was accepted.", "Decide the proposal that follows."
    ),
    "case-superseded": KindOfEvent("A case lost its reason: the tag moved or the image passes.", "None."),
    "cases-unwatched": KindOfEvent(
        "The policy or configuration leaves out a repository in which cases wait.",
        "Release or restore them, watch the repository again, or `gatekeeper decommission`.",
    ),
    "cases-watched": KindOfEvent("Cases that nobody watched were decided, or are watched again.", "None."),
    "breaker-opened": KindOfEvent(
        "A cap was used up: everything is proposed only.",
        "Find out what changed so much; then `gatekeeper breaker close --reason TEXT`.",
    ),
    "breaker-closed": KindOfEvent("Enforcement acts again.", "None."),
    "hold-on": KindOfEvent(
        "Every registry write is stopped.", "`gatekeeper hold off --reason TEXT` when it is safe."
    ),
    "hold-off": KindOfEvent("Registry writes go on.", "None."),
    "registry-unreadable": KindOfEvent(
        "A registry as a whole could not be read for longer than `max_blind`: none or few of its repositories, or not "
        "the list of them.",
        "`gatekeeper doctor` names the cause: network, credentials or permission.",
    ),
    "registry-readable": KindOfEvent("All of a registry can be read again.", "None."),
    "repository-unreadable": KindOfEvent(
        "A repository could not be read for longer than `max_blind`.",
        "`gatekeeper doctor` names the cause: network, credentials or permission.",
    ),
    "repository-readable": KindOfEvent("A repository can be read again.", "None."),
    "intent-stuck": KindOfEvent(
        "A registry action does not get ahead.",
        "The event's reason is what the registry answers; mend that, the action goes on by itself.",
    ),
    "intent-unstuck": KindOfEvent("A stuck registry action went on or ended.", "None."),
    "audit-broken": KindOfEvent(
        "A row of the audit trail was changed, is missing or was moved.",
        "`gatekeeper audit verify` says which; compare with a backup and with heads noted outside.",
    ),
    "feed-held": KindOfEvent(
        "A new version of a feed would make so many images fail that nothing is acted on until a person looks.",
        "`gatekeeper feed show ID`; then `gatekeeper feed accept ID --reason TEXT`.",
    ),
    "feed-accepted": KindOfEvent("A person accepted a held feed: its findings act.", "None."),
    "recovery-on": KindOfEvent(
        "The registry shows cases that the database does not know: nothing is written, everything is proposed.",
        "`gatekeeper quarantine recover`, read what it found, then again with `--accept --reason TEXT`.",
    ),
    "recovery-off": KindOfEvent("A person has recovered, or left it: we act again.", "None."),
    "registry-doubted": KindOfEvent(
        "So much of a registry vanished or moved at once that nothing of it is recorded or acted on.",
        "Ask who runs it; if it is right: `gatekeeper registry accept HOST --reason TEXT`.",
    ),
    "registry-accepted": KindOfEvent(
        "A person believes a doubted registry: what it shows is recorded.", "None."
    ),
    "registry-believed": KindOfEvent("A doubted registry shows again what is known.", "None."),
    "baseline-drawn": KindOfEvent(
        "Enforcement begins in some repositories: what was seen there before is proposed only.",
        "Work off `gatekeeper quarantine list --state proposed`.",
    ),
    "policy-change-pending": KindOfEvent(
        "A policy, key set or version turned so many images from passed to failed that they are proposals.",
        "`gatekeeper policy pending`; if it is meant: `gatekeeper policy accept REVISION --reason TEXT`.",
    ),
    "policy-accepted": KindOfEvent("What a policy turned into failed may be acted on.", "None."),
    "waiver-added": KindOfEvent("A person accepted a deviation for a while.", "None."),
    "waiver-revoked": KindOfEvent("A waiver or release was ended before its time.", "None."),
    "waiver-ending": KindOfEvent(
        "An accepted deviation ends soon; its findings count again from that second on.",
        "Mend what was waived, or accept it anew: `gatekeeper waiver add`.",
    ),
    "credential-ending": KindOfEvent(
        "A client or server certificate, or a login with a known end, ends soon or has ended.",
        "The event's reason says when and what follows; `gatekeeper doctor` what to do.",
    ),
    "credential-renewed": KindOfEvent(
        "A credential that was about to end was renewed or taken out.", "None."
    ),
    "trust-root-ending": KindOfEvent(
        "A trust root, a key of a signer or a certificate of a trust store ends soon or has ended.",
        "`gatekeeper trust update` or `trust import`, or add the successor; `gatekeeper doctor` says which.",
    ),
    "trust-root-renewed": KindOfEvent(
        "What signatures are verified with was about to end and was renewed or taken out.", "None."
    ),
    "token-ending": KindOfEvent(
        "An API token ends soon.", "`gatekeeper token create`, then change it where it is used."
    ),
}


def told(kind: str, detail: Mapping[str, str]) -> bool:
    """True for what people are told about; a verdict only where it changes the answer."""
    return kind in KINDS and (kind != "verdict-recorded" or detail.get("state") != detail.get("before"))
