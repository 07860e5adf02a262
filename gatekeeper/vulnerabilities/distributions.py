"""Distributions: which ecosystem of OSV a release belongs to, and which advisories concern it.

Facts: os-release(5) for ids and versions, the OSV schema ("Defined ecosystems") for the suffixes of ecosystems.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import msgspec

from gatekeeper.core.component import OperatingSystem
from gatekeeper.core.package_url import PackageUrl


class Release(msgspec.Struct, frozen=True, gc=False):
    """One release of a distribution. ``ecosystem`` is empty when OSV has none for it."""

    system: str
    """The distribution's id: ``debian``, ``rhel``, ``opensuse-leap``; empty for a rebuilder's language packages."""
    suffix: str
    """The release as advisories write it: ``12``, ``v3.20``, ``22.04``; empty for a rolling one."""
    ecosystem: str = ""
    version: str = ""
    """``VERSION_ID`` as said: ``9.4``."""
    name: str = ""
    """``PRETTY_NAME`` as said, where service packs are written only there."""


_DISTRO = re.compile(r"(.+?)[-_:]v?([0-9][\w.]*|edge|sid|tumbleweed|stream)$")
_VERSION = re.compile(r"v?[0-9][\w.]*")
_CODENAMES: Mapping[str, tuple[str, str]] = {
    "jessie": ("debian", "8"),
    "stretch": ("debian", "9"),
    "buster": ("debian", "10"),
    "bullseye": ("debian", "11"),
    "bookworm": ("debian", "12"),
    "trixie": ("debian", "13"),
    "forky": ("debian", "14"),
    "duke": ("debian", "15"),
    "sid": ("debian", "sid"),
    "trusty": ("ubuntu", "14.04"),
    "xenial": ("ubuntu", "16.04"),
    "bionic": ("ubuntu", "18.04"),
    "focal": ("ubuntu", "20.04"),
    "jammy": ("ubuntu", "22.04"),
    "noble": ("ubuntu", "24.04"),
    "oracular": ("ubuntu", "24.10"),
    "plucky": ("ubuntu", "25.04"),
    "questing": ("ubuntu", "25.10"),
}


def _major(version: str) -> str:
    return version.partition(".")[0]


def _as_it_is(version: str) -> str:
    return version


def _two_parts(version: str) -> str:
    return ".".join(version.split(".")[:2])


def _alpine(version: str) -> str:
    if version in ("", "edge"):
        return version
    # An edge image calls itself 3.21_alpha20240807.
    return "edge" if "_" in version else f"v{_two_parts(version)}"


def _none(_: str) -> str:
    return ""


_DISTRIBUTIONS: Mapping[str, tuple[str, Callable[[str], str]]] = {
    "almalinux": ("AlmaLinux", _major),
    "alpaquita": ("Alpaquita", _major),
    "alpine": ("Alpine", _alpine),
    "azurelinux": ("Azure Linux", _major),
    "bellsoft-hardened-containers": ("BellSoft Hardened Containers", _major),
    "centos": ("Red Hat", _major),
    "chainguard": ("Chainguard", _none),
    "cleanstart": ("CleanStart", _none),
    "debian": ("Debian", _major),
    "echo": ("Echo", _none),
    "mageia": ("Mageia", _major),
    "mariner": ("Azure Linux", _major),
    "minimos": ("MinimOS", _none),
    "openeuler": ("openEuler", _as_it_is),
    "opensuse-leap": ("openSUSE", lambda version: f"Leap {version}"),
    "opensuse-tumbleweed": ("openSUSE", lambda _: "Tumbleweed"),
    "photon": ("Photon OS", _two_parts),
    "rhel": ("Red Hat", _major),
    "rocky": ("Rocky Linux", _major),
    "sles": ("SUSE", _as_it_is),
    "sle-micro": ("SUSE", _as_it_is),
    "ubuntu": ("Ubuntu", _two_parts),
    "wolfi": ("Wolfi", _none),
}
_SAME = {
    "alma": "almalinux",
    "cbl-mariner": "mariner",
    "leap": "opensuse-leap",
    "minimus": "minimos",
    "opensuse": "opensuse-leap",
    "opensuse.leap": "opensuse-leap",
    "opensuse.tumbleweed": "opensuse-tumbleweed",
    "red hat": "rhel",
    "redhat": "rhel",
    "rocky linux": "rocky",
    "rockylinux": "rocky",
    "sl-micro": "sle-micro",
    "sle-micro-rancher": "sle-micro",
    "sle_hpc": "sles",
    "sled": "sles",
    "sles_sap": "sles",
    "suse": "sles",
    "suse linux enterprise server": "sles",
    "suse-microos": "sle-micro",
    "tumbleweed": "opensuse-tumbleweed",
}
_ROLLING = frozenset({"chainguard", "cleanstart", "echo", "minimos", "opensuse-tumbleweed", "wolfi"})


def release_of(purl: PackageUrl, system: OperatingSystem | None) -> Release | None:
    """The release an OS package belongs to: its purl's ``distro``, else the document's system, else its namespace.

    None when nobody says. A distribution that OSV does not know has an empty ecosystem.
    """
    known, version = _distro(purl.qualifier("distro"))
    namespace = _canonical(purl.namespace)
    name = ""
    if system is not None and (not known or known == _canonical(system.id)):
        known = known or _canonical(system.id)
        version = version or system.version_id or _CODENAMES.get(system.codename.casefold(), ("", ""))[1]
        name = system.name
    if known not in _DISTRIBUTIONS and namespace in _DISTRIBUTIONS:
        known = namespace
    elif namespace in _ROLLING and known in _ROLLING:
        # Wolfi's packages in an image of Chainguard: their own feed tells of them.
        known = namespace
    known = known or namespace
    if not known:
        return None
    if known not in _DISTRIBUTIONS:
        return Release(known, version, "", version, name)
    if known == "opensuse-leap" and "tumbleweed" in (purl.qualifier("distro") + name).casefold():
        known = "opensuse-tumbleweed"
    if not version and known not in _ROLLING:
        return None
    ecosystem, suffix = _DISTRIBUTIONS[known]
    return Release(known, suffix(version), ecosystem, version, name)


def _canonical(system: str) -> str:
    lower = system.casefold()
    return _SAME.get(lower, lower)


def _distro(text: str) -> tuple[str, str]:
    """``debian-12`` -> (``debian``, ``12``); ``bookworm`` -> the same; ``3.20.1`` -> only the version."""
    lower = text.casefold()
    if _VERSION.fullmatch(lower):
        return "", lower.removeprefix("v")
    match = _DISTRO.fullmatch(lower)
    if match is None:
        codename = lower.rpartition("-")[2]
        return _CODENAMES.get(codename, (_canonical(lower), ""))
    return _canonical(match[1]), match[2]


_SUSE = re.compile(r"(\d+)(?:[ -]SP(\d+))?(?:[ -](?:LTSS|ESPOS|TERADATA|BCL|CHOST)\S*)*$", re.IGNORECASE)
_SUSE_MICRO = re.compile(r"Micro (\d+(?:\.\d+)?)$", re.IGNORECASE)
_SERVICE_PACK = re.compile(r"\(?(LTS(?:-SP\d+)?)\)?", re.IGNORECASE)
_RED_HAT_MAJOR = re.compile(r"^(?:enterprise_linux(?:_eus)?|rhel)(?::|$)")
_RED_HAT_MINOR = re.compile(r"^rhel_(?:eus|aus|tus|e4s|els|mission_critical|extras_\w+)[a-z0-9_]*:([0-9.]+)")
_RED_HAT_STREAM = re.compile(r"\.el\d+(?:_\d+)*")
_FOREIGN_UBUNTU = ("fips", "realtime", "nvidia", "tegra", "bluefield")


def concerns(suffix: str, release: Release, version: str) -> bool:
    """Whether advisories of this ecosystem suffix concern this release. ``version``: of the package.

    No suffix means every release of the distribution.
    """
    if not suffix:
        return True
    match release.ecosystem:
        case "Ubuntu":
            return _ubuntu(suffix, release, version)
        case "Red Hat":
            return _red_hat(suffix, release, version)
        case "SUSE":
            return _suse(suffix, release)
        case "openEuler":
            return _open_euler(suffix, release)
        case "Alpine":
            return suffix.removeprefix("v") == release.suffix.removeprefix("v")
        case "":
            return suffix.replace(":v", ":") == release.suffix.replace(":v", ":")
        case _:
            return suffix.casefold() in {
                release.suffix.casefold(), release.version.casefold(), _major(release.version),
            }  # fmt: skip


def essential(release: Release, version: str) -> tuple[Release, str]:
    """Only what ``concerns`` asks of a release and of a package's version: its answers are the same."""
    system = said = name = stream = ""
    match release.ecosystem:
        case "Ubuntu":
            stream = " ".join(word for word in _FOREIGN_UBUNTU if word in version)
        case "Red Hat":
            said, stream = release.version, "".join(_RED_HAT_STREAM.findall(version))
        case "SUSE":
            said, system = release.version, release.system if release.system == "sle-micro" else ""
        case "openEuler":
            pack = _SERVICE_PACK.search(release.name)
            said, name = release.version, pack[0] if pack else ""
        case "Alpine" | "":
            pass
        case _:
            said = "" if release.version == release.suffix == _major(release.version) else release.version
    return Release(system, release.suffix, release.ecosystem, said, name), stream


def _ubuntu(suffix: str, release: Release, version: str) -> bool:
    parts = [part for part in suffix.split(":") if part not in ("LTS", "Pro")]
    extra = [part.casefold() for part in parts[:-1]]
    if not parts or parts[-1] != release.suffix:
        return False
    return all(any(word in part and word in version for word in _FOREIGN_UBUNTU) for part in extra)


def is_ubuntu_pro(suffix: str) -> bool:
    """``Pro:18.04:LTS``: fixed for subscribers of Ubuntu Pro alone."""
    return "Pro" in suffix.split(":")


def _red_hat(suffix: str, release: Release, version: str) -> bool:
    """The product stream of a CPE: the release itself, or an extended stream of exactly this minor release.

    Layered products are other products: no SBOM says whether they are installed.
    """
    if suffix.isdecimal() or re.fullmatch(r"\d+\.\d+", suffix):
        return _major(suffix) == release.suffix
    if _RED_HAT_MAJOR.match(suffix):
        said = suffix.split(":")[1] if ":" in suffix else ""
        return not said or _major(said) == release.suffix
    extended = _RED_HAT_MINOR.match(suffix)
    if extended is None:
        return False
    minor = extended[1]
    return minor in (release.version, release.suffix) or f".el{minor.replace('.', '_')}" in version


def _suse(suffix: str, release: Release) -> bool:
    micro = _SUSE_MICRO.search(suffix)
    if micro is not None or release.system == "sle-micro":
        return micro is not None and release.system == "sle-micro" and micro[1] == release.version
    match = _SUSE.search(suffix)
    if match is None or not suffix.casefold().startswith(
        ("linux enterprise", "suse linux enterprise", "sle")
    ):
        return False
    major, _, pack = release.version.partition(".")
    return (match[1], match[2] or "0") == (major, pack or "0")


def _open_euler(suffix: str, release: Release) -> bool:
    pack = _SERVICE_PACK.search(release.name) or _SERVICE_PACK.search(release.version)
    year = re.match(r"\d\d\.\d\d", release.version)
    if year is None or not suffix.startswith(year[0]):
        return False
    return pack is None or suffix.casefold() == f"{year[0]}-{pack[1]}".casefold()
