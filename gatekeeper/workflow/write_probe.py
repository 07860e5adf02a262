"""``doctor --write-probe``: tries every kind of write once, in a repository that the configuration names for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from gatekeeper.core.canonical import canonical_bytes
from gatekeeper.core.diagnosis import Diagnosis, Health
from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import Cause, GatekeeperError, NotFoundError, NotOfferedError, UnavailableError
from gatekeeper.core.manifest import OCI_MANIFEST
from gatekeeper.core.reference import Repository
from gatekeeper.core.subject import EMPTY_JSON
from gatekeeper.ports import Registry

ARTIFACT = "application/vnd.gatekeeper.probe.v1+json"


def probe(registry: Registry, where: Repository, *, nonce: str) -> Iterator[Diagnosis]:
    """One line for each kind of write. What was written is taken away again; what could not be is named."""
    tag = f"gatekeeper-probe-{nonce}"
    first, second = (_manifest(f"{nonce}-{number}") for number in (1, 2))
    steps: tuple[tuple[str, str, Callable[[], object]], ...] = (
        ("push", "pushing", lambda: _pushed(registry, where.path, tag, first)),
        ("move-tag", "moving a tag", lambda: _pushed(registry, where.path, tag, second)),
        ("read-back", "reading back", lambda: _shows(registry, where.path, tag, second)),
        ("delete-tag", "removing a tag", lambda: registry.delete_tag(where.path, tag)),
        (
            "delete-digest",
            "deleting by digest",
            lambda: registry.delete_manifest(where.path, Digest.of(first)),
        ),
    )
    for name, what, act in steps:
        line = _tried(where, name, what, act)
        yield line
        if line.health in (Health.FAILED, Health.UNREACHABLE) and name in ("push", "move-tag"):
            break
    yield from _left(registry, where, tag, second)


def _manifest(text: str) -> bytes:
    empty = {
        "mediaType": "application/vnd.oci.empty.v1+json",
        "digest": str(Digest.of(EMPTY_JSON)),
        "size": 2,
    }
    return canonical_bytes(
        {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "artifactType": ARTIFACT,
            "config": empty,
            "layers": [empty],
            "annotations": {"org.opencontainers.image.title": text},
        }
    )


def _pushed(registry: Registry, path: str, tag: str, raw: bytes) -> None:
    registry.put_blob(path, EMPTY_JSON)
    registry.put_manifest(path, raw, OCI_MANIFEST, tag=tag)


def _shows(registry: Registry, path: str, tag: str, raw: bytes) -> None:
    shown = registry.resolve(path, tag).digest
    if shown != Digest.of(raw):
        raise UnavailableError(f"the tag shows {shown} instead of what was written", cause=Cause.PROTOCOL)


def _tried(where: Repository, name: str, what: str, act: Callable[[], object]) -> Diagnosis:
    check = f"write-{name}"
    try:
        act()
    except NotOfferedError as error:
        return Diagnosis(
            check,
            str(where),
            Health.WARNING,
            "not-offered",
            f"{what}: {error.message}",
            _WITHOUT.get(name, ""),
        )
    except UnavailableError as error:
        refused = error.cause in (Cause.UNAUTHORIZED, Cause.FORBIDDEN, Cause.METHOD_NOT_ALLOWED)
        remedy = (
            f"Allow these credentials: `repository:{where.path}:pull,push,delete`."
            if refused
            else "Try again later."
        )
        health = Health.FAILED if refused else Health.UNREACHABLE
        return Diagnosis(check, str(where), health, error.reason_code, f"{what}: {error.message}", remedy)
    except GatekeeperError as error:
        return Diagnosis(
            check,
            str(where),
            Health.FAILED,
            error.reason_code,
            f"{what}: {error.message}",
            "See the message.",
        )
    return Diagnosis(check, str(where), Health.OK, "write-works", f"{what} works")


_WITHOUT = {
    "delete-tag": "Tags of ours are moved onto a tombstone instead, and stay: see docs/registries.md.",
    "delete-digest": "Superseded copies stay in quarantine repositories; let the registry's own retention remove them.",
}


def _left(registry: Registry, where: Repository, tag: str, raw: bytes) -> Iterator[Diagnosis]:
    try:
        registry.delete_manifest(where.path, Digest.of(raw))
    except (NotFoundError, NotOfferedError):
        pass
    except UnavailableError as error:
        yield Diagnosis(
            "write-clean-up",
            str(where),
            Health.WARNING,
            error.reason_code,
            error.message,
            f"Remove {where}:{tag} by hand.",
        )
        return
    try:
        registry.resolve(where.path, tag)
    except NotFoundError:
        return
    except UnavailableError:
        pass
    yield Diagnosis(
        "write-clean-up",
        str(where),
        Health.WARNING,
        "probe-left-behind",
        f"the tag {tag} could not be removed",
        f"Remove {where}:{tag} by hand; it holds no image.",
    )
