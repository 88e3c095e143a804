"""Names of files as they may be shown."""

import os
from pathlib import Path


def shown(path: Path) -> str:
    """Return a path without line breaks and control characters, as valid UTF-8."""
    text = os.fsencode(path).decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
