"""Which platform a runtime takes a descriptor for: several spellings name one platform.

Runtimes normalise what an index declares before they choose (containerd, ``platforms.Normalize``). Whoever filters by
the written word would leave ``linux/x86_64`` unjudged and let every amd64 machine run it.
"""

from __future__ import annotations

from gatekeeper.core.evidence import Platform

_SYSTEMS = {"macos": "darwin"}
_ARCHITECTURES = {
    "i386": "386", "x86_64": "amd64", "x86-64": "amd64", "aarch64": "arm64", "armhf": "arm", "armel": "arm",
}  # fmt: skip
_VARIANTS = {"amd64": "v1", "arm64": "v8", "arm": "v7", "armel": "v6"}
"""What an architecture means when no variant is written."""


def is_listed(platform: Platform | None, listed: tuple[str, ...]) -> bool:
    """True when a runtime may run this image on one of the listed platforms (``os/architecture[/variant]``).

    ``linux/arm64`` names every variant, ``linux/arm64/v8`` only this one. An unknown platform may be any of them.
    """
    if platform is None or not platform.os or not platform.architecture:
        return True
    found = _normalised(platform.os, platform.architecture, platform.variant or "")
    for written in listed:
        os, architecture, variant = (*written.split("/"), "", "")[:3]
        wanted = _normalised(os, architecture, variant)
        if found == wanted or (not variant and found[:2] == wanted[:2]):
            return True
    return False


def of_machine(architecture: str) -> str:
    """``x86_64``, as ``uname`` says -> ``linux/amd64``: what runs in containers on such a machine."""
    return f"linux/{_ARCHITECTURES.get(architecture.lower(), architecture.lower())}"


def _normalised(os: str, architecture: str, variant: str) -> tuple[str, str, str]:
    os, architecture, variant = os.lower(), architecture.lower(), variant.lower()
    implied = _VARIANTS.get(architecture) or _VARIANTS.get(_ARCHITECTURES.get(architecture, ""), "")
    if variant.isdecimal():
        variant = f"v{variant}"
    return _SYSTEMS.get(os, os), _ARCHITECTURES.get(architecture, architecture), variant or implied
