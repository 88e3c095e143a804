"""Paths of the project that documents name exist."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.docs.documents import DOCUMENTS, ROOT, name_of

FOLDERS = "app|worker|codec|model|contract|bench|tests|docs|docker"
# A path ends before a line number or an anchor.
PATH = re.compile(rf"(?<![\w./-])((?:{FOLDERS})/[\w./-]*\w/?)")
# The changelog names removed files.
CHECKED = [path for path in DOCUMENTS if path.name != "CHANGELOG.md"]


def list_tracked() -> set[str]:
    """Return the project's files and their folders."""
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    files = set(listed)
    return files | {parent.as_posix() for file in files for parent in Path(file).parents}


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="needs a checkout")
def test_paths_exist() -> None:
    known = list_tracked()
    missing = [
        f"{name_of(document)}: {path}"
        for document in CHECKED
        for path in sorted(set(PATH.findall(document.read_text("utf-8"))))
        if path.rstrip("/") not in known and not is_relative(document, path)
    ]
    assert not missing, "\n" + "\n".join(missing)


def is_relative(document: Path, path: str) -> bool:
    """Return whether a path exists relative to the document's folder."""
    return (document.parent / path).exists()
