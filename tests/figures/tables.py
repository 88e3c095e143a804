"""Committed result files, documents, and the rows of their tables."""

import json
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[2]
DOCS: Final = ROOT / "docs"
RESULTS: Final = ROOT / "bench" / "results"
QUALITIES: Final = ("50", "75")


def read_result(name: str) -> dict[str, Any]:
    """Return a committed result file."""
    loaded: dict[str, Any] = json.loads((RESULTS / name).read_text())
    return loaded


def read_document(name: str) -> str:
    """Return the text of README.md or of a document below docs."""
    return (ROOT / name if name == "README.md" else DOCS / name).read_text("utf-8")


def format_row(*cells: str) -> str:
    """Return a row of a Markdown table."""
    return "| " + " | ".join(cells) + " |"


def format_difference(value: float, digits: int = 2) -> str:
    """Return a difference with its sign, a typographic minus, as the tables show it."""
    return f"{value:+.{digits}f}".replace("-", "−")


def subtract(own: dict[str, float], standard: dict[str, float]) -> dict[str, float]:
    """Return the differences of the measures that both have."""
    return {key: own[key] - standard[key] for key in standard if key in own}


def sum_cpu_ms(server: dict[str, Any]) -> float:
    """Return a server's CPU time per photo, over all roles."""
    by_role: dict[str, float] = server["cpu_ms_per_image"]
    return by_role["all"] if "all" in by_role else sum(by_role.values())
