"""What people write where an SPDX identifier belongs: the names of package tools, registries and old habits.

Keys are case-folded. Unversioned names follow the licence's own words: the GPL says that no version means any version.
``BSD`` alone is read as the three-clause form, as scanners do; its two-clause form permits more.
"""

from __future__ import annotations

from collections.abc import Mapping

_MIT = ("expat", "mit license", "the mit license", "mit licence", "mit-license", "mit/x11", "x11/mit", "mit/expat",
        "the mit license (mit)", "mit license (mit)", "license :: osi approved :: mit license")  # fmt: skip
_APACHE_2 = (
    "apache", "apache 2", "apache 2.0", "apache-2", "apache2", "apache2.0", "apache v2", "apache v2.0", "asl 2.0",
    "asl2.0", "al2", "apache license", "apache license 2.0", "apache license v2.0", "apache license version 2.0",
    "apache license, version 2.0", "the apache license, version 2.0", "the apache software license, version 2.0",
    "apache software license", "apache software license 2.0", "apache software license, version 2.0",
    "license :: osi approved :: apache software license",
)  # fmt: skip
_BSD_3 = (
    "bsd", "bsd license", "bsd-3", "bsd 3-clause", "bsd 3-clause license", "bsd-3-clause license", "new bsd",
    "new bsd license", "modified bsd license", "revised bsd", "3-clause bsd", "3-clause bsd license", "bsd3",
    "the bsd 3-clause license", "the new bsd license", "bsd-style", "license :: osi approved :: bsd license",
)  # fmt: skip
_BSD_2 = (
    "bsd-2", "bsd 2-clause", "bsd 2-clause license", "simplified bsd", "simplified bsd license", "2-clause bsd",
    "freebsd license", "bsd2", "the bsd 2-clause license",
)  # fmt: skip
_EPL = {
    "eclipse public license - v 1.0": "EPL-1.0",
    "eclipse public license 1.0": "EPL-1.0",
    "eclipse public license v1.0": "EPL-1.0",
    "eclipse public license - v 2.0": "EPL-2.0",
    "eclipse public license 2.0": "EPL-2.0",
    "eclipse public license v2.0": "EPL-2.0",
    "eclipse public license v. 2.0": "EPL-2.0",
    "epl 1.0": "EPL-1.0",
    "epl 2.0": "EPL-2.0",
    "cddl": "CDDL-1.0",
    "cddl 1.0": "CDDL-1.0",
    "cddl 1.1": "CDDL-1.1",
    "edl 1.0": "BSD-3-Clause",
    "eclipse distribution license - v 1.0": "BSD-3-Clause",
}
_OTHERS = {
    "artistic": "Artistic-1.0-Perl",
    "artistic 2.0": "Artistic-2.0",
    "artistic-2": "Artistic-2.0",
    "boost": "BSL-1.0",
    "boost software license 1.0": "BSL-1.0",
    "bsl 1.0": "BSL-1.0",
    "cc0": "CC0-1.0",
    "cc0 1.0": "CC0-1.0",
    "cc0 1.0 universal": "CC0-1.0",
    "isc license": "ISC",
    "isc license (iscl)": "ISC",
    "license :: osi approved :: isc license (iscl)": "ISC",
    "mozilla public license 2.0": "MPL-2.0",
    "mozilla public license 2.0 (mpl 2.0)": "MPL-2.0",
    "mozilla public license version 2.0": "MPL-2.0",
    "mozilla public license, version 2.0": "MPL-2.0",
    "license :: osi approved :: mozilla public license 2.0 (mpl 2.0)": "MPL-2.0",
    "mpl 1.1": "MPL-1.1",
    "mpl 2.0": "MPL-2.0",
    "mpl-2": "MPL-2.0",
    "mpl2": "MPL-2.0",
    "mpl2.0": "MPL-2.0",
    "mplv1.1": "MPL-1.1",
    "mplv2.0": "MPL-2.0",
    "openldap": "OLDAP-2.8",
    "openssl license": "OpenSSL",
    "php license 3.01": "PHP-3.01",
    "psf": "PSF-2.0",
    "psfl": "PSF-2.0",
    "python": "Python-2.0",
    "python software foundation license": "PSF-2.0",
    "license :: osi approved :: python software foundation license": "PSF-2.0",
    "the unlicense": "Unlicense",
    "the unlicense (unlicense)": "Unlicense",
    "unlicence": "Unlicense",
    "the go license": "BSD-3-Clause",
    "vim license": "Vim",
    "w3c license": "W3C",
    "zlib/libpng": "Zlib",
    "zlib license": "Zlib",
    "zpl 2.1": "ZPL-2.1",
}  # fmt: skip


def _gnu() -> dict[str, str]:
    """GPL, LGPL and AGPL as Debian (``GPL-2+``), Fedora (``GPLv2+``) and people (``GPL 2``) spell them."""
    names: dict[str, str] = {}
    versions = {
        "GPL": ("1.0", "2.0", "3.0"),
        "LGPL": ("2.0", "2.1", "3.0"),
        "AGPL": ("1.0", "3.0"),
    }
    for family, known in versions.items():
        for version in known:
            short = version.removesuffix(".0")
            for number in {version, short}:
                for gap in ("", " ", "-", "v", " v", "-v"):
                    written = f"{family}{gap}{number}".casefold()
                    names[written] = names[f"{written}-only"] = f"{family}-{version}-only"
                    later = f"{family}-{version}-or-later"
                    names[f"{written}+"] = names[f"{written}-or-later"] = names[f"{written} or later"] = later
                    names[f"{written} or newer"] = later
                names[f"{family} (>= {number})".casefold()] = f"{family}-{version}-or-later"
    names |= {
        "gpl": "GPL-1.0-or-later",
        "gpl+": "GPL-1.0-or-later",
        "lgpl": "LGPL-2.0-or-later",
        "lgpl+": "LGPL-2.0-or-later",
        "agpl": "AGPL-3.0-only",
        "gnu gpl": "GPL-1.0-or-later",
        "gnu lgpl": "LGPL-2.0-or-later",
        "gnu general public license": "GPL-1.0-or-later",
        "gnu lesser general public license": "LGPL-2.0-or-later",
    }
    for title, family, marks in (
        ("GNU General Public License", "GPL", (("2.0", "v2", "GPLv2"), ("3.0", "v3", "GPLv3"))),
        ("GNU Lesser General Public License", "LGPL", (("2.1", "v2.1", "LGPLv2.1"), ("3.0", "v3", "LGPLv3"))),
        ("GNU Affero General Public License", "AGPL", (("3.0", "v3", "AGPLv3"),)),
    ):
        for version, mark, tag in marks:
            for written in (
                f"{title} {mark}", f"{title} {mark} ({tag})", f"{title} {mark}.0", f"{title}, version {mark[1:]}",
                f"{title} version {mark[1:]}", f"License :: OSI Approved :: {title} {mark} ({tag})",
            ):  # fmt: skip
                names[written.casefold()] = f"{family}-{version}-only"
            for written in (
                f"{title} {mark} or later", f"{title} {mark} or later ({tag}+)",
                f"License :: OSI Approved :: {title} {mark} or later ({tag}+)",
            ):  # fmt: skip
                names[written.casefold()] = f"{family}-{version}-or-later"
    return names


WITH_EXCEPTION: Mapping[str, tuple[str, str]] = {
    "ecos-2.0": ("GPL-2.0-or-later", "eCos-exception-2.0"),
    "gpl-2.0-with-autoconf-exception": ("GPL-2.0-only", "Autoconf-exception-2.0"),
    "gpl-2.0-with-bison-exception": ("GPL-2.0-only", "Bison-exception-2.2"),
    "gpl-2.0-with-classpath-exception": ("GPL-2.0-only", "Classpath-exception-2.0"),
    "gpl-2.0-with-font-exception": ("GPL-2.0-only", "Font-exception-2.0"),
    "gpl-2.0-with-gcc-exception": ("GPL-2.0-only", "GCC-exception-2.0"),
    "gpl-3.0-with-autoconf-exception": ("GPL-3.0-only", "Autoconf-exception-3.0"),
    "gpl-3.0-with-gcc-exception": ("GPL-3.0-only", "GCC-exception-3.1"),
    "wxwindows": ("LGPL-2.0-or-later", "WxWindows-exception-3.1"),
}
"""Deprecated SPDX identifiers (case-folded) that stood for a licence and an exception: what the list says instead."""
STANDING_ALONE: Mapping[str, str] = {
    "mpl-2.0-no-copyleft-exception": "MPL-2.0-no-copyleft-exception",
}
"""Licences of the SPDX list (case-folded) that look like exceptions."""
ADDRESSES = (
    "spdx.org/licenses/",
    "opensource.org/license/",
    "opensource.org/licenses/",
    "licenses.nuget.org/",
)
"""Pages that end in the identifier of a licence."""
PAGES: Mapping[str, str] = {
    "apache.org/licenses/license-2.0": "Apache-2.0",
    "eclipse.org/legal/epl-v10": "EPL-1.0",
    "eclipse.org/legal/epl-2.0": "EPL-2.0",
    "gnu.org/licenses/gpl-2.0": "GPL-2.0-only",
    "gnu.org/licenses/gpl-3.0": "GPL-3.0-only",
    "gnu.org/licenses/lgpl-2.1": "LGPL-2.1-only",
    "gnu.org/licenses/lgpl-3.0": "LGPL-3.0-only",
    "mozilla.org/mpl/2.0": "MPL-2.0",
}
"""Other pages, case-folded, without scheme, ``www.`` and ending."""

ALIASES: Mapping[str, str] = {
    **_gnu(),
    **dict.fromkeys(_MIT, "MIT"),
    **dict.fromkeys(_APACHE_2, "Apache-2.0"),
    **dict.fromkeys(_BSD_3, "BSD-3-Clause"),
    **dict.fromkeys(_BSD_2, "BSD-2-Clause"),
    **_EPL,
    **_OTHERS,
}
"""Case-folded name -> SPDX identifier."""
