"""What people and tools write where a licence belongs, and what it means in the words of the SPDX list."""

from __future__ import annotations

import pytest

from gatekeeper.core.licence import AllOf, AnyOf, Licence, UnknownLicence
from gatekeeper.sbom.licences import parse

MEANT: dict[str, str] = {
    # SPDX 2.3 annex D: identifiers and operators in any case, `+`, WITH, references.
    "mit": "MIT",
    "apache-2.0 and MIT": "Apache-2.0 AND MIT",
    "MIT OR Apache-2.0 AND ISC": "MIT OR Apache-2.0 AND ISC",
    "(MIT OR Apache-2.0) AND ISC": "(MIT OR Apache-2.0) AND ISC",
    "((MIT))": "MIT",
    "MIT AND MIT": "MIT",
    "Apache-2.0+": "Apache-2.0+",
    "gpl-2.0-only with classpath-exception-2.0": "GPL-2.0-only WITH Classpath-exception-2.0",
    "GPL-2.0+ WITH Bison-exception-2.2": "GPL-2.0-or-later WITH Bison-exception-2.2",
    "LicenseRef-ours": "LicenseRef-ours",
    "DocumentRef-tool-1.2:LicenseRef-MIT-Style-2": "DocumentRef-tool-1.2:LicenseRef-MIT-Style-2",
    "MIT WITH AdditionRef-ours": "MIT WITH AdditionRef-ours",
    # Deprecated identifiers.
    "GPL-2.0": "GPL-2.0-only",
    "GPL-2.0+": "GPL-2.0-or-later",
    "LGPL-2.1+": "LGPL-2.1-or-later",
    "AGPL-3.0": "AGPL-3.0-only",
    "GFDL-1.3": "GFDL-1.3-only",
    "eCos-2.0": "GPL-2.0-or-later WITH eCos-exception-2.0",
    "wxWindows": "LGPL-2.0-or-later WITH WxWindows-exception-3.1",
    "GPL-2.0-with-classpath-exception": "GPL-2.0-only WITH Classpath-exception-2.0",
    "GPL-2.0-with-autoconf-exception": "GPL-2.0-only WITH Autoconf-exception-2.0",
    "GPL-2.0-with-bison-exception": "GPL-2.0-only WITH Bison-exception-2.2",
    "GPL-2.0-with-font-exception": "GPL-2.0-only WITH Font-exception-2.0",
    "GPL-2.0-with-GCC-exception": "GPL-2.0-only WITH GCC-exception-2.0",
    "GPL-3.0-with-autoconf-exception": "GPL-3.0-only WITH Autoconf-exception-3.0",
    "gpl-3.0-with-gcc-exception": "GPL-3.0-only WITH GCC-exception-3.1",
    "MIT OR GPL-3.0-with-GCC-exception": "MIT OR GPL-3.0-only WITH GCC-exception-3.1",
    "MPL-2.0-no-copyleft-exception": "MPL-2.0-no-copyleft-exception",
    # Names of package tools, and pages about licences.
    "GPLv2+": "GPL-2.0-or-later",
    "MIT/Apache-2.0": "MIT OR Apache-2.0",
    "MIT, BSD": "MIT AND BSD-3-Clause",
    "Apache License, Version 2.0": "Apache-2.0",
    "https://opensource.org/licenses/MIT": "MIT",
    "https://opensource.org/license/isc/": "ISC",
    "http://www.apache.org/licenses/LICENSE-2.0.txt": "Apache-2.0",
    "https://spdx.org/licenses/BSD-3-Clause.html": "BSD-3-Clause",
    "https://licenses.nuget.org/MIT": "MIT",
}


@pytest.mark.parametrize("text", MEANT)
def test_what_is_meant(text: str) -> None:
    found = parse(text)
    assert str(found) == MEANT[text]
    assert isinstance(found, Licence | AllOf | AnyOf)


@pytest.mark.parametrize("text", ["", "  ", "NOASSERTION", "NONE", "noassertion", "UNKNOWN"])
def test_nobody_said(text: str) -> None:
    assert parse(text) is None


@pytest.mark.parametrize(
    "text",
    ["MIT OR", "AND MIT", "(MIT", "MIT)", "MIT WITH Foo", "MIT WITH MIT", "Classpath-exception-2.0", "Our own",
     "https://example.org/licenses/MIT", "https://spdx.org/licenses/", "://", "GPL-2.0-only|MIT", "*"],
)  # fmt: skip
def test_what_names_no_licence_stays_as_it_is(text: str) -> None:
    assert parse(text) == UnknownLicence(text)


@pytest.mark.parametrize("text", ["MIT AND NOASSERTION", "NONE OR MIT"])
def test_what_nobody_said_of_a_part_is_unknown(text: str) -> None:
    found = parse(text)
    assert isinstance(found, AllOf | AnyOf)
    assert any(isinstance(part, UnknownLicence) for part in found.parts)
