"""The registry writes of ATTEST: a bundle referrer or a ``.att`` layer more, or less. Others write there as well."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gatekeeper.core.attesting import AttachForm
from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import Cause, MalformedError, NotFoundError, NotOfferedError, UnavailableError
from gatekeeper.core.manifest import Descriptor, ImageIndex, ImageManifest, Manifest, parse_manifest
from gatekeeper.ports import Attachment, AttestationSigner, Rewrite, SignedStatement
from gatekeeper.workflow.attested import OwnSummary
from gatekeeper.workflow.work import Work

Changing = Callable[[ImageManifest | None], Attachment | None]


def attach(
    work: Work, signer: AttestationSigner, signed: SignedStatement, form: AttachForm, subject: Descriptor
) -> None:
    """Writes one attestation. Raises HeldError, UnavailableError, ConflictError, MalformedError."""
    if form is AttachForm.BUNDLE:
        _attach_referrer(work, signer.referrer(signed, subject, created=work.intent.created_at))
    else:
        _append(work, signer, signed)


def take_away(work: Work, signer: AttestationSigner, doomed: Sequence[OwnSummary]) -> int:
    """Removes summaries of ours; returns how many the registry would not let go of."""
    left = 0
    for own in doomed:
        if own.tag is None:
            left += not _detach(work, own.carrier.digest)
    layers = frozenset(_layer(own).digest for own in doomed if own.tag is not None)
    if layers and not _remove_layers(work, signer, layers):
        left += len(layers)
    return left


def _layer(own: OwnSummary) -> Descriptor:
    assert isinstance(own.carrier, ImageManifest)
    return own.carrier.layers[own.position]


def _put_blobs(work: Work, attachment: Attachment) -> None:
    for blob in attachment.blobs:
        work.guard()
        work.source.put_blob(work.path, blob)


def _attach_referrer(work: Work, attachment: Attachment) -> None:
    _put_blobs(work, attachment)
    work.guard()
    before = _index(work)
    manifest = parse_manifest(
        attachment.manifest, content_type=attachment.media_type, expected=attachment.digest
    )
    work.source.attach(work.path, manifest)
    _tell_own(work, before, _index(work), {attachment.digest})


def _detach(work: Work, carrier: Digest) -> bool:
    work.guard()
    before = _index(work)
    try:
        work.source.detach(work.path, work.draft.digest, carrier)
    except NotOfferedError:
        gone = False
    else:
        gone = True
    _tell_own(work, before, _index(work), {carrier})
    return gone


def _index(work: Work) -> ImageIndex | None:
    """The fallback index of the subject; None where there is none."""
    try:
        found = work.source.manifest_at(work.path, work.draft.digest.tag_form)
    except (NotFoundError, MalformedError):
        return None
    return found if isinstance(found, ImageIndex) else None


def _tell_own(work: Work, before: ImageIndex | None, after: ImageIndex | None, ours: set[Digest]) -> None:
    """Our own change of the fallback index makes no subject due; anybody else's in the same moment does."""
    entries = [
        {entry.digest for entry in index.manifests} if index is not None else set()
        for index in (before, after)
    ]
    if before == after or not (entries[0] ^ entries[1]) <= ours:
        return
    _observe(
        work,
        work.draft.digest.tag_form,
        None if before is None else before.digest,
        None if after is None else after.digest,
    )


def _observe(work: Work, tag: str, before: Digest | None, after: Digest | None) -> None:
    work.room.store.observe_own(
        work.draft.repository, tag, before=before, after=after, now=work.room.clock.now()
    )


def _append(work: Work, signer: AttestationSigner, signed: SignedStatement) -> None:
    layer = Digest.of(signed.envelope)

    def appended(current: ImageManifest | None) -> Attachment | None:
        if current is not None and any(one.digest == layer for one in current.layers):
            return None
        config = b"" if current is None else _config(work, current)
        return signer.appended(signed, current, config, subject=work.draft.digest)

    _Rewriting(work, appended).run()


def _remove_layers(work: Work, signer: AttestationSigner, doomed: frozenset[Digest]) -> bool:
    """False when nothing but ours is there and the registry deletes nothing."""
    emptied: list[ImageManifest] = []

    def without(current: ImageManifest | None) -> Attachment | None:
        emptied.clear()
        if current is None:
            return None
        positions = frozenset(
            position for position, layer in enumerate(current.layers) if layer.digest in doomed
        )
        if not positions:
            return None
        if len(positions) == len(current.layers):
            # A manifest with an image's configuration and no layer would be an image to everybody.
            emptied.append(current)
            return None
        return signer.without(current, _config(work, current), positions, subject=work.draft.digest)

    _Rewriting(work, without).run()
    return all(_delete(work, manifest) for manifest in emptied)


def _delete(work: Work, manifest: ImageManifest) -> bool:
    work.guard()
    try:
        work.source.delete_manifest(work.path, manifest.digest)
    except NotFoundError:
        return True
    except NotOfferedError:
        return False
    _observe(work, _tag(work), manifest.digest, None)
    return True


def _tag(work: Work) -> str:
    return f"{work.draft.digest.tag_form}.att"


def _config(work: Work, manifest: ImageManifest) -> bytes:
    return work.source.blob(work.path, manifest.config, cap=work.room.limits.config_bytes)


class _Rewriting:
    """One change of the ``.att`` tag, made anew for each manifest that other writers put there meanwhile."""

    def __init__(self, work: Work, change: Changing) -> None:
        self._work = work
        self._change = change
        self._before: Digest | None = None
        self._written: Digest | None = None

    def run(self) -> None:
        """Until it lasts."""
        work = self._work
        shown = work.source.rewrite(work.path, _tag(work), self._rewrite)
        if self._written is not None and shown is not None and shown.digest == self._written:
            _observe(work, _tag(work), self._before, self._written)

    def _rewrite(self, current: Manifest | None) -> Rewrite | None:
        if isinstance(current, ImageIndex):
            raise UnavailableError(
                f"{self._work.draft.repository}:{_tag(self._work)} is an index; nothing is written over it",
                cause=Cause.MALFORMED,
                reason_code="attestations-unreadable",
            )
        attachment = self._change(current)
        if attachment is None:
            return None
        _put_blobs(self._work, attachment)
        self._work.guard()
        self._before = None if current is None else current.digest
        self._written = attachment.digest
        return Rewrite(attachment.manifest, attachment.media_type)
