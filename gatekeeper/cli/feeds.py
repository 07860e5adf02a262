"""Feeds on this machine: the database of the configuration, and keys for bundles."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from gatekeeper.cli.acting import actor, now, plain
from gatekeeper.cli.local import local_application
from gatekeeper.cli.output import Block, Facts, Rows
from gatekeeper.cli.progress import progress
from gatekeeper.config.load import find_config, load_settings
from gatekeeper.core.errors import ConfigurationError, GatekeeperError, MalformedError
from gatekeeper.core.exit_codes import ExitCode, exit_code_of
from gatekeeper.core.feed import FeedKind
from gatekeeper.core.trust import PublicKey
from gatekeeper.ports import Store
from gatekeeper.ports.vulnerabilities import FeedRow
from gatekeeper.wiring import open_store
from gatekeeper.workflow.feeds import FeedOutcome

Plain = dict[str, Any]
_MOST_KEY_BYTES = 64 * 1024
_PROBLEMS = 50


@contextmanager
def _store(config: Path | None) -> Iterator[tuple[Store, datetime, float]]:
    settings = load_settings(find_config(config), check_secrets=False)
    with open_store(settings) as store:
        yield store, now(), settings.feeds.max_age.total_seconds()


def update(config: Path | None, names: Sequence[str]) -> Plain:
    """Fetches configured feeds now."""
    from gatekeeper.workflow import feeds

    with local_application(config) as application, progress() as told:
        outcomes = feeds.update(application.room, tuple(names), told=told)
        feeds.carry_on(application.room)
    return _told(outcomes)


def import_paths(
    config: Path | None,
    paths: Sequence[Path],
    *,
    name: str | None,
    kind: FeedKind | None,
    as_of: datetime | None,
    keys: Sequence[Path],
) -> Plain:
    """Feeds from files, directories and bundles. Of several paths, one that fails keeps nobody from the others."""
    from gatekeeper.signatures.sealing import open_seal
    from gatekeeper.workflow import feed_bundle, feeds
    from gatekeeper.workflow.feeds import FeedOutcome

    with local_application(config) as application, progress() as told:
        room = application.room
        trusted = (*application.settings.feeds.bundle_keys, *(read_public_key(path) for path in keys))
        outcomes: list[FeedOutcome] = []
        worst = ExitCode.PASSED
        for path in paths:
            try:
                if not path.is_dir() and room.supply.reader.is_bundle(path):
                    outcomes += feed_bundle.import_bundle(
                        room, path, opened=lambda envelope: open_seal(envelope, _some(trusted)), told=told
                    )
                else:
                    outcomes.append(
                        feeds.import_file(room, path, name=name, kind=kind, as_of=as_of, told=told)
                    )
            except GatekeeperError as error:
                if len(paths) == 1:
                    raise
                worst = max(worst, exit_code_of(error))
                outcomes.append(FeedOutcome(path.name, "failed", error.reason_code, error.message))
        feeds.carry_on(room)
    return {**_told(outcomes), "exit_code": int(worst)}


def _some(keys: Sequence[PublicKey]) -> Sequence[PublicKey]:
    if not keys:
        raise ConfigurationError(
            ("a bundle needs a key to be verified with: give --key FILE, or set feeds.bundle_keys",),
            reason_code="bundle-key-missing",
        )
    return keys


def export(config: Path | None, path: Path, names: Sequence[str], key: Path, password: bytes | None) -> Plain:
    """A signed bundle of feeds."""
    from gatekeeper.signatures.sealing import seal
    from gatekeeper.signatures.signing import SigningKey
    from gatekeeper.workflow.feed_bundle import export_bundle

    private = SigningKey.from_pem(_read(key), key.name, password=password)
    with local_application(config) as application, progress() as told:
        written = export_bundle(
            application.room,
            path,
            tuple(names),
            seal=lambda statement, predicate: seal(private, statement, predicate),
            told=told,
        )
    return {"file": str(path), "feeds": list(written), "key_id": private.public.id}


def listed(config: Path | None) -> Plain:
    """Every feed with how fresh it is."""
    with _store(config) as (store, at, max_age):
        return {"feeds": [_fresh(row, at, max_age) for row in store.feeds()]}


def shown(config: Path | None, name: str) -> Plain:
    """One feed with what was set aside of it."""
    with _store(config) as (store, at, max_age):
        row = store.feed(name)
        problems = store.feed_problems(name, limit=_PROBLEMS)
    return {**_fresh(row, at, max_age), "set_aside": [plain(problem) for problem in problems]}


def accept(config: Path | None, name: str, reason: str) -> Plain:
    """Lets actions rest on the newest version."""
    with _store(config) as (store, at, max_age):
        row = store.accept_feed(name, actor=actor(), reason=reason, now=at)
        return _fresh(row, at, max_age)


def _fresh(row: FeedRow, at: datetime, max_age: float) -> Plain:
    age = None if row.fetched_at is None else max(0, int((at - row.fetched_at).total_seconds()))
    state = "missing" if age is None or row.version == 0 else "stale" if age >= max_age else "fresh"
    if state == "fresh" and row.acted < row.version:
        state = "held" if row.held else "weighed"
    return {"state": state, "age_seconds": age, **plain(row)}


def _told(outcomes: Sequence[FeedOutcome]) -> Plain:
    failed = [outcome for outcome in outcomes if outcome.state == "failed"]
    code = ExitCode.UNREACHABLE if failed else ExitCode.PASSED
    return {"feeds": [plain(outcome) for outcome in outcomes], "exit_code": int(code)}


def read_public_key(path: Path) -> PublicKey:
    """Raises MalformedError, ConfigurationError."""
    from gatekeeper.signatures.keys import load_public_key

    return load_public_key(_read(path), path.name)


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            content = stream.read(_MOST_KEY_BYTES + 1)
    except OSError as error:
        raise ConfigurationError(
            (f"{path}: cannot be read: {error.strerror}",), reason_code="key-unreadable"
        ) from error
    if len(content) > _MOST_KEY_BYTES:
        raise MalformedError(f"{path} is too large for a key", reason_code="key-malformed")
    return content


def outcome_blocks(answer: Plain) -> list[Block]:
    """What became of each feed."""
    return [
        Rows(
            ["feed", "state", "reason", "message"],
            [[one["name"], one["state"], one["reason_code"], one["message"]] for one in answer["feeds"]],
            empty="no feed is configured; add [[feeds.sources]], or import files",
        )
    ]


def list_blocks(answer: Plain) -> list[Block]:
    """Feeds as a table."""
    return [
        Rows(
            ["feed", "kind", "state", "records", "set aside", "renewed", "newest record", "source"],
            [
                [
                    row["name"],
                    row["kind"],
                    row["state"],
                    str(row["records"]),
                    str(row["problems"]),
                    row["fetched_at"],
                    row["as_of"],
                    row["source"],
                ]
                for row in answer["feeds"]
            ],
            empty="there is no feed; run `gatekeeper feed update` or `gatekeeper feed import FILE`",
        )
    ]


def feed_blocks(row: Plain) -> list[Block]:
    """One feed."""
    pairs = [
        ("feed", row["name"]),
        ("kind", row["kind"]),
        ("ecosystem", row["ecosystem"]),
        ("state", row["state"]),
        ("source", row["source"]),
        ("sha256", row["sha256"]),
        ("records", str(row["records"])),
        ("set aside", str(row["problems"])),
        ("renewed", row["fetched_at"]),
        ("newest record", row["as_of"]),
        ("version", str(row["version"])),
        ("acted on", str(row["acted"])),
        ("last error", row["error"]),
        ("next fetch", row["next_due"]),
    ]
    if row["state"] == "held":
        pairs.append(("next", f"gatekeeper feed accept {row['name']} --reason TEXT"))
    blocks: list[Block] = [Facts(pairs)]
    if row.get("set_aside"):
        blocks.append(
            Rows(
                ["record", "reason", "message"],
                [[one["record"], one["reason_code"], one["message"]] for one in row["set_aside"]],
                title="set aside",
            )
        )
    return blocks
