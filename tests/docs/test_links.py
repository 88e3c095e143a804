"""Links between documents resolve to a file, and to a heading if they name one."""

import re
from pathlib import Path

import pytest

from tests.docs.documents import DOCUMENTS, ROOT, drop_code_blocks, name_of

LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")


def find_anchors(path: Path) -> set[str]:
    """Return the anchors of a document's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", drop_code_blocks(path.read_text("utf-8")), re.MULTILINE)
    return {
        re.sub(r"[^\w\- ]", "", re.sub(r"\]\([^)]*\)", "", heading))
        .strip()
        .lower()
        .replace(" ", "-")
        for heading in headings
    }


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_links_resolve(document: Path) -> None:
    broken = []
    for link in LINK.findall(drop_code_blocks(document.read_text("utf-8"))):
        if re.match(r"\w+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (document.parent / path).resolve() if path else document
        if not target.exists() or (anchor and anchor not in find_anchors(target)):
            broken.append(link)
    assert broken == []


def test_all_decisions_are_listed_and_complete() -> None:
    folder = ROOT / "docs" / "decisions"
    index = (folder / "README.md").read_text("utf-8")
    records = sorted(folder.glob("[0-9]*.md"))
    assert records
    headings = ["Context", "Decision", "Consequences", "Evidence"]
    for number, record in enumerate(records, start=1):
        text = record.read_text("utf-8")
        assert record.name.startswith(f"{number:04}-")
        assert f"]({record.name})" in index
        assert re.findall(r"^## (.+)$", text, re.MULTILINE)[:4] == headings, record.name
