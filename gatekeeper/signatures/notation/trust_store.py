"""notation's trust store directory (trust-store-trust-policy.md, "Trust Store"): ``x509/TYPE/NAME/*``, as it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from gatekeeper.core.errors import MalformedError
from gatekeeper.core.trust import StoreFile, StoreKind
from gatekeeper.signatures.notation.certificates import (
    MAX_FILE_BYTES,
    Certificate,
    is_authority,
    is_self_signed,
    read_certificate_file,
)
from gatekeeper.signatures.notation.trust_policy import StoreName

MAX_FILES = 512


@dataclass(frozen=True, slots=True)
class TrustStores:
    """The certificates of each store."""

    certificates: Mapping[StoreName, tuple[Certificate, ...]]

    def of(self, name: StoreName) -> tuple[Certificate, ...]:
        """The certificates of this store; empty when there is no such store."""
        return self.certificates.get(name, ())


def read_stores(files: Iterable[StoreFile]) -> TrustStores:
    """The certificates of these files. Raises MalformedError ``trust-store-unusable``: which file, what to do."""
    found: dict[StoreName, list[Certificate]] = {}
    for file in files:
        name = StoreName(file.kind, file.store)
        where = f"x509/{file.kind}/{file.store}/{file.name}"
        try:
            certificates = read_certificate_file(file.content)
        except MalformedError as error:
            raise _unusable(where, error.message) from error
        for certificate in certificates:
            _check_trustworthy(name, where, certificate)
        found.setdefault(name, []).extend(certificates)
    return TrustStores({name: tuple(dict.fromkeys(listed)) for name, listed in found.items()})


def load_store(folder: Path, name: StoreName) -> tuple[StoreFile, ...]:
    """The files of one store below ``folder``, which holds ``x509/``. Raises MalformedError like ``read_stores``."""
    path = folder / "x509" / name.kind / name.name
    if path.is_symlink() or not path.is_dir():
        raise _unusable(
            str(path), "there is no such folder; make it, and put certificates as PEM or DER into it"
        )
    try:
        entries = sorted(path.iterdir())
        if len(entries) > MAX_FILES:
            raise _unusable(str(path), f"it holds {len(entries)} files; {MAX_FILES} are read")
        if not entries:
            raise _unusable(
                str(path), f"the trust store {name} is empty; put a certificate as PEM or DER there"
            )
        return tuple(StoreFile(name.kind, name.name, entry.name, _content(entry)) for entry in entries)
    except OSError as error:
        raise _unusable(str(error.filename or path), f"it cannot be read: {error.strerror}") from error


def _content(path: Path) -> bytes:
    if path.is_symlink() or not path.is_file():
        raise _unusable(str(path), "it is no regular file (links and folders are not read); remove it")
    if path.stat().st_size > MAX_FILE_BYTES:
        raise _unusable(str(path), f"it is larger than {MAX_FILE_BYTES} bytes")
    return path.read_bytes()


def _check_trustworthy(name: StoreName, where: str, certificate: Certificate) -> None:
    itself = is_self_signed(certificate)
    if name.kind is StoreKind.TSA and not itself:
        raise _unusable(where, f"{certificate.named} is no self-signed root; a tsa store holds roots alone")
    if not itself and not is_authority(certificate):
        raise _unusable(
            where, f"{certificate.named} is neither an authority nor self-signed; give its issuer instead"
        )


def _unusable(where: str, detail: str) -> MalformedError:
    return MalformedError(f"{where}: {detail}", reason_code="trust-store-unusable")
