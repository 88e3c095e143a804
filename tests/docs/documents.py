"""The project's Markdown files and their commands."""

import re
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
TOP: Final = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")
DOCUMENTS: Final = sorted([*(ROOT / name for name in TOP), *(ROOT / "docs").rglob("*.md")])
FENCE: Final = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def name_of(path: Path) -> str:
    """Return a document's path from the root, the id of its tests."""
    return path.relative_to(ROOT).as_posix()


def drop_code_blocks(text: str) -> str:
    """Return a document without its code blocks."""
    return FENCE.sub("", text)


def find_code(text: str) -> list[str]:
    """Return a document's lines of code: in code blocks, indented, and inline."""
    found = [line for block in FENCE.findall(text) for line in block.splitlines()[1:-1]]
    found += re.findall(r"^ {4,}(\S.*)$", drop_code_blocks(text), re.MULTILINE)
    found += re.findall(r"`([^`\n]+)`", drop_code_blocks(text))
    return [re.sub(r"\s+#\s.*$", "", line) for line in found]


def read_defaults(heading: str) -> dict[str, str]:
    """Return the defaults of settings by name, from the table of docs/operations.md below ``heading``.

    Settings without one, or whose default is described in words, are left out.
    """
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    table = text.split(f"\n### {heading}\n", 1)[1].split("\n#", 1)[0]
    return dict(re.findall(r"^\| `([A-Z_]+)` \| `([^`]+)` \|", table, re.MULTILINE))
