"""Does an advisory concern a component? One record at a time, then one finding for each group of aliases."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import msgspec

from gatekeeper.core.advisory_terms import VendorStatus
from gatekeeper.core.errors import MalformedError
from gatekeeper.core.match import Affectedness, Gap, LookedUp, Match, Unjudged, Why
from gatekeeper.vulnerabilities.distributions import concerns, is_ubuntu_pro
from gatekeeper.vulnerabilities.evaluation import UNAFFECTED, ReadyPackage, VersionAnswer, evaluate
from gatekeeper.vulnerabilities.naming import Named, split_ecosystem
from gatekeeper.vulnerabilities.ratings import believed
from gatekeeper.vulnerabilities.versions.schemes import SCHEMES

# Compared for every advisory; an attribute of an enumeration is a call in Python 3.11.
_INDETERMINATE, _NOT_AFFECTED = Affectedness.INDETERMINATE, VendorStatus.NOT_AFFECTED
_MODULAR = re.compile(r"\.module[_+]")


class Heading(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a match says of its advisory beside the affected package. In an index it is msgpack."""

    id: str
    aliases: tuple[str, ...]
    """Every id of the same vulnerability, its own left out."""
    summary: str = ""
    published: str = ""
    modified: str = ""


def applies(named: Named, ready: ReadyPackage) -> bool:
    """Whether an ``affected[]`` of a package of this name is about this one: its release, its registry."""
    _, suffix = split_ecosystem(ready.ecosystem)
    if named.release is not None:
        return concerns(suffix, named.release, named.version)
    # A suffix is the address of another registry than the ecosystem's own.
    return not suffix or not named.repository or _address(suffix) == _address(named.repository)


def match_advisory(
    purl: str,
    named: Sequence[Named],
    entries: Sequence[tuple[int, ReadyPackage]],
    heading: Callable[[], Heading],
) -> Match | Gap | None:
    """The answer of one record. ``entries``: (position in ``named``, its ``affected[]`` of that name).

    ``heading`` is asked for only when there is something to tell.

    What the record says of the binary package counts before what it says of the source package. None: not affected.
    """
    for position, name in enumerate(named):
        ours = [ready for at, ready in entries if at == position and applies(name, ready)]
        if ours:
            return _match(purl, name, _of_stream(name, ours), heading)
    return None


def _match(
    purl: str, named: Named, entries: Sequence[ReadyPackage], heading: Callable[[], Heading]
) -> Match | Gap | None:
    gap: Gap | None = None
    for ready in entries:
        if ready.status is _NOT_AFFECTED:
            continue
        answer = _evaluated(named, ready)
        if answer.why is not None:
            told = heading()
            return Match(
                component=purl,
                package=LookedUp(named.label, named.name, named.version, named.from_source),
                advisory=told.id,
                advisories=(told.id,),
                aliases=told.aliases,
                why=answer.why,
                fixed=_fixes(ready, named.version, answer.why),
                summary=told.summary,
                rating=ready.rating,
                status=ready.status,
                published=told.published,
                modified=told.modified,
            )
        if answer.affectedness is _INDETERMINATE and gap is None:
            gap = Gap(purl, _reason(named, ready), answer.detail, heading().id)
    return gap


def _evaluated(named: Named, ready: ReadyPackage) -> VersionAnswer:
    answer = evaluate(ready, named.version)
    if (
        answer.why is not None
        and answer.why.fixed
        and bool(_MODULAR.search(answer.why.fixed)) != bool(_MODULAR.search(named.version))
    ):
        # A module's stream and the distribution's own package are two lines of versions.
        return UNAFFECTED
    return answer


def _reason(named: Named, ready: ReadyPackage) -> Unjudged:
    if not named.version:
        return Unjudged.NO_VERSION
    if ready.commits or any(found.unorderable for found in ready.ranges):
        return Unjudged.RANGE_UNORDERABLE
    return Unjudged.VERSION_UNORDERABLE


def _of_stream(named: Named, entries: Sequence[ReadyPackage]) -> Sequence[ReadyPackage]:
    """Ubuntu: of a package that Ubuntu Pro built, what Pro says; of any other, what the archive says, if anything."""
    if named.ecosystem != "Ubuntu":
        return entries
    of_pro = [ready for ready in entries if is_ubuntu_pro(ready.ecosystem)]
    of_archive = [ready for ready in entries if not is_ubuntu_pro(ready.ecosystem)]
    first, second = (of_pro, of_archive) if "esm" in named.version else (of_archive, of_pro)
    return first or second


def _fixes(ready: ReadyPackage, version: str, why: Why) -> tuple[str, ...]:
    """Fixing versions above the installed one: first the one that ends its range, then the others, ascending."""
    scheme = SCHEMES.get(ready.scheme)
    found = [why.fixed] if why.fixed else []
    try:
        key = scheme.key(version) if scheme else b""
    except MalformedError:
        key = b""
    found += [text for fix, text in ready.fixes if fix > key]
    return tuple(dict.fromkeys(found))


def join(matches: Sequence[Match]) -> tuple[tuple[Match, tuple[int, ...]], ...]:
    """Matches of one component -> one for each vulnerability, with the positions of those it was made of.

    Records are the same vulnerability when they share an id or alias (symmetric, transitive: OSV schema, "aliases").
    """
    names = [name for match in matches for name in (match.advisory, *match.aliases)]
    if len(set(names)) == len(names):
        return tuple((match, (position,)) for position, match in enumerate(matches))
    leader: dict[str, int] = {}
    parent = list(range(len(matches)))

    def root(position: int) -> int:
        while parent[position] != position:
            parent[position] = parent[parent[position]]
            position = parent[position]
        return position

    for position, match in enumerate(matches):
        for name in (match.advisory, *match.aliases):
            first = leader.setdefault(name, position)
            parent[root(position)] = root(first)
    groups: dict[int, list[int]] = {}
    for position in range(len(matches)):
        groups.setdefault(root(position), []).append(position)
    return tuple(
        (_joined([matches[position] for position in positions]), tuple(positions))
        for positions in groups.values()
    )


def _joined(group: Sequence[Match]) -> Match:
    if len(group) == 1:
        return group[0]
    first = min(group, key=lambda match: (_is_cve(match.advisory), not match.fixed, match.advisory))
    ids = sorted(match.advisory for match in group)
    aliases = dict.fromkeys(
        name
        for match in (first, *group)
        for name in (*match.aliases, match.advisory)
        if name != first.advisory
    )
    return replace(
        first,
        advisories=tuple(ids),
        aliases=tuple(aliases),
        fixed=tuple(dict.fromkeys(text for match in (first, *group) for text in match.fixed)),
        rating=believed(match.rating for match in group),
        status=_status(match.status for match in group),
        published=min((match.published for match in group if match.published), default=""),
    )


def _is_cve(name: str) -> bool:
    return name.startswith("CVE-")


def _status(statuses: Iterable[VendorStatus]) -> VendorStatus:
    """What the vendor decided, where one of the records tells it."""
    return next((status for status in statuses if status is not VendorStatus.AFFECTED), VendorStatus.AFFECTED)


def _address(text: str) -> str:
    return text.partition("://")[2].rstrip("/") or text.rstrip("/")
