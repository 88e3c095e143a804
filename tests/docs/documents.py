"""The project's Markdown files, and what is read out of them."""

import re
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
TOP: Final = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")
DOCUMENTS: Final = sorted([*(ROOT / name for name in TOP), *(ROOT / "docs").rglob("*.md")])
FENCE: Final = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def name_of(path: Path) -> str:
    """Return a document's path as a test's id."""
    return path.relative_to(ROOT).as_posix()


def prose(text: str) -> str:
    """Return a document without its blocks of code."""
    return FENCE.sub("", text)


def commands(text: str) -> list[str]:
    """Return what a document shows as code: lines of blocks, indented lines, and inline code."""
    found = [line for block in FENCE.findall(text) for line in block.splitlines()[1:-1]]
    found += re.findall(r"^ {4,}(\S.*)$", prose(text), re.MULTILINE)
    found += re.findall(r"`([^`\n]+)`", prose(text))
    return [re.sub(r"\s+#\s.*$", "", line) for line in found]
