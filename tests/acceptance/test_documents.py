"""The documents hang together: every link leads somewhere, the index names all of them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def name(document: Path) -> str:
    return str(document.relative_to(ROOT))


def links(document: Path) -> list[str]:
    """Targets of relative links, outside of code."""
    text = re.sub(r"^```.*?^```", "", document.read_text(), flags=re.MULTILINE | re.DOTALL)
    text = re.sub(r"`[^`\n]*`", "", text)
    found = re.findall(r"\]\(([^)\s]+)\)", text)
    return [target for target in found if "://" not in target]


def anchors(document: Path) -> set[str]:
    """What a heading is called in a link."""
    headings = re.findall(r"^#+ (.*)$", document.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_every_link_leads_somewhere(document: Path) -> None:
    for link in links(document):
        path, _, anchor = link.partition("#")
        target = (document.parent / path).resolve() if path else document
        assert target.exists(), f"{name(document)}: {link}"
        assert not anchor or anchor in anchors(target), f"{name(document)}: {link}"


def test_the_index_names_every_document() -> None:
    index = ROOT / "docs" / "index.md"
    named = {(index.parent / link.partition("#")[0]).resolve() for link in links(index)}
    own = {path for path in (ROOT / "docs").glob("*.md") if path != index}
    assert own - named == set()


def test_the_map_of_the_house_is_the_house() -> None:
    """Every room stands in the figure, every named file exists."""
    text = (ROOT / "docs" / "architecture.md").read_text()
    house = ROOT / "gatekeeper"
    figure = text.split("```")[1]
    drawn = set(re.findall(r"^(?:floor \d)? +([a-z]+(?:/|\.py)) ", figure, re.MULTILINE))
    rooms = {f"{path.name}/" for path in house.iterdir() if (path / "__init__.py").is_file()}
    files = {path.name for path in house.glob("*.py") if not path.name.startswith("__")}
    assert drawn == rooms | files
    named = set(re.findall(r"`((?:[a-z_]+/)*[a-z_]+\.py)`", text)) - {"dev.py"}
    assert len(named) > 20
    assert {name for name in named if not (house / name).is_file()} == set()
